// The rows of many jobs, in columns of numbers: a million jobs take 450 MB at most. A JobRow is made on access.

import { ByteSet, grown } from "../codec/byte-set.ts";
import { decodeRecord, ifDecodable } from "../codec/decode.ts";
import { FieldScanner } from "../codec/field-scan.ts";
import type { Timestamp } from "../codec/value.ts";
import { isList, isText } from "../codec/value-at.ts";
import { ValueSet } from "../codec/value-set.ts";
import { KSUID_LENGTH } from "../model/jid.ts";
import { byCreation, type Job, type JobRow, type JobSource, jobRow, ROW_FIELDS, sourceFrom } from "../model/job.ts";
import { peelList } from "../model/peel.ts";
import { CountColumn, MetadataColumn, TimeColumn, ValueColumn } from "./job-columns.ts";

/** @param fields as for decodeRecord */
export function toJob(jid: string, bytes: Uint8Array, fields?: readonly string[]): Job {
  const read = () => {
    const record = decodeRecord(bytes, fields);
    return { row: jobRow(jid, record), record };
  };
  return ifDecodable(read, (unreadable) => ({ row: { jid, unreadable }, record: undefined }));
}

const FIRST = 1024;
/** Marks of jobs: selected; deleted. */
const SELECTED = 1;
const GONE = 2;

