// Statistics of results across returns. Pure.
import type { Timestamp } from "../codec/value.ts";
import { count } from "../text.ts";
import { Durations } from "./durations.ts";
import { compare } from "./peel.ts";
import type { Result } from "./return-data.ts";
import { tooMany } from "./selection.ts";
import { type Span, Trend } from "./trend.ts";

const MOST_NAMES = 20_000;
const MOST_CHARACTERS = 16 << 20;
/** Exact percentiles need 8 bytes per result. */
const MOST_RESULTS = 8_000_000;

export type ResultSort = "failed" | "changed" | "time" | "runs";

/** Counts for one name. Dry runs count apart. */
export class ResultTally {
  runs = 0;
  changed = 0;
  failed = 0;
  skipped = 0;
  dryRuns = 0;
  wouldChange = 0;
  readonly durations = new Durations();
  readonly trend: Trend;
  #lastPlace = -1;
  /** Failed on any peel of its newest job. */
  failedLast = false;

  constructor(
    readonly name: string,
    slices: number,
  ) {
    this.trend = new Trend(slices);
  }

  /**
   * @param place of its job among all, which are sorted by when they were created
   * @param slice the part of the trend that the job falls into
   */
  add({ outcome, duration }: Pick<Result, "outcome" | "duration">, place: number, slice: number | undefined): void {
    const failed = outcome === "failed";
    this.runs++;
    if (outcome === "changed") this.changed++;
    if (failed) this.failed++;
    if (outcome === "skipped") this.skipped++;
    else if (duration !== undefined) this.durations.add(duration);
    this.trend.add(slice, failed);
    if (place > this.#lastPlace) this.failedLast = failed;
    else if (place === this.#lastPlace) this.failedLast ||= failed;
    this.#lastPlace = Math.max(this.#lastPlace, place);
  }

  addDryRun(wouldChange: boolean): void {
    this.dryRuns++;
    if (wouldChange) this.wouldChange++;
  }

  /** Changed in more than half of its runs: not idempotent. */
  get alwaysChanges(): boolean {
    return this.changed * 2 > this.runs;
  }

  /** Place of its newest job; undefined with dry runs only. */
  get lastPlace(): number | undefined {
    return this.#lastPlace < 0 ? undefined : this.#lastPlace;
  }
}

export class ResultTallies {
  readonly #byName = new Map<string, ResultTally>();
  #characters = 0;
  #results = 0;

  constructor(readonly span: Span) {}

  add(result: Pick<Result, "name" | "outcome" | "duration">, dryRun: boolean, place: number, slice?: number): void {
    const { name, outcome } = result;
    const tally = this.#byName.getOrInsertComputed(name, () => {
      this.#characters += name.length;
      if (this.#byName.size === MOST_NAMES || this.#characters > MOST_CHARACTERS)
        throw tooMany(`different results: more than ${count(this.#byName.size)}`);
      return new ResultTally(name, this.span.slices);
    });
    if (this.#results++ === MOST_RESULTS) throw tooMany(`results: more than ${count(MOST_RESULTS)}`);
    if (dryRun) tally.addDryRun(outcome === "would change");
    else tally.add(result, place, slice);
  }

  all(): ResultTally[] {
    return [...this.#byName.values()];
  }
}

export interface ResultStats {
  readonly tally: ResultTally;
  readonly lastRun: Timestamp | undefined;
}

const failed = ({ failed }: ResultTally) => failed;
const changed = ({ changed }: ResultTally) => changed;
const time = (percent: number) => (tally: ResultTally) => tally.durations.percentile(percent) ?? -1n;

/** Ties by the next key, then by name. */
const SORT_KEYS: Readonly<Record<ResultSort, readonly ((tally: ResultTally) => number | bigint)[]>> = {
  failed: [failed, changed],
  changed: [changed, failed],
  time: [time(95), time(100)],
  runs: [({ runs }) => runs],
};

export function sortedResults(rows: readonly ResultStats[], sort: ResultSort): ResultStats[] {
  const keyed = rows.map((row) => ({ row, keys: SORT_KEYS[sort].map((key) => key(row.tally)) }));
  keyed.sort((a, b) => {
    const at = a.keys.findIndex((key, i) => key !== b.keys[i]);
    if (at < 0) return compare(a.row.tally.name, b.row.tally.name);
    return (a.keys[at] as number) > (b.keys[at] as number) ? -1 : 1;
  });
  return keyed.map(({ row }) => row);
}
