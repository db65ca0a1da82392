// The table of peels on a terminal: neither those that had a run nor those that had none push the others out of it.
import { expect, test } from "bun:test";
import { type PeelStats, PeelTally } from "../../../lib/model/stats.ts";
import { peelStatsView } from "../../../lib/render/stats.ts";

const SPAN = { fromNs: 0n, toNs: 86_400_000_000_000n, slices: 12 };
const LOOK = { color: false, utf8: true, header: false, now: new Date(0) };

/** So many peels without a run, with a bad result and with a good one, in the order in which they are shown. */
function peels(idle: number, bad: number, good: number): PeelStats[] {
  return Array.from({ length: idle + bad + good }, (_, i) => {
    const kind = i < idle ? "idle" : i < idle + bad ? "bad" : "good";
    const tally = new PeelTally(`${kind}-${i}`, undefined, SPAN.slices);
    if (kind !== "idle") {
      tally.target(0, "failed", true, 0);
      tally.add(0, kind === "bad" ? "failed" : "ok", 1n, true, 0);
    }
    return { tally, lastRun: undefined };
  });
}

/** How many rows of each kind are shown, and the line about the rest. */
function shown(idle: number, bad: number, good: number, columns: number | undefined) {
  const text = peelStatsView(peels(idle, bad, good), SPAN).text({ ...LOOK, columns });
  const lines = [...text].join("").split("\n");
  const of = (kind: string) => lines.filter((line) => line.startsWith(kind)).length;
  return [of("idle"), of("bad"), of("good"), lines.find((line) => line.startsWith("…"))];
}

const PIPED = "(a pipe shows all)";

test.each([
  [
    [3, 2, 35],
    [3, 2, 35, undefined],
  ],
  [
    [100, 0, 0],
    [40, 0, 0, `… and 60 more peels: all without a run ${PIPED}`],
  ],
  [
    [100, 1, 4],
    [35, 1, 4, `… and 65 more peels: all without a run ${PIPED}`],
  ],
  [
    [100, 20, 50],
    [10, 20, 10, `… and 130 more peels: 90 without a run, 40 ok ${PIPED}`],
  ],
  [
    [4, 50, 50],
    [4, 36, 0, `… and 64 more peels: 14 not ok, 50 ok ${PIPED}`],
  ],
  [
    [0, 5, 1_500],
    [0, 5, 35, `… and 1,465 more peels: all ok ${PIPED}`],
  ],
] as const)("%p", ([idle, bad, good], expected) => {
  expect(shown(idle, bad, good, 120)).toEqual([...expected]);
});

test("piped, all of them", () => {
  expect(shown(100, 20, 50, undefined)).toEqual([100, 20, 50, undefined]);
});
