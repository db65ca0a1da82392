// `stats`: views. Pure.

import { mapOf, Timestamp, type Value } from "../codec/value.ts";
import { paint, paintState } from "../colors.ts";
import { formatAgo, formatDuration } from "../duration.ts";
import type { Durations } from "../model/durations.ts";
import { compare, displayPeel } from "../model/peel.ts";
import type { ResultStats, ResultTally } from "../model/result-stats.ts";
import type { EntryOnPeel, Schedule } from "../model/schedule.ts";
import {
  hasFailed,
  isTrouble,
  type JobTally,
  type LastResult,
  type PeelStats,
  type PeelTally,
} from "../model/stats.ts";
import { heightOf, type Span, spanWords, type Trend } from "../model/trend.ts";
import { count, plural, shortenMiddle } from "../text.ts";
import { LEAST_NAMES, peelNames } from "./names.ts";
import { andMore, LONG, leaves, limitOf, shrinks } from "./table.ts";
import { pick, type RowColumn, rowDocument, rowsView, sheetOf, tableOf, type View } from "./view.ts";

/** `trouble`: --check fails because something is overdue, had no run, or failed last. */
export interface StatsView extends View {
  readonly trouble: boolean;
}

/** Signs of a trend, from none to the highest. */
const SIGNS = { blocks: "·▁▂▃▄▅▆▇█", digits: ".12345678" } as const;
const HEIGHTS = 8;
/** Rows on a terminal. */
const PEELS_SHOWN = 40;
/** Of these, peels without a run; the last line names all of them. */
const IDLE_SHOWN = 10;
/** Overdue peels with their own last run. */
const NAMED_PEELS = 3;
const NAMES_IN_TROUBLE = 60;

/** Heights are comparable across rows. */
const highest = (trends: readonly Trend[]) => trends.reduce((most, { counts }) => Math.max(most, ...counts), 0);

/** One sign per slice. */
function trendSigns({ counts }: Trend, most: number, utf8: boolean): string[] {
  const all = utf8 ? SIGNS.blocks : SIGNS.digits;
  return Array.from(counts, (n) => all[heightOf(n, most, HEIGHTS)] as string);
}

/** Red where any failed. */
const paintTrend = (trend: Trend, most: number, utf8: boolean) =>
  trendSigns(trend, most, utf8)
    .map((sign, i) => ((trend.bad[i] as number) > 0 ? paint("bad", sign) : sign))
    .join("");

/** `19 (100%)`: rounded, and 100% means all. */
function failedText(failed: number, jobs: number, columns: number): string {
  const percent = Math.min(Math.round((failed * 100) / jobs), failed < jobs ? 99 : 100);
  const share = failed === 0 ? "" : ` (${percent === 0 ? "<1" : percent}%)`;
  return count(failed).padStart(columns) + share;
}

const failedWidth = (rows: readonly { readonly failed: number }[]) =>
  rows.reduce((most, { failed }) => Math.max(most, count(failed).length), 0);

/** Shared by jobs and peels. */
interface Counted {
  readonly jobs: number;
  readonly failed: number;
  readonly durations: Durations;
  readonly trend: Trend;
}

/**
 * In ns.
 * @param rank when it leaves a narrow table
 */
const times = (name: string, percent: number, rank: number): RowColumn<{ readonly durations: Durations }> => ({
  name,
  right: true,
  gives: [leaves(rank)],
  value: ({ durations }) => durations.percentile(percent) ?? null,
});
const TIME_COLUMNS = [times("p50", 50, 3), times("p95", 95, 4), times("slowest", 100, 5)];

/**
 * Signs in a table; for programs each slice with its start.
 * @param rows of the table
 */
function trendColumn(
  rows: readonly { readonly trend: Trend }[],
  span: Span,
  counted = "jobs",
): RowColumn<{ readonly trend: Trend }> {
  const { fromNs, toNs, slices } = span;
  const most = highest(rows.map(({ trend }) => trend));
  const fromOf = (i: number) => Timestamp.at(fromNs + ((toNs - fromNs) * BigInt(i)) / BigInt(slices));
  return {
    name: "trend",
    title: `TREND (${spanWords(span)})`,
    gives: [leaves(0)],
    value: ({ trend: { counts, bad } }) =>
      Array.from(counts, (n, i) =>
        mapOf([
          ["from", fromOf(i)],
          [counted, n],
          ["failed", bad[i]],
        ]),
      ),
    text: ({ trend }, { utf8 = false }) => trendSigns(trend, most, utf8).join(""),
    paint: ({ trend }, { color, utf8 = false }) => (color ? () => paintTrend(trend, most, utf8) : undefined),
  };
}

