// The timeline of a report: which lanes there are, and where things stand in them.
import { expect, test } from "bun:test";
import { jobRow } from "../../../lib/model/job.ts";
import { type JobEvent, Steps, storyOf } from "../../../lib/model/story.ts";
import { timelineOf, timelineSvg } from "../../../lib/render/timeline.ts";

const SECOND = 1_000_000_000n;
const START = 1_768_467_600n * SECOND;

type Told = readonly [seconds: number, kind: string, peel?: string, more?: Record<string, unknown>];

/** The timeline of a job with these events. */
function timeline(status: string, peels: readonly string[], told: readonly Told[], nowSeconds = 100) {
  const job = new Map<string, never>(Object.entries({ status, targets: peels, owner: "m1" } as never));
  const steps = new Steps(job);
  for (const [seconds, kind, peel, more = {}] of told)
    steps.add({
      kind,
      peel,
      storedNs: START + BigInt(Math.round(seconds * 1e9)),
      payload: new Map(Object.entries({ jid: "j", peel_id: peel, ...more })),
    } as JobEvent);
  const nowNs = START + BigInt(nowSeconds) * SECOND;
  const story = storyOf("j", job, [], steps, { nowNs });
  return timelineOf(story, jobRow("j", job), nowNs);
}

const dispatch: Told = [0, "dispatch"];
const end = (seconds: number, status: string): Told => [
  seconds,
  "status",
  undefined,
  { data: new Map([["status", status]]) },
];
const returned = (took: number, error?: string) => ({
  success: error === undefined,
  error,
  duration: BigInt(Math.round(took * 1e9)),
});

test("few peels: a lane each, with what happened to it and when", () => {
  const shown = timeline(
    "canceled",
    ["a", "b", "c"],
    [
      dispatch,
      [1, "ack", "a"],
      [1, "ack", "b"],
      [5, "return", "a", returned(2)],
      [8, "cancel"],
      [8, "return", "c", { success: false, unreachable: true }],
      end(10, "canceled"),
    ],
  );
  expect(
    shown?.lanes.map(({ name, words, marks }) => [name, words, marks.map(({ at, mark }) => `${mark} ${at}`)]),
  ).toEqual([
    ["Job", "cancel signal +8.0s, ended canceled +10s", ["cancel 0.8", "end 1"]],
    ["c", "unreachable, +8.0s", ["unreachable 0.8"]],
    ["b", "unfinished", ["ack 0.1"]],
    ["a", "ok, +5.0s, ran 2.0s", ["ack 0.1", "ok 0.5"]],
  ]);
  // It waited for two seconds, and ran for two.
  expect(shown?.lanes.at(-1)?.bars).toEqual([
    { from: 0.1, to: 0.3, runs: false },
    { from: 0.3, to: 0.5, runs: true },
  ]);
  expect(shown?.ticks.map(({ text }) => text)).toEqual(["0", "+5.0s", "+10s"]);
});

test("10,000 peels: the bad and the slow have names, the others share a lane", () => {
  const peels = Array.from({ length: 10_000 }, (_, i) => `web-${String(i).padStart(4, "0")}`);
  const told = peels.flatMap((peel, i): Told[] => {
    const took = i === 4711 ? 20 : 1 + (i % 100) / 100;
    const error = i === 17 ? "no lock" : i % 1000 === 999 ? `exit code ${i % 2}` : undefined;
    return [
      [0.1, "ack", peel],
      [0.1 + took, "return", peel, returned(took, error)],
    ];
  });
  const shown = timeline("failed", peels, [dispatch, ...told.sort(([a], [b]) => a - b), end(21, "failed")]);
  expect(shown?.lanes.map(({ name, words }) => `${name}: ${words}`)).toEqual([
    "Job: ended failed +21s",
    "web-0017: failed, +1.2s, ran 1.1s",
    "web-[0999,1999,…,9999]: 10 failed, +2.0s",
    "web-4711: ok, +20s, ran 20s",
    "web-[0000-0016,…,9998]: 9,988 ok, +1.1s to +2.0s",
  ]);
  const bins = shown?.lanes.at(-1)?.bins ?? [];
  expect(bins.reduce((sum, n) => sum + n, 0)).toBe(9_988);
  expect(timelineSvg(shown as never, "x").length).toBeLessThan(20_000);
});

test("a job that goes on reaches up to now; one that nothing is known of has no timeline", () => {
  const shown = timeline("running", ["a"], [dispatch, [1, "ack", "a"]], 50);
  expect(shown?.lanes.map(({ words }) => words)).toEqual(["running +50s so far", "executing, 49s so far"]);
  expect(shown?.end).toBeUndefined();
  expect(timeline("running", ["a"], [])).toBeUndefined();
});

test("a return long after the end does not shrink the picture: it is at the edge", () => {
  const shown = timeline("partial", ["a"], [dispatch, end(10, "partial"), [1000, "return", "a", returned(2)]]);
  expect(shown?.end).toBeCloseTo(10 / 15, 3);
  expect(shown?.lanes[1]).toMatchObject({ words: "late, +16m40s, ran 2.0s", marks: [{ at: 1, mark: "late" }] });
});

test("names are escaped in the picture", () => {
  const shown = timeline("complete", ["<b>"], [dispatch, [1, "return", "<b>", returned(1)], end(1, "complete")]);
  const svg = timelineSvg(shown as never, "x");
  expect(svg).toContain("&lt;b&gt;");
  expect(svg).not.toContain("<b>");
});
