// Finds fields in a MessagePack record without decoding it: a list reads 100,000 records and shows five fields of each.
// decode.ts reads whatever is unusual.
import { uint16, uint32 } from "./value-at.ts";

/** Records of masters and peels are not nested deeper. */
const SCAN_DEPTH = 32;

// Of each type from 0xc0 on: bytes before what its length counts, or all bytes where it has none (0xc1 is no type); bytes of the length.
const HEADS = [1, 0, 1, 1, 2, 3, 5, 3, 4, 6, 5, 9, 2, 3, 5, 9, 2, 3, 5, 9, 3, 4, 6, 10, 18, 2, 3, 5, 3, 5, 3, 5];
const LENGTHS = [0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4];

/** The end of the value that begins at `at`, inside `depth` others; -1 when it is cut off, too deep, or not MessagePack. */
export function skip(bytes: Uint8Array, at: number, depth: number): number {
  const type = bytes[at] as number;
  if (type <= 0x7f || type >= 0xe0) return at + 1;
  if (type >= 0xa0 && type <= 0xbf) return at + 1 + (type & 0x1f);
  if (type <= 0x8f) return skipMany(bytes, at + 1, (type & 0x0f) * 2, depth);
  if (type <= 0x9f) return skipMany(bytes, at + 1, type & 0x0f, depth);
  const head = HEADS[type - 0xc0];
  if (!head) return -1; // 0xc1, or beyond the end
  const digits = LENGTHS[type - 0xc0];
  if (digits === 0) return at + head;
  const length =
    digits === 1 ? (bytes[at + 1] as number) : digits === 2 ? uint16(bytes, at + 1) : uint32(bytes, at + 1);
  if (type < 0xdc) return at + head + length;
  return skipMany(bytes, at + head, type < 0xde ? length : length * 2, depth);
}

function skipMany(bytes: Uint8Array, at: number, count: number, depth: number): number {
  if (depth >= SCAN_DEPTH) return -1;
  let next = at;
  for (let i = 0; i < count; i++) {
    if (next >= bytes.length) return -1;
    next = skip(bytes, next, depth + 1);
    if (next < 0) return -1;
  }
  return next;
}

/** Keys are looked up by length, first and last letter; a key that matches is then compared in full. */
const slotOf = (length: number, first: number, last: number) => (length * 61 + first * 7 + last) & 0xff;

const slotOfName = (name: Uint8Array) => slotOf(name.length, name[0] as number, name[name.length - 1] as number);

/** In place of the number of a field: the key of another field; not a key in the form of records. */
export const NO_FIELD = -1;
export const BROKEN = -2;

export class FieldScanner {
  /** Where reading continues. */
  at = 0;
  /** Where the value of each field begins; -1 when the record does not have it. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly #names: readonly Uint8Array[];
  readonly #slots = new Int8Array(256).fill(NO_FIELD);

  /** True for fields that one scanner can distinguish. */
  static canFind(fields: readonly string[]): boolean {
    const slots = fields.map((name) => slotOfName(Buffer.from(name)));
    return new Set(slots).size === slots.length;
  }

  /** @param fields no two may share length, first and last letter: that throws at once */
  constructor(fields: readonly string[]) {
    this.starts = new Int32Array(fields.length);
    this.ends = new Int32Array(fields.length);
    this.#names = fields.map((name) => Buffer.from(name));
    this.#names.forEach((name, i) => {
      const slot = slotOfName(name);
      if (this.#slots[slot] !== NO_FIELD) throw new Error(`two fields fall into one slot: ${fields[i]}`);
      this.#slots[slot] = i;
    });
  }

  /** Finds the fields of one record. False when it is not a plain MessagePack map: then decode.ts has to decode it. */
  scan(bytes: Uint8Array): boolean {
    this.starts.fill(NO_FIELD);
    for (let left = this.open(bytes, 0); left !== 0; left--) {
      const field = left < 0 ? BROKEN : this.key(bytes);
      if (field === BROKEN) return false;
      const end = skip(bytes, this.at, 0);
      if (end < 0) return false;
      if (field >= 0) {
        this.starts[field] = this.at;
        this.ends[field] = end;
      }
      this.at = end;
    }
    return this.at === bytes.length;
  }

  /** Moves to the first key of the map at `at`. @returns the number of keys; -1 when it is not a map in the form of records */
  open(bytes: Uint8Array, at: number): number {
    const type = bytes[at] as number;
    const isShort = type >= 0x80 && type <= 0x8f;
    if (!isShort && type !== 0xde) return -1;
    this.at = isShort ? at + 1 : at + 3;
    return isShort ? type & 0x0f : uint16(bytes, at + 1);
  }

  /** Reads a key and moves to its value. @returns the number of its field, NO_FIELD, or BROKEN for a key in another form */
  key(bytes: Uint8Array): number {
    const head = bytes[this.at] as number;
    if (head < 0xa1 || head > 0xbf) return BROKEN; // empty, long or no text
    const start = this.at + 1;
    const length = head & 0x1f;
    this.at = start + length;
    return this.at < bytes.length ? this.#fieldAt(bytes, start, length) : BROKEN;
  }

  #fieldAt(bytes: Uint8Array, at: number, length: number): number {
    const slot = slotOf(length, bytes[at] as number, bytes[at + length - 1] as number);
    const field = this.#slots[slot] as number;
    if (field < 0) return NO_FIELD;
    const name = this.#names[field] as Uint8Array;
    if (name.length !== length) return NO_FIELD;
    for (let i = 0; i < length; i++) if (name[i] !== bytes[at + i]) return NO_FIELD;
    return field;
  }
}
