// Memory while many values are read.

/** Memory is swept after so many values. */
const EVERY = 1 << 14;

/**
 * What to call for each value that leaves much behind: left alone, that stays in memory until there is twice as much as is
 * needed.
 */
export function sweeper(): () => void {
  let values = 0;
  return () => {
    if (++values % EVERY === 0) Bun.gc(true);
  };
}
