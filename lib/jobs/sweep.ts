// Memory while many values are read.
import { gcAndSweep } from "bun:jsc";

/** Memory is swept after so many values of which some fields are read, after so many that are decoded whole, and after so many bytes. */
const EVERY = 1 << 13;
export const EVERY_WHOLE = 1 << 12;
const EVERY_BYTES = 32 << 20;

/**
 * What to call for each value that leaves much behind: left alone, that stays in memory until there is twice as much as is
 * needed.
 * @param every memory is swept after so many values
 */
export function sweeper(every: number = EVERY): (bytes: Uint8Array) => void {
  let [values, size] = [0, 0];
  return (bytes) => {
    size += bytes.length;
    if (++values < every && size < EVERY_BYTES) return;
    values = size = 0;
    gcAndSweep();
  };
}

/** Sweeps what reading so many values left behind, before what comes of them takes memory beside it. */
export function sweepAfter(values: number): void {
  if (values >= EVERY) gcAndSweep();
}
