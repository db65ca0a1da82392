// Statistics of many jobs, of peels, and of results across returns; trends. Pure.
import type { Timestamp } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import { count } from "../text.ts";
import { Durations } from "./durations.ts";
import { haveAllReturned, isTerminal, type JobList, type JobRow, jobDuration } from "./job.ts";
import { compare } from "./peel.ts";
import type { PeelState } from "./peel-state.ts";
import type { Result } from "./return-data.ts";
import type { ScheduledRun } from "./schedule.ts";
import { tooMany } from "./selection.ts";

const DAY = 86_400_000_000_000n;
/** Up to this many whole days: a slice per day. */
const MOST_DAYS = 14n;
const SLICES = 12;
/** Tolerance for whole days: the clock moves between two readings. */
const SLACK = DAY / 100n;

/** From `fromNs` (inclusive) to `toNs` (exclusive), in ns since 1970. */
export interface Span {
  readonly fromNs: bigint;
  readonly toNs: bigint;
  readonly slices: number;
}

/** Two or more whole days; otherwise undefined. */
function wholeDays(ns: bigint): bigint | undefined {
  const days = (ns + DAY / 2n) / DAY;
  const off = ns - days * DAY;
  return days >= 2n && off <= SLACK && off >= -SLACK ? days : undefined;
}

export function spanOf(fromNs: bigint, toNs: bigint): Span {
  const days = wholeDays(toNs - fromNs);
  return { fromNs, toNs, slices: days !== undefined && days <= MOST_DAYS ? Number(days) : SLICES };
}

/** Whole days up to `toNs` that include `oldestNs`; at least one. */
export function spanBack(oldestNs: bigint | undefined, toNs: bigint): Span {
  const back = oldestNs === undefined || oldestNs >= toNs ? 0n : (toNs - oldestNs + DAY - 1n) / DAY;
  return spanOf(toNs - (back > 1n ? back : 1n) * DAY, toNs);
}

const [MINUTE_NS, HOUR_NS] = [60_000_000_000n, 3_600_000_000_000n];

/** `7 days`, `46h` (since yesterday), `5h30m`, `90s`. */
export function spanWords({ fromNs, toNs }: Span): string {
  const ns = toNs - fromNs;
  const unit = ns >= 10n * DAY ? DAY : ns >= 10n * HOUR_NS ? HOUR_NS : ns >= HOUR_NS ? MINUTE_NS : 1n;
  const about = ((ns + unit / 2n) / unit) * unit;
  const days = wholeDays(ns) ?? (about % DAY === 0n ? about / DAY : 0n);
  return days >= 2n ? `${days} days` : formatDuration(about);
}

/** From 0; undefined outside the span. */
export function sliceOf({ fromNs, toNs, slices }: Span, ns: bigint): number | undefined {
  if (ns < fromNs || ns >= toNs) return undefined;
  return Number(((ns - fromNs) * BigInt(slices)) / (toNs - fromNs));
}

/** Entries per slice, and failed ones. */
export class Trend {
  readonly counts: Int32Array;
  readonly bad: Int32Array;

  constructor(slices: number) {
    this.counts = new Int32Array(slices);
    this.bad = new Int32Array(slices);
  }

  add(slice: number | undefined, isBad: boolean): void {
    if (slice === undefined) return;
    this.counts[slice] = (this.counts[slice] as number) + 1;
    if (isBad) this.mark(slice, 1);
  }

  /** Counts an entry as failed (1), or no longer (-1). */
  mark(slice: number | undefined, change: 1 | -1): void {
    if (slice !== undefined) this.bad[slice] = (this.bad[slice] as number) + change;
  }
}

/** 1 to `heights`, relative to the largest count; 0 for none. */
export const heightOf = (n: number, most: number, heights: number) => (n === 0 ? 0 : Math.ceil((n * heights) / most));

export type By = "function" | "peel" | "result" | "user" | "target" | "schedule";

/** States of jobs that failed; canceling is intended. */
const FAILED_STATES: readonly string[] = ["failed", "partial", "timeout"];

/** A deadline or a cancel ended the others: their duration is not the time that the function takes. */
const IN_FULL: readonly string[] = ["complete", "failed"];

export const hasFailed = ({ status }: JobRow) => FAILED_STATES.includes(status ?? "");

/** `7 failed, 2 timeout`: how many of these jobs failed, by state. */
export function failedWords(rows: readonly JobRow[]): string {
  const counts = FAILED_STATES.map((state) => [rows.filter(({ status }) => status === state).length, state] as const);
  return counts.flatMap(([jobs, state]) => (jobs > 0 ? `${count(jobs)} ${state}` : [])).join(", ");
}

/** Ended without the returns of all targets, as its record counts them. Those of a canceled job are not expected. */
export const lacksReturns = (row: JobRow) => hasFailed(row) && !haveAllReturned(row);

