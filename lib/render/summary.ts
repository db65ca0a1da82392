// `show --summary`: what a person wants to know of a job first. Pure; the clock is an argument.

import { toJsonLine } from "../codec/json.ts";
import { asTime, type Timestamp, type Value, type ValueMap } from "../codec/value.ts";
import { formatAge, formatDuration } from "../duration.ts";
import { isTerminal, type JobRow } from "../model/job.ts";
import { displayPeel } from "../model/peel.ts";
import { countStates, type Peel, type PeelState, worstFirst } from "../model/returns.ts";
import { jobDuration } from "../model/selection.ts";
import { count, plural, safe } from "../text.ts";
import { paintState } from "./colors.ts";
import type { Look } from "./jobs.ts";
import { type Cell, renderTable } from "./table.ts";

const COLOR_OF: Record<PeelState, string> = {
  failed: "failed",
  unreadable: "unreadable",
  unreachable: "timeout",
  missing: "pending",
  ok: "complete",
};

/** Rows that a person reads on a terminal; piped, and with --all-peels, there is no limit. */
const ROWS = 40;

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

/**
 * The peels worst first, as a table. On a terminal the first 40, then what the rest is.
 * @param all true shows every peel on a terminal too
 */
function peelTable(peels: readonly Peel[], look: Look, all: boolean): string {
  const sorted = worstFirst(peels);
  const shown = all || look.columns === undefined ? sorted : sorted.slice(0, ROWS);
  const rows = shown.map(({ peel, state, returned }): Cell[] => {
    const paint = paintState(COLOR_OF[state], look.color);
    const duration = returned?.duration;
    return [
      { text: displayPeel(peel) },
      paint ? { text: state, paint } : { text: state },
      { text: duration === undefined ? "-" : formatDuration(duration) },
      { text: returned?.error ?? "" },
    ];
  });
  const table = renderTable(
    [{ title: "PEEL", min: 8 }, { title: "STATE" }, { title: "DURATION" }, { title: "ERROR" }],
    rows,
  );
  const rest = sorted.slice(shown.length);
  if (rest.length === 0) return table;
  const states = countStates(rest)
    .filter(([, n]) => n > 0)
    .map(([state, n]) => `${count(n)} ${state}`);
  return `${table}… and ${plural(rest.length, "peel")} more: ${states.join(", ")} (--all-peels shows them)\n`;
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
  const counts = countStates(peels)
    .filter(([state, n]) => n > 0 || state !== "unreadable")
    .map(([state, n]) => `${count(n)} ${state}`)
    .reverse();
  const table = selected.length > 0 ? `\n${peelTable(selected, look, options.allPeels)}` : "";
  const head = renderFacts(job, row, look, options.now);
  return `${head}${factLine("Peels", `${count(peels.length)}: ${counts.join(", ")}`)}${table}`;
}
