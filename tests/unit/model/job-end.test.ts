// How a job ended, as an exit code.
import { expect, test } from "bun:test";
import { Timestamp, type Value } from "../../../lib/codec/value.ts";
import { jobRow } from "../../../lib/model/job.ts";
import { endingCode, whyOf, worstCode } from "../../../lib/model/job-end.ts";
import type { PeelState } from "../../../lib/model/peel-state.ts";
import { toReturn } from "../../../lib/model/returns.ts";
import type { Step } from "../../../lib/model/story.ts";
import { endingWith, peelStory, storyWith } from "../../support/story.ts";

const ending = (status: string | undefined, states: readonly PeelState[]) =>
  endingWith(status === undefined ? {} : { status }, states);

test.each([
  ["complete", ["ok", "ok"], 0],
  ["complete", [], 0],
  // The record decides where it is clear.
  ["complete", ["ok", "failed"], 0],
  ["canceled", ["ok", "failed", "missing"], 5],
  ["failed", ["ok", "failed"], 2],
  ["failed", ["ok", "unreadable"], 2],
  ["failed", ["unreachable"], 3],
  ["failed", ["ok", "silent"], 3],
  ["failed", ["offline"], 3],
  ["failed", ["unfinished"], 3],
  // It returned after it was marked unreachable: without a return that says otherwise, as a failure.
  ["failed", ["late"], 4],
  ["failed", ["failed", "missing"], 4],
  ["failed", ["unreadable", "unreachable"], 4],
  // The returns are gone: what the record says remains.
  ["failed", [], 2],
  ["partial", [], 3],
  ["timeout", [], 3],
  ["timeout", ["ok", "missing"], 3],
  ["partial", ["failed"], 4],
  // A status of another version: no success is claimed.
  ["Complete", ["ok"], 2],
  [undefined, [], 2],
] as [string | undefined, PeelState[], number][])("%s with %j: exit code %i", (status, states, code) => {
  expect(endingCode(ending(status, states))).toBe(code);
});

test.each([
  [[0], 0],
  [[0, 2], 2],
  [[0, 3], 3],
  [[2, 3], 4],
  [[3, 2, 0], 4],
  [[2, 4], 4],
  [[3, 5], 5],
])("of several jobs, %j: %i", (codes, worst) => expect(worstCode(codes)).toBe(worst));

const at = (seconds: number) => Timestamp.at(BigInt(seconds) * 1_000_000_000n);
const OK = toReturn("p", new Map([["success", true]]));
const NO = toReturn("p", new Map([["success", false]]));
const step = (kind: string, more: Partial<Step> = {}): Step => ({
  storedNs: 0n,
  afterNs: 0n,
  kind,
  peel: undefined,
  ...more,
});
const TIMES = { created: at(100), updated: at(101), deadline: at(160) };

test.each<
  [
    what: string,
    fields: Record<string, Value>,
    peels: ReturnType<typeof peelStory>[],
    steps: Step[],
    why: string | undefined,
  ]
>([
  ["at the deadline", { status: "timeout", ...TIMES, updated: at(160) }, [], [], undefined],
  [
    "long before the deadline",
    { status: "partial", ...TIMES },
    [
      peelStory("a", "late", OK, { afterEnd: true }),
      peelStory("b", "late", NO, { afterEnd: true }),
      peelStory("c", "unfinished"),
    ],
    [],
    "the master stopped watching 59s before the deadline; 2 of 3 peels returned after that: 1 failed, 1 ok; 1 peel may still be executing",
  ],
  ["all returned long before it", { status: "failed", ...TIMES }, [peelStory("a", "failed", NO)], [], undefined],
  [
    "a target twice",
    { status: "partial", ...TIMES, targets: ["a", "a", "db_eu", "a", "db_eu"] },
    [],
    [],
    "a is a target twice and counts as two (and 1 more), so the job could not be complete",
  ],
  [
    "a target twice, still waited for",
    { status: "running", targets: ["a_b", "a_b"] },
    [],
    [],
    "a.b is a target twice and counts as two, so the job cannot be complete",
  ],
  [
    "canceled while no master watched",
    { status: "failed", owner: "m2", reclaim_count: 1 },
    [peelStory("a", "failed", NO), peelStory("b", "ok", OK)],
    [
      step("return", { peel: "b", returned: OK }),
      step("cancel"),
      step("return", { peel: "a", returned: NO }),
      step("status", { end: "failed" }),
    ],
    "a cancel signal was sent while no master watched: 1 of 2 peels aborted, and the job ended as failed after a takeover by m2",
  ],
  [
    "a cancel signal that came too late",
    { status: "failed", owner: "m2", reclaim_count: 1 },
    [peelStory("a", "failed", NO)],
    [step("return", { peel: "a", returned: NO }), step("cancel"), step("status", { end: "failed" })],
    undefined,
  ],
  [
    "missed",
    { status: "failed" },
    [peelStory("db_1", "ok", OK, { returnedUnseen: { afterNs: 5n } })],
    [],
    "the master missed the return of db.1",
  ],
])("why: %s", (_, fields, peels, steps, why) => {
  const job = new Map(Object.entries(fields));
  expect(whyOf({ row: jobRow("j", job), job, story: { ...storyWith(peels), steps } })).toBe(why);
});

test("a return that the master missed: the job ended as if the peel had been away", () => {
  const missed = (returned: typeof OK) =>
    peelStory("a", returned.ok ? "ok" : "failed", returned, { returnedUnseen: { afterNs: 5n } });
  const job = new Map([["status", "failed"]]);
  const code = (returned: typeof OK) =>
    endingCode({ row: jobRow("j", job), job, story: storyWith([missed(returned)]) });
  expect([code(OK), code(NO)]).toEqual([3, 4]);
});
