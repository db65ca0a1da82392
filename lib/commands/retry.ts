// zester job retry: flags → what would be sent (jobs/retry-plan.ts) → question → dispatch (jobs/dispatch.ts) → report
// (render/retry.ts). Nothing about the output may keep from saying whether a job was dispatched.

import type { ArgsDef } from "citty";
import { defineCommand, type Flags } from "../cli/command.ts";
import type { ValueMap } from "../codec/value.ts";
import { parseDuration } from "../duration.ts";
import { EXIT, Transient, UserError } from "../errors.ts";
import { untilRecorded } from "../jobs/dispatch.ts";
import { reopen } from "../jobs/follow.ts";
import { readStored, resolveJob } from "../jobs/lookup.ts";
import {
  changeSince,
  type Draft,
  dispatchRetry,
  draftRetry,
  mint,
  sizeFault,
  targetIds,
  type Wish,
} from "../jobs/retry-plan.ts";
import { Waiting } from "../jobs/waiting.ts";
import { JobNotFound, parseJid } from "../model/jid.ts";
import { isActive, isPastClaimed, type JobRow } from "../model/job.ts";
import { type Ending, endingCode } from "../model/job-end.ts";
import { conditionWords, retrySelection } from "../model/retry.ts";
import type { PeelStory } from "../model/story.ts";
import { endingDocument, endingLine, openDocument } from "../render/ending.ts";
import { retriesWords, waitingWords } from "../render/facts.ts";
import { nothingWords, renderPlan, retryDocument, takenLine, theseWords } from "../render/retry.ts";
import type { Store } from "../store.ts";
import { statusOn } from "../terminal/progress.ts";
import { enduring, reportError, type Terminal } from "../terminal/terminal.ts";
import { plural } from "../text.ts";
import { noteReference } from "./job-reference.ts";
import { type Limit, LONGER, limitOf, notEnded, within } from "./limit.ts";
import { operatorName } from "./operator.ts";
import { writeDocument } from "./output.ts";
import { reportNone } from "./selecting.ts";
import { type Session, withSession } from "./session.ts";
import { type GlobalArgs, globals, jid, peels, scripted, steering } from "./shared.ts";
import { refuseTest } from "./surroundings.ts";
import { unknownFault, waitFor } from "./wait.ts";

const args = {
  ...globals,
  jid,
  bad: peels.bad,
  failed: peels.failed,
  missing: peels.missing,
  unreachable: peels.unreachable,
  peel: peels.peel,
  all: { type: "boolean", description: "every peel, those that are ok among them" },
  "job-timeout": { type: "string", valueHint: "duration", description: "of the new job (default: as the old one)" },
  force: { type: "boolean", description: "also a job that has not ended" },
  wait: { type: "boolean", description: "stay until the new job has ended, and say how" },
  ...steering,
  "dry-run": { type: "boolean", description: "show what would be dispatched, and send nothing" },
  ...scripted("no peel needs it"),
} as const satisfies ArgsDef;

type RetryArgs = Flags<typeof args>;

interface RetryRequest {
  /** An ID, a prefix, or a word such as @last. */
  readonly job: string;
  readonly wish: Wish;
  /** The conditions on peels as they were typed. */
  readonly conditions: string;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly wait: boolean;
  readonly limit: Limit | undefined;
  readonly failIfEmpty: boolean;
}

/** One run of the command. */
interface Run {
  readonly request: RetryRequest;
  readonly wish: Wish;
  readonly session: Session;
  readonly draft: Draft;
}

/** What a signal that ends the process finds; no words while nothing has been sent. */
interface Interrupted {
  words?: string | undefined;
  /** Takes away what stands on the line of stderr. */
  clear(): void;
}

function parse(flags: RetryArgs): RetryRequest {
  const job = parseJid(flags.jid);
  refuseTest(flags);
  if (flags.for !== undefined && !flags.wait)
    throw new UserError("--for limits the wait of --wait.", "Give --wait too, or leave --for out.");
  const timeout = flags["job-timeout"];
  return {
    job,
    wish: {
      selects: retrySelection(flags),
      force: flags.force === true,
      timeoutMs: timeout === undefined ? undefined : parseDuration(timeout, "--job-timeout"),
    },
    conditions: conditionWords(flags),
    yes: flags.yes === true,
    dryRun: flags["dry-run"] === true,
    wait: flags.wait === true,
    limit: limitOf(flags),
    failIfEmpty: flags["fail-if-empty"] === true,
  };
}

