// `history`: what a peel did, as a table and for programs. Pure; the clock is an argument.
import type { Timestamp, Value, ValueMap } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import { type Failures, failuresOf, goesOn, type HistoryEntry } from "../model/history.ts";
import { count, plural, safe, shortenMiddle } from "../text.ts";
import { callOf } from "./call.ts";
import { paintState } from "./colors.ts";
import { seconds } from "./columns.ts";
import { idGives, LONG, leaves, shrinks } from "./fit.ts";
import { andMore, type Cell, type Column, type Look, renderTable } from "./table.ts";
import { ageText, timeText } from "./time.ts";

/** Calls whose failures are told. */
const TOLD = 5;

const nothing: ValueMap = new Map();

/** A function and what it is about. */
export const callOfEntry = ({ row, job }: HistoryEntry) => (row ? callOf(job ?? nothing, row) : "-");

function when({ at }: HistoryEntry, now: Date, person: boolean): string {
  if (at === undefined) return "-";
  return person ? ageText(at, BigInt(now.getTime()) * 1_000_000n) : timeText(at, false);
}

function took({ tookNs, soFarNs }: HistoryEntry): string {
  if (soFarNs !== undefined) return `${formatDuration(soFarNs)} so far`;
  return tookNs === undefined ? "-" : formatDuration(tookNs);
}

const changed = ({ changed: counts, dryRun }: HistoryEntry) =>
  counts === undefined ? "-" : `${counts.some}/${counts.of}${dryRun ? " dry" : ""}`;

/** What gives way on a narrow terminal: long calls, the end of the ids, then the times of less use; never the result. */
const columnsOf = (jids: readonly string[]): Column[] => [
  { title: "WHEN" },
  { title: "JID", gives: idGives(jids, 2) },
  { title: "WHAT", gives: [shrinks(1, 20), shrinks(3, 12)] },
  { title: "RESULT" },
  { title: "CHANGED", gives: [leaves(4)] },
  { title: "TOOK", gives: [leaves(5)] },
  { title: "", gives: LONG, wraps: true },
];

/** The entries as a table. */
function table(entries: readonly HistoryEntry[], look: Look, now: Date): string {
  const rows = entries.map((entry): Cell[] => {
    const call = callOfEntry(entry);
    return [
      { text: when(entry, now, look.columns !== undefined) },
      { text: entry.jid, fit: (max) => entry.jid.slice(0, max) },
      { text: call, fit: (max) => shortenMiddle(call, max) },
      { text: entry.state, paint: paintState(entry.state, look.color) },
      { text: changed(entry) },
      { text: took(entry) },
      { text: entry.note },
    ];
  });
  return renderTable(columnsOf(entries.map(({ jid }) => jid)), rows, look.header, look);
}

/** `first failure 1d ago, ok again 10m ago`, or how often it failed in a row and when it was ok before. */
function failureWords({ first, count: times, okAgain, lastOk }: Failures, now: Date): string {
  const ago = (time: Timestamp) => ageText(time, BigInt(now.getTime()) * 1_000_000n);
  const began = `first failure ${ago(first)}`;
  if (okAgain !== undefined) return `${began}, ok again ${ago(okAgain)}`;
  const often = times > 1 ? `, ${count(times)} in a row` : "";
  return `${began}${often}, ${lastOk === undefined ? "not seen ok before" : `last ok ${ago(lastOk)}`}`;
}

/** A line for each call that went wrong; the call itself is named where there are several. */
function failureLines(all: readonly HistoryEntry[], now: Date): string {
  const failures = failuresOf(all, callOfEntry);
  const several = new Set(all.map(callOfEntry)).size > 1;
  const lines = failures
    .slice(0, TOLD)
    .map((one) => `${several ? `${safe(one.call)}: ` : ""}${failureWords(one, now)}\n`);
  const rest = failures.length - lines.length;
  return lines.join("") + (rest > 0 ? `and ${plural(rest, "call")} more that went wrong\n` : "");
}

/**
 * The history of a peel.
 * @param entries those to show, in order
 * @param all the results of the peel in all jobs that were selected, newest first: what the last lines tell of
 * @param most how many entries are shown
 */
export function renderHistory(
  entries: readonly HistoryEntry[],
  all: readonly HistoryEntry[],
  most: number,
  look: Look,
  now: Date,
): string {
  const rest = entries.length - most;
  const more = rest > 0 ? `${andMore(rest, "result")} (-n shows more)\n` : "";
  return table(entries.slice(0, most), look, now) + more + failureLines(all, now);
}

/** One entry for programs; durations in ns. @param peel its id in stored form */
export function entryDocument(peel: string, entry: HistoryEntry): ValueMap {
  const { jid, row, job, state, note, at, changed: counts, dryRun } = entry;
  const fields: [string, Value | undefined][] = [
    ["jid", jid],
    ["peel_id", peel],
    ["function", row?.fn],
    ["args", job?.get("args")],
    ["time", at ?? null],
    ["state", state],
    ["job_status", row?.status],
    ["user", row?.user],
    ["changed", counts?.some],
    ["results", counts?.of],
    ["dry_run", dryRun || undefined],
    ["took", entry.tookNs],
    ["so_far", entry.soFarNs],
    ["note", note === "" ? undefined : note],
  ];
  return new Map(fields.filter((field): field is [string, Value] => field[1] !== undefined));
}

/** The titles of the columns for spreadsheets, and the row of an entry. */
export const HISTORY_TITLES = ["time", "jid", "function", "state", "changed", "results", "took", "note"];

export const entryCells = (entry: HistoryEntry): string[] => [
  String(entry.at ?? ""),
  entry.jid,
  callOfEntry(entry),
  entry.state,
  String(entry.changed?.some ?? ""),
  String(entry.changed?.of ?? ""),
  goesOn(entry) ? "" : seconds(entry.tookNs),
  entry.note,
];
