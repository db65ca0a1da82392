// Peels' own schedules: intervals, and which are overdue. Pure.

import { median } from "./durations.ts";
import { compare, sortedByPeel } from "./peel.ts";

export interface ScheduledRun {
  readonly entry: string;
  readonly peel: string;
  readonly fn: string;
  /** Creation of its job, which is its end, in ns since 1970. */
  readonly atNs: bigint;
  readonly failed: boolean;
}

export interface EntryOnPeel {
  readonly peel: string;
  readonly lastNs: bigint;
  readonly failed: boolean;
  /** Time between runs, in ns; undefined with too few runs. */
  readonly intervalNs: bigint | undefined;
  /** The last run is older than two intervals. */
  readonly overdue: boolean;
}

/** An entry and its function, with the peels that ran this function last. */
export interface Schedule {
  readonly entry: string;
  readonly fn: string;
  readonly peels: readonly EntryOnPeel[];
  readonly lastNs: bigint;
  readonly intervalNs: bigint | undefined;
}

const LEAST_GAPS = 2;
/** Overdue after this many intervals: more than jitter and a long run. */
const PATIENCE = 2n;

const gapsOf = (times: readonly bigint[]) => times.slice(1).map((time, i) => time - (times[i] as bigint));

const intervalOf = (gaps: readonly bigint[]) => (gaps.length < LEAST_GAPS ? undefined : median(gaps));

/**
 * The interval on a peel is the median of the gaps between its runs; with fewer than two gaps, that of all peels.
 * @returns sorted by entry, then function
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
  return schedules.sort((a, b) => compare(a.entry, b.entry) || compare(a.fn, b.fn));
}