export class JobTally {
  readonly states = new Map<string, number>();
  readonly durations = new Durations();
  readonly trend: Trend;
  jobs = 0;
  failed = 0;
  last: JobRow | undefined;
  /**
   * What --check judges: the newest ended job, and its later retries, oldest first. A retry says nothing about other peels, a
   * canceled job nothing at all.
   */
  readonly judged: JobRow[] = [];

  constructor(
    readonly key: string,
    slices: number,
  ) {
    this.trend = new Trend(slices);
  }

  /** Jobs arrive oldest first. @param slice of the trend */
  add(row: JobRow, slice: number | undefined, now: Date): void {
    const failed = hasFailed(row);
    const state = row.status || "-";
    this.jobs++;
    if (failed) this.failed++;
    this.states.set(state, (this.states.get(state) ?? 0) + 1);
    this.trend.add(slice, failed);
    this.last = row;
    if (isJudged(row.status)) {
      if (row.retryOf === undefined) this.judged.length = 0;
      this.judged.push(row);
    }
    const took = IN_FULL.includes(state) ? jobDuration(row, now) : undefined;
    if (took !== undefined) this.durations.add(took);
  }
}

export const lastBad = ({ judged }: JobTally) => judged.findLast(hasFailed);

/** Retries were ok after the last one that failed: the returns show whether they ran on each peel that was not. */
export const mayBeRepaired = (tally: JobTally) => {
  const bad = lastBad(tally);
  return bad !== undefined && bad !== tally.judged.at(-1);
};

/** The requested time, or whole days back to the oldest job. @param jobs oldest first */
export function timeOf(jobs: JobList, since: bigint | undefined, until: bigint | undefined, nowNs: bigint): Span {
  const end = until ?? nowNs;
  if (since !== undefined) return spanOf(since, end > since ? end : since + 1n);
  for (const { row } of jobs) if (row.created) return spanBack(row.created.ns, end);
  return spanBack(undefined, end);
}

export const jobSlice = (span: Span, { created }: JobRow) => created && sliceOf(span, created.ns);

/** Most jobs first; jobs that cannot be decoded are left out. */
export function talliesOf(jobs: JobList, keyOf: (row: JobRow) => string, span: Span, now: Date): JobTally[] {
  const tallies = new Map<string, JobTally>();
  for (const { row } of jobs) {
    if (row.unreadable !== undefined) continue;
    const tally = tallies.getOrInsertComputed(keyOf(row), (key) => new JobTally(key, span.slices));
    tally.add(row, jobSlice(span, row), now);
  }
  return [...tallies.values()].sort((a, b) => b.jobs - a.jobs || compare(a.key, b.key));
}

export function* runsOf(jobs: JobList): Generator<ScheduledRun> {
  for (const { row } of jobs) {
    const { schedule: entry, created, targets, fn = "-" } = row;
    const peel = targets?.[0];
    if (entry === undefined || created === undefined || peel === undefined) continue;
    yield { entry, peel, fn, atNs: created.ns, failed: hasFailed(row) };
  }
}

const isJudged = (status: string | undefined) => isTerminal(status) && status !== "canceled";

/** The last result of a peel; without one: no return yet, only canceled jobs, or no job. */
export type LastResult = PeelState | "no return yet" | "canceled" | "no run";

export class PeelTally {
  readonly durations = new Durations();
  readonly trend: Trend;
  /** Places in the list of jobs, by creation: those that target it, the last that ended, the last that it returned from. */
  readonly #targets = new Set<number>();
  #lastEnded = -1;
  #lastReturned = -1;
  #lastState: PeelState | undefined;
  #canceled = 0;
  /** Returns from jobs that do not target it. */
  #others = 0;
  /** Jobs that target it and may have ended without its return, and returns from them. */
  #lacking = 0;
  #returnedFromLacking = 0;
  #bad = 0;

  constructor(
    readonly peel: string,
    /** Set when results are counted by function. */
    readonly fn: string | undefined,
    slices: number,
  ) {
    this.trend = new Trend(slices);
  }