class Columns {
  readonly #texts = new ValueSet((value) => value as string);
  readonly #lists = new ValueSet<readonly string[]>((value) => peelList(value) ?? []);
  readonly fn = new ValueColumn("function", this.#texts, isText);
  readonly targetExpr = new ValueColumn("target_expr", this.#texts, isText);
  readonly targets = new ValueColumn("targets", this.#lists, isList);
  readonly status = new ValueColumn("status", this.#texts, isText);
  readonly created = new TimeColumn("created");
  readonly updated = new TimeColumn("updated");
  readonly deadline = new TimeColumn("deadline");
  readonly user = new ValueColumn("user", this.#texts, isText);
  readonly owner = new ValueColumn("owner", this.#texts, isText);
  readonly returned = new CountColumn("return_count");
  readonly succeeded = new CountColumn("success_count");
  readonly metadata = new MetadataColumn(this.#texts);
  readonly #texted = [this.fn, this.targetExpr, this.status, this.user, this.owner];
  readonly #timed = [this.created, this.updated, this.deadline];
  readonly #counted = [this.returned, this.succeeded];
  readonly #scanner = new FieldScanner(ROW_FIELDS);

  grow(size: number): void {
    for (const column of [...this.#texted, this.targets, ...this.#timed, ...this.#counted, this.metadata])
      column.grow(size);
  }

  /** False when `bytes` are not a plain MessagePack record, or a field has an unusual type. */
  put(n: number, bytes: Uint8Array): boolean {
    const found = this.#scanner;
    if (!found.scan(bytes)) return false;
    // A loop for each class: one over all would look up the method each time.
    for (const column of this.#texted) if (!column.put(n, bytes, found)) return false;
    for (const column of this.#timed) if (!column.put(n, bytes, found)) return false;
    for (const column of this.#counted) if (!column.put(n, bytes, found)) return false;
    return this.targets.put(n, bytes, found) && this.metadata.put(n, bytes, found);
  }
}

export class JobTable {
  readonly #jids = new ByteSet();
  readonly #columns = new Columns();
  /** Rows that the columns cannot store: JSON, fields of unusual types, values that cannot be decoded. */
  readonly #odd = new Map<number, JobRow>();
  #marks = new Uint8Array();

  constructor() {
    this.#grow(FIRST);
  }

  reserve(jobs: number): void {
    this.#jids.reserve(jobs, KSUID_LENGTH);
    this.#grow(jobs);
  }

  #grow(size: number): void {
    this.#marks = grown(this.#marks, size);
    this.#columns.grow(size);
  }

  has(jid: string): boolean {
    const n = this.#jids.find(Buffer.from(jid));
    return n >= 0 && this.#marks[n] !== GONE;
  }

  get total(): number {
    let total = 0;
    for (let n = 0; n < this.#jids.size; n++) if (this.#marks[n] !== GONE) total++;
    return total;
  }

  /**
   * Takes a record; it replaces an earlier one of the same job. The JID is in `key` from `from`.
   * @returns the job's number
   */
  put(key: Uint8Array, from: number, bytes: Uint8Array, keep: (row: JobRow) => boolean): number {
    const n = this.#numberOf(key, from);
    if (!this.#columns.put(n, bytes)) this.#odd.set(n, toJob(this.jid(n), bytes).row);
    this.#marks[n] = keep(this.row(n)) ? SELECTED : 0;
    return n;
  }

  /** Removes a job whose record was deleted. @returns the job's number */
  remove(key: Uint8Array, from: number): number {
    const n = this.#numberOf(key, from);
    this.#marks[n] = GONE;
    return n;
  }

  /** Only the jobs with these numbers exist. */
  dropAllBut(numbers: ReadonlySet<number>): void {
    for (let n = 0; n < this.#jids.size; n++) {
      if (numbers.has(n)) continue;
      this.#odd.delete(n);
      this.#marks[n] = GONE;
    }
  }

  /** Makes room for the job, and forgets its former row. */
  #numberOf(key: Uint8Array, from: number): number {
    const n = this.#jids.add(key, from, key.length);
    if (n >= this.#marks.length) this.#grow(n + 1);
    if (this.#odd.size > 0) this.#odd.delete(n);
    return n;
  }

  row(n: number): JobRow {
    return (this.#odd.size > 0 && this.#odd.get(n)) || new PackedRow(this, this.#columns, n);
  }

  isKept(n: number): boolean {
    return this.#marks[n] === SELECTED;
  }

  jid(n: number): string {
    return this.#jids.text(n);
  }

  /** The numbers of kept jobs, oldest first (byCreation). */
  order(): Int32Array {
    const all = new Int32Array(this.#jids.size);
    let size = 0;
    for (let n = 0; n < this.#jids.size; n++) if (this.#marks[n] === SELECTED) all[size++] = n;
    const order = size < all.length ? all.slice(0, size) : all;
    const { created } = this.#columns;
    const odd = this.#odd;
    return order.sort((a, b) => {
      const later = odd.size > 0 && (odd.has(a) || odd.has(b)) ? 0 : created.compare(a, b);
      return later || byCreation(this.row(a), this.row(b)); // NaN for times that are not set
    });
  }

  unreadable(): JobRow[] {
    return [...this.#odd.values()].filter((row) => row.unreadable !== undefined);
  }
}

/** Reads each field from its column on access. */
class PackedRow implements JobRow {
  constructor(
    readonly table: JobTable,
    readonly columns: Columns,
    readonly n: number,
  ) {}

  get jid(): string {
    return this.table.jid(this.n);
  }
  get fn(): string | undefined {
    return this.columns.fn.get(this.n);
  }
  get targetExpr(): string | undefined {
    return this.columns.targetExpr.get(this.n) || undefined;
  }
  get targets(): readonly string[] | undefined {
    return this.columns.targets.get(this.n);
  }
  get status(): string | undefined {
    return this.columns.status.get(this.n);
  }
  get user(): string | undefined {
    return this.columns.user.get(this.n);
  }
  get owner(): string | undefined {
    return this.columns.owner.get(this.n);
  }
  get created(): Timestamp | undefined {
    return this.columns.created.get(this.n);
  }
  get updated(): Timestamp | undefined {
    return this.columns.updated.get(this.n);
  }
  get deadline(): Timestamp | undefined {
    return this.columns.deadline.get(this.n);
  }
  get returned(): bigint | undefined {
    return this.columns.returned.get(this.n);
  }
  get succeeded(): bigint | undefined {
    return this.columns.succeeded.get(this.n);
  }
  get source(): JobSource {
    const { columns, n } = this;
    const said = columns.metadata.source(n);
    if (said !== "schedule") return said;
    return sourceFrom(said, { owner: this.owner, targets: this.targets, schedule: columns.metadata.schedule(n) });
  }
  get retryOf(): string | undefined {
    return this.columns.metadata.retryOf(this.n);
  }
  get schedule(): string | undefined {
    return this.source === "schedule" ? this.columns.metadata.schedule(this.n) : undefined;
  }
  get unreadable(): undefined {
    return undefined;
  }
}
