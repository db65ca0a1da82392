// What `kill` says, and shows to programs. Pure.

import type { Value, ValueMap } from "../codec/value.ts";
import { formatMs } from "../duration.ts";
import type { Ending } from "../model/ending.ts";
import { isUnknownStatus, jobRow, stateOf } from "../model/job.ts";
import { JobList } from "../model/job-list.ts";
import { isSent, isTarget, type Outcome, type Plan, type Sight, type Target } from "../model/kill.ts";
import { HEARTBEAT_LIFE_MS } from "../model/master.ts";
import { displayPeel } from "../model/peel.ts";
import { count, plural, safe } from "../text.ts";
import { columnsOf, LIST } from "./columns.ts";
import { renderJobs } from "./jobs.ts";
import { peelCounts } from "./peels.ts";
import type { Look } from "./table.ts";

/** The jobs that would be canceled, as `list` shows jobs. */
export function renderTargets(targets: readonly Target[], look: Look, now: Date): Iterable<string> {
  const jobs = targets.map(({ jid, row }) => ({ row: row ?? jobRow(jid, new Map()), record: undefined }));
  return renderJobs(columnsOf(LIST), JobList.of(jobs), look, now);
}

const NAMED = 5;

/** What to warn of when the status of some targets is not known; undefined when it is of all. */
export function unknownStatusWords(targets: readonly Target[]): string | undefined {
  const odd = targets.flatMap(({ row }) => (row && isUnknownStatus(row.status) ? [row] : []));
  if (odd.length === 0) return undefined;
  const named = odd.slice(0, NAMED).map((row) => `${row.jid}: ${stateOf(row)}`);
  const rest = odd.length > NAMED ? `; and ${odd.length - NAMED} more` : "";
  return `whether ${plural(odd.length, "job")} ended is not known, by the status: ${named.join("; ")}${rest}`;
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
export function endLine({ row, peels }: Ending): string {
  const returned = peels.filter((peel) => peel.returned && !peel.returned.unreachable).length;
  const words =
    row.status === "canceled"
      ? `canceled, ${count(returned)} of ${plural(peels.length, "peel")} had returned`
      : `${safe(row.status ?? "-")} before the signal took effect: ${peelCounts(peels)}`;
  return `Job ${safe(row.jid)} ${words}\n`;
}

function ownerWords({ id, heartbeatMs }: NonNullable<Sight["owner"]>): string {
  if (heartbeatMs === undefined) return `its owner ${id} has no heartbeat: that master may be gone`;
  const seems = heartbeatMs > HEARTBEAT_LIFE_MS ? "may be gone" : "is alive";
  return `its owner ${id} ${seems}, last heartbeat ${formatMs(Math.max(0, heartbeatMs))} ago`;
}

const BUSY = 3;

function executingWords(peels: readonly string[]): string {
  if (peels.length === 0) return "no peel executes it";
  const named = peels.slice(0, BUSY).map(displayPeel).join(", ") + (peels.length > BUSY ? ", …" : "");
  return `${plural(peels.length, "peel")} still executing: ${named}`;
}

/** What is seen of a job that goes on. */
export const sightWords = ({ owner, executing }: Sight) =>
  [owner && ownerWords(owner), executing && executingWords(executing)].filter(Boolean).join("; ");

/** One outcome for programs. */
export function outcomeDocument({ jid, signal, error, ending }: Outcome): ValueMap {
  const fields: [string, Value][] = [
    ["jid", jid],
    ["signal", signal],
  ];
  if (error) fields.push(["reason", error.message]);
  if (ending)
    fields.push(
      ["status", ending.row.status ?? "-"],
      ["returned", ending.peels.filter((peel) => peel.returned).length],
      ["peels", ending.peels.length],
    );
  return new Map(fields);
}
