// Folded names: the rules one by one, and that unfolding gives back exactly the same set.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { fold, foldText } from "../../../lib/model/fold.ts";
import { draws } from "../../support/length.ts";
import { unfold } from "../../support/unfold.ts";

const folded = (names: readonly string[]) => fold(names).map(foldText).join(",");
const web = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `web-${String(from + i).padStart(3, "0")}`);

test.each<[title: string, names: string[], folded: string]>([
  ["none", [], ""],
  ["one", ["web-01"], "web-01"],
  ["two neighbours", ["web-02", "web-01"], "web-[01-02]"],
  ["numbers alone and ranges", ["web-01", "web-04", "web-03", "web-07"], "web-[01,03-04,07]"],
  ["gaps", [...web(1, 119), ...web(121, 287), ...web(289, 400)], "web-[001-119,121-287,289-400]"],
  ["a name twice", ["web-01", "web-01", "web-02"], "web-[01-02]"],
  ["one name twice", ["web-01", "web-01"], "web-01"],
  ["unequal width", ["web-9", "web-10", "web-11", "web-8"], "web-[10-11],web-[8-9]"],
  ["leading zeros are width", ["web-1", "web-01", "web-2", "web-02"], "web-[01-02],web-[1-2]"],
  ["no number", ["cache", "db", "web-1"], "cache,db,web-1"],
  ["a number alone", ["1", "2", "3"], "[1-3]"],
  ["the number first", ["1-web", "2-web"], "[1-2]-web"],
  ["dots", ["web-01.eu", "web-02.eu", "web-02.us"], "web-[01-02].eu,web-02.us"],
  ["the first number differs", ["r1-n1", "r2-n1"], "r[1-2]-n1"],
  ["the last number differs", ["r1-n1", "r1-n2", "r2-n1"], "r1-n[1-2],r2-n1"],
  ["two numbers differ", ["r1-n1", "r2-n2"], "r1-n1,r2-n2"],
  ["a grid", ["r1-n1", "r1-n2", "r2-n1", "r2-n2"], "r1-n[1-2],r2-n[1-2]"],
  ["more names count", ["r1-n1", "r1-n2", "r2-n1", "r3-n1"], "r[1-3]-n1,r1-n2"],
  ["too many digits", ["w1234567890123456", "w1234567890123457"], "w1234567890123456,w1234567890123457"],
  ["before the last four numbers", ["1.1.1.1.1", "2.1.1.1.1"], "1.1.1.1.1,2.1.1.1.1"],
  ["digits of another script", ["web-\u0661", "web-\u0662"], "web-\u0661,web-\u0662"],
  [
    "what the form gives a meaning",
    ["w[1", "w[2", "w]1", "w,1", "w,2", "w 1", "w\n2"],
    '"w\\n2","w 1","w,1","w,2","w[1","w[2","w]1"',
  ],
  ["what looks folded", ["web-[01-02]", "web-01"], 'web-01,"web-[01-02]"'],
  ["a quote, and nothing", ['"a"', "", "b"], '"","\\"a\\"",b'],
])("%s", (_, names, text) => expect(folded(names)).toBe(text));

const near = fc
  .tuple(
    fc.constantFrom("web-", "db", "", "r1-n", "w,", "[", '"'),
    fc.nat(130),
    fc.nat(4),
    fc.constantFrom("", ".eu", "-2", "]", "7"),
  )
  .map(([head, number, width, tail]) => head + String(number).padStart(width, "0") + tail);

test("unfolding gives exactly the same set", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(near, near, near, fc.string({ unit: "binary" }))), (names) => {
      const back = unfold(folded(names));
      expect(back.toSorted()).toEqual([...new Set(names)].sort());
    }),
    { numRuns: 2000 },
  );
});

test("nodeset reads the short form as the same names", () => {
  // Names of hosts, as ClusterShell has them: what it gives a meaning of its own (groups, operators, its own ranges) is left out.
  const name = fc
    .tuple(
      fc.constantFrom("web-", "db", "r1-n", "eu.cache-"),
      fc.nat(130),
      fc.nat(4),
      fc.constantFrom("", ".eu", "-b", "-7"),
    )
    .map(([head, number, width, tail]) => head + String(number).padStart(width, "0") + tail);
  const sets = fc.sample(fc.array(name, { minLength: 1, maxLength: 60 }), draws(15, 60));
  for (const names of sets) {
    const { stdout, stderr } = Bun.spawnSync(["nodeset", "-e", "-S", "\n", folded(names)]);
    expect(stderr.toString()).toBe("");
    expect(stdout.toString().trimEnd().split("\n").sort()).toEqual([...new Set(names)].sort());
  }
});

test("10,000 names fold, and unfold to the same", () => {
  const names = Array.from({ length: 10_000 }, (_, i) => `web-${String(i * 7).padStart(5, "0")}.rack${i % 40}.eu`);
  expect(unfold(folded(names)).sort()).toEqual(names.sort());
});
