// The decoder on the records of a Go master, and on values that no master stores.
import { expect, test } from "bun:test";
import { encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { decode, decodeRecord, Undecodable } from "../../../lib/codec/decode.ts";
import { toJson, toJsonLine } from "../../../lib/codec/json.ts";
import type { Value } from "../../../lib/codec/value.ts";
import { toYaml } from "../../../lib/codec/yaml.ts";
import fixtures from "../../support/wire-fixtures.json" with { type: "json" };

// `epoch` of one fixture is 2^64-1: JSON.parse of the file rounds it, so the text of the file is the measure.
const source = await Bun.file(new URL("../../support/wire-fixtures.json", import.meta.url)).text();

test("all 14 fixtures", () => expect(fixtures).toHaveLength(14));

/** Key order does not count (a Go encoder sorts no maps), and a zero `deadline` may be left out. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).filter(
    ([key, item]) => !(key === "deadline" && item === "0001-01-01T00:00:00Z"),
  );
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)]));
};

test.each(fixtures)("fixture $name means what it says", async ({ base64, means }) => {
  const value = await decode(Buffer.from(base64, "base64"));
  expect(sorted(JSON.parse(toJson(value)))).toEqual(sorted(means));
  expect(sorted(Bun.YAML.parse(toYaml(value)))).toEqual(sorted(means));
});

test("no digit is lost", async () => {
  const running = fixtures.find(({ name }) => name === "job-running");
  const json = toJson(await decode(Buffer.from(running?.base64 ?? "", "base64")));
  expect(source).toContain('"epoch": 18446744073709551615');
  expect(json).toContain('"epoch": 18446744073709551615');
  expect(json).toContain('"created": "2026-01-15T10:30:00.123456789Z"');
});

test("stored order and odd keys survive, in MessagePack and JSON", async () => {
  // fixmap of 3: "b": 1, "__proto__": 2, "10": 3, then "2": 4
  const bytes = Buffer.concat([
    Buffer.from([0x84]),
    ...["b", "__proto__", "10", "2"].flatMap((key, i) => [
      Buffer.from([0xa0 + key.length]),
      Buffer.from(key),
      Buffer.from([i + 1]),
    ]),
  ]);
  const line = '{"b":1,"__proto__":2,"10":3,"2":4}';
  expect(toJsonLine(await decode(bytes))).toBe(line);
  expect(toJsonLine(await decode(Buffer.from(line)))).toBe(line);
});

test.each([
  ['{"a": 18446744073709551615}', '{"a":18446744073709551615}'],
  ['{"a": -0.10, "b": 1e400, "c": 1.0}', '{"a":-0.10,"b":1e400,"c":1.0}'],
  ['\ufeff{"a": "\\u202e\\u0085"}', '{"a":"\\u202e\\u0085"}'],
  ['[1, [2, {"x": null}], true]', '[1,[2,{"x":null}],true]'],
])("JSON %s", async (text, line) => expect(toJsonLine(await decode(Buffer.from(text)))).toBe(line));

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
test.each([
  ["nothing", hex(""), "it is empty"],
  ["a truncated map", hex("82 a1 61"), "ends in the middle"],
  ["a list that declares 4 G elements", hex("dd ff ff ff ff"), "ends in the middle"],
  ["a map that declares 4 G elements", hex("df ff ff ff ff"), "ends in the middle"],
  ["a string that declares 4 GB", hex("db ff ff ff ff"), "ends in the middle"],
  ["a byte that MessagePack never uses", hex("c1"), "not MessagePack or JSON"],
  ["two values", hex("80 80"), "not MessagePack or JSON"],
  ["text", Buffer.from("hello"), "not"],
  ["broken JSON", Buffer.from('{"a": }'), "begins like JSON, but is not"],
  ["a list", hex("90"), "not a record but a list"],
  ["lists in lists, 10,000 deep", Buffer.alloc(10_000, 0x91), "middle|deeper"],
  ["the same, complete", Buffer.concat([Buffer.alloc(10_000, 0x91), hex("c0")]), "deeper"],
  ["the same in JSON", Buffer.from("[".repeat(10_000) + "]".repeat(10_000)), "deeper"],
])("%s is undecodable, with a reason", async (_, bytes, reason) => {
  const error = await (async () => decodeRecord(bytes))().then(
    () => undefined,
    (e) => e,
  );
  expect(error).toBeInstanceOf(Undecodable);
  expect(error.message).toMatch(new RegExp(reason));
});

test.each([
  ["far future", "c7 0c ff 00 00 00 00 7f ff ff ff ff ff ff ff", '"unix:9223372036854775807"'],
  ["year 1", "c7 0c ff 00 00 00 00 ff ff ff f1 88 6e 09 00", '"0001-01-01T00:00:00Z"'],
  ["32 bits", "d6 ff 69 68 b3 98", '"2026-01-15T09:30:00Z"'],
  [
    "2 G nanoseconds are no time",
    "c7 0c ff 77 35 94 00 00 00 00 00 00 00 00 00",
    '{"ext": -1, "data": "dzWUAAAAAAAAAAAA"}',
  ],
  ["an unknown extension", "d4 05 2a", '{"ext": 5, "data": "Kg=="}'],
  ["NaN", "cb 7f f8 00 00 00 00 00 00", '"NaN"'],
])("%s", async (_, bytes, json) => expect(toJson(await decode(hex(bytes)))).toBe(json));

test("random bytes: a value or a reason, and its JSON parses", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      let value: Value;
      try {
        value = await decode(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(Undecodable);
        return;
      }
      JSON.parse(toJson(value));
      JSON.parse(toJsonLine(value));
    }),
    { numRuns: 3000 },
  );
});

test("what was encoded comes back, through JSON and YAML", async () => {
  const key = fc.string({ unit: "binary" }).filter((text) => text.isWellFormed());
  const json = fc.letrec((tie) => ({
    node: fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      key,
      fc.array(tie("node")),
      fc.dictionary(key, tie("node")),
    ),
  })).node;
  await fc.assert(
    fc.asyncProperty(fc.dictionary(key, json, { noNullPrototype: true }), async (record) => {
      if (JSON.stringify(record).includes("__proto__")) return;
      const value = await decode(encode(record));
      const plain = JSON.parse(JSON.stringify(record));
      expect(JSON.parse(toJson(value))).toEqual(plain);
      expect(JSON.parse(toJsonLine(value))).toEqual(plain);
    }),
    { numRuns: 300 },
  );
});
