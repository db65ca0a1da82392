// zester job retry: flags → what would be sent (jobs/retry-plan.ts) → question → dispatch (jobs/dispatch.ts) → report
// (render/retry.ts). Whether a job was dispatched is reported even if the output fails.
import type { ArgsDef } from "citty";
import type { Flags } from "../cli/command.ts";
import { parseDuration } from "../duration.ts";
import { EXIT, Transient, UserError, withWords } from "../errors.ts";
import { dispatch, untilRecorded } from "../jobs/dispatch.ts";
import { reopen } from "../jobs/follow.ts";
import { readStored, resolveJob } from "../jobs/lookup.ts";
import { changeSince, type Draft, draftRetry, mint, newJob, sizeFault, targetIds } from "../jobs/retry-plan.ts";
import { Waiting } from "../jobs/waiting.ts";
import { JobNotFound, parseJid } from "../model/jid.ts";
import { isActive, isPastClaimed, type JobRow } from "../model/job.ts";
import { type Ending, endingCode } from "../model/job-end.ts";
import { requireNamed, retrySelection } from "../model/retry.ts";
import type { PeelStory } from "../model/story.ts";
import { endingDocument, endingLine, openDocument } from "../render/ending.ts";
import { retriesWords, waitingWords } from "../render/facts.ts";
import { nothingWords, renderPlan, retryDocument, takenLine, theseWords } from "../render/retry.ts";
import type { Store } from "../store.ts";
import { plural } from "../text.ts";
import { reportNone, tellNext, writeReport } from "./answer.ts";
import { notEnded, unknownFault, waitLimitOf } from "./following.ts";
import { noteReference } from "./selecting.ts";
import { type LiveSession, liveCommand, type WaitLimit } from "./session.ts";
import { globals, jid, peels, scripted, selectFirst, steering } from "./shared.ts";
import { confirm, operatorName, parseSteering, reporting } from "./steering.ts";
import { waitFor } from "./wait.ts";

const args = {
  ...globals,
  jid,
  bad: peels.bad,
  failed: peels.failed,
  missing: peels.missing,
  unreachable: peels.unreachable,
  peel: peels.peel,
  all: { type: "boolean", description: "all peels, including successful ones" },
  "job-timeout": {
    type: "string",
    valueHint: "duration",
    description: "timeout of the new job (default: same as the old job)",
  },
  force: { type: "boolean", description: "retry a job that has not ended" },
  wait: { type: "boolean", description: "wait for the new job to end and report how" },
  ...steering,
  "dry-run": { type: "boolean", description: "show what would be dispatched, send nothing" },
  ...scripted("no peel is selected"),
} as const satisfies ArgsDef;

function parse(flags: Partial<Flags<typeof args>> & { readonly jid: string }) {
  const job = parseJid(flags.jid);
  const steering = parseSteering(flags);
  const timeout = flags["job-timeout"];
  const { text, named, matches, isSkipped } = retrySelection(flags);
  return {
    ...steering,
    /** An ID, a prefix, or a word such as @last. */
    job,
    wish: {
      selects: matches,
      force: flags.force === true,
      timeoutMs: timeout === undefined ? undefined : parseDuration(timeout, "--job-timeout"),
    },
    conditions: text,
    named,
    isSkipped,
    waitLimit: waitLimitOf(flags),
  };
}

interface RetryRequest extends ReturnType<typeof parse> {
  /** Called with the new job, once a master has it. */
  taken?(jid: string, kind: "dispatched" | "accepted"): void;
}

interface Run {
  readonly request: RetryRequest;
  readonly session: LiveSession;
  readonly draft: Draft;
}

function warningsOf({ session: { terminal }, draft: { plan, reading, before, unheard } }: Run): string[] {
  const { row } = plan;
  const goesOn = `job ${row.jid} may still run: ${waitingWords(reading.story) ?? "every peel has returned"}.`;
  const retried = retriesWords(before);
  return [
    ...(isActive(row.status) ? [goesOn] : []),
    ...(retried === undefined ? [] : [`job ${row.jid} was retried already: ${retried}.`]),
    ...plan.warnings,
    // For people only: a site may deny its operators access to heartbeats.
    ...(unheard !== undefined && terminal.canTell ? [unheard] : []),
  ];
}

const DECLINED = "Nothing dispatched.\n";