/** @param rows of the table */
function countColumns(rows: readonly Counted[], span: Span): RowColumn<Counted>[] {
  const wide = failedWidth(rows);
  return [
    { name: "jobs", right: true, value: ({ jobs }) => jobs },
    {
      name: "failed",
      value: ({ failed }) => failed,
      text: ({ failed, jobs }) => failedText(failed, jobs, wide),
      paint: ({ failed }, { color }) => (failed > 0 ? paintState("failed", color) : undefined),
    },
    ...TIME_COLUMNS,
    trendColumn(rows, span),
  ];
}

/** @param by function, user or target */
export function jobStatsView(tallies: readonly JobTally[], by: string, span: Span): StatsView {
  const columns: RowColumn<JobTally>[] = [
    { name: by, gives: [shrinks(1, 12)], value: ({ key }) => key, text: ({ key }) => key },
    ...countColumns(tallies, span),
    { name: "states", value: ({ states }) => new Map<string, Value>(states) },
    { name: "last", value: ({ last }) => last?.status ?? null },
    { name: "last_run", value: ({ last }) => last?.created ?? null },
  ];
  const forms = {
    table: `${by} jobs failed p50 p95 slowest trend`,
    sheet: `${by} jobs failed p50 p95 slowest last last_run`,
    document: `${by} jobs failed states p50 p95 slowest last last_run trend`,
  };
  const trouble = tallies.some(({ last }) => last !== undefined && hasFailed(last));
  return { ...rowsView(columns, forms, tallies), trouble };
}

const isIdle = ({ last }: PeelTally) => last === "no run";

/** `no run on 2 of 14 peels: web-[003,007]`; empty for none. */
function withoutRunLine(tallies: readonly PeelTally[], most: number): string {
  const without = tallies.filter(isIdle);
  if (without.length === 0) return "";
  const head = `no run on ${count(without.length)} of ${plural(tallies.length, "peel")}: `;
  return `${head}${peelNames(without, Math.max(LEAST_NAMES, most - head.length))}\n`;
}

/** Rows on a terminal: the first peels without a run, and of the others. */
function firstPeels(tallies: readonly PeelTally[]): PeelTally[] {
  const others = tallies.filter((one) => !isIdle(one));
  const idle = tallies.filter(isIdle).slice(0, Math.max(IDLE_SHOWN, PEELS_SHOWN - others.length));
  return [...idle, ...others.slice(0, PEELS_SHOWN - idle.length)];
}

function peelKind({ last }: PeelTally): string {
  if (last === "no run") return "without a run";
  if (last === "no return yet") return "without a return yet";
  return isTrouble(last) ? "not ok" : "ok";
}

/** `… and 60 more peels: 20 without a run, 5 not ok, 35 ok (a pipe shows all)`; empty for none. */
function restLine(tallies: readonly PeelTally[], shown: readonly PeelTally[]): string {
  const left = new Set(tallies).difference(new Set(shown));
  if (left.size === 0) return "";
  const kinds = [...Map.groupBy(left, peelKind)];
  const words = kinds.map(([kind, peels]) => `${kinds.length === 1 ? "all" : count(peels.length)} ${kind}`);
  return `${andMore(left.size, "peel")}: ${words.join(", ")} (a pipe shows all)\n`;
}

const attention = (last: LastResult) => (last === "no run" ? 0 : isTrouble(last) ? 1 : 2);

