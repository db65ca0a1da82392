// Slices of a time, against an oracle that looks for the slice from one end to the other.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { heightOf, sliceOf, spanBack, spanOf, spanWords, Trend } from "../../../lib/model/stats.ts";
import { draws } from "../../support/length.ts";

const MINUTE = 60_000_000_000n;
const HOUR = 60n * MINUTE;
const DAY = 24n * HOUR;
const NOW = 1_800_000_000_000_000_000n;

test.each([
  [7n * DAY, 7, "7 days"],
  [7n * DAY + 5_000_000n, 7, "7 days"],
  [2n * DAY - 1n, 2, "2 days"],
  [14n * DAY, 14, "14 days"],
  [15n * DAY, 12, "15 days"],
  [DAY, 12, "24h"],
  [36n * HOUR, 12, "36h"],
  [46n * HOUR - 5n * MINUTE, 12, "46h"],
  [46n * HOUR + 5n * MINUTE, 12, "46h"],
  [3n * DAY + 15n * HOUR, 12, "3d15h"],
  [48n * HOUR + 20n * MINUTE, 12, "2 days"],
  [30n * DAY + 5n * HOUR, 12, "30 days"],
  [5n * HOUR + 30n * MINUTE - 1n, 12, "5h30m"],
  [HOUR, 12, "1h"],
  [10n * MINUTE, 12, "10m"],
])("%i ns: %i slices", (length, slices, words) => {
  const span = spanOf(NOW - length, NOW);
  expect(span.slices).toBe(slices);
  expect(spanWords(span)).toBe(words);
});

test.each([
  [undefined, DAY],
  [NOW + DAY, DAY],
  [NOW - 1n, DAY],
  [NOW - DAY, DAY],
  [NOW - DAY - 1n, 2n * DAY],
  [NOW - 6n * DAY - HOUR, 7n * DAY],
])("back to %p: whole days", (oldest, length) => {
  const { fromNs, toNs } = spanBack(oldest, NOW);
  expect(toNs - fromNs).toBe(length);
  expect(toNs).toBe(NOW);
});

test("each time falls into the slice that it lies in", () => {
  const length = fc.bigInt(1n, 30n * DAY);
  fc.assert(
    fc.property(length, fc.bigInt(-DAY, 31n * DAY), (ns, at) => {
      const span = spanOf(NOW, NOW + ns);
      // Multiplied by the number of slices, every border is a whole number.
      const n = BigInt(span.slices);
      let oracle: number | undefined;
      for (let i = 0n; i < n; i++) if (at * n >= i * ns && at * n < (i + 1n) * ns) oracle = Number(i);
      expect(sliceOf(span, NOW + at)).toBe(oracle as number);
    }),
    { numRuns: draws(300, 5000) },
  );
});

test("counts, and heights", () => {
  const trend = new Trend(3);
  trend.add(0, false);
  trend.add(2, true);
  trend.add(2, false);
  trend.add(undefined, true);
  expect([[...trend.counts], [...trend.bad]]).toEqual([
    [1, 0, 2],
    [0, 0, 1],
  ]);
  expect([0, 1, 2, 50, 99, 100].map((n) => heightOf(n, 100, 8))).toEqual([0, 1, 1, 4, 8, 8]);
  expect(heightOf(1, 1, 8)).toBe(8);
});
