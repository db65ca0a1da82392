// Random numbers that can be drawn again: ZESTER_SEED=n repeats what a test named as its seed.

/** What this run draws from. */
export const SEED = Number(process.env.ZESTER_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Numbers from 0 to below 1, always the same for a seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
