// What a job's events mean, as tables, and random histories against an oracle that knows nothing of the code.
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Value, ValueMap } from "../../../lib/codec/value.ts";
import { median } from "../../../lib/model/durations.ts";
import { type PeelState, statesPresent, WORST_FIRST } from "../../../lib/model/peel-state.ts";
import { toReturn } from "../../../lib/model/returns.ts";
import { type JobEvent, noteOf, Steps, storyOf } from "../../../lib/model/story.ts";

const S = 1_000_000_000n;
const map = (fields: Record<string, unknown>): ValueMap =>
  new Map(
    Object.entries(fields).map(([key, value]) => [
      key,
      (Array.isArray(value)
        ? value.map((item) => (typeof item === "object" ? map(item) : item))
        : value !== null && typeof value === "object"
          ? map(value as Record<string, unknown>)
          : value) as Value,
    ]),
  );

const JOB = { targets: ["a", "b"], status: "running" };
const ev = (at: number, kind: string, peel?: string, payload: Record<string, unknown> = {}): JobEvent => ({
  kind,
  peel,
  storedNs: BigInt(at) * S,
  payload: map(payload),
});
const dispatch = (at = 0) => ev(at, "dispatch", undefined, { data: {} });
const ack = (at: number, peel: string) => ev(at, "ack", peel, { peel_id: peel });
const ret = (at: number, peel: string, fields: Record<string, unknown> = {}) =>
  ev(at, "return", peel, { peel_id: peel, success: true, duration: 2n * S, ...fields });
const unreachable = (at: number, peel: string) =>
  ret(at, peel, { success: false, unreachable: true, error: "UNREACHABLE: no ack", duration: 0n });
const ended = (at: number, status: string, reason?: string) =>
  ev(at, "status", undefined, { type: "completed", data: { status, ...(reason && { reason }) } });

interface Given {
  readonly job?: Record<string, unknown>;
  readonly events?: readonly JobEvent[];
  readonly stored?: readonly (readonly [string, Record<string, unknown>])[];
  readonly offline?: readonly string[];
  readonly behind?: Record<string, string>;
}

function tell({ job = JOB, events = [], stored = [], offline, behind }: Given) {
  const record = map(job);
  const steps = new Steps(record);
  for (const event of events) steps.add(event);
  const story = storyOf(
    "J",
    record,
    stored.map(([peel, fields]) => toReturn(peel, map(fields))),
    steps,
    {
      nowNs: 100n * S,
      ...(offline && { offline: new Set(offline) }),
      ...(behind && { behind: new Map(Object.entries(behind)) }),
    },
  );
  return story;
}

const states = (given: Given) => Object.fromEntries(tell(given).peels.map(({ peel, state }) => [peel, state] as const));

const OK = { success: true, duration: 2n * S };
const RESULT = { name: "cmd.run:long", changed: false, diff: "" };
const GIVEN_UP = { success: false, unreachable: true, error: "UNREACHABLE: no ack", duration: 0n };

