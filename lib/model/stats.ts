// Statistics of many jobs. Pure.
import type { Timestamp } from "../codec/value.ts";
import { Durations } from "./durations.ts";
import { isTerminal, type JobList, type JobRow, jobDuration } from "./job.ts";
import { compare } from "./peel.ts";
import type { PeelState } from "./peel-state.ts";
import type { ScheduledRun } from "./schedule.ts";
import { type Span, sliceOf, spanBack, spanOf, Trend } from "./trend.ts";

export type By = "function" | "peel" | "result" | "user" | "target" | "schedule";

/** States of jobs that failed; canceling is intended. */
const FAILED_STATES: readonly string[] = ["failed", "partial", "timeout"];

export const hasFailed = ({ status }: JobRow) => FAILED_STATES.includes(status ?? "");

export class JobTally {
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

  /** Jobs arrive oldest first. @param slice of the trend */
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

/** The last job of a peel: its state, no return yet, or no job. */
export type LastResult = PeelState | "no return yet" | "no run";

export class PeelTally {
  readonly durations = new Durations();
  readonly trend: Trend;
  /** Places in the list of jobs, by creation: those that target it, the last that ended, the last that it returned from. */
  readonly #targets = new Set<number>();
  #lastEnded = -1;
  #lastReturned = -1;
  #lastState: PeelState | undefined;
  /** Returns from jobs that do not target it. */
  #others = 0;
  /** Ended jobs that target it, and returns from them. */
  #ended = 0;
  #returnedFromEnded = 0;
  #bad = 0;

  constructor(
    readonly peel: string,
    /** Set when results are counted by function. */
    readonly fn: string | undefined,
    slices: number,
  ) {
    this.trend = new Trend(slices);
  }

  /** A job that targets it; before any return, oldest first. An ended job counts as failed until its return arrives. */
  target(place: number, hasEnded: boolean, slice: number | undefined): void {
    if (this.#targets.has(place)) return; // a record may name a peel twice
    this.#targets.add(place);
    this.trend.add(slice, hasEnded);
    if (!hasEnded) return;
    this.#ended++;
    this.#lastEnded = place;
  }

  isTarget(place: number): boolean {
    return this.#targets.has(place);
  }

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
    return this.#targets.size + this.#others;
  }

  get missing(): number {
    return this.#ended - this.#returnedFromEnded;
  }

  get failed(): number {
    return this.#bad + this.missing;
  }

  get last(): LastResult {
    if (this.#lastEnded > this.#lastReturned) return "missing";
    return this.#lastState ?? (this.jobs > 0 ? "no return yet" : "no run");
  }

  get lastPlace(): number | undefined {
    const place = Math.max(this.#lastEnded, this.#lastReturned);
    return place < 0 ? undefined : place;
  }
}

export interface PeelStats {
  readonly tally: PeelTally;
  /** Creation of the job of the last result. */
  readonly lastRun: Timestamp | undefined;
}

/** Neither ok nor pending. */
export const isTrouble = (last: LastResult) => last !== "ok" && last !== "no return yet";
