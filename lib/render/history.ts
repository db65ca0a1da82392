// `history`: what a peel did, as a table and for programs. Pure; the clock is an argument.
import { mapOf, type Timestamp, type ValueMap } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import { type Failures, failuresOf, goesOn, type HistoryEntry } from "../model/history.ts";
import { count, paragraph, plural, shortenMiddle } from "../text.ts";
import { callOf, wholeCall } from "./call.ts";
import { paintState } from "./colors.ts";
import { seconds } from "./columns.ts";
import { idGives, LONG, leaves, shrinks } from "./fit.ts";
import { andMore, type Cell, type Column, type Look, renderTable } from "./table.ts";
import { ageText, whenText } from "./time.ts";

/** Calls whose failures are told, and columns that each takes there. */
const [TOLD, CALL] = [5, 60] as const;

/** A function and what it is about, whole. */
const wholeCallOf = ({ row, job }: HistoryEntry) => (row ? wholeCall(job, row) : "-");

/** The same for a person, who reads it on a line with others. */
const shownCall = ({ row, job }: HistoryEntry) => (row ? callOf(job, row) : "-");

function took({ tookNs, soFarNs }: HistoryEntry): string {
  if (soFarNs !== undefined) return `${formatDuration(soFarNs)} so far`;
  return tookNs === undefined ? "-" : formatDuration(tookNs);
}

const changed = ({ changed: counts, dryRun }: HistoryEntry) =>
  counts === undefined || counts.of === 0 ? "-" : `${counts.some}/${counts.of}${dryRun ? " dry" : ""}`;

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
    const call = look.columns === undefined ? wholeCallOf(entry) : shownCall(entry);
    return [
      { text: whenText(entry.at, look, now) },
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
function failureLines(all: readonly HistoryEntry[], { columns }: Look, now: Date): string {
  const calls = new Map(all.map((entry) => [entry, wholeCallOf(entry)]));
  const failures = failuresOf(all, (entry) => calls.get(entry) as string);
  const several = new Set(calls.values()).size > 1;
  const lines = failures
    .slice(0, TOLD)
    .map((one) =>
      paragraph(`${several ? `${shortenMiddle(one.call, CALL)}: ` : ""}${failureWords(one, now)}`, columns),
    );
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
  return table(entries.slice(0, most), look, now) + more + failureLines(all, look, now);
}

/** One entry for programs; durations in ns. @param peel its id in stored form */
export function entryDocument(peel: string, entry: HistoryEntry): ValueMap {
  const { jid, row, job, state, note, at, changed: counts, dryRun } = entry;
  return mapOf([
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
  ]);
}

/** The titles of the columns for spreadsheets, and the row of an entry. */
export const HISTORY_TITLES = ["time", "jid", "function", "what", "state", "changed", "results", "took", "note"];

export const entryCells = (entry: HistoryEntry): string[] => [
  String(entry.at ?? ""),
  entry.jid,
  entry.row?.fn ?? "",
  wholeCallOf(entry),
  entry.state,
  String(entry.changed?.some ?? ""),
  String(entry.changed?.of ?? ""),
  goesOn(entry) ? "" : seconds(entry.tookNs),
  entry.note,
];
