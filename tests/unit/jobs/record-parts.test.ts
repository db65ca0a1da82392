// Some fields of many records: what is kept of each is what the exact decoder finds there.
import { expect, test } from "bun:test";
import { encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { decodeRecord } from "../../../lib/codec/decode.ts";
import { toJsonLine } from "../../../lib/codec/json.ts";
import { RecordParts } from "../../../lib/jobs/record-parts.ts";
import { draws } from "../../support/length.ts";

const FIELDS = ["args", "state_id", "größe"];

test("random records, each put again as another one", () => {
  const name = fc.constantFrom(...FIELDS, "function", "targets", "x".repeat(31), "metadata");
  const record = fc.dictionary(
    name,
    fc.oneof(fc.string(), fc.integer(), fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue()),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5), record), { maxLength: 20 }), (puts) => {
      const parts = RecordParts.of(FIELDS) as RecordParts;
      const last = new Map<number, Uint8Array>();
      for (const [n, fields] of puts) {
        const bytes = encode(fields);
        expect(parts.put(n, bytes)).toBe(true);
        last.set(n, bytes);
      }
      for (const [n, bytes] of last) {
        const whole = decodeRecord(bytes);
        const expected = new Map(
          FIELDS.flatMap((field) => (whole.has(field) ? [[field, whole.get(field) ?? null] as const] : [])),
        );
        expect(toJsonLine(parts.get(n) ?? null)).toBe(toJsonLine(expected));
      }
    }),
    { numRuns: draws(200, 5000) },
  );
});

test("what is no plain record is left to the caller, also where a plain one was before", () => {
  const parts = RecordParts.of(["args"]) as RecordParts;
  expect([parts.put(0, encode({ args: 1 })), parts.put(0, Buffer.from('{"args":2}'))]).toEqual([true, false]);
  expect([parts.get(0), parts.get(7)]).toEqual([undefined, undefined]);
});

test("fields that can't be told apart at a glance, and too long ones, are not found this way", () => {
  expect(RecordParts.of(["args", "axxs"])).toBeUndefined();
  expect(RecordParts.of(["a".repeat(32)])).toBeUndefined();
  expect(RecordParts.of([""])).toBeUndefined();
  expect(RecordParts.of(Array.from({ length: 16 }, (_, i) => "x".repeat(i + 1)))).toBeUndefined();
});
