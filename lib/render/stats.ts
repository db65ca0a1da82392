// `stats`: views. Pure.

import { mapOf, Timestamp, type Value } from "../codec/value.ts";
import { paint, paintState } from "../colors.ts";
import { formatAgo, formatDuration } from "../duration.ts";
import type { Durations } from "../model/durations.ts";
import { compare, displayPeel } from "../model/peel.ts";
import type { EntryOnPeel, Schedule } from "../model/schedule.ts";
import {
  heightOf,
  isTrouble,
  type JobTally,
  type LastResult,
  lastBad,
  type PeelStats,
  type PeelTally,
  type ResultStats,
  type ResultTally,
  type Span,
  type StatsRow,
  spanWords,
  type Trend,
} from "../model/stats.ts";
import { count, plural, shortenMiddle } from "../text.ts";
import { nsOf } from "../time.ts";
import { LEAST_NAMES, peelNames } from "./names.ts";
import { andMore, LONG, leaves, shrinks } from "./table.ts";
import {
  type Forms,
  pick,
  type RowColumn,
  rowDocument,
  rowsView,
  sheetOf,
  tableOf,
  type View,
  type Viewer,
} from "./view.ts";

export interface StatsView extends View {
  /** Rows for which --check fails: `web-4 no run`. */
  readonly trouble: readonly string[];
}

/** Signs of a trend, from none to the highest. */
const SIGNS = { blocks: "·▁▂▃▄▅▆▇█", digits: ".12345678" } as const;
const HEIGHTS = 8;
const PERCENTILES = [
  ["p50", 50],
  ["p95", 95],
  ["slowest", 100],
] as const;
/** Rows on a terminal. */
const ROWS_SHOWN = 40;
/** Rows of peels without a run; the last line names all such peels. */
const IDLE_SHOWN = 10;
/** Overdue peels with their own last run. */
const NAMED_PEELS = 3;
const NAMES_IN_TROUBLE = 60;

interface Tally {
  readonly failed: number;
  readonly durations: Durations;
  readonly trend: Trend;
}

/** `19 (100%)`: rounded, and 100% means all. */
function shareText(n: number, of: number, columns: number): string {
  const percent = Math.min(Math.round((n * 100) / of), n < of ? 99 : 100);
  const share = n === 0 ? "" : ` (${percent === 0 ? "<1" : percent}%)`;
  return count(n).padStart(columns) + share;
}

const widest = <T>(rows: readonly T[], countOf: (row: T) => number) =>
  rows.reduce((most, row) => Math.max(most, count(countOf(row)).length), 0);

/** Signs in a table, of comparable heights, red where any failed; for programs each slice with its start. */
function trendColumn(rows: readonly StatsRow<Tally>[], span: Span, counted: string): RowColumn<StatsRow<Tally>> {
  const { fromNs, toNs, slices } = span;
  const highest = rows.reduce((most, { tally }) => Math.max(most, ...tally.trend.counts), 0);
  const fromOf = (i: number) => Timestamp.at(fromNs + ((toNs - fromNs) * BigInt(i)) / BigInt(slices));
  const signs = ({ tally: { trend } }: StatsRow<Tally>, utf8 = false) => {
    const all = utf8 ? SIGNS.blocks : SIGNS.digits;
    return Array.from(trend.counts, (n) => all[heightOf(n, highest, HEIGHTS)] as string);
  };
  const painted = (row: StatsRow<Tally>, utf8: boolean | undefined) =>
    signs(row, utf8).map((sign, i) => ((row.tally.trend.bad[i] as number) > 0 ? paint("bad", sign) : sign));
  return {
    name: "trend",
    title: `TREND (${spanWords(span)})`,
    gives: [leaves(0)],
    value: ({ tally: { trend } }) =>
      Array.from(trend.counts, (n, i) => mapOf({ from: fromOf(i), [counted]: n, failed: trend.bad[i] })),
    text: (row, { utf8 }) => signs(row, utf8).join(""),
    paint: (row, { color, utf8 }) => (color ? () => painted(row, utf8).join("") : undefined),
  };
}

