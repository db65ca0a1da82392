// zester job kill: what is meant (kill-plan.ts), then the signals (cancel.ts), then the report. Nothing about the output may
// keep a signal from being sent.

import type { Value } from "../codec/value.ts";
import { EXIT, UserError } from "../errors.ts";
import { isSent, type Outcome, sendSignal } from "../jobs/cancel.ts";
import {
  isTarget,
  JobEnded,
  oddWords,
  type Plan,
  planNamed,
  planSelected,
  type Target,
} from "../jobs/kill-plan.ts";
import { parseJid } from "../model/jid.ts";
import { type JobRow, jobRow } from "../model/job.ts";
import { JobList } from "../model/job-list.ts";
import { parseSelection } from "../model/selection.ts";
import { columnsOf, LIST } from "../render/columns.ts";
import { renderJobs } from "../render/jobs.ts";
import type { Look } from "../render/table.ts";
import { enduring, reportError, type Terminal } from "../terminal/terminal.ts";
import { count, plural, safe } from "../text.ts";
import { selectionByServer } from "./clock.ts";
import type { KillArgs } from "./flags.ts";
import { type Result, statusOf, waitForEnds } from "./kill-wait.ts";
import { waitLimit } from "./limit.ts";
import { warnUnreadable, writeDocument } from "./output.ts";
import { type Session, withSession } from "./session.ts";

const SELECTING = ["state", "function", "target", "user", "owner", "since", "until", "limit"] as const;

function checkFlags(flags: KillArgs): void {
  const selecting = SELECTING.filter((name) => flags[name] !== undefined);
  if (flags._.length > 0 && selecting.length > 0)
    throw new UserError(
      `<jid> and --${selecting[0]} exclude each other.`,
      "Name the jobs, or select them by flags.",
    );
  if (flags._.length === 0 && selecting.length === 0)
    throw new UserError(
      "zester job kill needs a <jid>, or flags that select jobs.",
      "Usage: zester job kill <jid>… [flags], or zester job kill --state running --function 'pkg.*' [flags]",
    );
  parseSelection(flags, new Date());
  if (flags.force && selecting.length > 0)
    throw new UserError("--force is for jobs that are named.", "Leave it out, or name the jobs.");
  for (const text of flags._) parseJid(text);
}

const jobTable = (rows: readonly JobRow[], look: Look) =>
  renderJobs(columnsOf(LIST), JobList.of(rows.map((row) => ({ row, record: undefined }))), look, new Date());

const rowOf = ({ jid, row }: Target) => row ?? jobRow(jid, new Map());

/**
 * Shows the jobs that naming them did not settle, and asks.
 * @returns why they must not be canceled; undefined when somebody agreed
 */
async function whyNot(
  flags: KillArgs,
  targets: readonly Target[],
  terminal: Terminal,
): Promise<UserError | undefined> {
  const told = terminal.tell(
    [...jobTable(targets.map(rowOf), { color: false, columns: terminal.columns })].join(""),
  );
  const odd = oddWords(targets);
  if (odd !== undefined) terminal.warn(odd);
  if (flags.yes) return undefined;
  if (!terminal.canAsk || !told)
    return new UserError(
      `${plural(targets.length, "job")} would be canceled, and nobody can be asked. No signal was sent.`,
      "Give --yes to cancel them, or --dry-run to see them only.",
    );
  if (await terminal.ask(`Cancel ${plural(targets.length, "job")}? [y/N] `)) return undefined;
  return new UserError("nothing was canceled.");
}

/** The plan after the question, if it needs one: what nobody agreed to is refused. */
async function agreed(flags: KillArgs, plan: Plan, terminal: Terminal): Promise<Plan> {
  const open = plan.filter(isTarget).filter(({ ask }) => ask);
  const error = open.length > 0 ? await whyNot(flags, open, terminal) : undefined;
  if (!error) return plan;
  if (open.length === plan.length) throw error;
  return plan.map((entry) => (isTarget(entry) && entry.ask ? { jid: entry.jid, error } : entry));
}

const noneText = (flags: KillArgs) =>
  `No jobs that could be canceled match ${parseSelection(flags, new Date()).text}.\n`;

/** What would be canceled, and nothing else. */
async function dryRun(flags: KillArgs, plan: Plan, { terminal, format }: Session): Promise<number> {
  const targets = plan.filter(isTarget);
  let code: number = EXIT.done;
  for (const entry of plan) {
    if (isTarget(entry)) {
      if (entry.unchecked !== undefined) terminal.warn(entry.unchecked);
    } else if (entry.error instanceof JobEnded) terminal.warn(entry.error.message);
    else if (plan.length === 1) throw entry.error;
    else {
      terminal.error(entry.error.message);
      code = EXIT.error;
    }
  }
  const odd = oddWords(targets);
  if (odd !== undefined) terminal.warn(odd);
  const documents = () => targets.map(({ jid }) => document({ jid, signal: "not sent", warnings: [] }));
  if (format !== "text") await writeDocument(documents(), format, terminal);
  else if (targets.length > 0) terminal.writeAll(jobTable(targets.map(rowOf), terminal));
  else if (flags._.length === 0) terminal.write(noneText(flags));
  return code;
}

