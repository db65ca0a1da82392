// The life of a job, put together from its events and returns.
import { expect, test } from "bun:test";
import type { Value } from "../../../lib/codec/value.ts";
import { lifeOf, Steps, slowest } from "../../../lib/model/life.ts";
import { toReturn } from "../../../lib/model/returns.ts";

const SECOND = 1_000_000_000n;
type Event = [kind: string, second: number, peel?: string, record?: object];

/** The steps of events, each a second count after some start. */
function stepsOf(events: readonly Event[]): Steps {
  const steps = new Steps();
  for (const [kind, second, peel, record] of events)
    steps.add({
      kind,
      peel,
      storedNs: 1_000n * SECOND + BigInt(second) * SECOND,
      bytes: Buffer.from(JSON.stringify(record ?? {})),
    });
  return steps;
}

const jobOf = (status: string, ...targets: string[]) =>
  new Map<string, Value>([
    ["status", status],
    ["targets", targets],
  ]);
const NOW = 1_060n * SECOND;
const OK = { success: true };

test.each<[string, Event[], string, string]>([
  [
    "accepted, nothing returned yet",
    [
      ["dispatch", 0],
      ["ack", 1, "p"],
    ],
    "running",
    "executing",
  ],
  [
    "accepted, and the job ended",
    [
      ["dispatch", 0],
      ["ack", 1, "p"],
    ],
    "timeout",
    "unfinished",
  ],
  ["never accepted", [["dispatch", 0]], "running", "silent"],
  ["never accepted, and the job ended", [["dispatch", 0]], "timeout", "silent"],
  // Older events are gone: an ack may have been among them.
  ["the events begin later", [["ack", 1, "other"]], "running", "missing"],
  ["no events", [], "running", "missing"],
  [
    "returned",
    [
      ["dispatch", 0],
      ["ack", 1, "p"],
      ["return", 3, "p", OK],
    ],
    "running",
    "ok",
  ],
  [
    "failed",
    [
      ["dispatch", 0],
      ["return", 3, "p", { success: false }],
    ],
    "failed",
    "failed",
  ],
])("%s", (_, events, status, state) => {
  const { peels } = lifeOf("j", jobOf(status, "p"), [], stepsOf(events), NOW);
  expect(peels.find(({ peel }) => peel === "p")?.state).toBe(state as never);
});

test("times: from the dispatch to the ack, and from the ack to the return or until now", () => {
  const steps = stepsOf([
    ["dispatch", 0],
    ["ack", 1, "a"],
    ["ack", 2, "b"],
    ["return", 11, "a", { success: true, duration: 5 }],
    ["return", 12, "c", { success: true, duration: 7 }],
  ]);
  const { peels, whole } = lifeOf("j", jobOf("running", "a", "b", "c"), [], steps, NOW);
  expect(peels.map(({ peel, deliveredNs, ranNs }) => [peel, deliveredNs, ranNs])).toEqual([
    ["b", 2n * SECOND, 58n * SECOND],
    ["a", SECOND, 10n * SECOND],
    // Without an ack, what the peel measured.
    ["c", undefined, 7n],
  ]);
  expect(whole).toBe(true);
  expect(slowest(peels, 2).map(({ peel }) => peel)).toEqual(["b", "a"]);
});

test("what the buckets know wins over the events", () => {
  const steps = stepsOf([
    ["dispatch", 0],
    ["return", 3, "p", OK],
  ]);
  const { peels } = lifeOf(
    "j",
    jobOf("failed", "p"),
    [toReturn("p", new Map([["success", false]]))],
    steps,
    NOW,
  );
  expect(peels.map(({ state }) => state)).toEqual(["failed"]);
});

test("peels come worst first, each state sorted by peel", () => {
  const steps = stepsOf([
    ["dispatch", 0],
    ["ack", 1, "b"],
    ["ack", 1, "a"],
    ["return", 2, "z", OK],
    ["return", 2, "y", { success: false }],
  ]);
  const { peels } = lifeOf("j", jobOf("running", "z", "y", "b", "a", "x"), [], steps, NOW);
  expect(peels.map(({ peel, state }) => `${peel} ${state}`)).toEqual([
    "y failed",
    "x silent",
    "a executing",
    "b executing",
    "z ok",
  ]);
});

test("events that can't be decoded are events all the same", () => {
  const bytes = Uint8Array.of(0xc1);
  const steps = new Steps();
  steps.add({ kind: "status", peel: undefined, storedNs: 1n, bytes });
  steps.add({ kind: "return", peel: "p", storedNs: 2n, bytes });
  const [end, returned] = steps.all;
  expect(end?.end).toBe("unreadable");
  expect(returned?.returned?.unreadable).toStartWith("not MessagePack");
});
