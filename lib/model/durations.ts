// How long peels took: exact percentiles of many durations, the median, the slowest. Pure.
import type { PeelStory } from "./story.ts";

/** What 64 bits hold: durations of records are such numbers, and a difference of odd times is cut to them. */
const LEAST_NS = -(2n ** 63n);
const MOST_NS = 2n ** 63n - 1n;

export class Durations {
  #values = new BigInt64Array(4);
  #size = 0;
  #sorted = true;

  get size(): number {
    return this.#size;
  }

  add(ns: bigint): void {
    if (this.#size === this.#values.length) {
      const larger = new BigInt64Array(this.#size * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#size++] = ns < LEAST_NS ? LEAST_NS : ns > MOST_NS ? MOST_NS : ns;
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

  get sum(): bigint {
    let sum = 0n;
    for (let i = 0; i < this.#size; i++) sum += this.#values[i] as bigint;
    return sum;
  }
}

/** How long a peel took, or has been running, in ns; undefined when neither is known. */
export const peelTime = ({ tookNs, soFarNs }: PeelStory) => tookNs ?? soFarNs;

/** The peels that took longest, or have been running longest, longest first; those without a time are left out. */
export function slowest(peels: readonly PeelStory[], most: number): PeelStory[] {
  const found: PeelStory[] = [];
  for (const peel of peels) {
    const time = peelTime(peel);
    if (time === undefined) continue;
    const last = found.length === most ? found[most - 1] : undefined;
    if (last && time <= (peelTime(last) as bigint)) continue;
    const place = found.findIndex((one) => (peelTime(one) as bigint) < time);
    found.splice(place < 0 ? found.length : place, 0, peel);
    found.length = Math.min(found.length, most);
  }
  return found;
}

/** The median: of an even number the lower one of the middle, since a mean is none of them; undefined for none. */
export function median(values: readonly bigint[]): bigint | undefined {
  const middle = Math.floor((values.length - 1) / 2);
  // Numbers are sorted many times faster, and are exact up to 2^53 ns, which are 104 days.
  const numbers = new Float64Array(values.length);
  let exact = values.length > 0;
  for (let i = 0; i < values.length && exact; i++) {
    numbers[i] = Number(values[i]);
    exact = Number.isSafeInteger(numbers[i]);
  }
  if (exact) return BigInt(numbers.sort()[middle] as number);
  return [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))[middle];
}

/** The median of what peels took, in ns; undefined when none tells. */
export function medianTook(peels: readonly PeelStory[]): bigint | undefined {
  const known: bigint[] = [];
  for (const { tookNs } of peels) if (tookNs !== undefined) known.push(tookNs);
  return median(known);
}
