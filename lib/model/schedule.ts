// The runs of the peels' own schedules: how often they come, and which have stopped. Pure.

import { median } from "./durations.ts";
import { compareText, sortedByPeel } from "./peel.ts";

export interface ScheduledRun {
  readonly entry: string;
  readonly peel: string;
  readonly fn: string;
  /** When its job was created, which is when it ended, in ns since 1970. */
  readonly atNs: bigint;
  readonly failed: boolean;
}

export interface EntryOnPeel {
  readonly peel: string;
  readonly lastNs: bigint;
  readonly failed: boolean;
  /** How far runs are apart, in ns; undefined when too few are known. */
  readonly intervalNs: bigint | undefined;
  /** The last run is more than twice the interval ago. */
  readonly overdue: boolean;
}

/** An entry and its function, with the peels whose last run of the entry was of that function. */
export interface Schedule {
  readonly entry: string;
  readonly fn: string;
  readonly peels: readonly EntryOnPeel[];
  readonly lastNs: bigint;
  readonly intervalNs: bigint | undefined;
}

/** Fewer gaps between runs don't suggest how often they come. */
const LEAST_GAPS = 2;
/** A run that is not there after so many intervals is overdue: jitter and a long run alone don't make it that late. */
const PATIENCE = 2n;

const compare = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);

const gapsOf = (times: readonly bigint[]) => times.slice(1).map((time, i) => time - (times[i] as bigint));

const intervalOf = (gaps: readonly bigint[]) => (gaps.length < LEAST_GAPS ? undefined : median(gaps));

/**
 * What runs tell of the schedules that made them. The interval of an entry on a peel is the median of the gaps between its
 * runs, so that a few that were left out don't count; where a peel has fewer than two gaps, that of the gaps on all peels.
 * @param nowNs the server's clock, in ns since 1970
 * @returns sorted by entry, then by function
 */
export function schedulesOf(runs: Iterable<ScheduledRun>, nowNs: bigint): Schedule[] {
  const schedules: Schedule[] = [];
  for (const [entry, ofEntry] of Map.groupBy(runs, (run) => run.entry)) {
    const peels = [...Map.groupBy(ofEntry, (run) => run.peel)].map(([peel, own]) => {
      own.sort((a, b) => compare(a.atNs, b.atNs));
      return { peel, last: own.at(-1) as ScheduledRun, gaps: gapsOf(own.map(({ atNs }) => atNs)) };
    });
    const common = intervalOf(peels.flatMap(({ gaps }) => gaps));
    for (const [fn, ofFunction] of Map.groupBy(peels, ({ last }) => last.fn)) {
      const states = ofFunction.map(({ peel, last, gaps }): EntryOnPeel => {
        const intervalNs = intervalOf(gaps) ?? common;
        const overdue = intervalNs !== undefined && nowNs - last.atNs > PATIENCE * intervalNs;
        return { peel, lastNs: last.atNs, failed: last.failed, intervalNs, overdue };
      });
      schedules.push({
        entry,
        fn,
        peels: sortedByPeel(states),
        lastNs: states.reduce((last, { lastNs }) => (lastNs > last ? lastNs : last), states[0]?.lastNs as bigint),
        intervalNs: median(states.flatMap(({ intervalNs }) => intervalNs ?? [])),
      });
    }
  }
  return schedules.sort((a, b) => compareText(a.entry, b.entry) || compareText(a.fn, b.fn));
}
