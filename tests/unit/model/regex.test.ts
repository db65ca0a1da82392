import { expect, test } from "bun:test";
import fc from "fast-check";
import { LinearRegex } from "../../../lib/model/regex.ts";
import { times } from "../../support/length.ts";

const atom = fc.constantFrom(
  "a",
  "b",
  "c",
  ".",
  "[ab]",
  "[^a]",
  "\\d",
  "\\w",
  "\\.",
  "é",
  "😀",
  "\\p{L}",
  "\\x61",
  "^",
  "$",
  "\\b",
  "\\B",
);
const quantifier = fc.constantFrom("", "", "", "*", "+", "?", "{2}", "{1,2}", "{2,}", "*?", "+?", "??");
const isPlace = (source: string) => /^(\^|\$|\\b|\\B)$/i.test(source);
const { pattern } = fc.letrec<{ pattern: string; part: string; group: string }>((tie) => ({
  pattern: fc.array(tie("part"), { maxLength: 4 }).map((parts) => parts.join("")),
  part: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.tuple(atom, quantifier).map(([one, many]) => (isPlace(one) ? one : one + many)),
    fc.tuple(tie("group"), quantifier).map(([group, many]) => group + many),
  ),
  group: fc
    .tuple(fc.constantFrom("(", "(?:", "(?<n>"), fc.array(tie("pattern"), { minLength: 1, maxLength: 3 }))
    .map(([open, parts]) => `${open}${parts.join("|")})`),
}));
const text = fc
  .array(fc.constantFrom("a", "b", "c", "A", "B", "1", ".", " ", "é", "É", "😀"), { maxLength: 12 })
  .map((chars) => chars.join(""));

test("finds what JavaScript's own engine finds", () => {
  let tried = 0;
  fc.assert(
    fc.property(pattern, fc.boolean(), fc.array(text, { minLength: 5, maxLength: 5 }), (source, ignoreCase, texts) => {
      let own: RegExp;
      try {
        own = new RegExp(source, ignoreCase ? "isu" : "su");
      } catch {
        return; // a group with the same name twice
      }
      tried++;
      const linear = new LinearRegex(source, ignoreCase);
      for (const one of texts) {
        const match = own.exec(one);
        const found = linear.find(one);
        expect([source, one, found?.[0]]).toEqual([source, one, match?.index]);
        // A repetition of what may be empty is left earlier or later, which is no matter for who looks for lines.
        const hasEmpty = /[*+?}]/.test(source) && /[*?{|(]/.test(source.slice(1));
        if (match && !hasEmpty) expect([source, one, found?.[1]]).toEqual([source, one, match.index + match[0].length]);
      }
    }),
    // The same patterns each time: JavaScript's own engine takes minutes for some.
    { numRuns: times(1500, 4000), seed: 20_261_127 },
  );
  expect(tried).toBeGreaterThan(500);
});

test("takes time in proportion to the text, whatever the pattern", () => {
  for (const source of ["^(a+)+$", "^(a|a)*$", "(a|aa)+$", "(.*)*x", "(a?){30}a{30}b"])
    expect(new LinearRegex(source, false).find(`${"a".repeat(20_000)}!`)).toBeUndefined();
});

test("the preferred match", () => {
  const find = (source: string, line: string) => new LinearRegex(source, false).find(line);
  expect(find("a+", "baaa")).toEqual([1, 4]);
  expect(find("a+?", "baaa")).toEqual([1, 2]);
  expect(find("a|ab", "xab")).toEqual([1, 2]);
  expect(find("ab|a", "xab")).toEqual([1, 3]);
  expect(find("no space.*$", "E: no space left")).toEqual([3, 16]);
});

test("what is no pattern, or can't be found in linear time, is an error that says so", () => {
  const wrong = (source: string) => () => new LinearRegex(source, false);
  expect(wrong("(a")).toThrow(/is no regular expression/);
  expect(wrong("(a)\\1")).toThrow(/refers to a group/);
  expect(wrong("a(?=b)")).toThrow(/looks around/);
  expect(wrong("(?<!a)b")).toThrow(/looks around/);
  expect(wrong("(?i:a)")).toThrow(/looks around, or has flags/);
  expect(wrong("(a{100}){100}")).toThrow(/too large/);
});