function document({ jid, signal, error, ending }: Result): Value {
  const fields: [string, Value][] = [
    ["jid", jid],
    ["signal", signal],
  ];
  if (error) fields.push(["reason", error.message]);
  if (ending)
    fields.push(
      ["status", statusOf(ending)],
      ["returned", ending.peels.filter((peel) => peel.returned).length],
      ["peels", ending.peels.length],
    );
  return new Map(fields);
}

function exitCode(results: readonly Result[]): number {
  if (results.some(({ signal }) => signal !== "sent")) return EXIT.error;
  const otherwise = results.some(({ ending }) => ending && statusOf(ending) !== "canceled");
  return otherwise ? EXIT.endedOtherwise : EXIT.done;
}

/** Sends every signal, one after the other; `outcomes` grows as it goes. */
async function sendAll(plan: Plan, session: Session, outcomes: Outcome[]): Promise<void> {
  for (const entry of plan)
    outcomes.push(
      isTarget(entry) ? await sendSignal(session, entry) : { ...entry, signal: "not sent", warnings: [] },
    );
}

/** Says what became of the signals: a line on stdout for each that was sent, on stderr what is to be said of the others. */
function report(outcomes: readonly Outcome[], { terminal, format }: Session, out: Terminal): void {
  for (const { warnings } of outcomes) warnings.forEach(terminal.warn);
  if (format === "text")
    out.write(
      outcomes
        .filter(isSent)
        .map(({ jid }) => `Cancel signal sent for job ${safe(jid)}\n`)
        .join(""),
    );
  // Alone, it is the command's own error.
  if (outcomes.length > 1) for (const { error } of outcomes) if (error) terminal.error(error.message);
}

const sentWords = (outcomes: readonly Outcome[], plan: Plan) =>
  `cancel signals were sent for ${count(outcomes.filter(isSent).length)} of ${plural(plan.length, "job")}`;

/** The same while signals are sent: the one that is under way may have left or not. */
function interruptedWords(outcomes: readonly Outcome[], plan: Plan): string {
  const next = plan[outcomes.length];
  const open = next && isTarget(next) ? `; whether for job ${safe(next.jid)} as well is not known` : "";
  return `interrupted: ${sentWords(outcomes, plan)}${open}.`;
}

/** Carries out a plan that was agreed to. `progress` tells how far the signals are, until they have been reported. */
async function execute(
  flags: KillArgs,
  plan: Plan,
  session: Session,
  limitMs: number | undefined,
  progress: { words?: (() => string) | undefined },
): Promise<number> {
  const { terminal, format } = session;
  const outcomes: Outcome[] = [];
  progress.words = () => interruptedWords(outcomes, plan);
  await sendAll(plan, session, outcomes);
  let written = true;
  const out = enduring(terminal, (error) => {
    written = false;
    terminal.error(`${sentWords(outcomes, plan)}, but the report failed: ${(error as Error).message}.`);
  });
  report(outcomes, session, out);
  if (format === "text") progress.words = undefined;
  const results: Result[] = [...outcomes];
  const failures = flags.wait ? await waitForEnds(results, session, out, limitMs, flags.timeout) : [];
  const alone = outcomes.length === 1 ? outcomes[0] : undefined;
  if (format !== "text" && alone?.signal !== "not sent") {
    const documents = results.map(document);
    await writeDocument((flags._.length === 1 ? documents[0] : undefined) ?? documents, format, out);
  }
  progress.words = undefined;
  const last = failures.pop() ?? alone?.error;
  for (const { message } of failures) terminal.error(message);
  if (last) throw last;
  return exitCode(results) || (written ? EXIT.done : EXIT.error);
}

export async function run(flags: KillArgs): Promise<number | undefined> {
  checkFlags(flags);
  const { limitMs, rest } = flags.wait ? waitLimit(flags) : { limitMs: undefined, rest: flags };
  const progress: { words?: (() => string) | undefined } = {};
  const work = async (session: Session) => {
    const { store, terminal, format } = session;
    const { plan, unreadable } =
      flags._.length > 0
        ? { plan: await planNamed(store, flags._, flags.force === true), unreadable: [] }
        : await planSelected(store, await selectionByServer(flags, session));
    warnUnreadable(unreadable, terminal);
    if (flags["dry-run"]) return dryRun(flags, plan, session);
    if (plan.length === 0 && format === "text") {
      terminal.write(noneText(flags));
      return undefined;
    }
    return execute(flags, await agreed(flags, plan, terminal), session, limitMs, progress);
  };
  return await withSession(rest, work, {
    limitMs,
    onSignal: () => {
      if (progress.words) reportError(progress.words(), {});
    },
  });
}
