// Statistics of many jobs: how many there were, how many failed, how long they took, and when. Pure.
import { grown } from "../codec/byte-set.ts";
import type { Timestamp } from "../codec/value.ts";
import { Durations } from "./durations.ts";
import type { JobList } from "./job.ts";
import { isTerminal, type JobRow, jobDuration } from "./job.ts";
import { compareText } from "./peel.ts";
import type { PeelState } from "./peel-state.ts";
import type { ScheduledRun } from "./schedule.ts";
import { type Span, sliceOf, spanBack, spanOf, Trend } from "./trend.ts";

export type By = "function" | "peel" | "result" | "user" | "target" | "schedule";

/** The states of a job that went wrong: not those of one that was canceled, which was meant. */
const FAILED_STATES: readonly string[] = ["failed", "partial", "timeout"];

export const hasFailed = ({ status }: JobRow) => FAILED_STATES.includes(status ?? "");

export class JobTally {
  /** How many there are in each state. */
  readonly states = new Map<string, number>();
  readonly durations = new Durations();
  readonly trend: Trend;
  jobs = 0;
  failed = 0;
  last: JobRow | undefined;

  constructor(
    readonly key: string,
    slices: number,
  ) {
    this.trend = new Trend(slices);
  }

  /** Adds a job; they arrive oldest first. @param slice the part of the trend that it falls into */
  add(row: JobRow, slice: number | undefined, now: Date): void {
    const failed = hasFailed(row);
    const state = row.status || "-";
    this.jobs++;
    if (failed) this.failed++;
    this.states.set(state, (this.states.get(state) ?? 0) + 1);
    this.trend.add(slice, failed);
    this.last = row;
    const took = isTerminal(row.status) ? jobDuration(row, now) : undefined;
    if (took !== undefined) this.durations.add(took);
  }
}

/**
 * The time that statistics of these jobs are about: the one that was asked for, or whole days back to the oldest job.
 * @param jobs oldest first
 * @param nowNs the server's clock, in ns since 1970
 */
export function timeOf(jobs: JobList, since: bigint | undefined, until: bigint | undefined, nowNs: bigint): Span {
  const end = until ?? nowNs;
  if (since !== undefined) return spanOf(since, end > since ? end : since + 1n);
  for (let i = 0; i < jobs.length; i++) {
    const { created } = jobs.at(i).row;
    if (created) return spanBack(created.ns, end);
  }
  return spanBack(undefined, end);
}

export const jobSlice = (span: Span, { created }: JobRow) => created && sliceOf(span, created.ns);

/** The jobs by what `keyOf` makes of each: those with most jobs first. Jobs that can't be decoded are left out. */
export function talliesOf(jobs: JobList, keyOf: (row: JobRow) => string, span: Span, now: Date): JobTally[] {
  const tallies = new Map<string, JobTally>();
  for (const { row } of jobs) {
    if (row.unreadable !== undefined) continue;
    const key = keyOf(row);
    let tally = tallies.get(key);
    if (!tally) {
      tally = new JobTally(key, span.slices);
      tallies.set(key, tally);
    }
    tally.add(row, jobSlice(span, row), now);
  }
  return [...tallies.values()].sort((a, b) => b.jobs - a.jobs || compareText(a.key, b.key));
}

/** The runs of the peels' own schedules among jobs. */
export function* runsOf(jobs: JobList): Generator<ScheduledRun> {
  for (const { row } of jobs) {
    const { schedule: entry, created, targets, fn = "-" } = row;
    const peel = targets?.[0];
    if (entry === undefined || created === undefined || peel === undefined) continue;
    yield { entry, peel, fn, atNs: created.ns, failed: hasFailed(row) };
  }
}

/** What is known about the last job that was meant for a peel: a result, or none yet, or no such job. */
export type LastResult = PeelState | "no result yet" | "no run";

/** What a peel made of the jobs that were meant for it. */
export class PeelTally {
  readonly durations = new Durations();
  readonly trend: Trend;
  /** Places of the jobs that were meant for it, ascending: a return of another job makes up for none of them. */
  #targets = new Int32Array(4);
  #targeted = 0;
  /** Jobs that it returned from and that were not meant for it. */
  #others = 0;
  /** Jobs meant for it that have ended, and those of them that it returned from. */
  #ended = 0;
  #returnedFromEnded = 0;
  #bad = 0;
  /** Places of jobs among all of them, which are sorted by when they were created. */
  #lastEnded = -1;
  #lastReturned = -1;
  #lastState: PeelState | undefined;

  constructor(
    readonly peel: string,
    /** The function, where results are distinguished by it. */
    readonly fn: string | undefined,
    slices: number,
  ) {
    this.trend = new Trend(slices);
  }

  /**
   * A job was meant for it; before any return, oldest first. One that has ended counts as failed until its return comes.
   * @param place of the job among all
   * @param slice the part of the trend that the job falls into
   */
  target(place: number, hasEnded: boolean, slice: number | undefined): void {
    if (this.#targets[this.#targeted - 1] === place) return; // a record may name a peel twice
    this.#targets = grown(this.#targets, this.#targeted + 1);
    this.#targets[this.#targeted++] = place;
    this.trend.add(slice, hasEnded);
    if (!hasEnded) return;
    this.#ended++;
    this.#lastEnded = place;
  }

  isTarget(place: number): boolean {
    let [low, high] = [0, this.#targeted];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#targets[middle] as number) < place) low = middle + 1;
      else high = middle;
    }
    return low < this.#targeted && this.#targets[low] === place;
  }

  /** It returned from a job, once from each. */
  add(place: number, state: PeelState, tookNs: bigint | undefined, hasEnded: boolean, slice: number | undefined): void {
    const isBad = state !== "ok";
    if (!this.isTarget(place)) {
      this.#others++;
      this.trend.add(slice, isBad);
    } else {
      if (hasEnded) this.#returnedFromEnded++;
      if (isBad !== hasEnded) this.trend.mark(slice, isBad ? 1 : -1);
    }
    if (isBad) this.#bad++;
    if (tookNs !== undefined) this.durations.add(tookNs);
    if (place < this.#lastReturned) return;
    this.#lastReturned = place;
    this.#lastState = state;
  }

  get jobs(): number {
    return this.#targeted + this.#others;
  }

  /** Jobs that ended without a return of it. */
  get missing(): number {
    return this.#ended - this.#returnedFromEnded;
  }

  /** Returns that are not ok, and ended jobs without a return. */
  get failed(): number {
    return this.#bad + this.missing;
  }

  get last(): LastResult {
    if (this.#lastEnded > this.#lastReturned) return "missing";
    return this.#lastState ?? (this.jobs > 0 ? "no result yet" : "no run");
  }

  /** The place of the job that `last` is of; undefined without one. */
  get lastPlace(): number | undefined {
    const place = Math.max(this.#lastEnded, this.#lastReturned);
    return place < 0 ? undefined : place;
  }
}

export interface PeelStats {
  readonly tally: PeelTally;
  /** When the job that the last result is of was created. */
  readonly lastRun: Timestamp | undefined;
}

/** True for a last result that is to be looked at: anything but a good one, or one that is yet to come. */
export const isTrouble = (last: LastResult) => last !== "ok" && last !== "no result yet";
