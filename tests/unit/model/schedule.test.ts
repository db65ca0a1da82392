// Schedules: the one that stopped is called overdue, and no other. The oracle is the plan that the runs were made from.
import { expect, test } from "bun:test";
import { type ScheduledRun, schedulesOf } from "../../../lib/model/schedule.ts";
import { draws } from "../../support/length.ts";
import { randomFrom, SEED } from "../../support/random.ts";

const SECOND = 1_000_000_000n;
const MINUTE = 60n * SECOND;
const HOUR = 60n * MINUTE;
const NOW = 1_800_000_000n * SECOND;

const INTERVALS = [5n * MINUTE, 15n * MINUTE, HOUR, 4n * HOUR, 24n * HOUR];

/** The runs of an entry on a peel in the week before `until`: each a little early or late, and some left out. */
function runsOf(entry: string, peel: string, interval: bigint, until: bigint, next: () => number): ScheduledRun[] {
  const times: bigint[] = [];
  let left = 0;
  let at = until - BigInt(Math.floor(next() * Number(interval) * 0.9));
  // The newest two runs are there: that none is missing at the end is what makes the schedule one that goes on.
  for (let nth = 0; at > until - 7n * 24n * HOUR && times.length < 300; at -= interval, nth++) {
    // Where more than half of the gaps were too long, no one could say what the interval is.
    const leavesOut = nth >= 2 && left < nth / 5 && next() < 0.2;
    if (leavesOut) left++;
    const jitter = BigInt(Math.floor((next() - 0.5) * 0.3 * Number(interval)));
    const time = at + jitter;
    if (!leavesOut && time <= until) times.push(time);
  }
  return times.map((atNs) => ({ entry, peel, fn: "state.highstate", atNs, failed: false }));
}

test(`${draws(200, 2000)} random schedules with jitter and gaps: the one that stopped is overdue, and no other`, () => {
  for (let seed = SEED; seed < SEED + draws(200, 2000); seed++) {
    const next = randomFrom(seed);
    const peels = 2 + Math.floor(next() * 5);
    const entries = 1 + Math.floor(next() * 3);
    const stopped = { entry: Math.floor(next() * entries), peel: Math.floor(next() * peels) };
    const runs: ScheduledRun[] = [];
    for (let e = 0; e < entries; e++) {
      const interval = INTERVALS[Math.floor(next() * INTERVALS.length)] as bigint;
      for (let p = 0; p < peels; p++) {
        const hasStopped = e === stopped.entry && p === stopped.peel;
        // Three intervals ago and more: how long one is, is known up to the jitter only.
        const back = hasStopped ? (interval * BigInt(30 + Math.floor(next() * 10))) / 10n : 0n;
        runs.push(...runsOf(`entry-${e}`, `web-${p}`, interval, NOW - back, next));
      }
    }
    const schedules = schedulesOf(runs, NOW);
    const overdue = schedules.flatMap(({ entry, peels: all }) =>
      all.filter((peel) => peel.overdue).map(({ peel }) => `${entry} ${peel}`),
    );
    expect([seed, overdue]).toEqual([seed, [`entry-${stopped.entry} web-${stopped.peel}`]]);
    expect(schedules.length).toBe(entries);
  }
});

const run = (fields: Partial<ScheduledRun> & { minutesAgo: number }): ScheduledRun => ({
  entry: "nightly",
  peel: "web-1",
  fn: "state.highstate",
  failed: false,
  atNs: NOW - BigInt(fields.minutesAgo) * MINUTE,
  ...fields,
});

test("too few runs suggest no interval, and nothing is overdue", () => {
  const [one] = schedulesOf([run({ minutesAgo: 9000 }), run({ minutesAgo: 8990 })], NOW);
  expect(one?.peels).toEqual([
    { peel: "web-1", lastNs: NOW - 8990n * MINUTE, failed: false, intervalNs: undefined, overdue: false },
  ]);
  expect(one?.intervalNs).toBeUndefined();
});

test("a peel with too few runs goes by the others", () => {
  const others = [10, 20, 30].map((minutesAgo) => run({ minutesAgo, peel: "web-2" }));
  const [schedule] = schedulesOf([...others, run({ minutesAgo: 25 })], NOW);
  expect(schedule?.peels.map(({ peel, overdue }) => [peel, overdue])).toEqual([
    ["web-1", true],
    ["web-2", false],
  ]);
  expect(schedule?.intervalNs).toBe(10n * MINUTE);
});

test("an entry that was given another function goes on under that", () => {
  const runs = [30, 20].map((minutesAgo) => run({ minutesAgo, fn: "cmd.run" }));
  const schedules = schedulesOf([...runs, run({ minutesAgo: 10, failed: true })], NOW);
  expect(schedules.map(({ entry, fn, peels }) => [entry, fn, peels.length, peels[0]?.failed])).toEqual([
    ["nightly", "state.highstate", 1, true],
  ]);
});

test("exactly twice the interval is not yet overdue", () => {
  const at = (minutesAgo: number) =>
    schedulesOf(
      [40, 30, 20].map((m) => run({ minutesAgo: m })),
      NOW + BigInt(minutesAgo) * MINUTE,
    );
  expect(at(0)[0]?.peels[0]?.overdue).toBe(false);
  expect(at(1)[0]?.peels[0]?.overdue).toBe(true);
});
