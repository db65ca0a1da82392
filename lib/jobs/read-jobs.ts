// Reading all jobs: the scan, the decoding, and what is said about values that can't be decoded.
import { decodeRecord, Undecodable } from "../codec/decode.ts";
import { toJson } from "../codec/json.ts";
import type { Value, ValueMap } from "../codec/value.ts";
import type { Format } from "../commands/session.ts";
import { byCreation, type JobRow, jobRow, unreadableRow } from "../model/job.ts";
import type { Store } from "../nats/store.ts";
import { keyed } from "../render/document.ts";
import { NO_PROGRESS } from "../terminal/progress.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { plural } from "../text.ts";
import { JobTable } from "./job-table.ts";

export interface Job {
  readonly row: JobRow;
  /** Undefined when the value can't be decoded, or when only rows were asked for. */
  readonly record: ValueMap | undefined;
}

/** Jobs in some order. Each is made when somebody looks at it: a million of them at once would fill the memory. */
export class JobList {
  constructor(
    readonly numbers: Int32Array,
    readonly make: (n: number) => Job,
  ) {}

  static of(jobs: readonly Job[]): JobList {
    return new JobList(Int32Array.from(jobs.keys()), (n) => jobs[n] as Job);
  }

  get length(): number {
    return this.numbers.length;
  }

  at(i: number): Job {
    return this.make(this.numbers[i] as number);
  }

  *[Symbol.iterator](): Generator<Job> {
    for (const n of this.numbers) yield this.make(n);
  }
}

export interface Read {
  /** The jobs kept, oldest first. */
  readonly jobs: JobList;
  /** Every job that can't be decoded, kept or not, oldest first: any of them may be one that was asked for. */
  readonly unreadable: readonly JobRow[];
  /** How many jobs were looked at, kept or not. */
  readonly total: number;
  /** True when those are all jobs; false when older ones, which can't be meant, were left alone. */
  readonly all: boolean;
}

/** Decodes one entry of the scan. `fields` as for decodeRecord. */
export function toJob(jid: string, bytes: Uint8Array, fields?: readonly string[]): Job {
  try {
    const record = decodeRecord(bytes, fields);
    return { row: jobRow(jid, record), record };
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return { row: unreadableRow(jid, error.message), record: undefined };
  }
}

/** A job whose record is decoded when somebody asks for it. */
class StoredJob implements Job {
  constructor(
    readonly row: JobRow,
    readonly bytes: Uint8Array | undefined,
  ) {}

  get record(): ValueMap | undefined {
    return this.bytes && this.row.unreadable === undefined ? decodeRecord(this.bytes) : undefined;
  }
}

/**
 * Reads all jobs and keeps those that `keep` wants.
 * @param withRecords false drops each record as soon as its row is known, so that memory holds rows alone
 */
export async function readJobs(
  store: Store,
  keep: (row: JobRow) => boolean,
  withRecords: boolean,
  progress = NO_PROGRESS,
): Promise<Read> {
  const jobs = new Collection(keep, withRecords);
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
        jobs.table.reserve(Math.min(entries, RESERVED));
        progress.begin(entries);
      },
    );
  } finally {
    progress.end();
  }
  return jobs.read(true);
}

/** Jobs that room is made for at once; for more, or fewer than announced, it grows on the way. */
const RESERVED = 2_000_000;

/** The jobs of a read under way, with their records when those are wanted. */
export class Collection {
  readonly table = new JobTable();
  readonly #stored: Uint8Array[] = [];

  constructor(
    readonly keep: (row: JobRow) => boolean,
    readonly withRecords: boolean,
  ) {}

  /** A job that changed during the read comes again: the later record counts, also when it is not wanted any more. */
  put(key: Uint8Array, from: number, bytes: Uint8Array): JobRow {
    return this.table.row(this.#put(key, from, bytes));
  }

  #put(key: Uint8Array, from: number, bytes: Uint8Array): number {
    const n = this.table.put(key, from, bytes, this.keep);
    if (this.withRecords && this.table.isKept(n)) this.#stored[n] = bytes.slice();
    return n;
  }

  remove(key: Uint8Array, from: number): void {
    this.table.remove(key, from);
  }

  /** Takes what a scan hands over. @returns the job's number */
  take(key: Uint8Array, from: number, bytes: Uint8Array | undefined): number {
    return bytes ? this.#put(key, from, bytes) : this.table.remove(key, from);
  }

  /** What there is; `all` as in Read. */
  read(all: boolean): Read {
    const { table } = this;
    const jobs = new JobList(table.order(), (n) => new StoredJob(table.row(n), this.#stored[n]));
    return { jobs, unreadable: table.unreadable().sort(byCreation), total: table.total, all };
  }
}

const NAMED = 5;

/** One warning for all values that can't be decoded: the first few with their reason, the rest as a count. */
export function warnUnreadable(rows: readonly JobRow[], terminal: Terminal): void {
  if (rows.length === 0) return;
  const named = rows
    .slice(0, NAMED)
    .map((row) => `${row.jid}: ${row.unreadable}`)
    .join("; ");
  const rest = rows.length > NAMED ? `; and ${rows.length - NAMED} more` : "";
  terminal.warn(`${plural(rows.length, "job")} cannot be decoded: ${named}${rest}`);
}

/** A job for programs: its record, or why that can't be decoded. */
export function document({ row: { jid, unreadable = "" }, record }: Job): Value {
  return record ? keyed(record, { jid }) : new Map(Object.entries({ jid, unreadable }));
}

/** Writes a document in a structured format. */
export async function writeDocument(
  value: Value,
  format: Exclude<Format, "text">,
  terminal: Terminal,
): Promise<void> {
  if (format === "json") return terminal.write(`${toJson(value)}\n`);
  const { toYaml } = await import("../codec/yaml.ts");
  terminal.write(toYaml(value));
}

/** Writes whole records as one array; as JSON piece by piece, since a bucket can hold more than fits into one text. */
export async function writeRecords(
  jobs: JobList,
  format: Exclude<Format, "text">,
  terminal: Terminal,
): Promise<void> {
  if (format !== "json" || jobs.length === 0)
    return writeDocument(Array.from(jobs, document), format, terminal);
  terminal.writeAll(jsonArray(jobs));
}

function* jsonArray(jobs: JobList): Generator<string> {
  const last = jobs.length - 1;
  for (let i = 0; i <= last; i++) {
    const job = jobs.at(i);
    const comma = i < last ? 1 : 0;
    yield `${i === 0 ? "[\n" : ""}  ${toJson(document(job), 2, 2, comma)}${comma ? "," : ""}\n`;
  }
  yield "]\n";
}