/** Shows the plan and asks. @throws UserError when no person can be asked, without --yes */
async function isAgreed(run: Run): Promise<boolean> {
  const { request, session, draft } = run;
  const { plan } = draft;
  const { terminal, store } = session;
  const answer = await confirm(session, request.yes, {
    text: renderPlan(plan, { color: false, columns: terminal.columns }, store.nowNs()),
    warnings: warningsOf(run),
    question: () => `Dispatch a new job to ${theseWords(plan.peels)}? [y/N] `,
    declined: DECLINED,
  });
  if (answer === "unasked")
    throw new UserError(
      `refusing to dispatch a job to ${plural(plan.peels.length, "peel")} without confirmation. Nothing was sent.`,
      "Use --yes to dispatch the job, or --dry-run to preview it.",
    );
  if (answer === "declined") terminal.tell(DECLINED);
  return answer === "agreed";
}

/**
 * Reads the job again, on a new connection if the old one was lost. With --yes, selects only shown peels that still need a
 * retry.
 */
async function lookAgain({ request, session, draft }: Run): Promise<Draft> {
  const { jid } = draft.plan.row;
  const { yes, wish } = request;
  const shown = new Set(draft.plan.peels.map(({ peel }) => peel));
  const narrowed = { ...wish, selects: (peel: PeelStory) => wish.selects(peel) && shown.has(peel.peel) };
  const look = () => draftRetry(session.store, readStored(session.store, jid), yes ? narrowed : wish, () => {});
  try {
    return await look().catch(async (error) => {
      if (!(error instanceof Transient)) throw error;
      await reopen(session, session.store.timeoutMs);
      return look();
    });
  } catch (error) {
    if (!(error instanceof JobNotFound))
      throw error instanceof UserError ? withWords(error, "Nothing was dispatched.") : error;
    throw new UserError(`job ${jid} no longer exists. Nothing was sent.`, "Its record expired or was deleted.");
  }
}

/** @throws UserError for a job that is too large to be sent */
function checkSize({ session: { store, env }, draft }: Run): void {
  const fault = sizeFault(store, draft, operatorName(env));
  if (fault) throw fault;
}

/**
 * The confirmed plan, as of now: if it changed since it was shown, it is shown again, with another question. With --yes the job is
 * sent to fewer peels than were shown if only those still need it, and never to others.
 * @returns undefined when a person does not confirm
 * @throws UserError when no one can be asked, and when the job can no longer be retried
 */
async function agreed(run: Run): Promise<Draft | undefined> {
  const { request, session, draft } = run;
  const { jid } = draft.plan.row;
  checkSize(run);
  if (!(await isAgreed(run))) return undefined;
  const now = await lookAgain(run);
  const change = changeSince(draft, now);
  if (change === undefined || now.plan.peels.length === 0) return now;
  const news = `job ${jid} ${change === "replaced" ? "is another job" : "has changed"} since it was shown`;
  if (request.yes && change === "replaced")
    throw new UserError(`${news}. Nothing was sent.`, `See \`zester job show ${jid}\`, then run the command again.`);
  await writeReport({ warnings: [`${news}; now:`] }, session);
  if (!request.yes) return agreed({ ...run, draft: now });
  await isAgreed({ ...run, draft: now });
  return now;
}

async function dryRun(run: Run): Promise<number> {
  const { session, draft } = run;
  const { plan } = draft;
  checkSize(run);
  const report = {
    warnings: warningsOf(run),
    text: renderPlan(plan, session.terminal, session.store.nowNs()),
    document: retryDocument(plan.row.jid, targetIds(draft)),
    say: `Dry run: a new job would be dispatched to ${theseWords(plan.peels)}, nothing was sent.`,
  };
  await writeReport(report, session);
  return EXIT.done;
}

/** How the new job ended; after an error, its last known state. */
interface Followed {
  readonly ending?: Ending | undefined;
  readonly seen?: JobRow | undefined;
  readonly error?: unknown;
}

async function follow(session: LiveSession, jid: string, waitLimit: WaitLimit | undefined): Promise<Followed> {
  const waiting = new Waiting();
  const recorded = async (store: Store) => {
    await untilRecorded(store, jid);
    return [jid];
  };
  try {
    const missed = await waitFor(waiting, session, recorded, waitLimit);
    if (missed) throw await notEnded(session, [jid], missed);
    const fault = unknownFault(waiting.unknown.values());
    if (fault) throw fault;
    const ending = waiting.endings.get(jid) as Ending;
    return { ending, seen: ending.row };
  } catch (error) {
    return { seen: waiting.rows.get(jid), error };
  }
}

