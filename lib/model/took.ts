// How long peels took. Pure.
import type { PeelStory } from "./story.ts";

/** How long a peel took, or has been at it, in ns; undefined when neither is known. */
export const timeOf = ({ tookNs, soFarNs }: PeelStory) => tookNs ?? soFarNs;

/** The peels that took longest, or have been at it longest, longest first; those without a time are left out. */
export function slowest(peels: readonly PeelStory[], most: number): PeelStory[] {
  const found: PeelStory[] = [];
  for (const peel of peels) {
    const time = timeOf(peel);
    if (time === undefined) continue;
    const last = found.length === most ? found[most - 1] : undefined;
    if (last && time <= (timeOf(last) as bigint)) continue;
    const place = found.findIndex((one) => (timeOf(one) as bigint) < time);
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
