// `history`: the view. Pure.
import type { Timestamp } from "../codec/value.ts";
import { paintState } from "../colors.ts";
import { formatDuration } from "../duration.ts";
import { type Failures, failuresOf, goesOn, type HistoryEntry } from "../model/history.ts";
import type { Selection } from "../model/selection.ts";
import { count, paragraph, safe, shortenMiddle } from "../text.ts";
import { nsOf } from "../time.ts";
import { callOf, wholeCall } from "./call.ts";
import { andMore, leaves, rowLimit, shrinks } from "./table.ts";
import { ageText, seconds } from "./time.ts";
import { type Forms, jidColumn, pick, type RowColumn, rowsView, tableOf, type View, type Viewer } from "./view.ts";

const MOST_ENTRIES = 20;
/** Calls with a line of failures, and columns of each. */
const [MOST_CALLS, CALL_WIDTH] = [5, 60] as const;

const wholeCallOf = ({ row, job }: HistoryEntry) => (row ? wholeCall(job, row) : "-");

const HISTORY_COLUMNS: readonly RowColumn<HistoryEntry>[] = [
  { name: "time", title: "WHEN", value: ({ at }) => at ?? null },
  jidColumn(({ jid }) => jid, 2),
  {
    name: "what",
    gives: [shrinks(1, 20), shrinks(3, 12)],
    value: wholeCallOf,
    text: (entry, { columns }, max) =>
      shortenMiddle(columns === undefined || !entry.row ? wholeCallOf(entry) : callOf(entry.job, entry.row), max),
  },
  { name: "function", value: ({ row }) => row?.fn },
  { name: "args", value: ({ job }) => job?.get("args") },
  { name: "state", value: ({ state }) => state, paint: ({ state }, { color }) => paintState(state, color) },
  { name: "job_status", value: ({ row }) => row?.status },
  { name: "user", value: ({ row }) => row?.user },
  {
    name: "changed",
    gives: [leaves(4)],
    value: ({ changed }) => changed?.some,
    text: ({ changed, dryRun }) => (changed?.of ? `${changed.some}/${changed.of}${dryRun ? " dry" : ""}` : "-"),
  },
  { name: "results", value: ({ changed }) => changed?.of },
  { name: "dry_run", value: ({ dryRun }) => dryRun || undefined },
  {
    name: "took",
    gives: [leaves(5)],
    value: ({ tookNs }) => tookNs,
    plain: (entry) => (goesOn(entry) ? "" : seconds(entry.tookNs)),
    text({ tookNs, soFarNs }) {
      if (soFarNs !== undefined) return `${formatDuration(soFarNs)} so far`;
      return tookNs === undefined ? "-" : formatDuration(tookNs);
    },
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

/** What --since and --until hide, as a selection of jobs has it. */
type Selected = Pick<Selection, "text" | "since" | "until">;

/** `first failure 1d ago, ok again 10m ago`, or how many failures in a row, and the last ok. Claims nothing about hidden results. */
function failureWords({ first, count: times, okAgain, lastOk }: Failures, selected: Selected, now: Date): string {
  const ago = (time: Timestamp) => ageText(time, nsOf(now));
  const mayBeOlder = selected.since !== undefined && lastOk === undefined;
  const began = `first failure ${ago(first)}${mayBeOlder ? " or earlier" : ""}`;
  if (okAgain !== undefined) return `${began}, ok again ${ago(okAgain)}`;
  const often = times > 1 ? `, ${count(times)} failures in a row` : "";
  const noOk = mayBeOlder ? "no ok" : "no earlier ok";
  const matching = mayBeOlder || selected.until !== undefined ? ` (matching ${safe(selected.text)})` : "";
  return `${began}${often}, ${lastOk === undefined ? noOk : `last ok ${ago(lastOk)}`}${matching}`;
}

/** A line per failed call, with its name if there are several. */
function failureLines(all: readonly HistoryEntry[], selected: Selected, { columns, now }: Viewer): string {
  const calls = new Map(all.map((entry) => [entry, wholeCallOf(entry)]));
  const failures = failuresOf(all, (entry) => calls.get(entry) as string);
  const several = new Set(calls.values()).size > 1;
  const lines = failures
    .slice(0, MOST_CALLS)
    .map((one) =>
      paragraph(
        `${several ? `${shortenMiddle(one.call, CALL_WIDTH)}: ` : ""}${failureWords(one, selected, now)}`,
        columns,
      ),
    );
  const rest = failures.length - lines.length;
  return lines.join("") + (rest > 0 ? `and ${count(rest)} more failed ${rest === 1 ? "call" : "calls"}\n` : "");
}

/** @param all results, newest first, for the lines about failures @param limit default: as many as a terminal shows */
export function historyView(
  peel: string,
  entries: readonly HistoryEntry[],
  all: readonly HistoryEntry[],
  selected: Selected,
  limit: number | undefined,
): View {
  const peelId: RowColumn<HistoryEntry> = { name: "peel_id", value: () => peel };
  return rowsView([...HISTORY_COLUMNS, peelId], HISTORY_FORMS, entries.slice(0, limit), {
    *text(viewer) {
      const most = limit ?? rowLimit(MOST_ENTRIES, viewer);
      const rest = entries.length - most;
      yield* tableOf(pick(HISTORY_COLUMNS, HISTORY_FORMS.table), entries.slice(0, most), viewer);
      if (rest > 0) yield `${andMore(rest, "job")} (-n shows more)\n`;
      yield failureLines(all, selected, viewer);
    },
  });
}