export function peelStatsView(stats: readonly PeelStats[], span: Span): StatsView {
  const keyed = stats.map((one) => ({ ...one, rank: attention(one.tally.last), name: displayPeel(one.tally.peel) }));
  keyed.sort((a, b) => a.rank - b.rank || compare(a.name, b.name));
  const tallies = keyed.map(({ tally }) => tally);
  const runs = new Map(keyed.map(({ tally, lastRun }) => [tally, lastRun]));
  const columnsOf = (rows: readonly PeelTally[]): RowColumn<PeelTally>[] => [
    { name: "peel", gives: [shrinks(2, 12)], value: ({ peel }) => displayPeel(peel) },
    { name: "peel_id", value: ({ peel }) => peel },
    ...countColumns(rows, span),
    { name: "missing", value: ({ missing }) => missing },
    {
      name: "last",
      value: ({ last }) => last,
      paint: ({ last }, { color }) => paintState(last === "no run" ? "silent" : last, color),
    },
    { name: "last_run", title: "WHEN", gives: [leaves(1)], value: (tally) => runs.get(tally) ?? null },
  ];
  const forms = {
    table: "peel jobs failed p50 p95 slowest last last_run trend",
    sheet: "peel jobs failed missing p50 p95 slowest last last_run",
    document: "peel_id jobs failed missing p50 p95 slowest last last_run trend",
  };
  const view = rowsView(columnsOf(tallies), forms, tallies, {
    *text(viewer) {
      const shown = viewer.columns === undefined ? tallies : firstPeels(tallies);
      yield* tableOf(pick(columnsOf(shown), forms.table), shown, viewer);
      yield restLine(tallies, shown);
      yield withoutRunLine(tallies, viewer.columns ?? Number.POSITIVE_INFINITY);
    },
  });
  return { ...view, trouble: tallies.some(({ last }) => isTrouble(last)) };
}

const RESULTS_SHOWN = 40;

export function resultStatsView(stats: readonly ResultStats[], span: Span): StatsView {
  const lastRuns = new Map(stats.map(({ tally, lastRun }) => [tally, lastRun]));
  const tallies = stats.map(({ tally }) => tally);
  const anyDry = tallies.some(({ dryRuns }) => dryRuns > 0);
  const columnsOf = (rows: readonly ResultTally[]): RowColumn<ResultTally>[] => {
    const wide = failedWidth(rows);
    return [
      {
        name: "result",
        gives: [shrinks(2, 24), shrinks(7, 12)],
        value: ({ name }) => name,
        text: ({ name }, _, max) => shortenMiddle(name, max),
      },
      { name: "runs", right: true, value: ({ runs }) => runs },
      { name: "changed", right: true, value: ({ changed }) => changed },
      {
        name: "failed",
        value: ({ failed }) => failed,
        text: ({ failed, runs }) => failedText(failed, runs, wide),
        paint: ({ failed }, { color }) => (failed > 0 ? paintState("failed", color) : undefined),
      },
      { name: "skipped", right: true, gives: [leaves(6)], value: ({ skipped }) => skipped },
      {
        name: "always_changes",
        title: "",
        value: ({ alwaysChanges }) => alwaysChanges,
        text: ({ alwaysChanges }) => (alwaysChanges ? "always changes" : ""),
      },
      {
        name: "dry_runs",
        title: "DRY RUNS",
        gives: [leaves(1)],
        value: ({ dryRuns }) => dryRuns,
        text: ({ dryRuns, wouldChange }) =>
          dryRuns === 0 ? "-" : count(dryRuns) + (wouldChange > 0 ? `, ${count(wouldChange)} would change` : ""),
      },
      { name: "would_change", value: ({ wouldChange }) => wouldChange },
      ...TIME_COLUMNS,
      { name: "last", value: ({ failedLast, runs }) => (runs === 0 ? null : failedLast ? "failed" : "ok") },
      { name: "last_run", value: (tally) => lastRuns.get(tally) ?? null },
      trendColumn(rows, span, "runs"),
    ];
  };
  const all = "result runs changed failed skipped always_changes dry_runs would_change p50 p95 slowest last last_run";
  const forms = {
    table: `result runs changed failed skipped p50 p95 slowest ${anyDry ? "dry_runs " : ""}trend always_changes`,
    sheet: all,
    document: `${all} trend`,
  };
  const view = rowsView(columnsOf(tallies), forms, tallies, {
    *text(viewer) {
      const shown = tallies.slice(0, limitOf(RESULTS_SHOWN, viewer));
      const rest = tallies.length - shown.length;
      yield* tableOf(pick(columnsOf(shown), forms.table), shown, viewer);
      if (rest > 0) yield `${andMore(rest, "result")} (a pipe shows all)\n`;
    },
  });
  return { ...view, trouble: tallies.some(({ failedLast }) => failedLast) };
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
    text: (schedule, { now }) => troubleWords(schedule, BigInt(now.getTime()) * 1_000_000n),
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
  return { ...view, trouble: entries.some(({ overdue, failed }) => overdue || failed) };
}
