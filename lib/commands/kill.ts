// zester job kill: flags → plan → question → signals (jobs/kill.ts) → report (render/kill.ts). Nothing about the output can
// prevent a signal.
import type { ArgsDef } from "citty";
import type { Flags } from "../cli/command.ts";
import { EXIT, Transient, UserError } from "../errors.ts";
import { linkLines } from "../jobs/follow.ts";
import { planNamed, planSelected, sendSignal } from "../jobs/kill.ts";
import { readJob } from "../jobs/lookup.ts";
import { readStory } from "../jobs/story.ts";
import { STORIES_AT_ONCE, turns } from "../jobs/turns.ts";
import { Waiting, type WaitTold } from "../jobs/waiting.ts";
import { unknownStateWords } from "../model/job.ts";
import type { Ending } from "../model/job-end.ts";
import { parseJobReference } from "../model/job-reference.ts";
import {
  isSent,
  isTarget,
  killCode,
  notMeant,
  notSent,
  type Outcome,
  type Plan,
  type Refused,
  type Target,
} from "../model/kill.ts";
import {
  bestEffortWords,
  endLine,
  interruptedWords,
  jobsWords,
  outcomeDocument,
  renderTargets,
  sentLines,
  sentWords,
  sightWords,
  stakeWords,
} from "../render/kill.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { plural, safe } from "../text.ts";
import { reportNone, writeReport } from "./answer.ts";
import { notEnded, waitLimitOrTimeout, within } from "./following.ts";
import { noteReference, parseJobs, selectionByServer, warnUnreadable } from "./selecting.ts";
import { type LiveSession, liveCommand, type WaitLimit } from "./session.ts";
import { conditions, globals, jids, scripted, steering } from "./shared.ts";
import { confirm, parseSteering, reporting } from "./steering.ts";

const args = {
  ...globals,
  jid: { ...jids, required: false },
  ...conditions,
  force: { type: "boolean", description: "send even if the job ended or cannot be found" },
  wait: { type: "boolean", description: "wait for the jobs to end and report how" },
  ...steering,
  "dry-run": { type: "boolean", description: "show what would be canceled, send nothing" },
  ...scripted("no job matches"),
} as const satisfies ArgsDef;

const ONE_SIGNAL = "Omit it: there is one cancel signal.";

interface KillRequest extends ReturnType<typeof parse> {
  /** Asks also about jobs that are named in full. */
  readonly asksAlways?: boolean;
}

function parse(flags: Partial<Flags<typeof args>> & { readonly _: readonly string[] }, now: Date) {
  const steering = parseSteering(flags);
  const named = parseJobs(flags, "kill", now);
  const word = flags._.find((text) => parseJobReference(text));
  if (flags.force && word !== undefined)
    throw new UserError(`--force and ${word} cannot be used together.`, "Omit --force, or use the full ID of the job.");
  if (flags.force && named.jobs.length === 0)
    throw new UserError("--force needs a <jid>.", "Omit --force, or name the jobs.");
  const waitLimit = flags.wait ? waitLimitOrTimeout(flags) : undefined;
  return { ...steering, ...named, force: flags.force === true, waitLimit };
}

async function planOf(request: KillRequest, session: LiveSession): Promise<Plan> {
  const { jobs, narrowing, selection, force } = request;
  const { store, terminal } = session;
  if (jobs.length > 0) {
    const plan = await planNamed(store, jobs, force, noteReference(terminal), narrowing);
    return request.asksAlways ? plan.map((entry) => (isTarget(entry) ? { ...entry, ask: true } : entry)) : plan;
  }
  const { plan, unreadable } = await planSelected(store, await selectionByServer(selection, session));
  warnUnreadable(unreadable, terminal);
  return plan;
}

function statusWarnings(targets: readonly Target[]): string[] {
  const words = unknownStateWords(targets.flatMap(({ row }) => row ?? []));
  return words === undefined ? [] : [`${words}.`];
}

/** The jobs in a question: their number, or call, targets and user of a single one. */
async function atStake(targets: readonly Target[], { store }: LiveSession): Promise<string> {
  const [target] = targets;
  if (targets.length > 1 || !target?.row) return jobsWords(targets);
  try {
    // Reading the story sets the clock, which looking up a job by its full ID does not.
    const reading = await readStory(store, target.jid, await readJob(store, target.jid), () => {});
    return stakeWords(reading, store.now());
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return `job ${safe(target.jid)}`; // it is looked up once more before the signal
  }
}

