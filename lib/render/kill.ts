// What `kill` says, and shows to programs. Pure.

import type { Value, ValueMap } from "../codec/value.ts";
import { formatAgo } from "../duration.ts";
import type { Ending } from "../model/ending.ts";
import { formatTargets, isUnknownStatus, jobRow, stateOf } from "../model/job.ts";
import { JobList } from "../model/job-list.ts";
import { isSent, isTarget, type Outcome, type Plan, type Target } from "../model/kill.ts";
import { hasNotReturned, statesPresent } from "../model/peel-state.ts";
import { countReturned } from "../model/returns.ts";
import { aliveWords, type MasterSign, stuckWords } from "../model/stuck.ts";
import { count, firstFew, paragraph, plural, safe, width } from "../text.ts";
import { callOf } from "./call.ts";
import { ASKED, columnsOf } from "./columns.ts";
import { type Telling, waitingWords } from "./facts.ts";
import { renderJobs } from "./jobs.ts";
import { peelNames } from "./names.ts";
import { namedCounts } from "./peels.ts";
import type { Look } from "./table.ts";

/** The jobs that would be canceled, and what they run. */
export function renderTargets(targets: readonly Target[], look: Look, now: Date): Iterable<string> {
  const jobs = targets.map(({ jid, row, record }) => ({ row: row ?? jobRow(jid, new Map()), record }));
  return renderJobs(columnsOf(ASKED), JobList.of(jobs), look, now);
}

/** Columns that the targets take in a question. */
const STAKE_COLUMNS = 40;

/** What to warn of when the status of some targets is not known; undefined when it is of all. */
export function unknownStatusWords(targets: readonly Target[]): string | undefined {
  const odd = targets.flatMap(({ row }) => (row && isUnknownStatus(row.status) ? [row] : []));
  if (odd.length === 0) return undefined;
  const named = firstFew(odd.map((row) => `${row.jid}: ${stateOf(row)}`));
  return `whether ${plural(odd.length, "job")} ended is not known, by the status: ${named}`;
}

/** A line for each signal that was sent. */
export const sentLines = (outcomes: readonly Outcome[]) =>
  outcomes
    .filter(isSent)
    .map(({ jid }) => `Cancel signal sent for job ${safe(jid)}\n`)
    .join("");

/** How many of the signals that were planned have been sent. */
export const sentWords = (outcomes: readonly Outcome[], plan: Plan) =>
  `cancel signals were sent for ${count(outcomes.filter(isSent).length)} of ${plural(plan.length, "job")}`;

/** The same while signals are sent: the one that is under way may have left or not. */
export function interruptedWords(outcomes: readonly Outcome[], plan: Plan): string {
  const next = plan[outcomes.length];
  const open = next && isTarget(next) ? `; whether for job ${safe(next.jid)} as well is not known` : "";
  return `interrupted: ${sentWords(outcomes, plan)}${open}.`;
}

/** How a job ended that was to be canceled, and how far it had come, on a line. */
export function endLine({ row, story: { peels } }: Ending, columns: number | undefined): string {
  const words =
    row.status === "canceled"
      ? `canceled, ${count(countReturned(peels))} of ${plural(peels.length, "peel")} had returned`
      : `ended ${safe(row.status ?? "-")} before the signal took effect: ${namedCounts(peels)}`;
  return paragraph(`Job ${safe(row.jid)} ${words}`, columns);
}

/** What is seen of a job that goes on: whether it is stuck, and what it waits for. */
export const sightWords = ({ row, stuck, story, sign }: Omit<Telling, "job"> & { readonly sign: MasterSign }) =>
  [
    stuck && stuckWords(stuck),
    stuck?.idleMaster ? "" : aliveWords(row, sign),
    waitingWords(story) ?? "every peel has returned",
  ]
    .filter(Boolean)
    .join("; ");

/** Targets as `list` shows them, or, where that is too long, as folded names. */
function targetNames(targets: readonly string[]): string {
  const whole = formatTargets(targets, Number.POSITIVE_INFINITY);
  if (width(whole) <= STAKE_COLUMNS) return whole;
  return peelNames(
    targets.map((peel) => ({ peel })),
    STAKE_COLUMNS,
  );
}

/** `cmd.run "sleep 600" on cache* (2 peels executing, by root, started 4m ago)`: what a cancel signal would end. */
export function stakeWords({ row, job, story }: Telling, now: Date): string {
  const open = statesPresent(story.peels).filter(([state]) => hasNotReturned(state));
  const doing = open.map(([state, n]) => `${plural(n, "peel")} ${state}`);
  const ago = row.created && BigInt(now.getTime()) * 1_000_000n - row.created.ns;
  const known = [
    ...(doing.length > 0 ? doing : ["every peel has returned"]),
    row.user && `by ${row.user}`,
    ago !== undefined && ago >= 0n && `started ${formatAgo(ago)} ago`,
  ];
  const where = row.targetExpr ?? (row.targets && targetNames(row.targets));
  return safe(`${callOf(job, row)}${where === undefined ? "" : ` on ${where}`} (${known.filter(Boolean).join(", ")})`);
}

/** One outcome for programs. */
export function outcomeDocument({ jid, signal, error, ending, ended }: Outcome): ValueMap {
  const fields: [string, Value][] = [
    ["jid", jid],
    ["signal", signal],
  ];
  if (error) fields.push(["reason", error.message]);
  if (ended !== undefined) fields.push(["ended", ended]);
  if (ending)
    fields.push(
      ["ended", ending.row.status ?? "-"],
      ["returned", countReturned(ending.story.peels)],
      ["peels", ending.story.peels.length],
    );
  return new Map(fields);
}
