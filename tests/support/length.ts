// `npm test` runs a short version of every long test; `npm run test:all` (ZESTER_TESTS=all) runs them in full.
const ALL = process.env.ZESTER_TESTS === "all";

/** How often something is tried. */
export const times = (short: number, full: number): number => (ALL ? full : short);

/** All cases; in a short run one of `n`, from the `first` on: with another `first` each time all of them come up. */
export const some = <T>(cases: readonly T[], n: number, first = 0): T[] =>
  cases.filter((_, i) => ALL || i % n === first % n);
