// YAML that readers of both versions take for the same: the next one (1.2) and the one that PyYAML and Ruby read (1.1).
import { expect, test } from "bun:test";
import fc from "fast-check";
import { parse } from "yaml";
import { decode } from "../../../lib/codec/decode.ts";
import type { Value } from "../../../lib/codec/value.ts";
import { toYaml } from "../../../lib/codec/yaml.ts";
import { draws } from "../../support/length.ts";

test.each([
  [1e-7, "1.0e-7"],
  [1e21, "1.0e+21"],
  [-1.5e-10, "-1.5e-10"],
  [5e-324, "5.0e-324"],
  [1.25, "1.25"],
  [-0, "-0.0"],
  [Number.NaN, ".nan"],
  [Number.POSITIVE_INFINITY, ".inf"],
  [Number.NEGATIVE_INFINITY, "-.inf"],
])("the double %p", (number, text) => expect(toYaml(number)).toBe(`${text}\n`));

/** The pattern of YAML 1.1 for decimal floats, as PyYAML has it; what it does not match is a text there. */
const FLOAT_1_1 = /^[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?$/;

test.each(["1E5", "1e5", "1.5e5", "-2E-3", "1.50E+3", "1e400", "0e0", "-0e5", "1.00"])("the JSON number %s", (text) => {
  const yaml = toYaml(decode(Buffer.from(`[${text}]`))).trim();
  const number = yaml.replace("- ", "");
  expect(number).toMatch(FLOAT_1_1);
  expect(Object.is(Number(number), Number(text))).toBe(true);
});

test("whole numbers keep every digit, and the sign of zero", () =>
  expect(toYaml(decode(Buffer.from("[18446744073709551615, -0, 7]")))).toBe("- 18446744073709551615\n- -0\n- 7\n"));

/** What YAML 1.1 or 1.2 would take for something else than text, and what breaks a document. */
const word = fc.oneof(
  fc.constantFrom(
    ..."yes no On y ~ null NULL true = << 1_000 0o17 017 0x1f 0b1 1:30 1:30:45 2026-01-01 .inf .nan 1e3 1.0e+3 +1 1.".split(
      " ",
    ),
    ...[
      "2026-01-01 10:00:00",
      "",
      " ",
      "a: b",
      "- x",
      "# c",
      "!!int 3",
      "&a",
      "*a",
      "---",
      "...",
      "\ufeff",
      "\ufffe\uffff",
    ],
    ...["\x7f", "\u0085", "\u2028", "\0", "a\r\nb\n", "\u{e0041}", "\u{1d173}", "😀", "\ud83d", "x\udc00y"],
  ),
  fc.string({ unit: "binary", maxLength: 6 }),
);
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    word,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(null, true, false),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(word, tie("value")), { maxLength: 3 }).map((entries) => new Map(entries)),
  ),
}));

/** What is to be read: whole texts. */
function expected(one: Value): unknown {
  if (typeof one === "string") return one.toWellFormed();
  if (Array.isArray(one)) return one.map(expected);
  if (one instanceof Map) return new Map(Array.from(one, ([key, item]) => [key.toWellFormed(), expected(item)]));
  return one;
}

test("both versions read what was written", () => {
  fc.assert(
    fc.property(value, (one) => {
      const yaml = toYaml(one);
      // PyYAML and go-yaml take nothing but these characters, and no half of a pair as an escape.
      expect(yaml).toMatch(/^[\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u);
      expect(yaml).not.toMatch(/(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F]/);
      for (const version of ["1.1", "1.2"] as const)
        expect([version, parse(yaml, { version, mapAsMap: true, merge: true })]).toEqual([version, expected(one)]);
    }),
    { numRuns: draws(1_000, 50_000) },
  );
});