const DECLINED = "Nothing canceled.\n";

const refuseUnconfirmed = ({ jid }: Target, answer: "declined" | "unasked"): Refused => ({
  jid,
  why: "not confirmed",
  error:
    answer === "declined"
      ? new UserError(`job ${safe(jid)}: not confirmed. No signal was sent.`)
      : new UserError(`refusing to cancel job ${safe(jid)} without confirmation. No signal was sent.`),
});

/**
 * The plan after the question about jobs that need confirmation: without it, these are refused.
 * @returns undefined when a person confirmed none
 * @throws UserError when all jobs need confirmation and no person can be asked
 */
async function agreed(plan: Plan, { yes }: KillRequest, session: LiveSession): Promise<Plan | undefined> {
  const { terminal, store } = session;
  const open = plan.filter(isTarget).filter((target) => target.ask);
  if (open.length === 0) return plan;
  const answer = await confirm(session, yes, {
    text: [...renderTargets(open, { color: false, columns: terminal.columns }, store.now())].join(""),
    warnings: statusWarnings(open),
    question: async () => `Cancel ${await atStake(open, session)}? [y/N] `,
    declined: DECLINED,
  });
  if (answer === "agreed") return plan;
  const refused = plan.map((entry) => (isTarget(entry) && entry.ask ? refuseUnconfirmed(entry, answer) : entry));
  if (open.length < plan.length) return refused;
  await writeReport({ document: refused.map(notMeant).map(outcomeDocument) }, session);
  if (answer === "unasked") {
    const them = open.length === 1 ? "it" : "them";
    throw new UserError(
      `refusing to cancel ${plural(open.length, "job")} without confirmation. No signal was sent.`,
      `Use --yes to cancel ${them}, or --dry-run to list ${them}.`,
    );
  }
  terminal.tell(DECLINED);
  return undefined;
}

async function dryRun(plan: Plan, session: LiveSession): Promise<number> {
  const targets = plan.filter(isTarget);
  const refused = plan.filter((entry): entry is Refused => !isTarget(entry));
  const errors = refused.map(({ error }) => error);
  const alone = plan.length === 1 ? errors.pop() : undefined;
  const unchecked = targets.flatMap((target) => target.unchecked ?? []);
  const report = {
    warnings: [...unchecked, ...statusWarnings(targets)],
    document: plan.map(notMeant).map(outcomeDocument),
    errors,
  };
  const shown = {
    text: [...renderTargets(targets, session.terminal, session.store.now())].join(""),
    say: `Dry run: ${plural(targets.length, "job")} would be canceled, no signal was sent.`,
  };
  await writeReport({ ...report, ...(targets.length > 0 && shown) }, session);
  if (alone) throw alone;
  return errors.length > 0 ? EXIT.error : EXIT.done;
}

/** The time after the signal, in ms, when a job that has not ended is checked. */
const PATIENCE_MS = 5_000;

/**
 * Waits for the jobs whose signals were sent to end, and reports each end on `out`.
 * @returns the outcomes with the endings, and errors: the limit expired first, or a job could no longer be followed
 */
async function waitForEnds(
  outcomes: readonly Outcome[],
  session: LiveSession,
  out: Terminal,
  waitLimit: WaitLimit | undefined,
): Promise<{ results: Outcome[]; failures: UserError[] }> {
  const { terminal } = session;
  const failures: UserError[] = [];
  const fail = (error: UserError) => {
    if (!failures.some(({ message }) => message === error.message)) failures.push(error);
  };
  const waiting = new Waiting();
  waiting.jids = outcomes.filter(isSent).map(({ jid }) => jid);
  const ended = (ending: Ending) => void writeReport({ text: endLine(ending, out.columns) }, session, out);
  const told: WaitTold = { warn: terminal.warn, ended, lost: (_, why) => fail(why) };
  const missed = async (limit: WaitLimit) => {
    const [first] = waiting.open;
    if (first === undefined) return; // all have ended; only returns of peels are missing
    const hint = `The signal was sent. \`zester job trace ${first}\` shows what each peel is doing.`;
    throw await notEnded(session, waiting.open, limit, hint);
  };
  const patience = setTimeout(() => {
    const inTurn = turns(STORIES_AT_ONCE);
    const look = async (jid: string) => {
      if (!waiting.isOpen(jid)) return;
      const { store } = session;
      const seen = sightWords(await readStory(store, jid, await readJob(store, jid), () => {}));
      terminal.warn(`job ${jid} has not ended ${PATIENCE_MS / 1000}s after the signal: ${seen}.`);
    };
    // A lost connection is reported elsewhere.
    for (const jid of waiting.open) inTurn(() => look(jid)).catch(() => {});
  }, PATIENCE_MS);
  const link = linkLines(session, terminal.say);
  const keep = (error: unknown) => {
    // A failure of the connection affects all jobs.
    if (error instanceof Transient || !(error instanceof UserError)) throw error;
    fail(error);
  };
  await within(waitLimit, waiting.run(session, link, told), missed)
    .catch(keep)
    .finally(() => {
      clearTimeout(patience);
      waiting.close().forEach(ended);
    });
  const results = outcomes.map((outcome) => ({ ...outcome, ending: waiting.endings.get(outcome.jid) }));
  return { results, failures };
}