  /**
   * A job that targets it; before any return, oldest first.
   * @param isLacking it ended without the returns of all targets, so it counts as failed until the return arrives
   */
  target(place: number, status: string | undefined, isLacking: boolean, slice: number | undefined): void {
    if (this.#targets.has(place)) return; // a record may name a peel twice
    this.#targets.add(place);
    this.trend.add(slice, isLacking);
    if (status === "canceled") this.#canceled++;
    if (!isLacking) return;
    this.#lacking++;
    this.#lastEnded = place;
  }

  isTarget(place: number): boolean {
    return this.#targets.has(place);
  }

  add(
    place: number,
    state: PeelState,
    tookNs: bigint | undefined,
    wasLacking: boolean,
    slice: number | undefined,
  ): void {
    const isBad = state !== "ok";
    if (!this.isTarget(place)) {
      this.#others++;
      this.trend.add(slice, isBad);
    } else {
      if (wasLacking) this.#returnedFromLacking++;
      if (isBad !== wasLacking) this.trend.mark(slice, isBad ? 1 : -1);
    }
    if (isBad) this.#bad++;
    if (tookNs !== undefined) this.durations.add(tookNs);
    if (place < this.#lastReturned) return;
    this.#lastReturned = place;
    this.#lastState = state;
  }

  get jobs(): number {
    return this.#targets.size + this.#others;
  }

  get missing(): number {
    return this.#lacking - this.#returnedFromLacking;
  }

  get failed(): number {
    return this.#bad + this.missing;
  }

  get last(): LastResult {
    if (this.#lastEnded > this.#lastReturned) return "missing";
    if (this.#lastState !== undefined) return this.#lastState;
    if (this.jobs === 0) return "no run";
    return this.jobs === this.#canceled ? "canceled" : "no return yet";
  }

  get lastPlace(): number | undefined {
    const place = Math.max(this.#lastEnded, this.#lastReturned);
    return place < 0 ? undefined : place;
  }
}

export interface StatsRow<T> {
  readonly tally: T;
  /** Creation of the job of the last result. */
  readonly lastRun: Timestamp | undefined;
}

export type PeelStats = StatsRow<PeelTally>;

const IS_UNKNOWN: readonly LastResult[] = ["no return yet", "canceled"];

/** Neither ok nor failed. */
export const isUnknown = (last: LastResult) => IS_UNKNOWN.includes(last);

export const isTrouble = (last: LastResult) => last !== "ok" && !isUnknown(last);

const MOST_NAMES = 20_000;
const MOST_CHARACTERS = 16 << 20;
/** Exact percentiles need 8 bytes per result. */
const MOST_RESULTS = 8_000_000;

type ResultSort = "failed" | "changed" | "time" | "runs";

interface ResultRun {
  /** Of the job among all, by creation. */
  readonly place: number;
  readonly peel: string;
  readonly isRetry: boolean;
}

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
  /** Its newest job that is not a retry, and the peels on which it failed there. */
  #newest = -1;
  readonly #failing = new Set<string>();
  /** The newest retry of each peel. */
  readonly #retries = new Map<string, { readonly place: number; readonly failed: boolean }>();

  constructor(
    readonly name: string,
    slices: number,
  ) {
    this.trend = new Trend(slices);
  }

  /** @param slice the part of the trend that the job falls into */
  add({ outcome, duration }: Pick<Result, "outcome" | "duration">, run: ResultRun, slice: number | undefined): void {
    const failed = outcome === "failed";
    this.runs++;
    if (outcome === "changed") this.changed++;
    if (failed) this.failed++;
    if (outcome === "skipped") this.skipped++;
    else if (duration !== undefined) this.durations.add(duration);
    this.trend.add(slice, failed);
    this.#judge(run, failed);
    this.#lastPlace = Math.max(this.#lastPlace, run.place);
  }

  #judge({ place, peel, isRetry }: ResultRun, failed: boolean): void {
    if (isRetry) {
      const known = this.#retries.get(peel);
      // A peel can have several results of one name.
      if (known?.place === place) this.#retries.set(peel, { place, failed: failed || known.failed });
      else if (known === undefined || known.place < place) this.#retries.set(peel, { place, failed });
      return;
    }
    if (place > this.#newest) {
      this.#newest = place;
      this.#failing.clear();
    }
    if (failed && place === this.#newest) this.#failing.add(peel);
  }

  /** Failed on any peel of its newest job, or in a later retry; a retry that was ok counts for its peel. */
  get failedLast(): boolean {
    let failing = this.#failing.size;
    for (const [peel, { place, failed }] of this.#retries) {
      if (place < this.#newest) continue;
      if (failed) return true;
      if (this.#failing.has(peel)) failing--;
    }
    return failing > 0;
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

  add(result: Pick<Result, "name" | "outcome" | "duration">, dryRun: boolean, run: ResultRun, slice?: number): void {
    const { name, outcome } = result;
    const tally = this.#byName.getOrInsertComputed(name, () => {
      this.#characters += name.length;
      if (this.#byName.size === MOST_NAMES || this.#characters > MOST_CHARACTERS)
        throw tooMany(`different results: more than ${count(this.#byName.size)}`);
      return new ResultTally(name, this.span.slices);
    });
    if (this.#results++ === MOST_RESULTS) throw tooMany(`results: more than ${count(MOST_RESULTS)}`);
    if (dryRun) tally.addDryRun(outcome === "would change");
    else tally.add(result, run, slice);
  }

  all(): ResultTally[] {
    return [...this.#byName.values()];
  }
}

export type ResultStats = StatsRow<ResultTally>;

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
