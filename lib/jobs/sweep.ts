// Memory while many values are read.

/** Memory is swept after so many values. */
const EVERY = 1 << 14;

/**
 * What to call for each value that leaves much behind: left alone, that stays in memory until there is twice as much as is
 * needed.
 * @param every memory is swept after so many values
 */
export function sweeper(every: number = EVERY): () => void {
  let values = 0;
  return () => {
    if (++values % every === 0) Bun.gc(true);
  };
}

/** Sweeps what reading so many values left behind, before what comes of them takes memory beside it. */
export function sweepAfter(values: number): void {
  if (values >= EVERY) Bun.gc(true);
}
