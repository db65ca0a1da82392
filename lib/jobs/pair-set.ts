// Pairs of numbers, each distinct one with a number of its own, from 0 on. A pair takes 16 to 24 bytes.
import { grown } from "../codec/byte-set.ts";

export class PairSet {
  #pairs = new Int32Array(1 << 11);
  /** Number + 1 of the pair in each slot; 0 is free. Never more than half full. */
  #slots = new Int32Array(1 << 11);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Makes room for so many pairs in all. */
  reserve(pairs: number): void {
    this.#pairs = grown(this.#pairs, 2 * pairs);
    let slots = this.#slots.length;
    while (slots < pairs * 2) slots *= 2;
    if (slots > this.#slots.length) this.#rehash(slots);
  }

  /** The slot of a pair: the one that it has, or the free one that it gets. */
  #slotOf(a: number, b: number): number {
    const mask = this.#slots.length - 1;
    // Multiplied by odd constants whose bits are well mixed; the upper bits of the product depend on all of a number's bits.
    const hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77);
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const at = 2 * ((this.#slots[slot] as number) - 1);
      if (at < 0 || (this.#pairs[at] === a && this.#pairs[at + 1] === b)) return slot;
    }
  }

  /** The number of a pair; a new one when it was not there. */
  add(a: number, b: number): number {
    const slot = this.#slotOf(a, b);
    const known = (this.#slots[slot] as number) - 1;
    if (known >= 0) return known;
    const n = this.#size++;
    this.#pairs = grown(this.#pairs, 2 * n + 2);
    this.#pairs[2 * n] = a;
    this.#pairs[2 * n + 1] = b;
    this.#slots[slot] = n + 1;
    if (this.#size * 2 > this.#slots.length) this.#rehash(this.#slots.length * 2);
    return n;
  }

  /** The number of a pair; -1 when it is not there. */
  find(a: number, b: number): number {
    return (this.#slots[this.#slotOf(a, b)] as number) - 1;
  }

  /** @param size a power of two */
  #rehash(size: number): void {
    this.#slots = new Int32Array(size);
    for (let n = 0; n < this.#size; n++)
      this.#slots[this.#slotOf(this.#pairs[2 * n] as number, this.#pairs[2 * n + 1] as number)] = n + 1;
  }
}