test.each([
  ["nothing is known without events", {}, { a: "missing", b: "missing" }],
  ["no ack after the dispatch", { events: [dispatch()] }, { a: "silent", b: "silent" }],
  ["no heartbeat either", { events: [dispatch()], offline: ["b"] }, { a: "silent", b: "offline" }],
  [
    "an ack proves it, a missing one nothing without the dispatch",
    { events: [ack(1, "a")] },
    { a: "executing", b: "missing" },
  ],
  [
    "behind another job",
    { events: [dispatch(), ack(1, "a"), ack(1, "b")], behind: { b: "X" } },
    { a: "executing", b: "queued" },
  ],
  [
    "ended without it",
    { job: { ...JOB, status: "canceled" }, events: [dispatch(), ack(1, "a")] },
    { a: "unfinished", b: "silent" },
  ],
  ["returned, by the events alone", { events: [dispatch(), ack(1, "a"), ret(4, "a")] }, { a: "ok", b: "silent" }],
  [
    "returned, by the bucket alone",
    {
      stored: [
        ["a", OK],
        ["b", { success: false }],
      ],
    },
    { a: "ok", b: "failed" },
  ],
  [
    "given up",
    { stored: [["a", GIVEN_UP]], events: [dispatch(), unreachable(10, "a")] },
    { a: "unreachable", b: "silent" },
  ],
  [
    "given up, and back",
    { stored: [["a", GIVEN_UP]], events: [dispatch(), unreachable(10, "a"), ack(20, "a"), ret(22, "a")] },
    { a: "late", b: "silent" },
  ],
  [
    "given up, and back while a master watched",
    { stored: [["a", OK]], events: [dispatch(), unreachable(10, "a"), ret(22, "a")] },
    { a: "ok", b: "silent" },
  ],
  [
    "after the end",
    {
      job: { ...JOB, status: "timeout" },
      events: [dispatch(), ack(1, "a"), ended(5, "timeout"), ret(9, "a")],
    },
    { a: "late", b: "silent" },
  ],
  ["a peel that is no target", { events: [dispatch(), ack(1, "x"), ret(2, "x")] }, { a: "silent", b: "silent" }],
  ["a forged return", { events: [dispatch(), ret(2, "a", { peel_id: "b" })] }, { a: "silent", b: "silent" }],
  [
    "a return without an id",
    { events: [dispatch(), ret(2, "a", { peel_id: undefined })] },
    { a: "silent", b: "silent" },
  ],
  [
    "the first of two returns counts",
    { events: [dispatch(), ret(2, "a"), ret(3, "a", { success: false })] },
    { a: "ok", b: "silent" },
  ],
  [
    "without targets every peel counts",
    { job: { status: "running", targets: null }, events: [dispatch(), ack(1, "x")] },
    { x: "executing" },
  ],
  [
    "a scheduled run names no peel in it",
    {
      job: { ...JOB, targets: ["a"], status: "complete" },
      events: [ev(1, "schedule", "a", { success: true, duration: 58n * S })],
    },
    { a: "ok" },
  ],
  [
    "given up although it had returned: the master missed that",
    {
      stored: [["a", GIVEN_UP]],
      events: [
        dispatch(),
        ack(1, "a"),
        ret(2, "a"),
        ret(2, "b", { success: false }),
        unreachable(10, "a"),
        unreachable(10, "b"),
      ],
    },
    { a: "ok", b: "failed" },
  ],
  [
    "a return of a peel that is no target counts nowhere",
    {
      stored: [
        ["a", OK],
        ["b", OK],
        ["evil", { success: false }],
      ],
      events: [dispatch(), ev(3, "schedule", "evil", { success: false })],
    },
    { a: "ok", b: "ok" },
  ],
  [
    "a target that stands twice is one peel",
    { job: { ...JOB, targets: ["a", "a"] }, events: [dispatch()] },
    { a: "silent" },
  ],
  [
    "a schedule's result under the id of a dispatched job is no return from it",
    { events: [dispatch(), ack(1, "a"), ev(2, "schedule", "a", { entry: "nightly", success: true })] },
    { a: "executing", b: "silent" },
  ],
  [
    "nor is one that masters stored over a return, or before one",
    {
      stored: [
        ["a", OK],
        ["b", OK],
      ],
      events: [
        dispatch(),
        ret(2, "a", { success: false }),
        ev(3, "schedule", "a", { entry: "nightly", success: true }),
        ev(4, "schedule", "b", { entry: "nightly", success: false }),
        ret(5, "b"),
      ],
    },
    { a: "failed", b: "ok" },
  ],
  [
    "of two returns that a takeover finds the newest counts, unless it came after the end",
    {
      job: { ...JOB, reclaim_count: 1, status: "failed" },
      events: [
        dispatch(),
        ret(2, "a"),
        ret(3, "a", { success: false }),
        ret(3, "b"),
        ended(9, "failed"),
        ret(10, "b", { success: false }),
      ],
    },
    { a: "failed", b: "ok" },
  ],
  [
    "a takeover dispatches what was never sent: a missing ack proves that the peel is silent",
    { events: [ev(1, "dispatch", undefined, { data: { reclaim_count: 1 } }), ack(2, "a")] },
    { a: "executing", b: "silent" },
  ],
  [
    "an ack before the dispatch of a takeover: an earlier dispatch is missing",
    { events: [ack(0, "a"), ev(1, "dispatch", undefined, { data: { reclaim_count: 1 } })] },
    { a: "executing", b: "missing" },
  ],
] as [string, Given, Record<string, PeelState>][])("%s", (_, given, wanted) => {
  expect(states(given)).toEqual(wanted);
});

