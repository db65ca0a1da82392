import { expect, test } from "bun:test";
import fc from "fast-check";
import { ByteSet } from "../../../lib/codec/byte-set.ts";
import { randomFrom, SEED } from "../../support/random.ts";

test("numbers in the order of their first coming, and finds those that are there", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 4 }), { maxLength: 300 }),
      fc.string({ maxLength: 4 }),
      (texts, other) => {
        const set = new ByteSet();
        const distinct = [...new Set(texts.map((text) => text.toWellFormed()))];
        for (const text of texts) set.add(Buffer.from(`..${text}`), 2, Buffer.from(`..${text}`).length);
        expect(distinct.map((text) => set.find(Buffer.from(text)))).toEqual([...distinct.keys()]);
        expect(distinct.map((_, n) => set.text(n))).toEqual(distinct);
        expect(set.find(Buffer.from(other))).toBe(distinct.indexOf(other.toWellFormed()));
        expect(set.size).toBe(distinct.length);
      },
    ),
  );
});

test(`many, of which some lie in the same slot: each is told from the others (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  for (const reserved of [0, 100, 50_000]) {
    const set = new ByteSet();
    if (reserved > 0) set.reserve(reserved, 3);
    const numbers = new Map<string, number>();
    for (let i = 0; i < 40_000; i++) {
      const text = Math.floor(random() * 30_000).toString(36);
      const bytes = Buffer.from(text);
      expect(set.find(bytes)).toBe(numbers.get(text) ?? -1);
      if (!numbers.has(text)) numbers.set(text, numbers.size);
      expect(set.add(bytes, 0, bytes.length)).toBe(numbers.get(text) as number);
    }
    expect(set.size).toBe(numbers.size);
    for (const [text, n] of numbers) expect(set.text(n)).toBe(text);
  }
});
