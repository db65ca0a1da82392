// Value → MessagePack, in the forms that masters write (docs/contributing.md, "Encoding").
import { hasRepeatedKeys } from "./undecodable.ts";
import { Extension, NumberText, Timestamp, type Value, type ValueMap } from "./value.ts";

export class Unencodable extends Error {}

/** A value that is encoded already. */
export class Encoded {
  constructor(readonly bytes: Uint8Array) {}
}

export type Encodable = Value | Encoded | readonly Encodable[] | ReadonlyMap<string, Encodable>;

/** A type byte and an integer of `size` bytes. */
function numbered(type: number, size: 1 | 2 | 4 | 8, value: number | bigint): Buffer {
  const out = Buffer.alloc(1 + size, type);
  if (size === 8) out.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)), 1);
  else out.writeUIntBE(Number(value), 1, size);
  return out;
}

/** @param short type byte for lengths below `room` @param long type bytes before a length of 1 (if any), 2 and 4 bytes */
function head(
  length: number,
  short: number,
  room: number,
  long: readonly [number | undefined, number, number],
): Buffer {
  if (length < room) return Buffer.of(short | length);
  if (long[0] !== undefined && length <= 0xff) return numbered(long[0], 1, length);
  return length <= 0xffff ? numbered(long[1], 2, length) : numbered(long[2], 4, length);
}

const UNSIGNED = [0xcc, 0xcd, 0xce, 0xcf] as const;
const SIGNED = [0xd0, 0xd1, 0xd2, 0xd3] as const;

/** In the shortest form. */
function integer(value: bigint): Buffer {
  if (value >= -0x20n && value <= 0x7fn) return Buffer.of(Number(value) & 0xff);
  const [types, cut] = value < 0n ? [SIGNED, BigInt.asIntN] : [UNSIGNED, BigInt.asUintN];
  for (const [i, size] of ([1, 2, 4, 8] as const).entries())
    if (cut(8 * size, value) === value) return numbered(types[i] as number, size, BigInt.asUintN(8 * size, value));
  throw new Unencodable(`the number ${String(value).slice(0, 50)} takes more than 64 bits`);
}

function float(value: number): Buffer {
  const out = Buffer.alloc(9, 0xcb);
  out.writeDoubleBE(value, 1);
  return out;
}

function number(value: number): Buffer {
  const isWhole = Number.isInteger(value) && !Object.is(value, -0) && value >= -(2 ** 63) && value < 2 ** 64;
  return isWhole ? integer(BigInt(value)) : float(value);
}

/** In 8 bytes, or 12 if the seconds need them. */
function encodeTime({ seconds, nanos }: Timestamp): Buffer {
  if (seconds >= 0n && seconds < 1n << 34n)
    return Buffer.concat([Buffer.of(0xd7), numbered(0xff, 8, (BigInt(nanos) << 34n) | seconds)]);
  return Buffer.concat([Buffer.of(0xc7, 12), numbered(0xff, 4, nanos), numbered(0, 8, seconds).subarray(1)]);
}

function text(value: string): Buffer[] {
  if (!value.isWellFormed()) throw new Unencodable("a text has an unpaired surrogate");
  const bytes = Buffer.from(value);
  return [head(bytes.length, 0xa0, 32, [0xd9, 0xda, 0xdb]), bytes];
}

function* pieces(value: Encodable): Generator<Uint8Array> {
  if (value instanceof Encoded) yield value.bytes;
  else if (value === null) yield Buffer.of(0xc0);
  else if (typeof value === "boolean") yield Buffer.of(value ? 0xc3 : 0xc2);
  else if (typeof value === "string") yield* text(value);
  else if (typeof value === "bigint") yield integer(value);
  else if (typeof value === "number") yield number(value);
  else if (value instanceof NumberText) {
    const double = Number(value.text); // like readers of JSON
    if (!Number.isFinite(double)) throw new Unencodable(`the number ${value.text.slice(0, 50)} is too large`);
    yield float(double);
  } else if (value instanceof Timestamp) yield encodeTime(value);
  else if (value instanceof Uint8Array) {
    yield head(value.length, 0, 0, [0xc4, 0xc5, 0xc6]);
    yield value;
  } else if (value instanceof Extension) {
    yield head(value.data.length, 0, 0, [0xc7, 0xc8, 0xc9]);
    yield Buffer.of(value.type & 0xff);
    yield value.data;
  } else if (value instanceof Map) {
    if (hasRepeatedKeys(value as ValueMap)) throw new Unencodable("it repeats a key");
    yield head(value.size, 0x80, 16, [undefined, 0xde, 0xdf]);
    for (const [key, item] of value as ReadonlyMap<string, Encodable>) {
      yield* text(key);
      yield* pieces(item);
    }
  } else {
    const list = value as readonly Encodable[];
    yield head(list.length, 0x90, 16, [undefined, 0xdc, 0xdd]);
    for (const item of list) yield* pieces(item);
  }
}

/** @throws Unencodable for a number beyond MessagePack, text beyond UTF-8, and a map that was decoded with a repeated key */
export const encode = (value: Encodable): Uint8Array => Buffer.concat([...pieces(value)]);

/** In 64 bits, whatever its size, as masters write durations. @throws Unencodable beyond 64 bits */
export function encodedDuration(ns: bigint): Encoded {
  if (BigInt.asIntN(64, ns) !== ns) throw new Unencodable(`${ns}ns take more than 64 bits`);
  return new Encoded(numbered(0xd3, 8, ns));
}
