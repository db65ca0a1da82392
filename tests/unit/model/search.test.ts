// A search looks at bytes before it decodes them: what it would find must never be passed over.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { decode } from "../../../lib/codec/decode.ts";
import { searchFor } from "../../../lib/model/search.ts";
import { encode } from "../../support/harness.ts";
import { times } from "../../support/length.ts";

/** Letters that fold to ASCII ones or to each other, bytes that are signs of a pattern, and line ends. */
const character = fc.constantFrom(..."aAkKsSzZ09 .*[]()\\^$?+{}|/-_\t\rſKßẞıİéÉ\u{fffd}\u{1f600}");
const text = fc.string({ unit: character, maxLength: 12 });

/** The bytes of a text as MessagePack, and whether the search looks into them. */
const looksInto = (wanted: string, bytes: Uint8Array) => searchFor(wanted, false).mayHold?.(bytes) ?? true;

test("what is in a line is in the bytes", () => {
  fc.assert(
    fc.property(text, text, text, fc.func(fc.boolean()), (before, part, after, flips) => {
      fc.pre(part !== "");
      // The same text, in which the case of some letters differs.
      const wanted = Array.from(part, (one, i) => (flips(i) ? one.toUpperCase().toLowerCase() : one)).join("");
      const line = before + part + after;
      if (searchFor(wanted, false).find(line)) expect(looksInto(wanted, encode({ stdout: `${line}\n` }))).toBe(true);
    }),
    { numRuns: times(2_000, 50_000) },
  );
});

test("letters that fold to ASCII ones", () => {
  for (const [wanted, line] of [
    ["disk", "diſK"],
    ["disk", "DIS\u212a"],
    ["sss", "ſSs"],
  ] as const) {
    expect(searchFor(wanted, false).find(line)).toEqual([0, line.length]);
    expect(looksInto(wanted, encode(line))).toBe(true);
  }
});

test("what is in no byte is not decoded", () => {
  for (const [wanted, held] of [
    ["no space left", "no spare left"],
    ["Lock", "lock"],
    ["a.b", "axb"],
    ["É", "é"],
  ] as const)
    expect(looksInto(wanted, encode({ stderr: held }))).toBe(false);
});

test("bytes that are no UTF-8 are found as what they are decoded to", () => {
  const bytes = Uint8Array.of(0xa3, 0x61, 0xff, 0x62);
  expect(decode(bytes)).toBe("a\u{fffd}b");
  expect(looksInto("a\u{fffd}B", encode("a\u{fffd}B"))).toBe(true);
  expect(looksInto("a\u{fffd}b", bytes)).toBe(true);
  expect(looksInto("A\u{fffd}B", Uint8Array.of(0xa3, 0x41, 0xff, 0x42))).toBe(true);
});
