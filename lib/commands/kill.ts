// zester job kill: flags → plan (jobs/kill-plan.ts) → question → signals (jobs/cancel.ts) → report (render/kill.ts). Nothing
// about the output may keep a signal from being sent.

import type { ArgsDef } from "citty";
import { defineCommand, type Flags } from "../cli/command.ts";
import { EXIT, UserError } from "../errors.ts";
import { sendSignal } from "../jobs/cancel.ts";
import { planNamed, planSelected } from "../jobs/kill-plan.ts";
import { readJob } from "../jobs/lookup.ts";
import { readStory } from "../jobs/story.ts";
import { parseJid } from "../model/jid.ts";
import { unknownStateWords } from "../model/job.ts";
import { type Narrowing, parseJobReference } from "../model/job-reference.ts";
import { isSent, isTarget, killCode, notMeant, notSent, type Outcome, type Plan, type Target } from "../model/kill.ts";
import { parseSelection, type Selection } from "../model/selection.ts";
import { interruptedWords, outcomeDocument, renderTargets, sentLines, sentWords, stakeWords } from "../render/kill.ts";
import { enduring, reportError, type Terminal } from "../terminal/terminal.ts";
import { plural, safe } from "../text.ts";
import { selectionByServer, serverClock } from "./clock.ts";
import { noteReference } from "./job-reference.ts";
import { waitForEnds } from "./kill-wait.ts";
import { type Limit, waitLimit } from "./limit.ts";
import { warnUnreadable, writeDocument } from "./output.ts";
import { reportNone, selectingFlags } from "./selecting.ts";
import { type Session, withSession } from "./session.ts";
import { conditions, type GlobalArgs, globals, jids, scripted, steering } from "./shared.ts";
import { type Format, refuseTest } from "./surroundings.ts";

const args = {
  ...globals,
  jid: { ...jids, required: false },
  ...conditions,
  force: { type: "boolean", description: "send the signal without looking the job up first" },
  wait: { type: "boolean", description: "stay until the jobs have ended, and say how" },
  ...steering,
  "dry-run": { type: "boolean", description: "show what would be canceled, and send nothing" },
  ...scripted("no job matches"),
} as const satisfies ArgsDef;

type KillArgs = Flags<typeof args>;

interface KillRequest {
  /** Jobs that are named; none: those of the selection. */
  readonly jobs: readonly string[];
  /** Which jobs a word such as @last may stand for. */
  readonly narrowing: Narrowing;
  /** By this machine's clock. */
  readonly selection: Selection;
  readonly force: boolean;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly wait: boolean;
  readonly limit: Limit | undefined;
  readonly failIfEmpty: boolean;
}

/** One run of the command. */
interface Run {
  readonly request: KillRequest;
  readonly session: Session;
}

function parse(flags: KillArgs): KillRequest {
  refuseTest(flags);
  const { given, narrowing } = selectingFlags(flags, "kill");
  const selection = parseSelection(flags, new Date());
  const word = flags._.find((text) => parseJobReference(text));
  if (flags.force && word !== undefined)
    throw new UserError(
      `--force looks nothing up, and ${word} has to be looked up.`,
      "Leave it out, or give the id of the job.",
    );
  if (flags.force && given.length > 0)
    throw new UserError("--force is for jobs that are named.", "Leave it out, or name the jobs.");
  if (flags.for !== undefined && !flags.wait)
    throw new UserError("--for limits the wait of --wait.", "Give --wait too, or leave --for out.");
  return {
    jobs: flags._.map(parseJid),
    narrowing,
    selection,
    force: flags.force === true,
    yes: flags.yes === true,
    dryRun: flags["dry-run"] === true,
    wait: flags.wait === true,
    limit: flags.wait ? waitLimit(flags) : undefined,
    failIfEmpty: flags["fail-if-empty"] === true,
  };
}

