import { expect, test } from "bun:test";
import type { Value } from "../../../lib/codec/value.ts";
import { EarlySteps, readEvents } from "../../../lib/jobs/events.ts";
import { jobSurroundings, resolveStory } from "../../../lib/jobs/story.ts";
import { type JobSurroundings, Steps, storyOf } from "../../../lib/model/story.ts";
import type { Store } from "../../../lib/store.ts";
import { encode, jobRecord } from "../../support/harness.ts";

const PEELS = ["a", "b"];
const ended = encode({ ...jobRecord("j1", { status: "complete", targets: PEELS }), return_count: 2, success_count: 2 });
const returned = encode({ jid: "j1", success: true, duration: 1n });

/** A server on which the job ends after its returns were asked for the first time, and before its record is. */
function endingStore() {
  const store = {
    reads: 0,
    job: async () => ended,
    nowNs: () => 0n,
    events: async () => {},
    returns: {
      async of(_: string, read: (peel: string, bytes: Uint8Array) => unknown) {
        const there = store.reads++ === 0 ? [] : PEELS;
        return { list: undefined, peels: there.map((peel) => read(peel, returned)) };
      },
    },
  };
  return store;
}

test("a job that ends while it is read has the returns that its record counts", async () => {
  const store = endingStore();
  const { row, story } = await resolveStory(
    store as unknown as Store,
    "j1",
    () => {},
    () => {},
  );
  expect([row.status, ...story.peels.map(({ peel, state }) => `${peel} ${state}`)]).toEqual([
    "complete",
    "a ok",
    "b ok",
  ]);
  expect(store.reads).toBe(2);
  await resolveStory(
    store as unknown as Store,
    "j1",
    () => {},
    () => {},
  );
  expect(store.reads).toBe(3); // what is whole is not read again
});

test("events that come again take the place of those that came before", async () => {
  const store = {
    async events(_: string, onEvent: (event: { kind: string; bytes: Uint8Array }) => void, again: () => void) {
      onEvent({ kind: "dispatch", bytes: returned });
      again();
      for (const kind of ["dispatch", "status"]) onEvent({ kind, bytes: returned });
    },
  };
  for (const known of [new Map(), undefined]) {
    const steps = new EarlySteps(known);
    await readEvents(store as unknown as Store, "j1", steps);
    expect(steps.of(new Map()).all.map(({ kind }) => kind)).toEqual(["dispatch", "status"]);
  }
});

test("surroundings are the same for a story that has them already", async () => {
  const record = new Map<string, Value>([
    ["function", "cmd.run"],
    ["status", "running"],
    ["targets", PEELS],
  ]);
  const store = {
    isLive: true,
    nowNs: () => 0n,
    heartbeat: async () => "none",
    jobsState: async () => ({ changes: async () => true }),
    activeJids: async () => ["j0"],
    job: async () => encode(jobRecord("j0", { function: "cmd.run", status: "running", targets: PEELS })),
    async eventsOfPeels(_: unknown, onEvent: (place: unknown, event: object) => void) {
      onEvent({}, { kind: "ack", peel: "a", storedNs: 1n, bytes: encode({ peel_id: "a" }) });
    },
  };
  const steps = new Steps(record);
  steps.add({ kind: "dispatch", peel: undefined, storedNs: 1n, payload: new Map() });
  steps.add({ kind: "ack", peel: "a", storedNs: 2n, payload: new Map([["peel_id", "a"]]) });
  let around: JobSurroundings = { nowNs: 0n };
  for (let look = 0; look < 2; look++) {
    const story = storyOf("j1", record, [], steps, around);
    ({ around } = await jobSurroundings(store as unknown as Store, "j1", record, story, steps));
    expect(around).toMatchObject({ offline: new Set(["b"]), behind: new Map([["a", "j0"]]) });
  }
});
