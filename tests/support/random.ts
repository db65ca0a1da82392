// Reproducible random numbers: ZESTER_SEED=n repeats a run with the seed that a test printed.

/** The seed of this run. */
export const SEED = Number(process.env.ZESTER_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
