// zester job retry: flags → what would be sent (jobs/retry-plan.ts) → question → dispatch (jobs/dispatch.ts) → report
// (render/retry.ts). Nothing about the output may keep from saying whether a job was dispatched.

import type { ValueMap } from "../codec/value.ts";
import { parseDuration } from "../duration.ts";
import { EXIT, UserError } from "../errors.ts";
import { type Draft, dispatchRetry, draftRetry, mint, sizeFault, targetIds, type Wish } from "../jobs/retry-plan.ts";
import { type Ending, endingCode } from "../model/ending.ts";
import { parseJid } from "../model/jid.ts";
import { isTerminal } from "../model/job.ts";
import { conditionWords, retrySelection } from "../model/retry.ts";
import { endingDocument, endingLine, openDocument } from "../render/ending.ts";
import { retriesWords, waitingWords } from "../render/facts.ts";
import { dispatchedLine, nothingWords, renderPlan, retryDocument, theseWords } from "../render/retry.ts";
import { statusOn } from "../terminal/progress.ts";
import { enduring, reportError, type Terminal } from "../terminal/terminal.ts";
import { plural } from "../text.ts";
import type { RetryArgs } from "./flags.ts";
import { noteWord } from "./job-word.ts";
import { type Limit, LONGER, limitOf, notEnded, within } from "./limit.ts";
import { operatorName } from "./operator.ts";
import { writeDocument } from "./output.ts";
import { failIfEmpty, writeNone } from "./selecting.ts";
import { type Session, withSession } from "./session.ts";
import { Waiting } from "./wait.ts";

/** One run of the command. */
interface Run {
  readonly flags: RetryArgs;
  readonly session: Session;
  readonly draft: Draft;
}

/** What to say when a signal ends the process; undefined while nothing has been sent. */
interface Interrupted {
  words?: string | undefined;
}

/** @returns what is wanted, before anything is looked up */
function checkFlags(flags: RetryArgs): Wish {
  if (flags.for !== undefined && !flags.wait)
    throw new UserError("--for limits the wait of --wait.", "Give --wait too, or leave --for out.");
  const timeout = flags["job-timeout"];
  return {
    selects: retrySelection(flags),
    force: flags.force === true,
    timeoutMs: timeout === undefined ? undefined : parseDuration(timeout, "--job-timeout"),
  };
}

/** What a person has to know beside the plan. */
function warnBefore({ session: { terminal }, draft: { plan, reading, before, unheard } }: Run): void {
  const { row } = plan;
  if (!isTerminal(row.status))
    terminal.warn(`job ${row.jid} may go on: ${waitingWords(reading.story) ?? "every peel has returned"}.`);
  const retried = retriesWords(before);
  if (retried !== undefined) terminal.warn(`job ${row.jid} was retried already: ${retried}.`);
  plan.warnings.forEach(terminal.warn);
  // For people only: a site may keep heartbeats from its operators.
  if (unheard !== undefined && terminal.canTell) terminal.warn(unheard);
}

/** Shows the plan and asks; false when a person does not agree. @throws UserError when none can be asked, and without --yes */
async function isAgreed(run: Run): Promise<boolean> {
  const { flags, session, draft } = run;
  const { terminal, store } = session;
  const { peels } = draft.plan;
  const look = { color: false, columns: terminal.columns };
  const told = terminal.tell(renderPlan(draft.plan, look, store.nowNs()));
  warnBefore(run);
  if (flags.yes) return true;
  if (!terminal.canAsk || !told)
    throw new UserError(
      `a new job would be dispatched to ${plural(peels.length, "peel")}, and no one can be asked. Nothing was sent.`,
      "Give --yes to dispatch it, or --dry-run to see it only.",
    );
  if (await terminal.ask(`Dispatch a new job to ${theseWords(peels)}? [y/N] `)) return true;
  terminal.tell("Nothing dispatched.\n");
  return false;
}

/** Shows what would be sent; sends nothing. */
async function dryRun(run: Run): Promise<void> {
  const { session, draft } = run;
  const { terminal, format, store } = session;
  const { plan } = draft;
  warnBefore(run);
  if (format !== "text") return writeDocument(retryDocument(plan.row.jid, targetIds(draft)), format, terminal);
  terminal.write(renderPlan(plan, terminal, store.nowNs()));
  terminal.say(`Dry run: a new job would be dispatched to ${theseWords(plan.peels)}, nothing was sent.`);
}

