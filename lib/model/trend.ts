// A period cut into slices of equal length, and how many entries each has. Pure.
import { formatDuration } from "../duration.ts";

const DAY = 86_400_000_000_000n;
/** A period of up to so many whole days has one slice per day. */
const MOST_DAYS = 14n;
/** Every other period has so many slices. */
const SLICES = 12;
/** The clock moves between two readings: a time that is off by this much is still one of whole days. */
const SLACK = DAY / 100n;

/** A period from `fromNs` (inclusive) to `toNs` (exclusive), in ns since 1970. */
export interface Span {
  readonly fromNs: bigint;
  readonly toNs: bigint;
  readonly slices: number;
}

/** The days of a length in ns, when it is one of two whole days or more. */
function wholeDays(ns: bigint): bigint | undefined {
  const days = (ns + DAY / 2n) / DAY;
  const off = ns - days * DAY;
  return days >= 2n && off <= SLACK && off >= -SLACK ? days : undefined;
}

/** The span between two times: a slice a day for 2 to 14 whole days, else 12 slices. */
export function spanOf(fromNs: bigint, toNs: bigint): Span {
  const days = wholeDays(toNs - fromNs);
  return { fromNs, toNs, slices: days !== undefined && days <= MOST_DAYS ? Number(days) : SLICES };
}

/** The span of whole days that ends at `toNs` and holds `oldestNs`; of a time that is not before the end, one day. */
export function spanBack(oldestNs: bigint | undefined, toNs: bigint): Span {
  const back = oldestNs === undefined || oldestNs >= toNs ? 0n : (toNs - oldestNs + DAY - 1n) / DAY;
  return spanOf(toNs - (back > 1n ? back : 1n) * DAY, toNs);
}

const [MINUTE_NS, HOUR_NS] = [60_000_000_000n, 3_600_000_000_000n];

/** How long a span is, to the precision that a person asks about: `7 days`, `46h` (since yesterday), `5h30m`, `90s`. */
export function spanWords({ fromNs, toNs }: Span): string {
  const ns = toNs - fromNs;
  const unit = ns >= 10n * DAY ? DAY : ns >= 10n * HOUR_NS ? HOUR_NS : ns >= HOUR_NS ? MINUTE_NS : 1n;
  const about = ((ns + unit / 2n) / unit) * unit;
  const days = wholeDays(ns) ?? (about % DAY === 0n ? about / DAY : 0n);
  return days >= 2n ? `${days} days` : formatDuration(about);
}

/** The slice that a time falls into, from 0 on; undefined outside the span. */
export function sliceOf({ fromNs, toNs, slices }: Span, ns: bigint): number | undefined {
  if (ns < fromNs || ns >= toNs) return undefined;
  return Number(((ns - fromNs) * BigInt(slices)) / (toNs - fromNs));
}

/** The number of entries in each slice, and of failed ones. */
export class Trend {
  readonly counts: Int32Array;
  readonly bad: Int32Array;

  constructor(slices: number) {
    this.counts = new Int32Array(slices);
    this.bad = new Int32Array(slices);
  }

  /** @param slice as sliceOf gives it */
  add(slice: number | undefined, isBad: boolean): void {
    if (slice === undefined) return;
    this.counts[slice] = (this.counts[slice] as number) + 1;
    if (isBad) this.mark(slice, 1);
  }

  /** Adds a counted entry to the failed ones (1), or removes it (-1). */
  mark(slice: number | undefined, change: 1 | -1): void {
    if (slice !== undefined) this.bad[slice] = (this.bad[slice] as number) + change;
  }
}

/** The height of a count, 1 to `heights`, where the most of all is the highest; 0 for none. */
export const heightOf = (n: number, most: number, heights: number) => (n === 0 ? 0 : Math.ceil((n * heights) / most));
