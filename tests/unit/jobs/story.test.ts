import { expect, test } from "bun:test";
import { EarlySteps, readEvents } from "../../../lib/jobs/events.ts";
import { resolveStory } from "../../../lib/jobs/story.ts";
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
