// Many durations, and their exact percentiles. Pure.

/** What 64 bits hold: durations of records are such numbers, and a difference of odd times is cut to them. */
const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

export class Durations {
  #values = new BigInt64Array(4);
  #size = 0;
  #sorted = true;

  get size(): number {
    return this.#size;
  }

  /** @param ns in ns */
  add(ns: bigint): void {
    if (this.#size === this.#values.length) {
      const larger = new BigInt64Array(this.#size * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#size++] = ns < LEAST ? LEAST : ns > MOST ? MOST : ns;
    this.#sorted = false;
  }

  /**
   * The least duration that at least `percent` of all are not longer than (the nearest rank: one of them, never a mean).
   * Undefined when there are none.
   * @param percent a whole number, 1 to 100
   */
  percentile(percent: number): bigint | undefined {
    if (this.#size === 0) return undefined;
    if (!this.#sorted) this.#values.subarray(0, this.#size).sort();
    this.#sorted = true;
    return this.#values[Math.ceil((percent * this.#size) / 100) - 1];
  }

  /** All of them added up, in ns. */
  get sum(): bigint {
    let sum = 0n;
    for (let i = 0; i < this.#size; i++) sum += this.#values[i] as bigint;
    return sum;
  }
}