test("times: delivered, waited, took, so far; none below 0", () => {
  const { peels } = tell({ events: [dispatch(1), ack(3, "a"), ret(10, "a"), ack(4, "b")] });
  const of = (id: string) => peels.find(({ peel }) => peel === id);
  expect(of("a")).toMatchObject({
    deliveredNs: 2n * S,
    waitedNs: 5n * S,
    tookNs: 2n * S,
    soFarNs: undefined,
  });
  expect(of("b")).toMatchObject({ deliveredNs: 3n * S, waitedNs: undefined, soFarNs: 96n * S });
  const swapped = tell({ events: [ack(1, "a"), dispatch(2), ret(2, "a")] }).peels.find(({ peel }) => peel === "a");
  expect(swapped).toMatchObject({ deliveredNs: 0n, waitedNs: 0n, tookNs: 2n * S });
});

test("the end: its state and its reason are in data, whatever the type says", () => {
  const { steps } = tell({ events: [dispatch(), ended(3, "failed", "reclaim limit exceeded")] });
  expect(steps.at(-1)).toMatchObject({ end: "failed", reason: "reclaim limit exceeded" });
});

test("the canceller: what a master says; an operator's signal says nothing", () => {
  const { steps } = tell({
    events: [
      dispatch(),
      ev(1, "cancel", undefined, { action: "cancel" }),
      ev(2, "cancel", undefined, { type: "canceled", data: "cancelled by user" }),
    ],
  });
  expect(steps.map(({ canceler }) => canceler)).toEqual([undefined, undefined, "cancelled by user"]);
});

test.each<[what: string, given: Given, notes: Record<string, string>]>([
  [
    "given up: what is known, not what the master supposes",
    {
      job: { ...JOB, offline_at_dispatch: ["b"] },
      stored: [
        ["a", GIVEN_UP],
        ["b", GIVEN_UP],
      ],
      events: [dispatch(), unreachable(10, "a"), unreachable(10, "b")],
    },
    { a: "no ack", b: "no ack; offline at dispatch" },
  ],
  [
    "given up although it had accepted the job, or had returned",
    {
      events: [
        dispatch(),
        ack(1, "a"),
        ret(2, "b", { success: false, error: "no lock" }),
        unreachable(10, "a"),
        unreachable(10, "b"),
      ],
    },
    {
      a: "the master missed its ack",
      b: "no lock; returned at +2.0s, but the master missed it and marked the peel unreachable",
    },
  ],
  [
    "canceled: stopped, finished anyway, and not answered",
    {
      job: { ...JOB, targets: ["a", "b", "c", "d", "e", "f"], status: "canceled" },
      stored: [["e", { success: false, error: "no lock" }]],
      events: [
        dispatch(),
        ...["a", "b", "c", "d"].map((peel) => ack(1, peel)),
        ret(2, "e", { success: false, error: "no lock" }),
        ev(3, "cancel", undefined, { action: "cancel" }),
        // Faster than the event of the end.
        ret(3, "a", { success: false, error: "execution canceled" }),
        ret(3, "f", { success: false, error: "no space left" }),
        ended(4, "canceled"),
        ret(5, "b", { success: false, return_data: { results: [{ ...RESULT, error: "context canceled" }] } }),
        ret(5, "c"),
      ],
    },
    {
      a: "stopped by the cancel signal: execution canceled",
      b: "stopped by the cancel signal: cmd.run:long: context canceled",
      c: "returned after the cancel signal: ok",
      d: "has not answered and may still be executing",
      e: "no lock",
      f: "returned after the cancel signal: no space left",
    },
  ],
  [
    "failed without an error: the one of its result",
    {
      stored: [["a", { success: false, return_data: { results: [RESULT, { ...RESULT, error: "context canceled" }] } }]],
    },
    { a: "cmd.run:long: context canceled", b: "" },
  ],
  [
    "what a schedule wrote over it",
    {
      stored: [["a", OK]],
      events: [dispatch(), ret(2, "a"), ev(3, "schedule", "a", { entry: "nightly", success: true })],
    },
    { a: 'the bucket has the result of schedule "nightly" instead of this return', b: "" },
  ],
])("%s", (_, given, notes) => {
  expect(Object.fromEntries(tell(given).peels.map((peel) => [peel.peel, noteOf(peel)]))).toEqual(notes);
});

