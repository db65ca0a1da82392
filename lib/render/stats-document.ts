// `stats` for programs: documents, and rows for spreadsheets. Pure.
import { Timestamp, type Value, type ValueMap } from "../codec/value.ts";
import type { Durations } from "../model/durations.ts";
import { displayPeel } from "../model/peel.ts";
import type { Schedule } from "../model/schedule.ts";
import type { JobTally, PeelStats } from "../model/stats.ts";
import type { Span, Trend } from "../model/trend.ts";
import { seconds } from "./columns.ts";

const times = (durations: Durations): [string, Value][] => [
  ["p50", durations.percentile(50) ?? null],
  ["p95", durations.percentile(95) ?? null],
  ["slowest", durations.percentile(100) ?? null],
];

/** Each slice with the time that it begins at. */
function trendDocument({ counts, bad }: Trend, { fromNs, toNs, slices }: Span): Value[] {
  return Array.from(
    counts,
    (n, i): ValueMap =>
      new Map<string, Value>([
        ["from", Timestamp.at(fromNs + ((toNs - fromNs) * BigInt(i)) / BigInt(slices))],
        ["jobs", n],
        ["failed", bad[i] as number],
      ]),
  );
}

/** A function, a user or a target; durations in ns. */
export const jobStatsDocument = (tally: JobTally, by: string, span: Span): ValueMap =>
  new Map<string, Value>([
    [by, tally.key],
    ["jobs", tally.jobs],
    ["failed", tally.failed],
    ["states", new Map<string, Value>(tally.states)],
    ...times(tally.durations),
    ["last", tally.last?.status ?? null],
    ["last_run", tally.last?.created ?? null],
    ["trend", trendDocument(tally.trend, span)],
  ]);

/** A peel; durations in ns. */
export const peelStatsDocument = ({ tally, lastRun }: PeelStats, span: Span): ValueMap =>
  new Map<string, Value>([
    ["peel_id", tally.peel],
    ["jobs", tally.jobs],
    ["failed", tally.failed],
    ["missing", tally.missing],
    ...times(tally.durations),
    ["last", tally.last],
    ["last_run", lastRun ?? null],
    ["trend", trendDocument(tally.trend, span)],
  ]);

/** A schedule; durations in ns. */
export const scheduleDocument = ({ entry, fn, peels, lastNs, intervalNs }: Schedule): ValueMap =>
  new Map<string, Value>([
    ["schedule", entry],
    ["function", fn],
    ["last_run", Timestamp.at(lastNs)],
    ["interval", intervalNs ?? null],
    [
      "peels",
      peels.map(
        (peel): ValueMap =>
          new Map<string, Value>([
            ["peel_id", peel.peel],
            ["last_run", Timestamp.at(peel.lastNs)],
            ["failed", peel.failed],
            ["interval", peel.intervalNs ?? null],
            ["overdue", peel.overdue],
          ]),
      ),
    ],
  ]);

const timeCells = (durations: Durations) => [50, 95, 100].map((percent) => seconds(durations.percentile(percent)));

/** The titles and the rows for a spreadsheet; durations in seconds. */
export const jobStatsSheet = (tallies: readonly JobTally[], by: string): [string[], string[][]] => [
  [by, "jobs", "failed", "p50", "p95", "slowest", "last", "last_run"],
  tallies.map((tally) => [
    tally.key,
    String(tally.jobs),
    String(tally.failed),
    ...timeCells(tally.durations),
    tally.last?.status ?? "",
    String(tally.last?.created ?? ""),
  ]),
];

/** The same of peels. */
export const peelStatsSheet = (stats: readonly PeelStats[]): [string[], string[][]] => [
  ["peel", "jobs", "failed", "missing", "p50", "p95", "slowest", "last", "last_run"],
  stats.map(({ tally, lastRun }) => [
    displayPeel(tally.peel),
    String(tally.jobs),
    String(tally.failed),
    String(tally.missing),
    ...timeCells(tally.durations),
    tally.last,
    String(lastRun ?? ""),
  ]),
];

/** The same of schedules: a row for each entry on each peel. */
export const scheduleSheet = (schedules: readonly Schedule[]): [string[], string[][]] => [
  ["schedule", "function", "peel", "last_run", "interval", "failed", "overdue"],
  schedules.flatMap(({ entry, fn, peels }) =>
    peels.map(({ peel, lastNs, intervalNs, failed, overdue }) => [
      entry,
      fn,
      displayPeel(peel),
      String(Timestamp.at(lastNs)),
      seconds(intervalNs),
      String(failed),
      String(overdue),
    ]),
  ),
];