/** Sends the new job and reports; with --wait programs get one document for both. */
async function execute({ request, session, draft }: Run): Promise<number> {
  const { store, terminal, interruption } = session;
  const { jid: old } = draft.plan.row;
  const minted = mint(store.now(), operatorName(session.env));
  const { jid } = minted;
  const look = `\`zester job show ${jid}\``;
  interruption.words = () => `interrupted: cannot tell whether job ${jid} was dispatched. Check with ${look}.`;
  const targets = targetIds(draft);
  const outcome = await dispatch(session, jid, newJob(draft, minted), terminal.warn).catch(async (error) => {
    interruption.words = undefined;
    const document = retryDocument(old, targets, undefined, undefined, error);
    if (error instanceof UserError) await writeReport({ document }, session);
    throw error;
  });
  if (outcome.kind === "unknown") {
    await writeReport({ document: retryDocument(old, targets, jid, outcome) }, session);
    throw new UserError(
      `cannot tell whether job ${jid} was dispatched: ${outcome.why}`,
      `It may still start: check with ${look} before you retry again.`,
    );
  }
  request.taken?.(jid, outcome.kind);
  const taken = `job ${jid} was ${outcome.kind === "accepted" ? "accepted by a master" : "dispatched"}`;
  interruption.words = () => `interrupted: ${taken}; it may still run.`;
  const report = reporting(terminal, () => taken);
  const { out } = report;
  await writeReport({ warnings: outcome.warnings, text: takenLine(jid, targets.length, outcome) }, session, out);
  const { ending, seen, error }: Followed = request.wait ? await follow(session, jid, request.waitLimit) : {};
  const kind = isPastClaimed(seen?.status) ? "dispatched" : outcome.kind;
  const end = ending ? endingDocument(ending) : request.wait ? openDocument(jid, seen) : [];
  const document = new Map([...retryDocument(old, targets, jid, { ...outcome, kind }), ...end]);
  await writeReport({ text: ending && endingLine(ending, store.now(), out.columns), document }, session, out);
  if (error) throw error;
  if (ending) tellNext([ending], session);
  interruption.words = undefined;
  return (ending ? endingCode(ending) : EXIT.done) || report.code;
}

async function retry(request: RetryRequest, session: LiveSession): Promise<number> {
  const { store, terminal } = session;
  const found = resolveJob(store, request.job, noteReference(terminal));
  const draft = await draftRetry(store, found, request.wish, terminal.warn);
  requireNamed(draft.plan, request.named);
  const run = { request, session, draft };
  const isNone = draft.plan.peels.length === 0;
  const final = isNone || request.dryRun ? draft : await agreed(run);
  if (!final) return EXIT.error;
  const { plan } = final;
  if (plan.peels.length > 0) return request.dryRun ? dryRun(run) : execute({ ...run, draft: final });
  plan.warnings.forEach(terminal.warn);
  const nothing = nothingWords(plan, request.conditions, request.isSkipped);
  await reportNone(nothing, request.failIfEmpty, { document: retryDocument(plan.row.jid, []) }, session);
  return EXIT.done;
}

/** Retries one job after a question, in an open session. */
export const askAbout = (jid: string, session: LiveSession, taken: RetryRequest["taken"]) =>
  retry({ ...parse({ jid }), taken }, session);

export default liveCommand({
  meta: {
    description: "run a job again on the peels that need it",
    group: "Control",
    details:
      "Dispatches a new job with the same function and arguments. Without flags, retry selects the peels that did not return ok, in time or late. Shows what will be sent and asks first. --timeout: how long to wait for the server. --job-timeout: how long the new job may run.",
    notes: "Warns of peels that may have run the job already, and of peels that are offline.",
    exitCodes: "0 done or nothing to do, 1 error; with --wait as `zester job wait`",
    flagsElsewhere: selectFirst,
    surplus: "Retry one job at a time; --peel selects its peels.",
    example: "zester job retry @last-bad --dry-run",
  },
  args,
  parse,
  // Without waitLimit: a short --for must not cut the wait for the answer of a master, which tells whether it has the new job.
  run: retry,
});