/** Columns of all such tables. @param counted name of `of` */
function countColumns<T extends Tally>(
  rows: readonly StatsRow<T>[],
  span: Span,
  counted: string,
  of: (tally: T) => number,
): RowColumn<StatsRow<T>>[] {
  const wide = widest(rows, ({ tally }) => tally.failed);
  return [
    { name: counted, right: true, value: ({ tally }) => of(tally) },
    {
      name: "failed",
      value: ({ tally }) => tally.failed,
      text: ({ tally }) => shareText(tally.failed, of(tally), wide),
      paint: ({ tally }, { color }) => (tally.failed > 0 ? paintState("failed", color) : undefined),
    },
    ...PERCENTILES.map(([name, percent], i) => ({
      name,
      right: true,
      gives: [leaves(3 + i)],
      value: ({ tally }: StatsRow<T>) => tally.durations.percentile(percent) ?? null,
    })),
    { name: "last_run", title: "WHEN", gives: [leaves(1)], value: ({ lastRun }) => lastRun ?? null },
    trendColumn(rows, span, counted),
  ];
}

/** @param first the rows that a terminal shows @param below lines about the others */
function statsView<T extends Tally>(
  rows: readonly StatsRow<T>[],
  columnsOf: (rows: readonly StatsRow<T>[]) => RowColumn<StatsRow<T>>[],
  forms: Forms,
  troubleOf: (tally: T) => string | undefined,
  first = (rows: readonly StatsRow<T>[]) => rows,
  below: (shown: readonly StatsRow<T>[], viewer: Viewer) => string = () => "",
): StatsView {
  const view = rowsView(columnsOf(rows), forms, rows, {
    *text(viewer) {
      const shown = viewer.columns === undefined ? rows : first(rows);
      yield* tableOf(pick(columnsOf(shown), forms.table), shown, viewer);
      yield below(shown, viewer);
    },
  });
  return { ...view, trouble: rows.flatMap(({ tally }) => troubleOf(tally) ?? []) };
}

/** @param by function, user or target @param repaired those whose failed peels are all ok in later retries */
export function jobStatsView(
  tallies: readonly JobTally[],
  by: string,
  span: Span,
  repaired: ReadonlySet<JobTally>,
): StatsView {
  const rows = tallies.map((tally) => ({ tally, lastRun: tally.last?.created }));
  const columns: RowColumn<StatsRow<JobTally>>[] = [
    { name: by, gives: [shrinks(1, 12)], value: ({ tally }) => tally.key, text: ({ tally }) => tally.key },
    ...countColumns(rows, span, "jobs", ({ jobs }) => jobs),
    { name: "states", value: ({ tally }) => new Map<string, Value>(tally.states) },
    { name: "last", value: ({ tally }) => tally.last?.status ?? null },
  ];
  const forms = {
    table: `${by} jobs failed p50 p95 slowest trend`,
    sheet: `${by} jobs failed p50 p95 slowest last last_run`,
    document: `${by} jobs failed states p50 p95 slowest last last_run trend`,
  };
  return statsView(
    rows,
    () => columns,
    forms,
    (tally) => {
      const bad = repaired.has(tally) ? undefined : lastBad(tally);
      return bad && `${tally.key} ${bad.status}`;
    },
  );
}

const isIdle = ({ tally }: PeelStats) => tally.last === "no run";

/** `no run on 2 of 14 peels: web-[003,007]`; empty for none. */
function withoutRunLine(rows: readonly PeelStats[], most: number): string {
  const without = rows.filter(isIdle).map(({ tally }) => tally);
  if (without.length === 0) return "";
  const head = `no run on ${count(without.length)} of ${plural(rows.length, "peel")}: `;
  return `${head}${peelNames(without, Math.max(LEAST_NAMES, most - head.length))}\n`;
}

function firstPeels(rows: readonly PeelStats[]): PeelStats[] {
  const others = rows.filter((one) => !isIdle(one));
  const idle = rows.filter(isIdle).slice(0, Math.max(IDLE_SHOWN, ROWS_SHOWN - others.length));
  return [...idle, ...others.slice(0, ROWS_SHOWN - idle.length)];
}

function peelKind({ tally: { last } }: PeelStats): string {
  if (last === "no run") return "without a run";
  if (last === "no return yet") return "without a return yet";
  if (last === "canceled") return last;
  return isTrouble(last) ? "not ok" : "ok";
}

/** `… and 60 more peels: 20 without a run, 5 not ok, 35 ok (a pipe shows all)`; empty for none. */
function restLine(rows: readonly PeelStats[], shown: readonly PeelStats[]): string {
  const left = new Set(rows).difference(new Set(shown));
  if (left.size === 0) return "";
  const kinds = [...Map.groupBy(left, peelKind)];
  const words = kinds.map(([kind, peels]) => `${kinds.length === 1 ? "all" : count(peels.length)} ${kind}`);
  return `${andMore(left.size, "peel")}: ${words.join(", ")} (a pipe shows all)\n`;
}

