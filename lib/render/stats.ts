// `stats` as tables. Pure; the clock is an argument.

import { Timestamp } from "../codec/value.ts";
import { paint } from "../colors.ts";
import { formatAgo, formatDuration } from "../duration.ts";
import type { Durations } from "../model/durations.ts";
import { displayPeel } from "../model/peel.ts";
import type { EntryOnPeel, Schedule } from "../model/schedule.ts";
import { isTrouble, type JobTally, type LastResult, type PeelStats } from "../model/stats.ts";
import { heightOf, type Span, spanWords, type Trend } from "../model/trend.ts";
import { count, plural } from "../text.ts";
import { paintState } from "./colors.ts";
import { LONG, leaves, shrinks } from "./fit.ts";
import { peelNames } from "./names.ts";
import { andMore, type Cell, type Look, renderTable, type Column as TableColumn } from "./table.ts";
import { whenText } from "./time.ts";

/** How statistics are shown: `utf8` false where the locale has no blocks. */
export interface StatsLook extends Look {
  readonly utf8: boolean;
}

/** The signs of a trend: nothing, then each height. */
const SIGNS = { blocks: "·▁▂▃▄▅▆▇█", digits: ".12345678" } as const;
const HEIGHTS = 8;
/** Peels that a person reads on a terminal; piped there is no limit. */
const MOST_PEELS = 40;
/** Those without a run take no more of these rows where others need them: the last line names them in any case. */
const MOST_IDLE = 10;
/** Peels that are named with their own last run, of those that are overdue. */
const NAMED = 3;
/** Columns that the names of peels take in a message. */
const NAMES_COLUMNS = 60;
/** The least columns of names behind a count. */
const LEAST = 20;

/** The highest count of all trends: heights can be compared from row to row. */
const highest = (trends: readonly Trend[]) => trends.reduce((most, { counts }) => Math.max(most, ...counts), 0);

/** One sign a slice: its height by how many there were, red where any went wrong. */
function trendCell({ counts, bad }: Trend, most: number, { utf8, color }: StatsLook): Cell {
  const all = utf8 ? SIGNS.blocks : SIGNS.digits;
  const signs = Array.from(counts, (n) => all[heightOf(n, most, HEIGHTS)] as string);
  const painted = () => signs.map((sign, i) => ((bad[i] as number) > 0 ? paint("bad", sign) : sign)).join("");
  return { text: signs.join(""), paint: color ? painted : undefined };
}

const trendTitle = (span: Span) => `TREND (${spanWords(span)})`;

/** `19 (100%)`: cut, never rounded up, so that 100% are all. */
function failedText(failed: number, jobs: number, columns: number): string {
  const percent = Math.floor((failed * 100) / jobs);
  const share = failed === 0 ? "" : ` (${percent === 0 ? "<1" : percent}%)`;
  return count(failed).padStart(columns) + share;
}

const duration = (durations: Durations, percent: number) => {
  const ns = durations.percentile(percent);
  return ns === undefined ? "-" : formatDuration(ns);
};

/** A column of a table, with its cells. */
interface Column extends TableColumn {
  readonly cells: readonly Cell[];
}

function tableOf(columns: readonly Column[], look: Look): string {
  const rows = (columns[0]?.cells ?? []).map((_, i) => columns.map(({ cells }) => cells[i] as Cell));
  return renderTable(columns, rows, look.header, look);
}

/** What jobs and peels have in common. */
interface Counted {
  readonly jobs: number;
  readonly failed: number;
  readonly durations: Durations;
}

function countColumns(all: readonly Counted[], color: boolean): Column[] {
  const wide = all.reduce((most, { failed }) => Math.max(most, count(failed).length), 0);
  const times = (title: string, percent: number, rank: number): Column => ({
    title,
    right: true,
    gives: [leaves(rank)],
    cells: all.map(({ durations }) => ({ text: duration(durations, percent) })),
  });
  return [
    { title: "JOBS", right: true, cells: all.map(({ jobs }) => ({ text: count(jobs) })) },
    {
      title: "FAILED",
      cells: all.map(({ failed, jobs }) => ({
        text: failedText(failed, jobs, wide),
        paint: failed > 0 ? paintState("failed", color) : undefined,
      })),
    },
    times("P50", 50, 3),
    times("P95", 95, 4),
    times("SLOWEST", 100, 5),
  ];
}

/** The table of functions, users or targets. @param by what the jobs were told apart by */
export function renderJobStats(tallies: readonly JobTally[], by: string, span: Span, look: StatsLook): string {
  const most = highest(tallies.map(({ trend }) => trend));
  const columns = [
    { title: by.toUpperCase(), gives: [shrinks(1, 12)], cells: tallies.map(({ key }) => ({ text: key })) },
    ...countColumns(tallies, look.color),
    { title: trendTitle(span), gives: [leaves(0)], cells: tallies.map(({ trend }) => trendCell(trend, most, look)) },
  ];
  return tableOf(columns, look);
}

/** The colour of a last result. */
const paintLast = (last: LastResult, color: boolean) => paintState(last === "no run" ? "silent" : last, color);

const isIdle = ({ tally }: PeelStats) => tally.last === "no run";

