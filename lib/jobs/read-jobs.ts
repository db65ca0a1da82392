// Reading all jobs.
import { decodeRecord } from "../codec/decode.ts";
import { asInteger, type ValueMap } from "../codec/value.ts";
import { byCreation, isTerminal, type Job, JobList, type JobRow } from "../model/job.ts";
import type { Selection } from "../model/selection.ts";
import type { Store } from "../store.ts";
import { JobTable, toJob } from "./job-table.ts";
import type { RecordParts } from "./record-parts.ts";

export interface Read {
  readonly jobs: JobList;
  /** All jobs that cannot be decoded, oldest first: any of them can be a requested one. */
  readonly unreadable: readonly JobRow[];
  readonly total: number;
  readonly has: (jid: string) => boolean;
  /** False when older jobs, which cannot match, were not read. */
  readonly all: boolean;
  /** No message of these jobs is older than this, in ns by the server's clock. */
  readonly sinceNs?: bigint;
}

export interface Progress {
  begin(total: number, come?: number): void;
  step(): void;
  end(): void;
}

export const NO_PROGRESS: Progress = { begin() {}, step() {}, end() {} };

/** What to keep of records: nothing, everything, or some fields. */
export type Records = boolean | (() => RecordParts | undefined);

/** Decodes its record on access. */
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

/** The most jobs to allocate memory for at the start. */
const RESERVED_JOBS = 2_000_000;

/** Size of the buffers that records share: one buffer each would double their memory. */
const PIECE = 1 << 18;

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

  /** As JobKeys.take: a job can arrive again, and no longer match. */
  take(key: Uint8Array, from: number, bytes: Uint8Array | undefined): number {
    if (!bytes) return this.table.remove(key, from);
    const n = this.table.put(key, from, bytes, this.keep);
    if (this.records === false || !this.table.isKept(n)) return n;
    const inParts = this.#parts?.put(n, bytes) === true;
    if (!inParts) this.#stored[n] = this.#copy(bytes);
    else if (this.#stored.length > n) this.#stored[n] = undefined;
    return n;
  }

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

  record(n: number): ValueMap | undefined {
    const bytes = this.#stored[n];
    return bytes ? decodeRecord(bytes) : this.#parts?.get(n);
  }

  read(all: boolean): Read {
    const { table } = this;
    const jobs = new JobList(table.order(), (n) => new StoredJob(table.row(n), this, n));
    const unreadable = table.unreadable().sort(byCreation);
    return { jobs, unreadable, total: table.total, has: (jid) => table.has(jid), all };
  }
}

/** The jobs of a selection that have not ended; and all jobs that cannot be decoded. */
export async function readOpenJobs(
  store: Store,
  selection: Selection,
  withRecords: boolean,
): Promise<{ jobs: JobList; unreadable: readonly JobRow[] }> {
  const keep = (row: JobRow) => row.unreadable === undefined && !isTerminal(row.status) && selection.matches(row);
  const read = await readJobs(store, keep, withRecords);
  return { jobs: selection.arrange(read.jobs), unreadable: read.unreadable };
}

/** Collects the peels that jobs target, as stored. */
export class SeenPeels {
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

/** The highest version among the newest records: a newer master wrote its records last. */
export async function newestVersion(store: Store, newest: number) {
  const { messages, changes } = await store.jobsState();
  let version: bigint | undefined;
  await changes({ newest }, Number.POSITIVE_INFINITY, (_key, _from, bytes) => {
    const v = bytes && asInteger(toJob("", bytes, VERSION).record?.get("v"));
    if (v !== undefined && (version === undefined || v > version)) version = v;
  });
  return { version, messages };
}
