// The jobs that `watch` shows: active ones, and those that ended recently. Pure.

import {
  byCreation,
  isActive,
  isPastClaimed,
  isTerminal,
  type Job,
  type JobRow,
  type ReturnCounts,
} from "../model/job.ts";
import type { Stuck } from "../model/stuck.ts";
import { callOf } from "./call.ts";

/** How long a job that ended is shown with the active ones, in ms. */
const LINGER_MS = 5_000;
/** How long ended jobs are kept, in ms, and at most how many. */
export const KEPT = { ms: 3_600_000, jobs: 500 } as const;

/** A job on the board, and its call as text. Its record is not kept: arguments may be large. */
export interface BoardJob {
  readonly row: JobRow;
  readonly what: string;
}

interface EndedJob extends BoardJob {
  readonly endedMs: number;
  /** When it leaves the active ones; 0 for one that ended before the board was made. */
  readonly lingersUntil: number;
}

/** Columns of the kept texts: no terminal shows more of them. */
const WHAT_COLUMNS = 200;

export class Board {
  readonly #active = new Map<string, BoardJob>();
  /** In the order in which they ended. */
  readonly #ended = new Map<string, EndedJob>();
  /** Active jobs that the picture being read has not shown yet. */
  #unseen = new Set<string>();

  /** Why jobs are stuck, when last checked. */
  stuck: ReadonlyMap<string, Stuck> = new Map();
  /** How many peels have returned from jobs that run, when last counted. */
  returned: ReturnCounts = new Map();
  /** Every job that ended within KEPT.ms is kept. */
  keepsAll = true;

  constructor(readonly matches: (row: JobRow) => boolean) {}

  get activeCount(): number {
    return [...this.#active.values()].filter(({ row }) => isActive(row.status)).length;
  }

  open(): Iterable<string> {
    return this.#active.keys();
  }

  /**
   * Takes the current state of a job; undefined when its record is gone.
   * @param live false while the jobs are read at the start: jobs that have already ended are not news
   * @returns true when it changes what a watcher of active jobs sees
   */
  put(jid: string, job: Job | undefined, live: boolean, nowMs: number): boolean {
    const wasActive = this.#active.delete(jid);
    this.#unseen.delete(jid);
    if (!job) return wasActive;
    const { row, record } = job;
    const shown = (): BoardJob => ({ row, what: callOf(record, row, WHAT_COLUMNS) });
    const matches = this.matches(row);
    if (matches && !isTerminal(row.status)) {
      this.#active.set(jid, shown());
      this.#ended.delete(jid);
      // A new job, which was not sent yet, needs no count.
      if (live && !wasActive && isActive(row.status) && !isPastClaimed(row.status))
        this.returned = new Map(this.returned).set(jid, 0);
      return true;
    }
    // A job that no longer matches is shown once more: otherwise it would seem to be deleted.
    const isNews = wasActive || (live && matches);
    const endedMs = row.updated ? Number(row.updated.ns / 1_000_000n) : nowMs;
    if (!isNews && !(matches && endedMs > nowMs - KEPT.ms)) return false;
    this.#ended.delete(jid);
    this.#ended.set(jid, { ...shown(), endedMs, lingersUntil: isNews ? nowMs + LINGER_MS : 0 });
    if (this.#ended.size > KEPT.jobs) {
      const [first = ""] = this.#ended.keys();
      this.#ended.delete(first);
      this.keepsAll = false;
    }
    return isNews;
  }

  /** All jobs will be put again: those that are not put until `endPicture` are gone. */
  beginPicture(): void {
    this.#unseen = new Set(this.#active.keys());
  }

  endPicture(): void {
    for (const jid of this.#unseen) this.#active.delete(jid);
    this.#unseen.clear();
  }

  /** The active jobs at `nowMs`, and those that ended within LINGER_MS, oldest first. */
  jobs(nowMs: number): BoardJob[] {
    const lingering = this.#ended.values().filter(({ lingersUntil }) => lingersUntil > nowMs);
    return [...this.#active.values(), ...lingering].sort((a, b) => byCreation(a.row, b.row));
  }

  /** The jobs that ended within KEPT.ms, in that order. */
  ended(nowMs: number): BoardJob[] {
    for (const [jid, { endedMs, lingersUntil }] of this.#ended)
      if (endedMs <= nowMs - KEPT.ms && lingersUntil <= nowMs) this.#ended.delete(jid);
    return [...this.#ended.values()].filter(({ row }) => isTerminal(row.status) && this.matches(row));
  }

  rows(nowMs: number): JobRow[] {
    return this.jobs(nowMs).map(({ row }) => row);
  }
}