/** `no run on 2 of 14 peels: web-[003,007]`; nothing where each had one. */
function withoutRunLine(stats: readonly PeelStats[], most: number): string {
  const without = stats.filter(isIdle).map(({ tally }) => tally);
  if (without.length === 0) return "";
  const head = `no run on ${count(without.length)} of ${plural(stats.length, "peel")}: `;
  return `${head}${peelNames(without, Math.max(LEAST, most - head.length))}\n`;
}

/** The rows for a person, in their order: the first of those without a run, and of the others. */
function firstPeels(stats: readonly PeelStats[]): PeelStats[] {
  const others = stats.filter((one) => !isIdle(one));
  const idle = stats.filter(isIdle).slice(0, Math.max(MOST_IDLE, MOST_PEELS - others.length));
  return [...idle, ...others.slice(0, MOST_PEELS - idle.length)];
}

/** What is said of a peel that is left out. */
function kindOf({ tally: { last } }: PeelStats): string {
  if (last === "no run") return "without a run";
  if (last === "no result yet") return "without a result yet";
  return isTrouble(last) ? "not well" : "well";
}

/** `… and 60 peels more: 20 without a run, 5 not well, 35 well (piped, all are shown)`; nothing where none is left out. */
function restLine(stats: readonly PeelStats[], shown: readonly PeelStats[]): string {
  const left = new Set(stats).difference(new Set(shown));
  if (left.size === 0) return "";
  const kinds = [...Map.groupBy(left, kindOf)];
  const words = kinds.map(([kind, peels]) => `${kinds.length === 1 ? "all" : count(peels.length)} ${kind}`);
  return `${andMore(left.size, "peel")}: ${words.join(", ")} (piped, all are shown)\n`;
}

/** The table of peels, as they come. */
export function renderPeelStats(stats: readonly PeelStats[], span: Span, look: StatsLook, now: Date): string {
  const shown = look.columns === undefined ? stats : firstPeels(stats);
  const tallies = shown.map(({ tally }) => tally);
  const most = highest(tallies.map(({ trend }) => trend));
  const columns = [
    { title: "PEEL", gives: [shrinks(2, 12)], cells: tallies.map(({ peel }) => ({ text: displayPeel(peel) })) },
    ...countColumns(tallies, look.color),
    { title: "LAST", cells: tallies.map(({ last }) => ({ text: last, paint: paintLast(last, look.color) })) },
    { title: "WHEN", gives: [leaves(1)], cells: shown.map((one) => ({ text: whenText(one.lastRun, look, now) })) },
    { title: trendTitle(span), gives: [leaves(0)], cells: tallies.map(({ trend }) => trendCell(trend, most, look)) },
  ];
  const last = withoutRunLine(stats, look.columns ?? Number.POSITIVE_INFINITY);
  return tableOf(columns, look) + restLine(stats, shown) + last;
}

const [SECOND, MINUTE] = [1_000_000_000n, 60_000_000_000n];

/** How far runs are apart, which is an estimate: to the second from a minute on, to the minute from an hour on. */
function about(ns: bigint): string {
  const unit = ns >= 60n * MINUTE ? MINUTE : ns >= MINUTE ? SECOND : 1n;
  return formatDuration(((ns + unit / 2n) / unit) * unit);
}

/** `web-007 overdue: last 3d ago, about every 4h` */
function overdueWords({ peel, lastNs, intervalNs = 0n }: EntryOnPeel, nowNs: bigint): string {
  return `${displayPeel(peel)} overdue: last ${formatAgo(nowNs - lastNs)} ago, about every ${about(intervalNs)}`;
}

function troubleWords({ peels }: Schedule, nowNs: bigint): string {
  const overdue = peels.filter((peel) => peel.overdue);
  const failed = peels.filter((peel) => peel.failed);
  const words = overdue.slice(0, NAMED).map((peel) => overdueWords(peel, nowNs));
  const rest = overdue.slice(NAMED);
  if (rest.length > 0) words.push(`${count(rest.length)} more overdue: ${peelNames(rest, NAMES_COLUMNS)}`);
  if (failed.length > 0) words.push(`failed last: ${peelNames(failed, NAMES_COLUMNS)}`);
  return words.join("; ");
}

/** The table of schedules. @param now by the server's clock */
export function renderSchedules(schedules: readonly Schedule[], look: Look, now: Date): string {
  const nowNs = BigInt(now.getTime()) * 1_000_000n;
  const trouble = (schedule: Schedule) => {
    const isOverdue = schedule.peels.some(({ overdue }) => overdue);
    return { text: troubleWords(schedule, nowNs), paint: paintState(isOverdue ? "late" : "failed", look.color) };
  };
  const columns: Column[] = [
    { title: "SCHEDULE", cells: schedules.map(({ entry }) => ({ text: entry })) },
    { title: "FUNCTION", cells: schedules.map(({ fn }) => ({ text: fn })) },
    { title: "PEELS", right: true, cells: schedules.map(({ peels }) => ({ text: count(peels.length) })) },
    {
      title: "LAST",
      cells: schedules.map((schedule) => ({ text: whenText(Timestamp.at(schedule.lastNs), look, now) })),
    },
    {
      title: "EVERY",
      right: true,
      cells: schedules.map(({ intervalNs }) => ({
        text: intervalNs === undefined ? "-" : about(intervalNs),
      })),
    },
    { title: "", gives: LONG, wraps: true, cells: schedules.map(trouble) },
  ];
  return tableOf(columns, look);
}