test("what is ignored is told, with the reason", () => {
  const undecodable = { ...ack(4, "b"), payload: undefined };
  const { ignored } = tell({
    events: [dispatch(), ack(1, "x"), ret(2, "a", { peel_id: "b" }), ret(3, "a"), ret(3, "a"), undecodable],
  });
  expect(ignored.map(({ peel, why }) => [peel, why])).toEqual([
    ["x", "no target"],
    ["a", { sentAs: "b" }],
    ["a", "returned again"],
    ["b", "undecodable"],
  ]);
});

// The oracle: for each peel one look through the whole list, in the words of the wire's description.
interface Drawn {
  readonly kind: "dispatch" | "ack" | "return" | "schedule" | "status" | "cancel";
  readonly peel: string;
  readonly as: string;
  readonly ok: boolean;
  readonly unreachable: boolean;
  readonly seconds: number;
}

const PEELS = ["p1", "p2", "p3"];
const drawn: fc.Arbitrary<Drawn> = fc.record({
  kind: fc.constantFrom(
    "dispatch",
    "ack",
    "ack",
    "ack",
    "return",
    "return",
    "return",
    "return",
    "schedule",
    "status",
    "cancel",
  ),
  peel: fc.constantFrom(...PEELS, ...PEELS, "evil"),
  as: fc.constantFrom("itself", "itself", "itself", "itself", "p2", "evil"),
  ok: fc.boolean(),
  unreachable: fc.integer({ max: 3, min: 0 }).map((n) => n === 0),
  seconds: fc.integer({ min: 0, max: 5 }),
});

function oracle(
  peel: string,
  events: readonly Drawn[],
  bucket: Record<string, "ok" | "failed" | "unreachable">,
  status: string,
  takenOver: boolean,
) {
  const own = events.filter((e) => e.peel === peel && (e.as === "itself" || e.as === peel));
  const at = (e: Drawn) => events.indexOf(e);
  const end = events.findIndex((e) => e.kind === "status");
  const inTime = (e: Drawn) => end < 0 || at(e) < end;
  const reals = own.filter((e) => e.kind === "return" && !e.unreachable);
  const real = (takenOver ? reals.findLast(inTime) : undefined) ?? reals[0];
  const isAfter = (e: Drawn) => real !== undefined && at(e) > at(real);
  const givenUp = own.filter((e) => e.kind === "return" && e.unreachable);
  // No peel writes a result of its schedule over a return that is still to come.
  const isOverwritten = own.some((e) => e.kind === "schedule" && isAfter(e));
  const kept = isOverwritten ? undefined : bucket[peel];
  // A master ends a canceled job with the signal, and tells it a moment later. Only that event counts for an overwritten return.
  const ends = (e: Drawn) => e.kind === "status" || (e.kind === "cancel" && status === "canceled" && !isOverwritten);
  const over = events.findIndex(ends);
  if (kept === "ok" || kept === "failed") return kept;
  const outcome = real?.ok ? "ok" : "failed";
  if (real && (kept === "unreachable" || givenUp.length > 0)) return givenUp.some(isAfter) ? outcome : "late";
  if (real) return over < 0 || at(real) < over ? outcome : "late";
  if (kept === "unreachable" || givenUp.length > 0) return "unreachable";
  if (own.some((e) => e.kind === "ack")) return status === "running" ? "executing" : "unfinished";
  return events.some((e) => e.kind === "dispatch") ? "silent" : "missing";
}

