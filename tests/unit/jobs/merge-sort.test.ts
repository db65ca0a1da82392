import { expect, test } from "bun:test";
import fc from "fast-check";
import { mergeSort } from "../../../lib/jobs/merge-sort.ts";

test.each([[[]], [[1]], [[1, 2, 3]], [[3, 2, 1]], [[2, 1, 2, 1]], [[5, 6, 7, 1, 2, 3, 4, 0]]])(
  "%j",
  (numbers: number[]) => {
    const sorted = mergeSort(Int32Array.from(numbers), (a, b) => a > b);
    expect([...sorted]).toEqual(numbers.toSorted((a, b) => a - b));
  },
);

test("sorts as the built-in sort does, and keeps the order of equal ones", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (keys) => {
      const key = (n: number) => keys[n] as number;
      const sorted = mergeSort(Int32Array.from(keys.keys()), (a, b) => key(a) > key(b));
      expect([...sorted]).toEqual([...keys.keys()].sort((a, b) => key(a) - key(b)));
    }),
    { numRuns: 500 },
  );
});
