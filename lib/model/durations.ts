// Durations of peels: exact percentiles, the median, the slowest. Pure.
import { grown } from "../codec/byte-set.ts";
import type { PeelStory } from "./story.ts";

/** Durations of records are 64-bit numbers; larger differences are clamped. */
const LEAST_NS = -(2n ** 63n);
const MOST_NS = 2n ** 63n - 1n;
const MOST_UINT = 2n ** 64n - 1n;

export class Durations {
  #values = new BigInt64Array(4);
  #size = 0;
  #sorted = true;

  get size(): number {
    return this.#size;
  }

  add(ns: bigint): void {
    this.#values = grown(this.#values, this.#size + 1);
    this.#values[this.#size++] = ns < LEAST_NS ? LEAST_NS : ns > MOST_NS ? MOST_NS : ns;
    this.#sorted = false;
  }

  /** Nearest rank: always one of the durations, never a mean. @param percent a whole number, 1 to 100 */
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

/** At least 0. Of an even number the lower middle one, since a mean is not one of the values; undefined for none. */
export function median(values: readonly bigint[]): bigint | undefined {
  // Bigints in an array take many times longer to sort.
  return BigUint64Array.from(values, (ns) => (ns > MOST_UINT ? MOST_UINT : ns)).sort()[
    Math.floor((values.length - 1) / 2)
  ];
}

export const medianTook = (peels: readonly PeelStory[]) => median(peels.flatMap(({ tookNs }) => tookNs ?? []));
