// Reads MessagePack values in place, without allocation, for views of 100,000 records. message-pack.ts reads all others.

export const uint16 = (bytes: Uint8Array, at: number) => ((bytes[at] as number) << 8) | (bytes[at + 1] as number);

export const uint32 = (bytes: Uint8Array, at: number) =>
  (((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)) >>>
  0;

const NIL = 0xc0;

/** True also for a place below 0: the record does not have the field. */
export const isNil = (bytes: Uint8Array, at: number) => at < 0 || bytes[at] === NIL;

/** Bytes before the content of a text; 0 for other types. */
export function textHead(type: number): number {
  if (type >= 0xa0 && type <= 0xbf) return 1;
  return type === 0xd9 ? 2 : type === 0xda ? 3 : type === 0xdb ? 5 : 0;
}

export const isText = (bytes: Uint8Array, at: number) => textHead(bytes[at] as number) > 0;

export function isList(bytes: Uint8Array, at: number): boolean {
  const type = bytes[at] as number;
  return (type & 0xf0) === 0x90 || type === 0xdc || type === 0xdd;
}

/** An integer from 0 to 2^31 - 1; -1 for anything else. */
export function smallInteger(bytes: Uint8Array, at: number): number {
  const type = bytes[at] as number;
  if (type <= 0x7f) return type;
  if (type === 0xcc) return bytes[at + 1] as number;
  if (type === 0xcd) return uint16(bytes, at + 1);
  let value = -1;
  if (type === 0xce || type === 0xd2) value = uint32(bytes, at + 1);
  else if ((type === 0xcf || type === 0xd3) && uint32(bytes, at + 1) === 0) value = uint32(bytes, at + 5);
  return value < 2 ** 31 ? value : -1;
}

/** Reads timestamp extensions of 4, 8 or 12 bytes (msgpack spec, "Timestamp extension type"). */
export class TimeReader {
  /** Upper 32 bits of the seconds since 1970, signed. */
  high = 0;
  low = 0;
  nanos = 0;

  /** Not a safe integer for very large times. */
  get seconds(): number {
    return this.high * 2 ** 32 + this.low;
  }

  /** False when the value at this place is not a time. */
  read(bytes: Uint8Array, at: number): boolean {
    const type = bytes[at] as number;
    if (type === 0xd7 && bytes[at + 1] === 0xff) return this.readBody(bytes, at + 2, 8);
    if (type === 0xd6 && bytes[at + 1] === 0xff) return this.readBody(bytes, at + 2, 4);
    return type === 0xc7 && bytes[at + 1] === 12 && bytes[at + 2] === 0xff && this.readBody(bytes, at + 3, 12);
  }

  /** The same for the `length` bytes after the head. */
  readBody(bytes: Uint8Array, at: number, length: number): boolean {
    this.nanos = 0;
    this.high = 0;
    if (length === 4) this.low = uint32(bytes, at);
    else if (length === 8) {
      const first = uint32(bytes, at);
      this.nanos = first >>> 2;
      this.high = first & 3;
      this.low = uint32(bytes, at + 4);
    } else if (length === 12) {
      this.nanos = uint32(bytes, at);
      this.high = uint32(bytes, at + 4) | 0;
      this.low = uint32(bytes, at + 8);
    } else return false;
    return this.nanos < 1_000_000_000;
  }
}
