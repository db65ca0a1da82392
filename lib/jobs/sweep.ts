// Memory while many values are read.
import { gcAndSweep } from "bun:jsc";

/** Memory is swept after so many bytes of values: of those that are decoded whole, which leave more behind, and of others. */
const EVERY = { whole: 1 << 20, other: 4 << 20 };

/**
 * What to call for each value that leaves much behind: left alone, that stays in memory until there is twice as much as is
 * needed.
 */
export function sweeper(values: keyof typeof EVERY): (bytes: Uint8Array) => void {
  const every = EVERY[values];
  let size = 0;
  return (bytes) => {
    size += bytes.length;
    if (size < every) return;
    size = 0;
    gcAndSweep();
  };
}

/** Sweeps what reading so many values left behind, before what comes of them takes memory beside it. */
export function sweepAfter(values: number): void {
  if (values >= 1 << 13) gcAndSweep();
}
