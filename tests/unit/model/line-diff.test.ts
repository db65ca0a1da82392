// Lines that differ, against what the package for diffs makes of them, and the bounds of the work.
import { expect, test } from "bun:test";
import { applyPatch } from "diff";
import fc from "fast-check";
import { changedLines, LineDiffs, unifiedLines } from "../../../lib/model/line-diff.ts";
import { draws } from "../../support/length.ts";

const between = (before: string[], after: string[]) => new LineDiffs().between(before, after) ?? [];
const numbered = (n: number, word = "line") => Array.from({ length: n }, (_, i) => `${word} ${i + 1}`);

test("a hunk has three lines around; close changes share one, others have their own", () => {
  const before = numbered(30);
  const after = before.with(4, "five").with(11, "twelve").with(29, "thirty").toSpliced(20, 1);
  expect(unifiedLines(between(before, after))).toEqual([
    ..."@@ -2,14 +2,14 @@| line 2| line 3| line 4|-line 5|+five| line 6| line 7| line 8| line 9| line 10| line 11".split(
      "|",
    ),
    ..."-line 12|+twelve| line 13| line 14| line 15".split("|"),
    ..."@@ -18,7 +18,6 @@| line 18| line 19| line 20|-line 21| line 22| line 23| line 24".split("|"),
    ..."@@ -27,4 +26,4 @@| line 27| line 28| line 29|-line 30|+thirty".split("|"),
  ]);
});

test("from nothing, to nothing, and what is the same", () => {
  expect(unifiedLines(between([], ["a"]))).toEqual(["@@ -0,0 +1 @@", "+a"]);
  expect(unifiedLines(between(["a", "b"], []))).toEqual(["@@ -1,2 +0,0 @@", "-a", "-b"]);
  expect(unifiedLines(between(["a"], ["a"]))).toEqual([]);
  expect(changedLines(between(["a", "b", "c"], ["a", "x", "c"]))).toEqual(["-b", "+x"]);
});

test("a patch of the first text gives the second", () => {
  const line = fc.constantFrom("a", "b", "c", "d", "-e", "+f", "@@ -1 +1 @@");
  const text = fc.array(line, { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(
      text,
      fc.array(fc.tuple(fc.nat(59), fc.nat(3), fc.array(line, { maxLength: 3 })), { maxLength: 5 }),
      (before, edits) => {
        const after = edits.reduce((lines, [at, gone, come]) => lines.toSpliced(at, gone, ...come), before);
        fc.pre(after.length > 0);
        const hunks = unifiedLines(between(before, after));
        const patch = ["--- a", "+++ b", ...hunks, ""].join("\n");
        const patched = hunks.length === 0 ? `${before.join("\n")}\n` : applyPatch(`${before.join("\n")}\n`, patch);
        expect(patched).toBe(`${after.join("\n")}\n`);
      },
    ),
    { numRuns: draws(500, 10_000) },
  );
});

test("too many lines that differ are not looked for, in one pair and in all together", () => {
  const diffs = new LineDiffs();
  expect(diffs.between(numbered(400), numbered(400, "other"))).toBeDefined();
  expect(diffs.between(numbered(600), numbered(600, "other"))).toBeUndefined();
  // Few that differ among many are found.
  expect(diffs.between(numbered(100_000), numbered(100_000).with(5, "x"))).toBeDefined();
  let compared = 0;
  while (diffs.between(numbered(300), numbered(300, "other")) && compared < 1000) compared++;
  expect(compared).toBeGreaterThan(10);
  expect(compared).toBeLessThan(100);
  // What is the same costs nothing.
  expect(diffs.between(numbered(10), numbered(10))).toBeDefined();
});