/** What a person has to know beside the plan. */
function warnBefore({ session: { terminal }, draft: { plan, reading, before, unheard } }: Run): void {
  const { row } = plan;
  if (isActive(row.status))
    terminal.warn(`job ${row.jid} may go on: ${waitingWords(reading.story) ?? "every peel has returned"}.`);
  const retried = retriesWords(before);
  if (retried !== undefined) terminal.warn(`job ${row.jid} was retried already: ${retried}.`);
  plan.warnings.forEach(terminal.warn);
  // For people only: a site may keep heartbeats from its operators.
  if (unheard !== undefined && terminal.canTell) terminal.warn(unheard);
}

/** Shows the plan. False when it can't be shown. */
function show(run: Run): boolean {
  const { terminal, store } = run.session;
  const told = terminal.tell(renderPlan(run.draft.plan, { color: false, columns: terminal.columns }, store.nowNs()));
  warnBefore(run);
  return told;
}

/** Shows the plan and asks; false when a person does not agree. @throws UserError when none can be asked, and without --yes */
async function isAgreed(run: Run): Promise<boolean> {
  const { request, session, draft } = run;
  const { terminal } = session;
  const { peels } = draft.plan;
  const told = show(run);
  if (request.yes) return true;
  if (!terminal.canAsk || !told)
    throw new UserError(
      `a new job would be dispatched to ${plural(peels.length, "peel")}, and no one can be asked. Nothing was sent.`,
      "Give --yes to dispatch it, or --dry-run to see it only.",
    );
  if (await terminal.ask(`Dispatch a new job to ${theseWords(peels)}? [y/N] `)) return true;
  terminal.tell("Nothing dispatched.\n");
  return false;
}

/** The same job once more; on another connection when that was lost while a person thought about it. */
async function lookAgain({ session, wish, draft }: Run): Promise<Draft> {
  const { jid } = draft.plan.row;
  const look = () => draftRetry(session.store, readStored(session.store, jid), wish, () => {});
  try {
    return await look().catch(async (error) => {
      if (!(error instanceof Transient)) throw error;
      await reopen(session, session.store.timeoutMs);
      return look();
    });
  } catch (error) {
    if (!(error instanceof JobNotFound)) throw error;
    throw new UserError(`job ${jid} no longer exists. Nothing was sent.`, "Its record expired or was deleted.");
  }
}

/**
 * What is agreed to, as it is at that moment: what changed since it was shown is shown, and asked about again. With --yes it is
 * sent to fewer peels than were shown when only those need it, and never to others.
 * @returns undefined when a person does not agree
 * @throws UserError when no one can be asked, and when the job can't be retried any more
 */
async function agreed(run: Run): Promise<Draft | undefined> {
  const { request, session, wish, draft } = run;
  const { jid } = draft.plan.row;
  const fault = sizeFault(session.store, draft, operatorName(session.env));
  if (fault) throw fault;
  if (!(await isAgreed(run))) return undefined;
  const shown = new Set(draft.plan.peels.map(({ peel }) => peel));
  const narrowed = { ...wish, selects: (peel: PeelStory) => wish.selects(peel) && shown.has(peel.peel) };
  const now = await lookAgain(request.yes ? { ...run, wish: narrowed } : run);
  const change = changeSince(draft, now);
  if (change === undefined || now.plan.peels.length === 0) return now;
  const news = `job ${jid} ${change === "replaced" ? "is another job" : "has changed"} since it was shown`;
  if (request.yes && change === "replaced")
    throw new UserError(
      `${news}. Nothing was sent.`,
      `Look at it with \`zester job show ${jid}\`, and retry it if it is meant.`,
    );
  session.terminal.warn(`${news}; this is true now:`);
  if (!request.yes) return agreed({ ...run, draft: now });
  show({ ...run, draft: now });
  return now;
}

