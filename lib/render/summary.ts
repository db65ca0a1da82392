// `show --summary`: what a person wants to know of a job first. Pure; the clock is an argument.

import { toJsonLine } from "../codec/json.ts";
import { asTime, type Timestamp, type Value, type ValueMap } from "../codec/value.ts";
import { formatAge, formatDuration } from "../duration.ts";
import { isTerminal, type JobRow, jobDuration } from "../model/job.ts";
import { countStates, PEEL_STATES } from "../model/peel-state.ts";
import type { Peel } from "../model/returns.ts";
import { count, safe } from "../text.ts";
import { paintState } from "./colors.ts";
import { countWords, renderPeels } from "./peels.ts";
import type { Look } from "./table.ts";

/** `name=postgresql refresh=true`: arguments on one line. */
function argumentsOf(args: Value | undefined): string {
  if (!(args instanceof Map)) return args === undefined || args === null ? "" : toJsonLine(args);
  return Array.from(
    args,
    ([key, value]) =>
      `${key}=${typeof value === "string" && !/[\s="]/.test(value) ? value : toJsonLine(value)}`,
  ).join(" ");
}

function when(time: Timestamp, now: bigint, future: string, past: string): string {
  const distance = time.ns - now;
  return `${time} (${distance >= 0n ? `${formatAge(distance)} ${future}` : `${formatAge(-distance)} ${past}`})`;
}

function facts(job: ValueMap, row: JobRow, now: Date): [string, string][] {
  const nowNs = BigInt(now.getTime()) * 1_000_000n;
  const deadline = asTime(job.get("deadline"));
  const took = jobDuration(row, now);
  const ended = isTerminal(row.status);
  const all: [string, string | undefined][] = [
    ["Job", row.jid],
    ["State", row.status ?? "-"],
    ["Target", row.targetExpr],
    ["User", row.user],
    ["Owner", row.owner],
    ["Created", row.created && when(row.created, nowNs, "ahead of this clock", "ago")],
    [ended ? "Took" : "So far", took === undefined ? undefined : formatDuration(took)],
    // The deadline of a job that has ended decides nothing any more.
    ["Deadline", deadline && !deadline.isZero && !ended ? when(deadline, nowNs, "left", "over") : undefined],
  ];
  return all.filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== "");
}

/** Function and arguments on a line, then who, when, how long and in which state. */
export function renderFacts(job: ValueMap, row: JobRow, look: Look, now: Date): string {
  const paint = paintState(row.status ?? "", look.color);
  const lines = facts(job, row, now).map(([name, value]) => {
    const text = safe(value);
    return factLine(name, name === "State" && paint ? paint(text) : text);
  });
  const call = [row.fn ?? "-", argumentsOf(job.get("args"))].filter(Boolean).join(" ");
  return `${safe(call)}\n${lines.join("")}`;
}

/** One line of facts; `value` is safe for a terminal. */
export const factLine = (name: string, value: string) => `${name.padEnd(10)}${value}\n`;

/**
 * The summary of a job.
 * @param peels all its peels, for the counts
 * @param selected those that the table shows
 */
export function renderSummary(
  job: ValueMap,
  row: JobRow,
  peels: readonly Peel[],
  selected: readonly Peel[],
  look: Look,
  options: { now: Date; allPeels: boolean },
): string {
  const counts = countStates(peels, PEEL_STATES)
    .filter(([state, n]) => n > 0 || state !== "unreadable")
    .reverse();
  const table = selected.length > 0 ? `\n${renderPeels(selected, look, options.allPeels)}` : "";
  const head = renderFacts(job, row, look, options.now);
  return `${head}${factLine("Peels", `${count(peels.length)}: ${countWords(counts)}`)}${table}`;
}
