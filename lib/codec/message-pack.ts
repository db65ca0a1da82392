// MessagePack → Value, without memory for announced lengths. The packages allocate it (30 KB of nested lists took 5 GB), lose map
// keys that are equal as text, and read broken UTF-8 beyond the end of its text.
import { toJsonLine } from "./json.ts";
import { Allowance, COST, Entries, Undecodable } from "./undecodable.ts";
import { Extension, Timestamp, type Value, type ValueMap } from "./value.ts";
import { TimeReader, uint16, uint32 } from "./value-at.ts";

/** Keys by length and first byte. Records repeat a few keys: a comparison takes half the time of decoding them. */
const seenKeys = new Map<number, { bytes: Uint8Array; key: string }[]>();
let seenCount = 0;
const SEEN = { length: 32, alike: 8, most: 1000 } as const;

/** A key that is not text, in the form that JSON shows. */
function keyText(key: Value): string {
  if (key instanceof Uint8Array) return Buffer.from(key).toString("base64");
  if (typeof key === "object" && key !== null && !(key instanceof Timestamp)) return toJsonLine(key);
  return Object.is(key, -0) ? "-0.0" : String(key);
}

const NOT = "not MessagePack or JSON";
const timeReader = new TimeReader();

const cutOff = () => new Undecodable(`${NOT}: it ends in the middle of a value`);

export class MessagePackReader {
  /** The same bytes; for many records only numbers are read. */
  #texts: Buffer | undefined;
  readonly #allowance: Allowance;
  #at = 0;
  #end = 0;
  /** Announced values that were not read yet: each takes at least one byte. */
  #owed = 0;
  #inKey = false;

  constructor(readonly bytes: Uint8Array) {
    this.#allowance = new Allowance(bytes.length);
  }

  /** The one value from `start` to `end`. @param depth number of lists and maps around it @throws Undecodable */
  read(start: number, end: number, depth: number): Value {
    this.#at = start;
    this.#end = end;
    this.#owed = 1;
    const value = this.#value(depth);
    if (this.#at === end) return value;
    throw new Undecodable(`${NOT}: Extra ${end - this.#at} of ${end} byte(s) found at buffer[${this.#at}]`);
  }

  /** @returns the start of the next `length` bytes */
  #take(length: number): number {
    const start = this.#at;
    if (length > this.#end - start) throw cutOff();
    this.#at = start + length;
    return start;
  }

  #value(depth: number): Value {
    const bytes = this.bytes;
    const type = bytes[this.#take(1)] as number;
    this.#owed--;
    if (type <= 0x7f) return this.#scalar(type);
    if (type >= 0xe0) return this.#scalar(type - 0x100);
    if (type >= 0xa0 && type <= 0xbf) return this.#text(type & 0x1f);
    if (type <= 0x8f) return this.#map(type & 0x0f, depth);
    if (type <= 0x9f) return this.#list(type & 0x0f, depth);
    if (type >= 0xde) return this.#map(this.#size(type - 0xdd), depth);
    if (type >= 0xdc) return this.#list(this.#size(type - 0xdb), depth);
    if (type >= 0xd9) return this.#text(this.#size(type - 0xd9));
    if (type >= 0xd4) return this.#extension(1 << (type - 0xd4));
    if (type >= 0xc7 && type <= 0xc9) return this.#extension(this.#size(type - 0xc7));
    if (type >= 0xc4 && type <= 0xc6) return this.#binary(this.#size(type - 0xc4));
    if (type >= 0xcc && type <= 0xce) return this.#scalar(this.#size(type - 0xcc));
    switch (type) {
      case 0xc0:
        return this.#scalar(null);
      case 0xc2:
      case 0xc3:
        return this.#scalar(type === 0xc3);
      case 0xca:
        return this.#scalar(this.#view(4).getFloat32(0));
      case 0xcb:
        return this.#scalar(this.#view(8).getFloat64(0));
      case 0xcf:
        return this.#wide(false);
      case 0xd0:
        return this.#scalar((this.#size(0) << 24) >> 24);
      case 0xd1:
        return this.#scalar((this.#size(1) << 16) >> 16);
      case 0xd2:
        return this.#scalar(this.#size(2) | 0);
      case 0xd3:
        return this.#wide(true);
      default:
        throw new Undecodable(`${NOT}: it has the byte 0x${type.toString(16)}`);
    }
  }

  /** An unsigned integer of 1, 2 or 4 bytes. */
  #size(power: number): number {
    const at = this.#take(1 << power);
    if (power === 0) return this.bytes[at] as number;
    return power === 1 ? uint16(this.bytes, at) : uint32(this.bytes, at);
  }

