// Values read in place: the usual types by their bytes, and the same as the exact decoder gives.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { decode } from "../../../lib/codec/decode.ts";
import { Timestamp } from "../../../lib/codec/value.ts";
import { isList, isNil, isText, smallInteger, TimeReader } from "../../../lib/codec/value-at.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

test.each([
  ["c0", "nil"],
  ["a0", "text"],
  ["bf", "text"],
  ["d9 00", "text"],
  ["da 0000", "text"],
  ["db 00000000", "text"],
  ["90", "list"],
  ["9f", "list"],
  ["dc 0000", "list"],
  ["dd 00000000", "list"],
  ["80", ""],
  ["c4 00", ""],
  ["c3", ""],
  ["01", ""],
  ["ff", ""],
])("%s is %j", (text, kind) => {
  const bytes = hex(text);
  const kinds = { nil: isNil(bytes, 0), text: isText(bytes, 0), list: isList(bytes, 0) };
  expect(Object.entries(kinds).flatMap(([name, is]) => (is ? name : []))).toEqual(kind ? [kind] : []);
});

test("a field that is not there is nil", () => expect(isNil(hex("01"), -1)).toBe(true));

test.each([
  ["00", 0],
  ["7f", 127],
  ["cc ff", 255],
  ["cd ffff", 65535],
  ["ce 7fffffff", 2 ** 31 - 1],
  ["d2 7fffffff", 2 ** 31 - 1],
  ["cf 00000000 00000005", 5],
  ["d3 00000000 7fffffff", 2 ** 31 - 1],
  // Larger, below zero, in types that are rare for a count, and no whole number at all.
  ["ce 80000000", -1],
  ["cf 00000000 80000000", -1],
  ["cf 00000001 00000000", -1],
  ["d3 ffffffff ffffffff", -1],
  ["ff", -1],
  ["d0 05", -1],
  ["d1 0005", -1],
  ["cb 3ff0000000000000", -1],
  ["c0", -1],
  ["a1 31", -1],
])("%s is the count %d", (text, count) => expect(smallInteger(hex(`00${text}`), 1)).toBe(count));

test.each([
  ["d6 ff 696 8b398", 1768469400, 0],
  ["d6 ff ffffffff", 2 ** 32 - 1, 0],
  ["d7 ff 0000000 7ffffffff", 3 * 2 ** 32 + 2 ** 32 - 1, 1],
  ["d7 ff ee6b27fc 00000000", 0, 999_999_999],
  ["c7 0c ff 00000001 fffffff1 886e0900", -62135596800, 1],
  ["c7 0c ff 00000000 ffffffff ffffffff", -1, 0],
])("%s is a time", (text, seconds, nanos) => {
  const time = new TimeReader();
  expect(time.read(hex(text), 0)).toBe(true);
  expect([time.seconds, time.nanos]).toEqual([seconds, nanos]);
});

test.each([
  ["a second of nanoseconds", "d7 ff ee6b2800 00000000"],
  ["the same in 12 bytes", "c7 0c ff 3b9aca00 00000000 00000000"],
  ["another extension", "d6 05 00000000"],
  ["a time in a longer form", "c7 04 ff 00000000"],
  ["text", "a4 32303236"],
])("%s is no time", (_, text) => expect(new TimeReader().read(hex(text), 0)).toBe(false));

test("every time is that of the exact decoder", () => {
  const time = new TimeReader();
  const heads = fc.constantFrom(["d6ff", 4], ["d7ff", 8], ["c70cff", 12]);
  const body = heads.chain(([head, length]) =>
    fc
      .uint8Array({ minLength: length as number, maxLength: length as number })
      .map((bytes) => Buffer.concat([hex(head as string), bytes])),
  );
  fc.assert(
    fc.property(body, (bytes) => {
      const value = decode(bytes);
      if (!time.read(bytes, 0)) return expect(value).not.toBeInstanceOf(Timestamp);
      const seconds = (BigInt(time.high) << 32n) + BigInt(time.low);
      expect(value).toEqual(new Timestamp(seconds, time.nanos));
    }),
    { numRuns: 2000 },
  );
});
