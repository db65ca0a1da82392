import { expect, test } from "bun:test";
import { NumberSet } from "../../../lib/codec/number-set.ts";
import { randomFrom, SEED } from "../../support/random.ts";

test(`numbers in the order of their arrival, and finds those that are there (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  // Close to each other, the same in their lower 32 bits, and up to the largest.
  for (const step of [1, 2 ** 26, 2 ** 32, 2 ** 38]) {
    const set = new NumberSet();
    const places = new Map<number, number>();
    for (let i = 0; i < 30_000; i++) {
      const number = Math.floor(random() * 20_000) * step;
      expect(set.find(number)).toBe(places.get(number) ?? -1);
      if (!places.has(number)) places.set(number, places.size);
      expect(set.add(number)).toBe(places.get(number) as number);
    }
    expect(set.size).toBe(places.size);
    for (const [number, place] of places) expect(set.find(number)).toBe(place);
  }
});
