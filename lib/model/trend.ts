// A period in equal slices, and counts of entries in each. Pure.
import { formatDuration } from "../duration.ts";

const DAY = 86_400_000_000_000n;
/** Up to this many whole days: a slice per day. */
const MOST_DAYS = 14n;
const SLICES = 12;
/** Tolerance for whole days: the clock moves between two readings. */
const SLACK = DAY / 100n;

/** From `fromNs` (inclusive) to `toNs` (exclusive), in ns since 1970. */
export interface Span {
  readonly fromNs: bigint;
  readonly toNs: bigint;
  readonly slices: number;
}

/** Two or more whole days; otherwise undefined. */
function wholeDays(ns: bigint): bigint | undefined {
  const days = (ns + DAY / 2n) / DAY;
  const off = ns - days * DAY;
  return days >= 2n && off <= SLACK && off >= -SLACK ? days : undefined;
}

export function spanOf(fromNs: bigint, toNs: bigint): Span {
  const days = wholeDays(toNs - fromNs);
  return { fromNs, toNs, slices: days !== undefined && days <= MOST_DAYS ? Number(days) : SLICES };
}

/** Whole days up to `toNs` that include `oldestNs`; at least one. */
export function spanBack(oldestNs: bigint | undefined, toNs: bigint): Span {
  const back = oldestNs === undefined || oldestNs >= toNs ? 0n : (toNs - oldestNs + DAY - 1n) / DAY;
  return spanOf(toNs - (back > 1n ? back : 1n) * DAY, toNs);
}

const [MINUTE_NS, HOUR_NS] = [60_000_000_000n, 3_600_000_000_000n];

/** `7 days`, `46h` (since yesterday), `5h30m`, `90s`. */
export function spanWords({ fromNs, toNs }: Span): string {
  const ns = toNs - fromNs;
  const unit = ns >= 10n * DAY ? DAY : ns >= 10n * HOUR_NS ? HOUR_NS : ns >= HOUR_NS ? MINUTE_NS : 1n;
  const about = ((ns + unit / 2n) / unit) * unit;
  const days = wholeDays(ns) ?? (about % DAY === 0n ? about / DAY : 0n);
  return days >= 2n ? `${days} days` : formatDuration(about);
}

/** From 0; undefined outside the span. */
export function sliceOf({ fromNs, toNs, slices }: Span, ns: bigint): number | undefined {
  if (ns < fromNs || ns >= toNs) return undefined;
  return Number(((ns - fromNs) * BigInt(slices)) / (toNs - fromNs));
}

/** Entries per slice, and failed ones. */
export class Trend {
  readonly counts: Int32Array;
  readonly bad: Int32Array;

  constructor(slices: number) {
    this.counts = new Int32Array(slices);
    this.bad = new Int32Array(slices);
  }

  add(slice: number | undefined, isBad: boolean): void {
    if (slice === undefined) return;
    this.counts[slice] = (this.counts[slice] as number) + 1;
    if (isBad) this.mark(slice, 1);
  }

  /** Counts an entry as failed (1), or no longer (-1). */
  mark(slice: number | undefined, change: 1 | -1): void {
    if (slice !== undefined) this.bad[slice] = (this.bad[slice] as number) + change;
  }
}

/** 1 to `heights`, relative to the largest count; 0 for none. */
export const heightOf = (n: number, most: number, heights: number) => (n === 0 ? 0 : Math.ceil((n * heights) / most));