const attention = (last: LastResult) => (last === "no run" ? 0 : isTrouble(last) ? 1 : 2);

export function peelStatsView(stats: readonly PeelStats[], span: Span): StatsView {
  const rows = stats.map((one) => ({ ...one, rank: attention(one.tally.last), name: displayPeel(one.tally.peel) }));
  rows.sort((a, b) => a.rank - b.rank || compare(a.name, b.name));
  const columnsOf = (shown: readonly PeelStats[]): RowColumn<PeelStats>[] => [
    { name: "peel", gives: [shrinks(2, 12)], value: ({ tally }) => displayPeel(tally.peel) },
    { name: "peel_id", value: ({ tally }) => tally.peel },
    ...countColumns(shown, span, "jobs", ({ jobs }: PeelTally) => jobs),
    { name: "missing", value: ({ tally }) => tally.missing },
    {
      name: "last",
      value: ({ tally }) => tally.last,
      paint: ({ tally: { last } }, { color }) => paintState(last === "no run" ? "silent" : last, color),
    },
  ];
  const forms = {
    table: "peel jobs failed p50 p95 slowest last last_run trend",
    sheet: "peel jobs failed missing p50 p95 slowest last last_run",
    document: "peel_id jobs failed missing p50 p95 slowest last last_run trend",
  };
  const below = (shown: readonly PeelStats[], { columns = Number.POSITIVE_INFINITY }: Viewer) =>
    restLine(rows, shown) + withoutRunLine(rows, columns);
  const troubleOf = ({ peel, last }: PeelTally) => (isTrouble(last) ? `${displayPeel(peel)} ${last}` : undefined);
  return statsView(rows, columnsOf, forms, troubleOf, firstPeels, below);
}

export function resultStatsView(stats: readonly ResultStats[], span: Span): StatsView {
  const anyDry = stats.some(({ tally }) => tally.dryRuns > 0);
  const wide = widest(stats, ({ tally }) => tally.changed);
  const columnsOf = (shown: readonly ResultStats[]): RowColumn<ResultStats>[] => [
    {
      name: "result",
      gives: [shrinks(2, 24), shrinks(7, 12)],
      value: ({ tally }) => tally.name,
      text: ({ tally }, _, max) => shortenMiddle(tally.name, max),
    },
    ...countColumns(shown, span, "runs", ({ runs }: ResultTally) => runs),
    {
      name: "changed",
      value: ({ tally }) => tally.changed,
      text: ({ tally }) => shareText(tally.changed, tally.runs, wide),
    },
    { name: "skipped", right: true, gives: [leaves(6)], value: ({ tally }) => tally.skipped },
    {
      name: "always_changes",
      title: "",
      value: ({ tally }) => tally.alwaysChanges,
      text: ({ tally }) => (tally.alwaysChanges ? "always changes" : ""),
    },
    {
      name: "dry_runs",
      title: "DRY RUNS",
      gives: [leaves(1)],
      value: ({ tally }) => tally.dryRuns,
      text: ({ tally: { dryRuns, wouldChange } }) =>
        dryRuns === 0 ? "-" : count(dryRuns) + (wouldChange > 0 ? `, ${count(wouldChange)} would change` : ""),
    },
    { name: "would_change", value: ({ tally }) => tally.wouldChange },
    { name: "last", value: ({ tally }) => (tally.runs === 0 ? null : tally.failedLast ? "failed" : "ok") },
  ];
  const all = "result runs changed failed skipped always_changes dry_runs would_change p50 p95 slowest last last_run";
  const forms = {
    table: `result runs changed failed skipped p50 p95 slowest ${anyDry ? "dry_runs " : ""}trend always_changes`,
    sheet: all,
    document: `${all} trend`,
  };
  const below = (shown: readonly ResultStats[]) => {
    const rest = stats.length - shown.length;
    return rest > 0 ? `${andMore(rest, "result")} (a pipe shows all)\n` : "";
  };
  const first = (rows: readonly ResultStats[]) => rows.slice(0, ROWS_SHOWN);
  const troubleOf = ({ name, failedLast }: ResultTally) => (failedLast ? `${name} failed` : undefined);
  return statsView(stats, columnsOf, forms, troubleOf, first, below);
}

