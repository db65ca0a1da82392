// The rows of many jobs, in columns of plain numbers: what a view of a million jobs holds. A JobRow is made from them
// when somebody looks at it.
import { ByteSet, grown } from "../codec/byte-set.ts";
import { decode, decodeRecord, Undecodable } from "../codec/decode.ts";
import { FieldScanner, isAsciiText, textHead, uint16, uint32 } from "../codec/field-scan.ts";
import { Timestamp } from "../codec/value.ts";
import { byCreation, type JobRow, jobRow, peelList, ROW_FIELDS, unreadableRow } from "../model/job.ts";

/** Fields whose values are kept by number, as their bytes. */
const TEXTS = ["function", "target_expr", "status", "user", "owner"] as const;
const TIMES = ["created", "updated", "deadline"] as const;
const COUNTS = ["return_count", "success_count"] as const;

const [FUNCTION, TARGET_EXPR, STATUS, USER, OWNER] = [0, 1, 2, 3, 4];
const [CREATED, UPDATED, DEADLINE] = [0, 1, 2];
const [RETURNED, SUCCEEDED] = [0, 1];

const at = (name: (typeof ROW_FIELDS)[number]) => ROW_FIELDS.indexOf(name);
const TEXT_FIELDS = TEXTS.map(at);
const TIME_FIELDS = TIMES.map(at);
const COUNT_FIELDS = COUNTS.map(at);
const TARGETS_FIELD = at("targets");

/** Jobs that there is room for at first. */
const FIRST = 1024;
/** What most job ids take. */
const KSUID_LENGTH = 27;
const NONE = -1;
const FOREIGN = -2;
const KEPT = 1;
const GONE = 2;
const NIL = 0xc0;
/** "Not set": year 1. */
const ZERO_SECONDS = -62135596800;
/** Bytes of a value up to which it takes little memory, even as a list of the shortest texts. */
const LONG = 1 << 20;
/** How many decoded values are kept for the next row that has the same. */
const CACHED = 4096;

export class JobTable {
  readonly #jids = new ByteSet();
  readonly #texts = new ByteSet();
  readonly #lists = new ByteSet();
  /** Those with text beyond ASCII. */
  readonly #foreignTexts = new Set<number>();
  readonly #foreignLists = new Set<number>();
  readonly #decodedTexts = new Map<number, string>();
  readonly #decodedLists = new Map<number, readonly string[]>();
  /** Rows that the columns can't hold: JSON, fields of unusual types, values that can't be decoded. */
  readonly #odd = new Map<number, JobRow>();
  readonly #scanner = new FieldScanner(ROW_FIELDS);
  readonly #textIds = TEXTS.map(() => new Int32Array(FIRST));
  readonly #listIds = [new Int32Array(FIRST)];
  readonly #seconds = TIMES.map(() => new Float64Array(FIRST));
  readonly #nanos = TIMES.map(() => new Int32Array(FIRST));
  readonly #counts = COUNTS.map(() => new Int32Array(FIRST));
  /** For each job whether it is wanted (KEPT), or was taken out again (GONE). */
  #kept = new Uint8Array(FIRST);
  #keptCount = 0;
  #goneCount = 0;

  /** Makes room for so many jobs at once. */
  reserve(jobs: number): void {
    this.#jids.reserve(jobs, KSUID_LENGTH);
    this.#grow(jobs);
  }

  /** How many jobs there are, kept or not. */
  get total(): number {
    return this.#jids.size - this.#goneCount;
  }

