// Exact percentiles, against an oracle that counts.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Durations } from "../../../lib/model/durations.ts";
import { draws } from "../../support/length.ts";

/** The least of the values that at least so many percent of all are not above. */
function oracle(values: readonly bigint[], percent: number): bigint | undefined {
  const candidates = values.filter(
    (value) => values.filter((other) => other <= value).length * 100 >= percent * values.length,
  );
  return candidates.reduce<bigint | undefined>(
    (least, one) => (least === undefined || one < least ? one : least),
    undefined,
  );
}

function percentile(values: readonly bigint[], percent: number): bigint | undefined {
  const durations = new Durations();
  for (const value of values) durations.add(value);
  return durations.percentile(percent);
}

test("random durations, many of them equal", () => {
  const some = fc.array(fc.oneof(fc.bigInt(0n, 9n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)), { maxLength: 60 });
  fc.assert(
    fc.property(some, fc.integer({ min: 1, max: 100 }), (values, percent) =>
      expect(percentile(values, percent)).toBe(oracle(values, percent) as bigint),
    ),
    { numRuns: draws(300, 5000) },
  );
});

test("asked in between, and added up", () => {
  const durations = new Durations();
  for (const [ns, median] of [
    [5n, 5n],
    [1n, 1n],
    [3n, 3n],
    [9n, 3n],
  ] as const) {
    durations.add(ns);
    expect(durations.percentile(50)).toBe(median);
  }
  expect(durations.sum).toBe(18n);
  expect(durations.size).toBe(4);
});

test("what 64 bits don't hold is cut", () => {
  expect(percentile([2n ** 70n], 50)).toBe(2n ** 63n - 1n);
  expect(percentile([-(2n ** 70n)], 50)).toBe(-(2n ** 63n));
});
