// Reading all jobs: the scan and the decoding.
import { decodeRecord, Undecodable } from "../codec/decode.ts";
import { asInteger, type ValueMap } from "../codec/value.ts";
import { byCreation, isTerminal, type Job, JobList, type JobRow, jobRow } from "../model/job.ts";
import type { Selection } from "../model/selection.ts";
import type { Store } from "../store.ts";
import { JobTable } from "./job-table.ts";
import type { RecordParts } from "./record-parts.ts";

export interface Read {
  /** The jobs kept, oldest first. */
  readonly jobs: JobList;
  /** Every job that can't be decoded, kept or not, oldest first: any of them may be one that was asked for. */
  readonly unreadable: readonly JobRow[];
  /** How many jobs were looked at, kept or not. */
  readonly total: number;
  /** True for a job that was looked at, kept or not. */
  readonly has: (jid: string) => boolean;
  /** True when those are all jobs; false when older ones, which can't be meant, were left alone. */
  readonly all: boolean;
  /** Nothing of these jobs was stored before this, by the server's clock, in ns since 1970; undefined when that is not known. */
  readonly sinceNs?: bigint;
}

/** What is told of a read while it goes on. */
export interface Progress {
  /** So many entries are to come in all, of which so many have come. */
  begin(total: number, come?: number): void;
  /** One has come. */
  step(): void;
  end(): void;
}

export const NO_PROGRESS: Progress = { begin() {}, step() {}, end() {} };

/** Decodes one entry of the scan. `fields` as for decodeRecord. */
export function toJob(jid: string, bytes: Uint8Array, fields?: readonly string[]): Job {
  try {
    const record = decodeRecord(bytes, fields);
    return { row: jobRow(jid, record), record };
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return { row: { jid, unreadable: error.message }, record: undefined };
  }
}

/** What is kept of the records: nothing, everything, or the fields that such parts hold, where they can. */
export type Records = boolean | (() => RecordParts | undefined);

/** A job whose record is decoded when it is asked for. */
class StoredJob implements Job {
  constructor(
    readonly row: JobRow,
    readonly collection: Collection,
    readonly n: number,
  ) {}

  get record(): ValueMap | undefined {
    return this.row.unreadable === undefined ? this.collection.record(this.n) : undefined;
  }
}

/**
 * Reads all jobs and keeps those that `keep` wants.
 * @param records false drops each record as soon as its row is known, so that memory holds rows alone
 */
export async function readJobs(
  store: Store,
  keep: (row: JobRow) => boolean,
  records: Records,
  progress = NO_PROGRESS,
): Promise<Read> {
  const jobs = new Collection(keep, records);
  try {
    await store.scanJobs(
      {
        take(key, from, bytes) {
          progress.step();
          return jobs.take(key, from, bytes);
        },
        dropAllBut: (numbers) => jobs.table.dropAllBut(numbers),
      },
      (entries) => {
        jobs.table.reserve(Math.min(entries, RESERVED_JOBS));
        progress.begin(entries);
      },
    );
  } finally {
    progress.end();
  }
  return jobs.read(true);
}

/** Jobs that room is made for at once; for more, or fewer than announced, it grows on the way. */
const RESERVED_JOBS = 2_000_000;

/** Records are kept in pieces of so many bytes. */
const PIECE = 1 << 18;

/** The jobs of a read under way, with their records when those are wanted. */
export class Collection {
  readonly table = new JobTable();
  readonly #stored: (Uint8Array | undefined)[] = [];
  #piece = new Uint8Array(0);
  #used = 0;
  readonly #parts: RecordParts | undefined;

  constructor(
    readonly keep: (row: JobRow) => boolean,
    readonly records: Records,
  ) {
    this.#parts = typeof records === "boolean" ? undefined : records();
  }

  /**
   * Takes what a scan hands over. A job that changed during the read comes again: the later record counts, also when it is
   * not wanted any more.
   * @returns the job's number
   */
  take(key: Uint8Array, from: number, bytes: Uint8Array | undefined): number {
    if (!bytes) return this.table.remove(key, from);
    const n = this.table.put(key, from, bytes, this.keep);
    if (this.records === false || !this.table.isKept(n)) return n;
    const inParts = this.#parts?.put(n, bytes) === true;
    if (!inParts) this.#stored[n] = this.#copy(bytes);
    else if (this.#stored.length > n) this.#stored[n] = undefined;
    return n;
  }

  /** Many share a piece of memory: one of its own for each takes as much again. */
  #copy(bytes: Uint8Array): Uint8Array {
    const from = this.#used;
    if (from + bytes.length > this.#piece.length) {
      this.#piece = new Uint8Array(Math.max(PIECE, bytes.length));
      this.#used = 0;
      return this.#copy(bytes);
    }
    this.#piece.set(bytes, from);
    this.#used += bytes.length;
    return this.#piece.subarray(from, this.#used);
  }

  /** The record of job `n`, or the fields of it that were asked for. */
  record(n: number): ValueMap | undefined {
    const bytes = this.#stored[n];
    return bytes ? decodeRecord(bytes) : this.#parts?.get(n);
  }

  /** What there is; `all` as in Read. */
  read(all: boolean): Read {
    const { table } = this;
    const jobs = new JobList(table.order(), (n) => new StoredJob(table.row(n), this, n));
    const unreadable = table.unreadable().sort(byCreation);
    return { jobs, unreadable, total: table.total, has: (jid) => table.has(jid), all };
  }
}

/**
 * The jobs that a selection finds, of those that have not ended; and all jobs that can't be decoded, any of which the
 * selection may mean.
 */
export async function readOpenJobs(
  store: Store,
  selection: Selection,
  withRecords: boolean,
): Promise<{ jobs: JobList; unreadable: readonly JobRow[] }> {
  const keep = (row: JobRow) => row.unreadable === undefined && !isTerminal(row.status) && selection.matches(row);
  const read = await readJobs(store, keep, withRecords);
  return { jobs: selection.arrange(read.jobs), unreadable: read.unreadable };
}

/** The peels that jobs target, collected as a scan of jobs passes by. */
export class SeenPeels {
  /** As they are stored. */
  readonly ids = new Set<string>();
  readonly #lists = new WeakSet<readonly string[]>();

  see({ targets }: JobRow): void {
    // Jobs that target the same peels share their list.
    if (!targets || this.#lists.has(targets)) return;
    this.#lists.add(targets);
    for (const peel of targets) this.ids.add(peel);
  }
}

const VERSION = ["v"];

/** The highest version among the records in the newest messages: a newer master wrote its records last. */
export async function newestVersion(store: Store, newest: number) {
  const { messages, changes } = await store.jobsState();
  let version: bigint | undefined;
  await changes({ newest }, Number.POSITIVE_INFINITY, (_key, _from, bytes) => {
    if (!bytes) return;
    try {
      const v = asInteger(decodeRecord(bytes, VERSION).get("v"));
      if (v !== undefined && (version === undefined || v > version)) version = v;
    } catch (error) {
      if (!(error instanceof Undecodable)) throw error;
    }
  });
  return { version, messages };
}
