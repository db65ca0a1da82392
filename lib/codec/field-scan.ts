// Finds fields in a MessagePack record without decoding it: a list reads 100,000 records and shows five fields of each.
// decode.ts reads whatever is unusual.
import { uint16, uint32 } from "./value-at.ts";

/** Records of masters and peels are not nested deeper. */
const SCAN_DEPTH = 32;

// For each type from 0xc0: bytes before its content, or all bytes of a fixed size (0xc1 is no type); bytes of its length.
const HEADS = [1, 0, 1, 1, 2, 3, 5, 3, 4, 6, 5, 9, 2, 3, 5, 9, 2, 3, 5, 9, 3, 4, 6, 10, 18, 2, 3, 5, 3, 5, 3, 5];
const LENGTHS = [0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4];

/** The end of the value at `at`, inside `depth` others; -1 if it is cut off, too deep, or no MessagePack. */
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

/** Keys are distinguished by length, first and last byte; those found are compared in full. */
const slotOf = (length: number, first: number, last: number) => (length * 61 + first * 7 + last) & 0xff;

const slotOfName = (name: Uint8Array) => slotOf(name.length, name[0] as number, name[name.length - 1] as number);

const NONE = -1;

export class FieldScanner {
  /** Where the value of each field begins; -1 for one that the record does not have. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly #names: readonly Uint8Array[];
  readonly #slots = new Int8Array(256).fill(NONE);

  /** True for fields that one scanner can distinguish. */
  static canFind(fields: readonly string[]): boolean {
    const slots = fields.map((name) => slotOfName(Buffer.from(name)));
    return new Set(slots).size === slots.length;
  }

  /** @throws Error for fields that share a slot: a mistake in the source */
  constructor(fields: readonly string[]) {
    this.starts = new Int32Array(fields.length);
    this.ends = new Int32Array(fields.length);
    this.#names = fields.map((name) => Buffer.from(name));
    for (const [i, name] of this.#names.entries()) {
      const slot = slotOfName(name);
      if (this.#slots[slot] !== NONE) throw new Error(`two fields fall into one slot: ${fields[i]}`);
      this.#slots[slot] = i;
    }
  }

  /** Finds the fields of one record; of a repeated one the last. False for all but a plain MessagePack map. */
  scan(bytes: Uint8Array): boolean {
    this.starts.fill(NONE);
    const type = bytes[0] as number;
    const isShort = type >= 0x80 && type <= 0x8f;
    if (!isShort && type !== 0xde) return false;
    let at = isShort ? 1 : 3;
    for (let left = isShort ? type & 0x0f : uint16(bytes, 1); left > 0; left--) {
      const head = bytes[at] as number;
      if (head < 0xa1 || head > 0xbf) return false; // an empty or long key, or no text
      const length = head & 0x1f;
      const value = at + 1 + length;
      const end = value < bytes.length ? skip(bytes, value, 0) : -1;
      if (end < 0) return false;
      const field = this.#fieldAt(bytes, at + 1, length);
      if (field >= 0) {
        this.starts[field] = value;
        this.ends[field] = end;
      }
      at = end;
    }
    return at === bytes.length;
  }

  #fieldAt(bytes: Uint8Array, at: number, length: number): number {
    const field = this.#slots[slotOf(length, bytes[at] as number, bytes[at + length - 1] as number)] as number;
    const name = this.#names[field];
    if (name?.length !== length) return NONE;
    for (let i = 0; i < length; i++) if (name[i] !== bytes[at + i]) return NONE;
    return field;
  }
}