  #scalar<T extends Value>(value: T): T {
    this.#allowance.spend(COST.scalar);
    return value;
  }

  /** For floating-point numbers. */
  #view(length: number): DataView {
    const { buffer, byteOffset } = this.bytes;
    return new DataView(buffer, byteOffset + this.#take(length), length);
  }

  /** An integer of 8 bytes. */
  #wide(signed: boolean): bigint {
    const upper = this.#size(2);
    const high = signed ? upper | 0 : upper;
    const low = this.#size(2);
    this.#allowance.spend(COST.wide);
    const value = high * 2 ** 32 + low;
    return Number.isSafeInteger(value) ? BigInt(value) : (BigInt(high) << 32n) + BigInt(low);
  }

  #text(length: number): string {
    const start = this.#take(length);
    this.#allowance.spend(COST.text + length);
    const text = this.#decoded(start, length);
    if (text.length < length) this.#allowance.spend(COST.foreign);
    return text;
  }

  #decoded(start: number, length: number): string {
    this.#texts ??= Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    return this.#texts.toString("utf8", start, start + length);
  }

  /** A copy: the buffer of the message can be reused. */
  #binary(length: number): Uint8Array {
    const start = this.#take(length);
    this.#allowance.spend(COST.bytes + length);
    return new Uint8Array(this.bytes.subarray(start, start + length));
  }

  #extension(length: number): Timestamp | Extension {
    const type = (this.#size(0) << 24) >> 24;
    const time = type === -1 ? this.#time(length) : undefined;
    return time ?? new Extension(type, this.#binary(length));
  }

  #time(length: number): Timestamp | undefined {
    if (length !== 4 && length !== 8 && length !== 12) return undefined;
    const start = this.#take(length);
    this.#allowance.spend(COST.time);
    if (timeReader.readBody(this.bytes, start, length))
      return new Timestamp((BigInt(timeReader.high) << 32n) + BigInt(timeReader.low), timeReader.nanos);
    this.#at = start;
    return undefined;
  }

  #announce(values: number): void {
    this.#owed += values;
    if (this.#owed > this.#end - this.#at) throw cutOff();
  }

  #list(count: number, depth: number): Value[] {
    this.#allowance.open(depth, COST.list);
    this.#announce(count);
    const list: Value[] = new Array(count);
    for (let i = 0; i < count; i++) list[i] = this.#value(depth + 1);
    return list;
  }

  #map(count: number, depth: number): ValueMap {
    this.#allowance.open(depth, COST.map);
    this.#announce(count * 2);
    const entries = new Entries(this.#allowance);
    for (let i = 0; i < count; i++) {
      this.#allowance.entry(i);
      const key = this.#key(depth);
      entries.add(key, this.#value(depth + 1));
    }
    return entries.map();
  }

  #key(depth: number): string {
    const type = this.#at < this.#end ? (this.bytes[this.#at] as number) : 0;
    if (type >= 0xa0 && type <= 0xbf) return this.#shortKey(type & 0x1f);
    // As text, the key of a key would double in size with each level.
    const isContainer = (type >= 0x80 && type <= 0x9f) || (type >= 0xdc && type <= 0xdf);
    if (isContainer && this.#inKey) throw new Undecodable("a list or map is the key of a key");
    const before = this.#inKey;
    this.#inKey ||= isContainer;
    const key = this.#value(depth + 1);
    this.#inKey = before;
    return typeof key === "string" ? key : keyText(key);
  }

  #shortKey(length: number): string {
    this.#owed--;
    const bytes = this.bytes;
    const start = this.#take(1 + length) + 1;
    const slot = length * 256 + (length > 0 ? (bytes[start] as number) : 0);
    const alike = seenKeys.get(slot) ?? [];
    for (const seen of alike) {
      let i = 1;
      while (i < length && seen.bytes[i] === bytes[start + i]) i++;
      if (i >= length) return seen.key;
    }
    this.#allowance.spend(COST.text + length);
    const key = this.#decoded(start, length);
    if (length <= SEEN.length && seenCount < SEEN.most && alike.length < SEEN.alike) {
      seenCount++;
      alike.push({ bytes: new Uint8Array(bytes.subarray(start, start + length)), key });
      seenKeys.set(slot, alike);
    }
    return key;
  }
}