/** The jobs that are meant; what can't be decoded is warned of. */
async function makePlan({ request, session }: Run): Promise<Plan> {
  const { jobs, narrowing, selection, force, dryRun } = request;
  const { store, terminal } = session;
  if (jobs.length > 0) {
    const planned = planNamed(store, jobs, force, noteReference(terminal), narrowing);
    // Jobs that are named by their whole ids are looked up without an answer that tells the time.
    const [plan] = await Promise.all([planned, dryRun ? serverClock(session) : undefined]);
    return plan;
  }
  const { plan, unreadable } = await planSelected(store, await selectionByServer(selection, session));
  warnUnreadable(unreadable, terminal);
  return plan;
}

function warnOfStatuses(targets: readonly Target[], terminal: Terminal): void {
  const words = unknownStateWords(targets.flatMap(({ row }) => row ?? []));
  if (words !== undefined) terminal.warn(`${words}.`);
}

/** What the jobs in question are doing; of one alone what runs where, for whom, and how far it is. */
async function atStake(targets: readonly Target[], { store }: Session): Promise<string> {
  const [target] = targets;
  if (targets.length > 1 || !target?.row) return plural(targets.length, "job");
  try {
    return stakeWords(await readStory(store, target.jid, await readJob(store, target.jid), () => {}), store.now());
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return `job ${safe(target.jid)}`; // it is looked up once more before the signal
  }
}

/** A person was asked and did not agree: no failure, but nothing was done either. */
class Declined extends UserError {}

/**
 * Shows the jobs that naming them did not settle, and asks.
 * @returns why they must not be canceled; undefined when a person, or --yes, agreed
 */
async function ask(targets: readonly Target[], { request, session }: Run): Promise<UserError | undefined> {
  const { terminal } = session;
  const look = { color: false, columns: terminal.columns };
  const told = terminal.tell([...renderTargets(targets, look, session.store.now())].join(""));
  warnOfStatuses(targets, terminal);
  if (request.yes) return undefined;
  if (!terminal.canAsk || !told)
    return new UserError(
      `${plural(targets.length, "job")} would be canceled, and no one can be asked. No signal was sent.`,
      "Give --yes to cancel them, or --dry-run to see them only.",
    );
  if (await terminal.ask(`Cancel ${await atStake(targets, session)}? [y/N] `)) return undefined;
  return new Declined("canceling the job was not agreed to. No signal was sent.");
}

/** Writes what became of the signals, for programs. */
async function writeOutcomes(outcomes: readonly Outcome[], format: Format, out: Terminal): Promise<void> {
  if (format !== "text") await writeDocument(outcomes.map(outcomeDocument), format, out);
}

/**
 * The plan after the question, if it needs one: without agreement, the jobs in question are refused.
 * @returns undefined when a person agreed to none
 * @throws UserError when those are all, and none could be asked
 */
async function agreed(plan: Plan, run: Run): Promise<Plan | undefined> {
  const open = plan.filter(isTarget).filter((target) => target.ask);
  const error = open.length > 0 ? await ask(open, run) : undefined;
  if (!error) return plan;
  const { terminal, format } = run.session;
  const refused = plan.map((entry) =>
    isTarget(entry) && entry.ask ? ({ jid: entry.jid, why: "not agreed", error } as const) : entry,
  );
  if (open.length < plan.length) return refused;
  await writeOutcomes(refused.map(notMeant), format, terminal);
  if (!(error instanceof Declined)) throw error;
  terminal.tell("Nothing canceled.\n");
  return undefined;
}

/** Shows what would be canceled; sends nothing. */
async function dryRun(plan: Plan, { session }: Run): Promise<number> {
  const { terminal, format } = session;
  const targets = plan.filter(isTarget);
  await writeOutcomes(plan.map(notMeant), format, terminal);
  let code: number = EXIT.done;
  for (const entry of plan) {
    if (isTarget(entry)) {
      if (entry.unchecked !== undefined) terminal.warn(entry.unchecked);
    } else if (entry.why === "ended") terminal.warn(entry.error.message);
    else if (plan.length === 1) throw entry.error;
    else {
      terminal.error(entry.error.message);
      code = EXIT.error;
    }
  }
  warnOfStatuses(targets, terminal);
  if (format === "text" && targets.length > 0) {
    terminal.writeAll(renderTargets(targets, terminal, session.store.now()));
    terminal.say(`Dry run: ${plural(targets.length, "job")} would be canceled, no signal was sent.`);
  }
  return code;
}