  /**
   * Takes a job's record; a later one of the same job replaces it. The JID is what `key` has from `from` on.
   * @returns the job's number
   */
  put(key: Uint8Array, from: number, bytes: Uint8Array, keep: (row: JobRow) => boolean): number {
    const n = this.#jids.add(key, from, key.length);
    if (n >= this.#kept.length) this.#grow(n + 1);
    if (this.#odd.size > 0) this.#odd.delete(n);
    if (!this.#scanner.scan(bytes) || !this.#store(n, bytes)) this.#odd.set(n, slowRow(this.jid(n), bytes));
    this.#mark(n, keep(this.row(n)) ? KEPT : 0);
    return n;
  }

  /** Takes a job out again: its record was deleted. @returns the job's number */
  remove(key: Uint8Array, from: number): number {
    const n = this.#jids.add(key, from, key.length);
    if (n >= this.#kept.length) this.#grow(n + 1);
    this.#odd.delete(n);
    this.#mark(n, GONE);
    return n;
  }

  /** Takes out every job whose number is none of these. */
  dropAllBut(numbers: ReadonlySet<number>): void {
    for (let n = 0; n < this.#jids.size; n++) {
      if (numbers.has(n)) continue;
      this.#odd.delete(n);
      this.#mark(n, GONE);
    }
  }

  #mark(n: number, mark: number): void {
    const before = this.#kept[n] as number;
    this.#keptCount += (mark === KEPT ? 1 : 0) - (before === KEPT ? 1 : 0);
    this.#goneCount += (mark === GONE ? 1 : 0) - (before === GONE ? 1 : 0);
    this.#kept[n] = mark;
  }

  /** What is known of job number `n`. */
  row(n: number): JobRow {
    return (this.#odd.size > 0 && this.#odd.get(n)) || new PackedRow(this, n);
  }

  isKept(n: number): boolean {
    return this.#kept[n] === KEPT;
  }

  jid(n: number): string {
    return this.#jids.text(n);
  }

  text(n: number, field: number): string | undefined {
    const id = this.#textIds[field]?.[n] as number;
    return id === NONE
      ? undefined
      : cached(this.#decodedTexts, id, () => decode(this.#texts.at(id)) as string);
  }

  /** The number of a text, from 1 on; 0 for none. */
  textId(n: number, field: number): number {
    return (this.#textIds[field]?.[n] as number) + 1;
  }

  /** The number of the list of targets, from 1 on; 0 for none. */
  targetsId(n: number): number {
    return (this.#listIds[0]?.[n] as number) + 1;
  }

  /** The JID's length; undefined when it is not all printable ASCII. */
  plainJidLength(n: number): number | undefined {
    return this.#jids.plainLength(n);
  }

  targets(n: number): readonly string[] | undefined {
    const id = this.#listIds[0]?.[n] as number;
    if (id === NONE) return undefined;
    return cached(this.#decodedLists, id, () => peelList(decode(this.#lists.at(id))) ?? []);
  }

  time(n: number, i: number): Timestamp | undefined {
    const seconds = this.#seconds[i]?.[n] as number;
    return Number.isNaN(seconds) ? undefined : new Timestamp(BigInt(seconds), this.#nanos[i]?.[n] as number);
  }

  count(n: number, i: number): bigint | undefined {
    const value = this.#counts[i]?.[n] as number;
    return value === NONE ? undefined : BigInt(value);
  }

  /** The jobs kept, as numbers, oldest first (as byCreation orders them). */
  order(): Int32Array {
    const order = new Int32Array(this.#keptCount);
    let size = 0;
    for (let n = 0; n < this.#jids.size; n++) if (this.#kept[n] === KEPT) order[size++] = n;
    const seconds = this.#seconds[0] as Float64Array;
    const nanos = this.#nanos[0] as Int32Array;
    const odd = this.#odd;
    const isAfter = (a: number, b: number) => {
      if (odd.size === 0 || !(odd.has(a) || odd.has(b))) {
        const x = seconds[a] as number;
        const y = seconds[b] as number;
        if (x > y) return true;
        if (x < y) return false;
        const nano = (nanos[a] as number) - (nanos[b] as number);
        if (x === y && nano !== 0) return nano > 0; // neither is true of times that are not set
      }
      return byCreation(this.row(a), this.row(b)) > 0;
    };
    return mergeSort(order, isAfter);
  }

  /** The jobs that can't be decoded, kept or not. */
  unreadable(): JobRow[] {
    return [...this.#odd.values()].filter((row) => row.unreadable !== undefined);
  }

  #grow(size: number): void {
    const longer = <T extends Int32Array | Float64Array>(columns: T[]) =>
      columns.forEach((column, i) => {
        columns[i] = grown(column, size);
      });
    this.#kept = grown(this.#kept, size);
    longer(this.#textIds);
    longer(this.#listIds);
    longer(this.#seconds);
    longer(this.#nanos);
    longer(this.#counts);
  }

  /** Puts the fields that were found into the columns of job `n`; false when one is of an unusual type. */
  #store(n: number, bytes: Uint8Array): boolean {
    return this.#storeTexts(n, bytes) && this.#storeTimes(n, bytes) && this.#storeCounts(n, bytes);
  }

  #storeTexts(n: number, bytes: Uint8Array): boolean {
    const { starts, ends } = this.#scanner;
    for (let i = 0; i < TEXTS.length; i++) {
      const field = TEXT_FIELDS[i] as number;
      const start = starts[field] as number;
      const type = start < 0 ? NIL : (bytes[start] as number);
      let id = NONE;
      if ((type >= 0xa0 && type <= 0xbf) || (type >= 0xd9 && type <= 0xdb)) {
        id = this.#valueId(this.#texts, this.#foreignTexts, bytes, start, ends[field] as number);
        if (id === FOREIGN) return false;
      } else if (type !== NIL) return false;
      // An empty expression is none, in the long forms of an empty text too.
      const isEmpty = id !== NONE && (ends[field] as number) - start === textHead(type);
      (this.#textIds[i] as Int32Array)[n] = isEmpty && i === TARGET_EXPR ? NONE : id;
    }
    const start = starts[TARGETS_FIELD] as number;
    const type = start < 0 ? NIL : (bytes[start] as number);
    let id = NONE;
    if ((type & 0xf0) === 0x90 || type === 0xdc || type === 0xdd)
      id = this.#valueId(this.#lists, this.#foreignLists, bytes, start, ends[TARGETS_FIELD] as number);
    else if (type !== NIL) return false;
    (this.#listIds[0] as Int32Array)[n] = id;
    return id !== FOREIGN;
  }

  /**
   * The number of a value; FOREIGN for one that is left to the decoder: lists that hold more than text, text beyond ASCII,
   * and what takes more memory than a value may.
   */
  #valueId(values: ByteSet, foreign: Set<number>, bytes: Uint8Array, from: number, to: number): number {
    const before = values.size;
    const id = values.add(bytes, from, to);
    if (id === before && !isOrdinary(values.at(id))) foreign.add(id);
    return foreign.size > 0 && foreign.has(id) ? FOREIGN : id;
  }

  /** MessagePack's timestamp extension: 4, 8 or 12 bytes. */
  #storeTimes(n: number, bytes: Uint8Array): boolean {
    const { starts } = this.#scanner;
    for (let i = 0; i < TIMES.length; i++) {
      const start = starts[TIME_FIELDS[i] as number] as number;
      let seconds = Number.NaN;
      let nanos = 0;
      const type = start < 0 ? NIL : (bytes[start] as number);
      if (type === 0xd7 && bytes[start + 1] === 0xff) {
        const high = uint32(bytes, start + 2);
        seconds = (high & 3) * 2 ** 32 + uint32(bytes, start + 6);
        nanos = high >>> 2;
      } else if (type === 0xd6 && bytes[start + 1] === 0xff) seconds = uint32(bytes, start + 2);
      else if (type === 0xc7 && bytes[start + 1] === 12 && bytes[start + 2] === 0xff) {
        nanos = uint32(bytes, start + 3);
        seconds = (uint32(bytes, start + 7) | 0) * 2 ** 32 + uint32(bytes, start + 11);
        if (!Number.isSafeInteger(seconds)) return false;
        if (seconds === ZERO_SECONDS && nanos === 0) seconds = Number.NaN;
      } else if (type !== NIL) return false;
      if (nanos > 999_999_999) return false;
      (this.#seconds[i] as Float64Array)[n] = seconds;
      (this.#nanos[i] as Int32Array)[n] = nanos;
    }
    return true;
  }

  #storeCounts(n: number, bytes: Uint8Array): boolean {
    const { starts } = this.#scanner;
    for (let i = 0; i < COUNTS.length; i++) {
      const start = starts[COUNT_FIELDS[i] as number] as number;
      const value = start < 0 ? NONE : smallInteger(bytes, start);
      if (value < NONE) return false;
      (this.#counts[i] as Int32Array)[n] = value;
    }
    return true;
  }
}

function cached<T>(values: Map<number, T>, id: number, make: () => T): T {
  const known = values.get(id);
  if (known !== undefined) return known;
  if (values.size >= CACHED) values.clear();
  const made = make();
  values.set(id, made);
  return made;
}

/** A whole number from 0 to 2^31 - 1, NONE for nil, and less than that for anything else. */
function smallInteger(bytes: Uint8Array, start: number): number {
  const type = bytes[start] as number;
  if (type <= 0x7f) return type;
  if (type === NIL) return NONE;
  if (type === 0xcc) return bytes[start + 1] as number;
  if (type === 0xcd) return uint16(bytes, start + 1);
  const wide = (type === 0xcf || type === 0xd3) && uint32(bytes, start + 1) === 0;
  const value =
    type === 0xce || type === 0xd2 ? uint32(bytes, start + 1) : wide ? uint32(bytes, start + 5) : -2;
  return value < 2 ** 31 ? value : -2;
}

/** True for ASCII text, or a list of such, that can be decoded on its own. */
function isOrdinary(bytes: Uint8Array): boolean {
  if (!isAsciiText(bytes)) return false;
  if (bytes.length < LONG) return true;
  try {
    decode(bytes);
    return true;
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return false;
  }
}

function slowRow(jid: string, bytes: Uint8Array): JobRow {
  try {
    return jobRow(jid, decodeRecord(bytes));
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return unreadableRow(jid, error.message);
  }
}

/** A row of the table, read from its columns when asked. */
class PackedRow implements JobRow {
  constructor(
    readonly table: JobTable,
    readonly n: number,
  ) {}

  get jid(): string {
    return this.table.jid(this.n);
  }
  get fn(): string | undefined {
    return this.table.text(this.n, FUNCTION);
  }
  get targetExpr(): string | undefined {
    return this.table.text(this.n, TARGET_EXPR);
  }
  get targets(): readonly string[] | undefined {
    return this.table.targets(this.n);
  }
  get status(): string | undefined {
    return this.table.text(this.n, STATUS);
  }
  get user(): string | undefined {
    return this.table.text(this.n, USER);
  }
  get owner(): string | undefined {
    return this.table.text(this.n, OWNER);
  }
  get created(): Timestamp | undefined {
    return this.table.time(this.n, CREATED);
  }
  get updated(): Timestamp | undefined {
    return this.table.time(this.n, UPDATED);
  }
  get deadline(): Timestamp | undefined {
    return this.table.time(this.n, DEADLINE);
  }
  get returned(): bigint | undefined {
    return this.table.count(this.n, RETURNED);
  }
  get succeeded(): bigint | undefined {
    return this.table.count(this.n, SUCCEEDED);
  }
  get unreadable(): undefined {
    return undefined;
  }
  get fnId(): number {
    return this.table.textId(this.n, FUNCTION);
  }
  get statusId(): number {
    return this.table.textId(this.n, STATUS);
  }
  get targetId(): number {
    const expression = this.table.textId(this.n, TARGET_EXPR);
    return expression > 0 ? expression * 2 + 1 : this.table.targetsId(this.n) * 2;
  }
  get jidWidth(): number | undefined {
    return this.table.plainJidLength(this.n);
  }
}

/**
 * Sorts by merging runs that are in order already. Jobs come in the order of their last change, which is nearly that of
 * their creation, and the built-in sort neither uses that nor inlines the comparison (1,000,000 jobs: 4 times slower).
 */
function mergeSort(items: Int32Array, isAfter: (a: number, b: number) => boolean): Int32Array {
  let from: Int32Array = items;
  let to: Int32Array = new Int32Array(items.length);
  let ends: number[] = [];
  for (let i = 0; i < items.length; i++)
    if (i + 1 === items.length || isAfter(items[i] as number, items[i + 1] as number)) ends.push(i + 1);
  while (ends.length > 1) {
    const merged: number[] = [];
    for (let run = 0; run < ends.length; run += 2) {
      const start = run === 0 ? 0 : (ends[run - 1] as number);
      const middle = ends[run] as number;
      const end = ends[run + 1] ?? middle;
      merged.push(end);
      // The larger the runs, the more often one is simply newer than the other.
      if (end === middle || !isAfter(from[middle - 1] as number, from[middle] as number)) {
        to.set(from.subarray(start, end), start);
        continue;
      }
      for (let out = start, i = start, j = middle; out < end; out++) {
        const takeLeft = j >= end || (i < middle && !isAfter(from[i] as number, from[j] as number));
        to[out] = from[takeLeft ? i++ : j++] as number;
      }
    }
    [from, to] = [to, from];
    ends = merged;
  }
  return from;
}
