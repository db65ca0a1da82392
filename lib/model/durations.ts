// Durations of peels: exact percentiles, the median, the slowest. Pure.
import type { PeelStory } from "./story.ts";

/** Durations of records are 64-bit numbers; larger differences are clamped. */
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
   * Nearest rank: always one of the durations, never a mean.
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

/** In ns; undefined when neither time is known. */
export const peelTime = ({ tookNs, soFarNs }: PeelStory) => tookNs ?? soFarNs;

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

/** Of an even number the lower middle one, since a mean is not one of the values; undefined for none. */
export function median(values: readonly bigint[]): bigint | undefined {
  const middle = Math.floor((values.length - 1) / 2);
  // Numbers sort many times faster than bigints, and are exact up to 2^53 ns (104 days).
  const numbers = new Float64Array(values.length);
  let exact = values.length > 0;
  for (let i = 0; i < values.length && exact; i++) {
    numbers[i] = Number(values[i]);
    exact = Number.isSafeInteger(numbers[i]);
  }
  if (exact) return BigInt(numbers.sort()[middle] as number);
  return [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))[middle];
}

export function medianTook(peels: readonly PeelStory[]): bigint | undefined {
  const known: bigint[] = [];
  for (const { tookNs } of peels) if (tookNs !== undefined) known.push(tookNs);
  return median(known);
}
