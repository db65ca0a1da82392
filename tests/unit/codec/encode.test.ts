// What is sent: values as MessagePack, read back by our decoder and by a library; and values that go out as they are stored.
import { expect, test } from "bun:test";
import { decode as decodeByLibrary } from "@msgpack/msgpack";
import fc from "fast-check";
import { decode, decodeRecord, fieldBytes, isJson } from "../../../lib/codec/decode.ts";
import { Encoded, encode, encodedDuration, Unencodable } from "../../../lib/codec/encode.ts";
import { parseJson } from "../../../lib/codec/parse-json.ts";
import { Extension, Timestamp, type Value } from "../../../lib/codec/value.ts";
import { draws } from "../../support/length.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test.each([
  [null, "c0"],
  [true, "c3"],
  [false, "c2"],
  [0, "00"],
  [127, "7f"],
  [128, "cc80"],
  [256, "cd0100"],
  [65536, "ce00010000"],
  [2 ** 32, "cf0000000100000000"],
  [2n ** 64n - 1n, "cfffffffffffffffff"],
  [-1, "ff"],
  [-32, "e0"],
  [-33, "d0df"],
  [-129, "d1ff7f"],
  [-32769, "d2ffff7fff"],
  [-(2n ** 63n), "d38000000000000000"],
  [1.5, "cb3ff8000000000000"],
  [-0, "cb8000000000000000"],
  [2 ** 64, "cb43f0000000000000"],
  ["", "a0"],
  ["é", "a2c3a9"],
  [new Timestamp(1n, 1), "d7ff0000000400000001"],
  [new Timestamp(-1n, 0), "c70cff00000000ffffffffffffffff"],
  [Uint8Array.of(1, 2), "c4020102"],
  [new Extension(-7, Uint8Array.of(1)), "c701f901"],
  [[1, "a"], "9201a161"],
  [new Map([["a", []]]), "81a16190"],
] as [Value, string][])("%p is %s", (value, bytes) => expect(hex(encode(value))).toBe(bytes));

test("lengths at each border, and what stands in them", () => {
  for (const length of [15, 16, 31, 32, 255, 256, 65535, 65536]) {
    const values: Value[] = [
      "x".repeat(length),
      new Uint8Array(length),
      Array.from({ length }, () => 0),
      new Map(Array.from({ length }, (_, i) => [`k${i}`, i])),
    ];
    for (const value of values) expect(decode(encode(value))).toEqual(value);
  }
});

const leaf = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.string({ unit: "grapheme" }),
  fc.integer(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.double({ noNaN: true }),
  fc.uint8Array(),
  fc
    .record({ s: fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n }), n: fc.nat(999_999_999) })
    .map(({ s, n }) => new Timestamp(s, n)),
);
const { value: anyValue } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.array(tie("value")),
    fc.array(fc.tuple(fc.string(), tie("value"))).map((entries) => new Map(entries)),
  ),
}));

/** Numbers that are equal are the same here: an integer may come back as a number or as a bigint. */
const plain = (value: Value): unknown => {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (
    typeof value === "number" &&
    Number.isInteger(value) &&
    !Number.isSafeInteger(value) &&
    value >= -(2 ** 63) &&
    value < 2 ** 64
  )
    return BigInt(value);
  if (Array.isArray(value)) return value.map(plain);
  return value instanceof Map ? [...value].map(([key, item]) => [key, plain(item)]) : value;
};

test("any value comes back as it was", () => {
  fc.assert(
    fc.property(anyValue, (value) => expect(plain(decode(encode(value)))).toEqual(plain(value))),
    { numRuns: draws(200, 5000) },
  );
});

test("a library reads the same JSON", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      const text = JSON.stringify(json).replaceAll("__proto__", "proto");
      expect(decodeByLibrary(encode(parseJson(Buffer.from(text))))).toEqual(JSON.parse(text));
    }),
    { numRuns: draws(200, 5000) },
  );
});

test.each(["18446744073709551616", "-9223372036854775809", "1e999", '{"a": 1, "a": 2}', '[{"x": {"": 0, "": 0}}]'])(
  "%s has no form in MessagePack",
  (json) => expect(() => encode(parseJson(Buffer.from(json)))).toThrow(Unencodable),
);

test("durations take 64 bits, whatever their size", () => {
  expect(hex(encode(encodedDuration(5n)))).toBe("d30000000000000005");
  expect(() => encodedDuration(2n ** 63n)).toThrow(Unencodable);
});