/**
 * Waits until the new job has ended, and says how on `out`; programs get the document in any case, since it names the job.
 * @returns the exit code of its end
 */
async function follow(
  session: Session,
  out: Terminal,
  jid: string,
  document: ValueMap,
  limit: Limit | undefined,
): Promise<number> {
  const { format } = session;
  const waiting = new Waiting();
  const status = statusOn(session.terminal);
  let end = openDocument(jid, undefined);
  try {
    const ended = waiting.run(session, status, async () => [jid]);
    await within(limit, ended, (limit) => {
      throw notEnded([jid], limit, LONGER);
    });
    const ending = waiting.endings.get(jid) as Ending;
    if (format === "text") out.write(endingLine(ending, new Date(), out.columns));
    end = endingDocument(ending);
    return endingCode(ending);
  } catch (error) {
    end = openDocument(jid, waiting.rows.get(jid));
    throw error;
  } finally {
    status.end();
    if (format !== "text") await writeDocument(new Map([...document, ...end]), format, out);
  }
}

/** Sends the new job, reports, and stays until it has ended with --wait. */
async function execute(run: Run, limit: Limit | undefined, interrupted: Interrupted): Promise<number> {
  const { flags, session, draft } = run;
  const { terminal, format } = session;
  const { plan } = draft;
  const minted = mint(new Date(), operatorName(session.env));
  const { jid } = minted;
  const look = `\`zester job show ${jid}\` tells whether it was.`;
  interrupted.words = `interrupted: whether job ${jid} was dispatched is not known. ${look}`;
  const targets = targetIds(draft);
  const outcome = await dispatchRetry(session, draft, minted, terminal.warn).catch(async (error) => {
    interrupted.words = undefined;
    const document = retryDocument(plan.row.jid, targets, undefined, undefined, error);
    if (format !== "text" && error instanceof UserError) await writeDocument(document, format, terminal);
    throw error;
  });
  const document = retryDocument(plan.row.jid, targets, jid, outcome);
  if (outcome.kind === "unknown") {
    if (format !== "text") await writeDocument(document, format, terminal);
    throw new UserError(
      `whether job ${jid} was dispatched is not known: ${outcome.why}`,
      `It may still start: look with \`zester job show ${jid}\` before you retry again.`,
    );
  }
  interrupted.words = `interrupted: job ${jid} was dispatched; what became of it was not waited for.`;
  outcome.warnings.forEach(terminal.warn);
  let written = true;
  const out = enduring(terminal, (error) => {
    written = false;
    terminal.error(`job ${jid} was dispatched, but the report failed: ${(error as Error).message}.`);
  });
  if (format === "text") out.write(dispatchedLine(jid, targets.length, outcome.owner));
  let code: number = EXIT.done;
  if (flags.wait) code = await follow(session, out, jid, document, limit);
  else if (format !== "text") await writeDocument(document, format, out);
  interrupted.words = undefined;
  return code || (written ? EXIT.done : EXIT.error);
}

export async function run(flags: RetryArgs): Promise<number | undefined> {
  const text = parseJid(flags.jid);
  const wish = checkFlags(flags);
  const limit = limitOf(flags);
  const interrupted: Interrupted = {};
  const work = async (session: Session) => {
    const { store, terminal, format } = session;
    const draft = await draftRetry(store, text, wish, terminal.warn, noteWord(terminal));
    const { plan } = draft;
    if (plan.peels.length === 0) {
      plan.warnings.forEach(terminal.warn);
      const nothing = nothingWords(plan, conditionWords(flags));
      if (format === "text") writeNone(nothing, flags, terminal);
      else await writeDocument(retryDocument(plan.row.jid, []), format, terminal);
      failIfEmpty(flags, 0, nothing);
      return EXIT.done;
    }
    const run = { flags, session, draft };
    const fault = sizeFault(store, draft, operatorName(session.env));
    if (fault) throw fault;
    if (flags["dry-run"]) {
      await dryRun(run);
      return EXIT.done;
    }
    return (await isAgreed(run)) ? execute(run, limit, interrupted) : EXIT.error;
  };
  return await withSession(flags, work, {
    onSignal: () => {
      if (interrupted.words !== undefined) reportError(interrupted.words, {});
    },
  });
}
