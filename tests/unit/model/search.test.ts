// What a search finds: texts, also in bytes that are not decoded yet, and regular expressions.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { decode } from "../../../lib/codec/decode.ts";
import { regexSearch, textSearch } from "../../../lib/model/search.ts";
import { encode } from "../../support/harness.ts";
import { draws, times } from "../../support/length.ts";

/** Letters that fold to ASCII ones or to each other, bytes that are signs of a pattern, and line ends. */
const character = fc.constantFrom(..."aAkKsSzZ09 .*[]()\\^$?+{}|/-_\t\rſKßẞıİéÉ\u{fffd}\u{1f600}");
const text = fc.string({ unit: character, maxLength: 12 });

/** The bytes of a text as MessagePack, and whether the search looks into them. */
const looksInto = (wanted: string, bytes: Uint8Array) => textSearch(wanted).mayHold?.(bytes) ?? true;

test("what is in a line is in the bytes", () => {
  fc.assert(
    fc.property(text, text, text, fc.func(fc.boolean()), (before, part, after, flips) => {
      fc.pre(part !== "");
      // The same text, in which the case of some letters differs.
      const wanted = Array.from(part, (one, i) => (flips(i) ? one.toUpperCase().toLowerCase() : one)).join("");
      const line = before + part + after;
      if (textSearch(wanted).find(line)) expect(looksInto(wanted, encode({ stdout: `${line}\n` }))).toBe(true);
    }),
    { numRuns: draws(2_000, 50_000) },
  );
});