/** Says what became of the signals: a line on stdout for each that was sent, on stderr what is to be said of the others. */
function report(outcomes: readonly Outcome[], { terminal, format }: Session, out: Terminal): void {
  for (const { warnings } of outcomes) warnings.forEach(terminal.warn);
  if (format === "text") out.write(sentLines(outcomes));
  // Alone, it is the command's own error.
  if (outcomes.length > 1)
    for (const message of new Set(outcomes.flatMap(({ error }) => error?.message ?? []))) terminal.error(message);
}

/**
 * Sends the signals of a plan that was agreed to, one after the other, reports, and waits for the ends with --wait.
 * @param interrupted gets what to say of the signals when the process is interrupted before they were reported
 */
async function execute(
  plan: Plan,
  { request: { wait, limit }, session }: Run,
  interrupted: { words?: (() => string) | undefined },
): Promise<number> {
  const { terminal, format } = session;
  const outcomes: Outcome[] = [];
  interrupted.words = () => interruptedWords(outcomes, plan);
  for (const entry of plan) outcomes.push(isTarget(entry) ? await sendSignal(session, entry) : notSent(entry));
  let written = true;
  const out = enduring(terminal, (error) => {
    written = false;
    terminal.error(`${sentWords(outcomes, plan)}, but the report failed: ${(error as Error).message}.`);
  });
  report(outcomes, session, out);
  const sentNow = outcomes.filter(isSent).length;
  interrupted.words =
    format === "text" && !(wait && sentNow > 0)
      ? undefined
      : () => `interrupted: ${sentWords(outcomes, plan)}; what became of them was not waited for.`;
  const { results, failures } = wait
    ? await waitForEnds(outcomes, session, out, limit)
    : { results: outcomes, failures: [] };
  const alone = outcomes.length === 1 ? outcomes[0] : undefined;
  await writeOutcomes(results, format, out);
  interrupted.words = undefined;
  const last = failures.pop() ?? alone?.error;
  for (const { message } of failures) terminal.error(message);
  if (last) throw last;
  return killCode(results) || (written ? EXIT.done : EXIT.error);
}

async function run(args: GlobalArgs, request: KillRequest): Promise<number | undefined> {
  const { selection, limit, failIfEmpty } = request;
  const interrupted: { words?: (() => string) | undefined } = {};
  const work = async (session: Session) => {
    const run = { request, session };
    const plan = await makePlan(run);
    if (plan.length === 0) {
      await writeOutcomes([], session.format, session.terminal);
      reportNone(`No jobs that could be canceled match ${selection.text}.`, failIfEmpty, session);
      return undefined;
    }
    if (request.dryRun) return dryRun(plan, run);
    const final = await agreed(plan, run);
    return final ? execute(final, run, interrupted) : EXIT.error;
  };
  return await withSession(args, work, {
    limit,
    onSignal: () => {
      if (interrupted.words) reportError(interrupted.words(), {});
    },
  });
}

export default defineCommand({
  meta: {
    description: "Cancel running jobs.",
    group: "Steer",
    details:
      "Publishes the cancel signal, on which masters and peels act as they can. Jobs that are selected by flags, a shortened id or @last are shown and asked about.",
    notes:
      "An operation that must not be interrupted, such as an installation of packages, ends first. After the end, --wait waits up to 10 seconds for the peels that had not returned.",
    exitCodes: "0 sent, 1 an error; with --wait 0 all were canceled, 6 one ended otherwise, 124 --for ran out.",
    examples: [
      "zester job kill 20260115-002 --wait --for 1m",
      "zester job kill --state running --function 'pkg.*' --since 1h --dry-run",
    ],
  },
  args,
  run: ({ args }) => run(args, parse(args)),
});
