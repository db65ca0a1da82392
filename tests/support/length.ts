// `npm test` runs a short version of every long test; `npm run test:all` (ZESTER_TESTS=all) runs them in full.
const ALL = process.env.ZESTER_TESTS === "all";

/** The number of repetitions. */
export const times = (short: number, full: number): number => (ALL ? full : short);

/** All cases; in a short run every n-th from `first` on. A different `first` in each run covers all over time. */
export const some = <T>(cases: readonly T[], n: number, first = 0): T[] =>
  cases.filter((_, i) => ALL || i % n === first % n);
