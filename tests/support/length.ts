// How long the tests with many cases are: short in `npm test`, longer in .ci/run on the newest server (ZESTER_TESTS=more), and
// whole in `npm run test:all` (ZESTER_TESTS=all).
const LENGTH = process.env.ZESTER_TESTS;
const SHORT = LENGTH !== "more" && LENGTH !== "all";
/** Of what a whole run has more than a short one, a longer run has a part of this size. */
const PART = 0.05;

/** A size, or a time limit: whole in a longer run as well. */
export const times = (short: number, whole: number): number => (SHORT ? short : whole);

/** A number of random draws. */
export const draws = (short: number, whole: number): number =>
  SHORT ? short : LENGTH === "all" ? whole : Math.round(short + (whole - short) * PART);

/** All cases; in a short run every n-th from `first` on, in a longer one twice as many. A different `first` in each run covers all over time. */
export const some = <T>(cases: readonly T[], n: number, first = 0): T[] => {
  const step = SHORT ? n : LENGTH === "all" ? 1 : Math.ceil(n / 2);
  return cases.filter((_, i) => i % step === first % step);
};
