import { expect, test } from "bun:test";
import fc from "fast-check";
import { ByteSet } from "../../../lib/codec/byte-set.ts";

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