const [ONE_SECOND, ONE_MINUTE] = [1_000_000_000n, 60_000_000_000n];

/** An estimate: rounded to seconds from a minute on, to minutes from an hour on. */
function about(ns: bigint): string {
  const unit = ns >= 60n * ONE_MINUTE ? ONE_MINUTE : ns >= ONE_MINUTE ? ONE_SECOND : 1n;
  return formatDuration(((ns + unit / 2n) / unit) * unit);
}

/** `web-007 overdue: last run 3d ago, usually every 4h` */
function overdueWords({ peel, lastNs, intervalNs = 0n }: EntryOnPeel, nowNs: bigint): string {
  return `${displayPeel(peel)} overdue: last run ${formatAgo(nowNs - lastNs)} ago, usually every ${about(intervalNs)}`;
}

function troubleWords({ peels }: Schedule, nowNs: bigint): string {
  const overdue = peels.filter((peel) => peel.overdue);
  const failed = peels.filter((peel) => peel.failed);
  const words = overdue.slice(0, NAMED_PEELS).map((peel) => overdueWords(peel, nowNs));
  const rest = overdue.slice(NAMED_PEELS);
  if (rest.length > 0) words.push(`${count(rest.length)} more overdue: ${peelNames(rest, NAMES_IN_TROUBLE)}`);
  if (failed.length > 0) words.push(`last run failed: ${peelNames(failed, NAMES_IN_TROUBLE)}`);
  return words.join("; ");
}

const lastRun = ({ lastNs }: { readonly lastNs: bigint }) => Timestamp.at(lastNs);

const SCHEDULE_COLUMNS: readonly RowColumn<Schedule>[] = [
  { name: "schedule", value: ({ entry }) => entry, text: ({ entry }) => entry },
  { name: "function", value: ({ fn }) => fn, text: ({ fn }) => fn },
  {
    name: "peels",
    right: true,
    value: ({ peels }, now) => peels.map((peel) => rowDocument(pick(ENTRY_COLUMNS, ENTRY_FIELDS), peel, now)),
    text: ({ peels }) => count(peels.length),
  },
  { name: "last_run", title: "LAST", value: lastRun },
  {
    name: "interval",
    title: "EVERY",
    right: true,
    value: ({ intervalNs }) => intervalNs ?? null,
    text: ({ intervalNs }) => (intervalNs === undefined ? "-" : about(intervalNs)),
  },
  {
    name: "trouble",
    title: "",
    gives: LONG,
    wraps: true,
    value: () => undefined,
    text: (schedule, { now }) => troubleWords(schedule, nsOf(now)),
    paint: ({ peels }, { color }) => paintState(peels.some(({ overdue }) => overdue) ? "late" : "failed", color),
  },
];

/** A row of CSV, and an item of a schedule in JSON. */
const ENTRY_COLUMNS: readonly RowColumn<EntryOnPeel & Partial<Pick<Schedule, "entry" | "fn">>>[] = [
  { name: "schedule", value: ({ entry }) => entry },
  { name: "function", value: ({ fn }) => fn },
  { name: "peel", value: ({ peel }) => displayPeel(peel) },
  { name: "peel_id", value: ({ peel }) => peel },
  { name: "last_run", value: lastRun },
  { name: "interval", value: ({ intervalNs }) => intervalNs ?? null },
  { name: "failed", value: ({ failed }) => failed },
  { name: "overdue", value: ({ overdue }) => overdue },
];
const ENTRY_FIELDS = "peel_id last_run failed interval overdue";
const ENTRY_SHEET = "schedule function peel last_run interval failed overdue";

/** CSV has a row for each peel. */
export function scheduleView(schedules: readonly Schedule[]): StatsView {
  const forms = {
    table: "schedule function peels last_run interval trouble",
    sheet: "",
    document: "schedule function last_run interval peels",
  };
  const entries = schedules.flatMap(({ entry, fn, peels }) => peels.map((peel) => ({ ...peel, entry, fn })));
  const view = rowsView(SCHEDULE_COLUMNS, forms, schedules, {
    sheet: (now) => sheetOf(pick(ENTRY_COLUMNS, ENTRY_SHEET), entries, now),
  });
  const trouble = entries.flatMap(({ entry, peel, overdue, failed }) => {
    const states = [overdue && "overdue", failed && "failed"].filter(Boolean).join(", ");
    return states === "" ? [] : [`${entry} on ${displayPeel(peel)} ${states}`];
  });
  return { ...view, trouble };
}
