// Columns of the job table: one field of many jobs, by the number of the job. A column takes the usual types of its field; a job
// with another type goes into the odd rows of job-table.ts.
import { grown } from "../codec/byte-set.ts";
import { FieldScanner } from "../codec/field-scan.ts";
import { Timestamp } from "../codec/value.ts";
import { isNil, isText, smallInteger, TimeReader, textHead } from "../codec/value-at.ts";
import type { ValueSet } from "../codec/value-set.ts";
import { type JobSource, ROW_FIELDS, SOURCES } from "../model/job.ts";

type ColumnField = (typeof ROW_FIELDS)[number];
type FoundFields = Pick<FieldScanner, "starts" | "ends">;

const NONE = -1;

class FieldColumn {
  readonly place: number;

  constructor(field: ColumnField) {
    this.place = ROW_FIELDS.indexOf(field);
  }
}

export class ValueColumn<T> extends FieldColumn {
  #ids = new Int32Array();

  /** @param isUsual checks the type of a value */
  constructor(
    field: ColumnField,
    readonly values: ValueSet<T>,
    readonly isUsual: (bytes: Uint8Array, at: number) => boolean,
  ) {
    super(field);
  }

  grow(size: number): void {
    this.#ids = grown(this.#ids, size);
  }

  /** False for an unusual type. */
  put(n: number, bytes: Uint8Array, { starts, ends }: FoundFields): boolean {
    const start = starts[this.place] as number;
    let id = NONE;
    if (!isNil(bytes, start)) {
      if (!this.isUsual(bytes, start)) return false;
      id = this.values.add(bytes, start, ends[this.place] as number);
      if (id < 0) return false;
    }
    this.#ids[n] = id;
    return true;
  }

  get(n: number): T | undefined {
    const id = this.#ids[n] as number;
    return id === NONE ? undefined : this.values.get(id);
  }
}

/** "Not set": year 1. */
const YEAR_ONE = -62135596800;
/** Nanoseconds of a time that is not set. */
const NO_TIME = -1;
const columnTime = new TimeReader();

/** Times from 1970 to 2106, in 8 bytes each; others are unusual. */
export class TimeColumn extends FieldColumn {
  #seconds = new Uint32Array();
  #nanos = new Int32Array();

  grow(size: number): void {
    this.#seconds = grown(this.#seconds, size);
    this.#nanos = grown(this.#nanos, size);
  }

  put(n: number, bytes: Uint8Array, { starts }: FoundFields): boolean {
    const start = starts[this.place] as number;
    this.#nanos[n] = NO_TIME;
    if (isNil(bytes, start)) return true;
    if (!columnTime.read(bytes, start)) return false;
    if (columnTime.high !== 0) return columnTime.seconds === YEAR_ONE && columnTime.nanos === 0;
    this.#seconds[n] = columnTime.low;
    this.#nanos[n] = columnTime.nanos;
    return true;
  }

  get(n: number): Timestamp | undefined {
    const nanos = this.#nanos[n] as number;
    return nanos === NO_TIME ? undefined : new Timestamp(BigInt(this.#seconds[n] as number), nanos);
  }

  /** Compares two times, for sorting; NaN if one of them is not set. */
  compare(a: number, b: number): number {
    const nanos = this.#nanos[a] as number;
    const others = this.#nanos[b] as number;
    if (nanos === NO_TIME || others === NO_TIME) return Number.NaN;
    return (this.#seconds[a] as number) - (this.#seconds[b] as number) || nanos - others;
  }
}

export class CountColumn extends FieldColumn {
  #counts = new Int32Array();

  grow(size: number): void {
    this.#counts = grown(this.#counts, size);
  }

  put(n: number, bytes: Uint8Array, { starts }: FoundFields): boolean {
    const start = starts[this.place] as number;
    const none = isNil(bytes, start);
    const count = none ? NONE : smallInteger(bytes, start);
    this.#counts[n] = count;
    return none || count >= 0;
  }

  get(n: number): bigint | undefined {
    const count = this.#counts[n] as number;
    return count === NONE ? undefined : BigInt(count);
  }
}

const textAt = (bytes: Uint8Array, at: number, end: number) =>
  Buffer.from(bytes.subarray(at + textHead(bytes[at] as number), end)).toString();

/** Fields of the metadata; most jobs have none. */
export class MetadataColumn extends FieldColumn {
  readonly #metadata = new FieldScanner(["source", "retry_of", "schedule"]);
  #sources = new Uint8Array();
  /** Names by their numbers in `texts`. */
  #schedules = new Int32Array();
  readonly #retries = new Map<number, string>();

  constructor(readonly texts: ValueSet<string>) {
    super("metadata");
  }

  grow(size: number): void {
    this.#sources = grown(this.#sources, size);
    this.#schedules = grown(this.#schedules, size);
  }

  put(n: number, bytes: Uint8Array, { starts, ends }: FoundFields): boolean {
    const start = starts[this.place] as number;
    this.#sources[n] = 0;
    this.#schedules[n] = NONE;
    if (this.#retries.size > 0) this.#retries.delete(n);
    if (isNil(bytes, start)) return true;
    const metadata = bytes.subarray(start, ends[this.place]);
    if (!this.#metadata.scan(metadata)) return false;
    const [source = -1, retry = -1, schedule = -1] = this.#metadata.starts;
    const [sourceEnd = source, retryEnd = retry, scheduleEnd = schedule] = this.#metadata.ends;
    for (const at of [source, retry, schedule]) if (at >= 0 && !isText(metadata, at)) return false;
    if (source >= 0) this.#sources[n] = Math.max(0, SOURCES.indexOf(textAt(metadata, source, sourceEnd) as JobSource));
    if (retry >= 0) this.#retries.set(n, textAt(metadata, retry, retryEnd));
    if (schedule < 0) return true;
    const id = this.texts.add(metadata, schedule, scheduleEnd);
    this.#schedules[n] = id;
    return id >= 0;
  }

  /** As the metadata says; the record of a schedule needs its other marks as well. */
  source(n: number): JobSource {
    return SOURCES[this.#sources[n] as number] as JobSource;
  }

  retryOf(n: number): string | undefined {
    return this.#retries.get(n) || undefined;
  }

  schedule(n: number): string | undefined {
    const id = this.#schedules[n] as number;
    return id === NONE ? undefined : this.texts.get(id) || undefined;
  }
}
