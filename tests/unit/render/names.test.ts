// Names of many peels on a line of a known width.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { peelNames } from "../../../lib/render/names.ts";
import { width } from "../../../lib/text.ts";

const ALL = Number.POSITIVE_INFINITY;
const web = [1, 2, 3, 5, 7, 8, 9, 11].map((n) => `web-0${String(n).padStart(2, "0")}`);

test.each<[title: string, ids: string[], max: number, text: string]>([
  ["all", web, ALL, "web-[001-003,005,007-009,011]"],
  ["they just fit", web, 29, "web-[001-003,005,007-009,011]"],
  ["a cut in the ranges keeps the last number", web, 28, "web-[001-003,005,…,011]"],
  ["the dots of host names", ["db_eu_1", "db_eu_2"], ALL, "db.eu.[1-2]"],
  ["a cut between names", ["a", "b", "c", "d"], 5, "a,b,…"],
  ["what stands behind the ranges", [...web, "x"], 27, "web-[001-003,005,…,011],…"],
  ["one long name", ["a-very-long-name"], 8, "a-very-…"],
  ["ranges that have no room", web, 8, "web-[00…"],
  ["control characters", ["a\x1b[2J", "b\n"], ALL, '"a\\u001b[2J","b\\n"'],
  ["none", [], 10, ""],
])("%s", (_, ids, max, text) => {
  expect(
    peelNames(
      ids.map((peel) => ({ peel })),
      max,
    ),
  ).toBe(text);
});

test("names never take more columns than there are", () => {
  const id = fc.oneof(
    fc.tuple(fc.constantFrom("web-", "db", "漢"), fc.nat(200)).map(([head, n]) => `${head}${n}`),
    fc.string({ unit: "binary" }),
  );
  fc.assert(
    fc.property(fc.array(id), fc.integer({ min: 1, max: 60 }), (ids, max) => {
      expect(
        width(
          peelNames(
            ids.map((peel) => ({ peel })),
            max,
          ),
        ),
      ).toBeLessThanOrEqual(max);
    }),
    { numRuns: 1000 },
  );
});