/** Shows what would be sent; sends nothing. */
async function dryRun(run: Run): Promise<void> {
  const { session, draft } = run;
  const { terminal, format, store } = session;
  const { plan } = draft;
  const fault = sizeFault(store, draft, operatorName(session.env));
  if (fault) throw fault;
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
  documentOf: (seen: JobRow | undefined) => ValueMap,
  limit: Limit | undefined,
  interrupted: Interrupted,
): Promise<number> {
  const { format } = session;
  const waiting = new Waiting();
  const status = statusOn(session.terminal);
  interrupted.clear = status.end;
  let seen: JobRow | undefined;
  let end = openDocument(jid, undefined);
  try {
    const recorded = async (store: Store) => {
      await untilRecorded(store, jid);
      return [jid];
    };
    await within(limit, waitFor(waiting, session, status, recorded, limit), (limit) => {
      throw notEnded([jid], limit, LONGER);
    });
    const fault = unknownFault(waiting);
    if (fault) throw fault;
    const ending = waiting.endings.get(jid) as Ending;
    if (format === "text") out.write(endingLine(ending, session.store.now(), out.columns));
    seen = ending.row;
    end = endingDocument(ending);
    return endingCode(ending);
  } catch (error) {
    seen = waiting.rows.get(jid);
    end = openDocument(jid, seen);
    throw error;
  } finally {
    status.end();
    if (format !== "text") await writeDocument(new Map([...documentOf(seen), ...end]), format, out);
  }
}

/** Sends the new job, reports, and stays until it has ended with --wait. */
async function execute({ request: { wait, limit }, session, draft }: Run, interrupted: Interrupted): Promise<number> {
  const { terminal, format } = session;
  const { plan } = draft;
  const minted = mint(session.store.now(), operatorName(session.env));
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
  if (outcome.kind === "unknown") {
    if (format !== "text") await writeDocument(retryDocument(plan.row.jid, targets, jid, outcome), format, terminal);
    throw new UserError(
      `whether job ${jid} was dispatched is not known: ${outcome.why}`,
      `It may still start: look with \`zester job show ${jid}\` before you retry again.`,
    );
  }
  const taken = `job ${jid} was ${outcome.kind === "accepted" ? "accepted by a master" : "dispatched"}`;
  interrupted.words = `interrupted: ${taken}; what became of it was not waited for.`;
  outcome.warnings.forEach(terminal.warn);
  let written = true;
  const out = enduring(terminal, (error) => {
    written = false;
    terminal.error(`${taken}, but the report failed: ${(error as Error).message}.`);
  });
  if (format === "text") out.write(takenLine(jid, targets.length, outcome));
  const documentOf = (seen: JobRow | undefined) => {
    const { kind } = outcome;
    const now = isPastClaimed(seen?.status) ? "dispatched" : kind;
    return retryDocument(plan.row.jid, targets, jid, { ...outcome, kind: now });
  };
  let code: number = EXIT.done;
  if (wait) code = await follow(session, out, jid, documentOf, limit, interrupted);
  else if (format !== "text") await writeDocument(documentOf(undefined), format, out);
  interrupted.words = undefined;
  return code || (written ? EXIT.done : EXIT.error);
}

async function run(args: GlobalArgs, request: RetryRequest): Promise<number | undefined> {
  const { job, wish, dryRun: isDryRun } = request;
  const interrupted: Interrupted = { clear() {} };
  const work = async (session: Session) => {
    const { store, terminal, format } = session;
    const draft = await draftRetry(store, resolveJob(store, job, noteReference(terminal)), wish, terminal.warn);
    const run = { request, wish, session, draft };
    const isNone = draft.plan.peels.length === 0;
    const final = isNone || isDryRun ? draft : await agreed(run);
    if (!final) return EXIT.error;
    const { plan } = final;
    if (plan.peels.length === 0) {
      plan.warnings.forEach(terminal.warn);
      if (format !== "text") await writeDocument(retryDocument(plan.row.jid, []), format, terminal);
      reportNone(nothingWords(plan, request.conditions), request.failIfEmpty, session);
      return EXIT.done;
    }
    if (!isDryRun) return execute({ ...run, draft: final }, interrupted);
    await dryRun(run);
    return EXIT.done;
  };
  return await withSession(args, work, {
    onSignal: () => {
      interrupted.clear();
      if (interrupted.words !== undefined) reportError(interrupted.words, {});
    },
  });
}

export default defineCommand({
  meta: {
    description: "Dispatch a job again, to the peels that need it.",
    group: "Steer",
    details:
      "Dispatches a new job: the same function with the same arguments, on the peels that need it again. It is shown and asked about first.",
    notes: "Peels that may have run it already are named before it asks, and so are those that are offline now.",
    exitCodes: "0 done or nothing to do, 1 an error; --wait: as `zester job wait`.",
    examples: [
      "zester job retry @last-bad --dry-run",
      "zester job retry 20260115-001 --peel 'web-*' --yes --wait --for 10m",
    ],
  },
  args,
  run: ({ args }) => run(args, parse(args)),
});