test("letters that fold to ASCII ones", () => {
  for (const [wanted, line] of [
    ["disk", "diſK"],
    ["disk", "DIS\u212a"],
    ["sss", "ſSs"],
  ] as const) {
    expect(textSearch(wanted).find(line)).toEqual([0, line.length]);
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

const atom = fc.constantFrom(
  ..."abcx.é".split(""),
  ..."[ab] [^a] [a-c] [[:x] [^\\d] \\d \\D \\w \\W \\p{L} \\p{Lu} \\. \\x61 ^ $ \\b \\B (?:) 😀".split(" "),
);
const quantifier = fc.constantFrom("", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,2}", "{0}", "{2,}", "*?", "+?", "??");
/** JavaScript's own engine takes minutes for more than these, nested. */
const ofGroup = fc.constantFrom("", "", "*", "+?", "?", "??", "{2}", "{0,2}");
const isPlace = (source: string) => /^(\^|\$|\\b|\\B)$/i.test(source);
const { pattern } = fc.letrec<{ pattern: string; part: string; group: string }>((tie) => ({
  pattern: fc.array(tie("part"), { maxLength: 3 }).map((parts) => parts.join("")),
  part: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    fc.tuple(atom, quantifier).map(([one, many]) => (isPlace(one) ? one : one + many)),
    fc.tuple(tie("group"), ofGroup).map(([group, many]) => group + many),
  ),
  group: fc
    .tuple(fc.constantFrom("(", "(?:", "(?i:"), fc.array(tie("pattern"), { minLength: 1, maxLength: 2 }))
    .map(([open, parts]) => `${open}${parts.join("|")})`),
}));
const line = fc
  .array(fc.constantFrom(..."abcxAB1. éÉ".split(""), "😀"), { maxLength: 6 })
  .map((chars) => chars.join(""));

test(
  "a regular expression finds what JavaScript's own engine finds",
  async () => {
    const lines = fc.array(line, { minLength: 10, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(pattern, fc.boolean(), lines, async (source, ignoreCase, texts) => {
        fc.pre(source !== "");
        const search = await regexSearch(`(?${ignoreCase ? "i" : "-i"}:${source})`);
        const own = new RegExp(source, ignoreCase ? "isu" : "su");
        const found = texts.map((text) => [text, search.find(text)?.[0], search.matches(text)]);
        const expected = texts.map((text) => [text, own.exec(text)?.index, own.test(text)]);
        expect([source, ...found]).toEqual([source, ...expected]);
      }),
      { numRuns: draws(1_000, 100_000) },
    );
  },
  times(60_000, 600_000),
);

test("an optional part before a place", async () => {
  expect((await regexSearch("(?:no )?\\berror")).find("no - error here")).toEqual([5, 10]);
  expect((await regexSearch("(?:b)?\\Bc")).find("a bc")).toEqual([2, 4]);
  expect((await regexSearch("x?^a")).find("a")).toEqual([0, 1]);
});

test("the preferred match", async () => {
  const find = async (source: string, text: string) => (await regexSearch(source)).find(text);
  expect(await find("a+", "baaa")).toEqual([1, 4]);
  expect(await find("a+?", "baaa")).toEqual([1, 2]);
  expect(await find("a|ab", "xab")).toEqual([1, 2]);
  expect(await find("ab|a", "xab")).toEqual([1, 3]);
  expect(await find("no space.*$", "E: no space left")).toEqual([3, 16]);
});

test("takes time in proportion to the text, whatever the pattern", async () => {
  for (const source of ["^(a+)+$", "^(a|a)*$", "(a|aa)+$", "(.*)*x", "(a?){30}a{30}b", "(?:x+x+)+y"])
    expect((await regexSearch(source)).matches(`${"a".repeat(20_000)}!`)).toBe(false);
});

/** What `rg --smart-case -e` does; held against it in tests/e2e/grep.test.ts. */
test.each([
  ["foo", true],
  ["Foo", false],
  ["É", false],
  ["foo\\S\\W\\D\\B", true],
  ["foo\\p{Lu}\\PL", true],
  ["\\p{Lu}", false],
  ["[[:upper:]]+\\d", false],
  ["[.]\\p{Lu}", true],
  ["\\x53", false],
  ["\\x{53}", false],
  ["\\123", false],
  ["\\x73", true],
  ["\\\\pL", false],
  ["\\\\pl", true],
  ["\\QaB.\\E", false],
  ["\\Qa.\\E\\pL", true],
  ["[A-Z]", false],
  ["[^]a\\x41]", false],
  ["[]a\\W]", true],
  ["(?P<Name>a)(?<Other>b)", true],
  ["(?U:a)", true],
])("smart case: %s", async (source, isSmart) => {
  // A class finds lower case where case does not count, and names no character itself.
  expect((await regexSearch(`(?:${source}){0}^\\p{Lu}$`)).matches("z")).toBe(isSmart);
});

test("what is no regular expression, or cannot be searched in linear time, is an error that says why", async () => {
  const hint = "Use RE2 syntax: no look-around, no back references.";
  for (const [source, message] of [
    ["(a", 'invalid regular expression "(a": missing closing ) `(a`.'],
    ["a**", 'invalid regular expression "a**": invalid nested repetition operator `**`.'],
    ["a\\", 'invalid regular expression "a\\": trailing backslash at end of expression.'],
    ["(a)\\1", 'invalid regular expression "(a)\\1": back references are not supported.'],
    ["(?<n>a)\\k<n>", 'invalid regular expression "(?<n>a)\\k<n>": back references are not supported.'],
    ["a(?=b)", 'invalid regular expression "a(?=b)": look-around is not supported.'],
    ["a(?!b)", 'invalid regular expression "a(?!b)": look-around is not supported.'],
    ["(?<=a)b", 'invalid regular expression "(?<=a)b": look-around is not supported.'],
    ["(?<!a)b", 'invalid regular expression "(?<!a)b": look-around is not supported.'],
    ["(?:){99999999999}", 'invalid regular expression "(?:){99999999999}": invalid repeat count `{99999999999}`.'],
    ["(a{100}){100}", 'invalid regular expression "(a{100}){100}": invalid repeat count `{100}`.'],
    [
      `${"(".repeat(30_000)}a${")".repeat(30_000)}`,
      `invalid regular expression "${"(".repeat(59)}…": expression nests too deeply.`,
    ],
    ["a?".repeat(10_000), `invalid regular expression "${"a?".repeat(29)}a…": it is too large.`],
  ] as const)
    expect(await regexSearch(source).catch(({ message, hint }) => [message, hint])).toEqual([message, hint]);
});