/** Sends the signals of a confirmed plan, one after the other, and reports. */
async function execute(
  plan: Plan,
  { wait, waitLimit, asksAlways }: KillRequest,
  session: LiveSession,
): Promise<number> {
  const { interruption, terminal, isText } = session;
  const outcomes: Outcome[] = [];
  interruption.words = () => interruptedWords(outcomes, plan);
  for (const entry of plan) outcomes.push(isTarget(entry) ? await sendSignal(session, entry) : notSent(entry));
  const report = reporting(terminal, () => sentWords(outcomes, plan));
  const { out } = report;
  const warnings = outcomes.flatMap((outcome) => outcome.warnings);
  const errors = outcomes.flatMap(({ error }) => error ?? []);
  const alone = outcomes.length === 1 ? errors.pop() : undefined; // the command's own error
  await writeReport({ warnings, text: sentLines(outcomes), errors }, session, out);
  const sent = outcomes.filter(isSent);
  const isOver = isText && !(wait && sent.length > 0);
  interruption.words = isOver ? undefined : () => `interrupted: ${sentWords(outcomes, plan)}; the jobs may still run.`;
  const { results, failures } = wait
    ? await waitForEnds(outcomes, session, out, waitLimit)
    : { results: outcomes, failures: [] };
  const last = failures.pop() ?? alone;
  const isLast = !wait && !asksAlways && sent.length > 0 && terminal.canTell;
  const say = isLast ? bestEffortWords(sent) : undefined;
  await writeReport({ errors: failures, document: results.map(outcomeDocument), say }, session, out);
  interruption.words = undefined;
  if (last) throw last;
  return killCode(results) || report.code;
}

async function kill(request: KillRequest, session: LiveSession): Promise<number | undefined> {
  const plan = await planOf(request, session);
  if (plan.length === 0) {
    const { text, hint } = request.selection;
    const none = text === "" ? "No job can be canceled." : `No jobs that could be canceled match ${text}.${hint}`;
    await reportNone(none, request.failIfEmpty, { document: [] }, session);
    return undefined;
  }
  if (request.dryRun) return dryRun(plan, session);
  const final = await agreed(plan, request, session);
  return final ? execute(final, request, session) : EXIT.error;
}

/** Cancels one job after a question, in an open session. */
export const askAbout = (jid: string, session: LiveSession) =>
  kill({ ...parse({ _: [jid] }, new Date()), asksAlways: true }, session);

export default liveCommand({
  meta: {
    description: "cancel running jobs",
    group: "Control",
    details:
      'Publishes the cancel signal; cancellation is best effort. Without <jid>, at least one flag of "Select jobs" is required. Asks before it cancels jobs that are selected by flags, an ID prefix or @last.',
    notes:
      "An operation that must not be interrupted, such as a package installation, ends first. --wait also waits for peels that have not returned, for up to 10 seconds after the signal.",
    exitCodes:
      "0 sent, 1 error, or a job has already ended; with --wait: 0 all canceled, 6 a job ended in another way after the signal was sent, 124 if --for expires",
    flagsElsewhere: {
      all: ["--state active"],
      s: ["--state", ONE_SIGNAL],
      ...Object.fromEntries(["9", "signal", "now", "grace-period"].map((name) => [name, [ONE_SIGNAL]])),
    },
    example: "zester job kill 20260115-002 --wait --for 1m",
  },
  args,
  parse,
  waitLimit: ({ waitLimit }) => waitLimit,
  run: kill,
});
