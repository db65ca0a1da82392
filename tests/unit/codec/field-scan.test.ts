// Where the fields of a record lie, for records of every type of value, and what the scanner leaves to the exact decoder.
import { expect, test } from "bun:test";
import { encode } from "@msgpack/msgpack";
import { decode } from "../../../lib/codec/decode.ts";
import { FieldScanner } from "../../../lib/codec/field-scan.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const FIELDS = ["status", "created", "v"];

/** The fields found, decoded; undefined when the scanner leaves the record alone. */
function found(bytes: Uint8Array): Record<string, unknown> | undefined {
  const scanner = new FieldScanner(FIELDS);
  if (!scanner.scan(bytes)) return undefined;
  const entries = FIELDS.map((name, i): [string, unknown] => [
    name,
    (scanner.starts[i] as number) < 0 ? "absent" : decode(bytes.subarray(scanner.starts[i], scanner.ends[i])),
  ]);
  return Object.fromEntries(entries);
}

/** One value of each MessagePack type, as bytes. */
const VALUES = [
  ...["00", "7f", "e0", "c0", "c2", "c3", "cc00", "cd0000", "ce00000000", "cf0000000000000000"],
  ...["d000", "d10000", "d200000000", "d30000000000000000", "ca00000000", "cb0000000000000000"],
  ...["a0", "a161", "d90161", "da000161", "db0000000161", "c40100", "c5000100", "c60000000100"],
  ...["d40500", "d5050000", "d60500000000", `d705${"00".repeat(8)}`, `d805${"00".repeat(16)}`],
  ...["c7010500", "c800010500", "c9000000010500"],
  ...["90", "91c0", "dc0001c0", "dd00000001c0", "80", "81a161c0", "de0001a161c0", "df00000001a161c0"],
];

test.each(VALUES)("%s is skipped", (value) => {
  const record = hex(`83 a178 ${value} a6737461747573 a172 a176 01`);
  expect(found(record)).toEqual({ status: "r", created: "absent", v: 1 });
});

test("fields in any order; of a key that stands twice the last", () => {
  expect(found(encode({ v: 2, other: [{ status: "inner" }], status: "s" }))).toEqual({
    status: "s",
    created: "absent",
    v: 2,
  });
  expect(found(hex("82 a176 01 a176 02"))).toMatchObject({ v: 2 });
  expect(found(encode(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`key${i}`, i]))))).toEqual({
    status: "absent",
    created: "absent",
    v: "absent",
  });
});

test.each([
  ["a list", "90"],
  ["JSON", Buffer.from("{}").toString("hex")],
  ["nothing", ""],
  ["a key that is a number", "81 01 02"],
  ["an empty key", "81 a0 02"],
  ["a long key", `81 d921 ${"61".repeat(33)} 02`],
  ["a map of 32 bits", "df 00000000"],
  ["what ends in the middle", "81 a176 cd 00"],
  ["more than one value", "81 a176 01 02"],
  ["a byte that MessagePack never uses", "81 a176 c1"],
  ["lists in 40 lists", `81 a176 ${"91".repeat(40)} c0`],
])("%s is left to the exact decoder", (_, text) => expect(found(hex(text))).toBeUndefined());

test("fields that share a slot are an error of the program", () => {
  expect(() => new FieldScanner(["abc", "axc"])).toThrow("axc");
});
