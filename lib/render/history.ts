// `history`: what a peel did. Pure.
import type { Timestamp } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import { type Failures, failuresOf, goesOn, type HistoryEntry } from "../model/history.ts";
import { count, paragraph, shortenMiddle } from "../text.ts";
import { callOf, wholeCall } from "./call.ts";
import { paintState } from "./colors.ts";
import { idGives, leaves, shrinks } from "./fit.ts";
import { andMore } from "./table.ts";
import { ageText, seconds } from "./time.ts";
import { type Forms, pick, type RowColumn, tableOf, type View, type Viewer, viewOf } from "./view.ts";

/** Entries that a person reads on a terminal. */
const MOST_ENTRIES = 20;
/** Calls whose failures are listed, and columns that each takes there. */
const [TOLD, CALL] = [5, 60] as const;

/** A function and what it is about, whole. */
const wholeCallOf = ({ row, job }: HistoryEntry) => (row ? wholeCall(job, row) : "-");

/** The same for a person, who reads it on a line with others. */
const shownCall = ({ row, job }: HistoryEntry) => (row ? callOf(job, row) : "-");

function tookText({ tookNs, soFarNs }: HistoryEntry): string {
  if (soFarNs !== undefined) return `${formatDuration(soFarNs)} so far`;
  return tookNs === undefined ? "-" : formatDuration(tookNs);
}

const changedText = ({ changed: counts, dryRun }: HistoryEntry) =>
  counts === undefined || counts.of === 0 ? "-" : `${counts.some}/${counts.of}${dryRun ? " dry" : ""}`;

const HISTORY_COLUMNS: readonly RowColumn<HistoryEntry>[] = [
  { name: "time", title: "WHEN", value: ({ at }) => at ?? null },
  {
    name: "jid",
    gives: (entries) =>
      idGives(
        entries.map(({ jid }) => jid),
        2,
      ),
    value: ({ jid }) => jid,
    text: ({ jid }, _, max) => jid.slice(0, max),
  },
  {
    name: "what",
    gives: [shrinks(1, 20), shrinks(3, 12)],
    value: wholeCallOf,
    text: (entry, { columns }, max) =>
      shortenMiddle(columns === undefined ? wholeCallOf(entry) : shownCall(entry), max),
  },
  { name: "function", value: ({ row }) => row?.fn },
  { name: "args", value: ({ job }) => job?.get("args") },
  {
    name: "state",
    title: "RESULT",
    value: ({ state }) => state,
    paint: ({ state }, { color }) => paintState(state, color),
  },
  { name: "job_status", value: ({ row }) => row?.status },
  { name: "user", value: ({ row }) => row?.user },
  { name: "changed", gives: [leaves(4)], value: ({ changed }) => changed?.some, text: changedText },
  { name: "results", value: ({ changed }) => changed?.of },
  { name: "dry_run", value: ({ dryRun }) => dryRun || undefined },
  {
    name: "took",
    gives: [leaves(5)],
    value: ({ tookNs }) => tookNs,
    plain: (entry) => (goesOn(entry) ? "" : seconds(entry.tookNs)),
    text: tookText,
  },
  { name: "so_far", value: ({ soFarNs }) => soFarNs },
  {
    name: "note",
    gives: [shrinks(0, 32), shrinks(6, 20)],
    wraps: 2,
    value: ({ note }) => note || undefined,
    text: ({ note }) => note,
  },
];

const HISTORY_FORMS: Forms = {
  table: "time jid what state changed took note",
  sheet: "time jid function what state changed results took note",
  document: "jid peel_id function args time state job_status user changed results dry_run took so_far note",
};

/** `first failure 1d ago, ok again 10m ago`, or how often it failed in a row and when it was ok before. */
function failureWords({ first, count: times, okAgain, lastOk }: Failures, now: Date): string {
  const ago = (time: Timestamp) => ageText(time, BigInt(now.getTime()) * 1_000_000n);
  const began = `first failure ${ago(first)}`;
  if (okAgain !== undefined) return `${began}, ok again ${ago(okAgain)}`;
  const often = times > 1 ? `, ${count(times)} in a row` : "";
  return `${began}${often}, ${lastOk === undefined ? "no earlier ok" : `last ok ${ago(lastOk)}`}`;
}

/** A line for each call that went wrong; the call itself is named where there are several. */
function failureLines(all: readonly HistoryEntry[], { columns, now }: Viewer): string {
  const calls = new Map(all.map((entry) => [entry, wholeCallOf(entry)]));
  const failures = failuresOf(all, (entry) => calls.get(entry) as string);
  const several = new Set(calls.values()).size > 1;
  const lines = failures
    .slice(0, TOLD)
    .map((one) =>
      paragraph(`${several ? `${shortenMiddle(one.call, CALL)}: ` : ""}${failureWords(one, now)}`, columns),
    );
  const rest = failures.length - lines.length;
  return lines.join("") + (rest > 0 ? `and ${count(rest)} more failed ${rest === 1 ? "call" : "calls"}\n` : "");
}

/**
 * The history of a peel.
 * @param peel its ID in stored form
 * @param entries those to show, in order
 * @param all the results of the peel in all jobs that were selected, newest first: the last lines count its failures in them
 * @param limit the most entries that are shown; without one, as many as a person reads on a terminal
 */
export function historyView(
  peel: string,
  entries: readonly HistoryEntry[],
  all: readonly HistoryEntry[],
  limit: number | undefined,
): View {
  const peelId: RowColumn<HistoryEntry> = { name: "peel_id", value: () => peel };
  return viewOf([...HISTORY_COLUMNS, peelId], HISTORY_FORMS, entries.slice(0, limit), {
    text(viewer) {
      const most = limit ?? (viewer.columns === undefined ? Number.POSITIVE_INFINITY : MOST_ENTRIES);
      const rest = entries.length - most;
      const more = rest > 0 ? `${andMore(rest, "result")} (-n shows more)\n` : "";
      const table = tableOf(pick(HISTORY_COLUMNS, HISTORY_FORMS.table), entries.slice(0, most), viewer);
      return [table + more + failureLines(all, viewer)];
    },
  });
}