/** The bytes of a random value, in forms that need not be the shortest: made here, byte by byte. */
function randomValue(random: () => number, depth: number): Buffer {
  const upTo = (n: number) => Math.floor(random() * n);
  const noise = (n: number) => Buffer.from(Array.from({ length: n }, () => upTo(256)));
  const sized = (type: number, bytes: 1 | 2 | 4, n: number) => {
    const out = Buffer.alloc(1 + bytes, type);
    out.writeUIntBE(n, 1, bytes);
    return out;
  };
  const many = (n: number) => Array.from({ length: n }, () => randomValue(random, depth - 1));
  const text = (n: number) => Buffer.concat([sized(0xda, 2, n), Buffer.alloc(n, 0x61 + upTo(26))]);
  const n = upTo(5);
  const kinds: (() => Buffer)[] = [
    () => Buffer.of(upTo(0x80)),
    () => Buffer.of(0xe0 + upTo(0x20)),
    () => Buffer.of([0xc0, 0xc2, 0xc3][upTo(3)] as number),
    () => Buffer.concat([Buffer.of([0xcc, 0xd0][upTo(2)] as number), noise(1)]),
    () => Buffer.concat([Buffer.of([0xcd, 0xd1][upTo(2)] as number), noise(2)]),
    () => Buffer.concat([Buffer.of([0xca, 0xce, 0xd2][upTo(3)] as number), noise(4)]),
    () => Buffer.concat([Buffer.of([0xcb, 0xcf, 0xd3][upTo(3)] as number), noise(8)]),
    () => text(n),
    () => Buffer.concat([sized(0xc4, 1, n), noise(n)]),
    () => Buffer.concat([sized(0xc6, 4, n), noise(n)]),
    () => Buffer.concat([Buffer.of(0xd4, 5), noise(1)]),
    () => Buffer.concat([sized(0xc7, 1, n), Buffer.of(9), noise(n)]),
  ];
  if (depth > 0)
    kinds.push(
      () => Buffer.concat([Buffer.of(0x90 | n), ...many(n)]),
      () => Buffer.concat([sized(0xdc, 2, n), ...many(n)]),
      () => Buffer.concat([sized(0xdd, 4, n), ...many(n)]),
      () => Buffer.concat([sized(0xdf, 4, n), ...many(n).flatMap((item, i) => [Buffer.of(0xa1, 0x61 + i), item])]),
    );
  return (kinds[upTo(kinds.length)] as () => Buffer)();
}

const FIELDS = ["function", "args", "state_id", "v"] as const;

test("the bytes of fields are those that were stored, wherever they stand and whatever is beside them", () => {
  fc.assert(
    fc.property(fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })), (stream) => {
      const random = () => stream.next().value as number;
      const names = ["jid", "function", "args", "targets", "state_id", "zzz", "v"].filter(() => random() < 0.8);
      const values = names.map(() => randomValue(random, 4));
      const key = (name: string) => Buffer.concat([Buffer.of(0xa0 | name.length), Buffer.from(name)]);
      const record = Buffer.concat([
        Buffer.of(0x80 | names.length),
        ...names.flatMap((name, i) => [key(name), values[i] as Buffer]),
      ]);
      const found = fieldBytes(record, FIELDS);
      const wanted = names.flatMap((name, i) =>
        FIELDS.includes(name as never) ? [[name, hex(values[i] as Buffer)]] : [],
      );
      expect(Array.from(found ?? [], ([name, bytes]) => [name, hex(bytes)]).sort()).toEqual(wanted.sort());
      // And they go out as they are. (Decoded in a list: alone, the number 123 would be taken for the start of JSON.)
      for (const [name, bytes] of found ?? []) {
        const [stored] = decode(Buffer.concat([Buffer.of(0x91), bytes])) as Value[];
        expect(decodeRecord(encode(new Map([[name, new Encoded(bytes)]]))).get(name)).toEqual(stored as Value);
      }
    }),
    { numRuns: draws(300, 10_000) },
  );
});

test("text that is none in UTF-8 is not sent as another one", () => {
  for (const value of ["x\ud800", ["\udc00x"], new Map([["\ud800", 1]])] as Value[])
    expect(() => encode(value)).toThrow(Unencodable);
});

test("of a field that stands twice the last counts; JSON and broken records have none", () => {
  const twice = Buffer.from("82a176 01 a176 02".replaceAll(" ", ""), "hex");
  expect(fieldBytes(twice, FIELDS)).toEqual(new Map([["v", Uint8Array.of(2)]]));
  expect(fieldBytes(Buffer.from('{"v": 1}'), FIELDS)).toBeUndefined();
  expect(fieldBytes(Buffer.from("81a176c1", "hex"), FIELDS)).toBeUndefined();
  expect(fieldBytes(Buffer.from("81a176cd01", "hex"), FIELDS)).toBeUndefined();
  expect([isJson(Buffer.from("{")), isJson(Buffer.from("\ufeff[")), isJson(twice), isJson(new Uint8Array())]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
