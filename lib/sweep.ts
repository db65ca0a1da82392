// Garbage collection while many values are read.
import { edenGC, gcAndSweep } from "bun:jsc";

/** Bytes of values between two collections: those decoded as a whole leave most garbage, lines of which few are decoded the least. */
const BYTES_BETWEEN = { whole: 1 << 20, other: 2 << 20, lines: 32 << 20 };

/** Every so many collections, all objects are looked at, not just those made since the last one. */
const FULL = 4;

/** Call the result for each value; true when it collected. Without it, the collector waits until memory is twice what is needed. */
export function sweeper(values: keyof typeof BYTES_BETWEEN): (bytes: Uint8Array) => boolean {
  const every = BYTES_BETWEEN[values];
  let size = 0;
  let collections = 0;
  return (bytes) => {
    size += bytes.length;
    if (size < every) return false;
    size = 0;
    if (++collections % FULL === 0) gcAndSweep();
    else edenGC();
    return true;
  };
}

/** Collects the garbage of many values that were read, before their results or further values take more memory. */
export function sweepAfter(values: number): void {
  if (values >= 1 << 13) gcAndSweep();
}