test("random histories: each target in one state, no foreign peel, no negative time, as the oracle says", () => {
  const runs = Number(process.env.ZESTER_STORY_RUNS ?? 2000);
  const bucketState = fc.option(fc.constantFrom("ok" as const, "failed" as const, "unreachable" as const), {
    nil: undefined,
  });
  fc.assert(
    fc.property(
      fc.array(drawn, { maxLength: 14 }),
      fc.record({ p1: bucketState, p2: bucketState, p3: bucketState, evil: bucketState }),
      fc.constantFrom("running", "failed", "canceled"),
      fc.array(fc.integer({ min: -2, max: 9 }), { minLength: 14, maxLength: 14 }),
      fc.record({ twice: fc.boolean(), reclaim_count: fc.constantFrom(0, 0, 1) }),
      (events, bucket, status, gaps, { twice, reclaim_count }) => {
        let at = 50;
        const made = events.map((e, i): JobEvent => {
          at += Math.max(0, gaps[i] as number); // the stream's own times never go back
          const peel_id = e.as === "itself" ? e.peel : e.as;
          if (e.kind === "dispatch") return dispatch(at);
          if (e.kind === "status") return ended(at, "failed");
          if (e.kind === "cancel") return ev(at, "cancel", undefined, { action: "cancel" });
          if (e.kind === "ack") return ev(at, "ack", e.peel, { peel_id });
          if (e.kind === "schedule")
            return ev(at, "schedule", e.peel, { entry: "x", success: e.ok, ...(e.as !== "itself" && { peel_id }) });
          const fields = e.unreachable ? GIVEN_UP : { success: e.ok, duration: BigInt(e.seconds) * S };
          return ret(at, e.peel, { ...fields, peel_id });
        });
        const stored = Object.entries(bucket).flatMap(([peel, state]) =>
          state === undefined
            ? []
            : [[peel, state === "unreachable" ? GIVEN_UP : { success: state === "ok", duration: S }] as const],
        );
        const targets = twice ? [...PEELS, "p1", "p3"] : PEELS;
        const story = tell({ job: { targets, status, owner: "m1", reclaim_count }, events: made, stored });
        expect(story.peels.map(({ peel }) => peel).sort()).toEqual(PEELS);
        for (const { peel, state, deliveredNs, waitedNs, tookNs, soFarNs } of story.peels) {
          const kept = bucket as Record<string, "ok" | "failed" | "unreachable">;
          expect([peel, state]).toEqual([peel, oracle(peel, events, kept, status, reclaim_count > 0)]);
          for (const ns of [deliveredNs, waitedNs, tookNs, soFarNs]) expect(ns === undefined || ns >= 0n).toBe(true);
        }
        const order = story.peels.map(({ state }) => WORST_FIRST.indexOf(state));
        expect(order).toEqual([...order].sort((a, b) => a - b));
        expect(statesPresent(story.peels).reduce((sum, [, n]) => sum + n, 0)).toBe(PEELS.length);
        for (const { afterNs } of story.steps) expect(afterNs >= 0n).toBe(true);
        expect(story.steps.length + story.ignored.length).toBe(events.length);
      },
    ),
    { numRuns: runs },
  );
});

test("the median", () => {
  const large = 2n ** 64n - 1n;
  expect([[], [3n], [4n, 1n], [9n, 1n, 5n], [large, large]].map(median)).toEqual([undefined, 3n, 1n, 5n, large]);
});

test("a stopped peel that writes no run time: neither that nor the wait is known", () => {
  const job = map({ targets: ["a", "b"], status: "canceled" });
  const steps = new Steps(job);
  const events = [
    dispatch(),
    ack(1, "a"),
    ack(1, "b"),
    ev(60, "cancel", undefined, { action: "cancel" }),
    ret(60, "a", { success: false, error: "canceled", duration: 0n }),
    ret(60, "b", { success: false, error: "canceled", duration: 50n * S }),
    ended(61, "canceled"),
  ];
  for (const event of events) steps.add(event);
  const { peels } = storyOf("j", job, [], steps, { nowNs: 90n * S });
  expect(peels.map(({ peel, tookNs, waitedNs }) => [peel, tookNs, waitedNs])).toEqual([
    ["a", undefined, undefined],
    ["b", 50n * S, 9n * S],
  ]);
});
