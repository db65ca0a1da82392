// Counting returns: a server that is silent, and counting again and again.
import { expect, test } from "bun:test";
import { Transient } from "../../../lib/errors.ts";
import { countReturns, keepCounting } from "../../../lib/jobs/return-counts.ts";
import { jobRow, type ReturnCounts } from "../../../lib/model/job.ts";
import type { Store } from "../../../lib/store.ts";

const row = { ...jobRow("j", new Map()), targets: ["a", "b"], status: "running" };

test("a server that does not answer is waited for no longer than 3 seconds", async () => {
  const returns = { keys: () => new Promise(() => {}) };
  expect(await countReturns({ isLive: true, returns } as unknown as Store, [row])).toEqual(new Map());
});

/** The peels that the keys name each time; undefined for a lost connection. */
const LOOKS = [["a"], undefined, [], ["a", "b", "alien"]];

test("counts again and again, and keeps a count that fails", async () => {
  let looks = 0;
  const keys: Store["returns"]["keys"] = async (_, __, onKey) => {
    const peels = LOOKS[looks++];
    if (!peels) throw new Transient("lost");
    for (const peel of peels) onKey("j", peel, true);
  };
  const counts: ReturnCounts[] = [];
  const all = Promise.withResolvers<void>();
  const session = { store: { isLive: true, returns: { keys } } as unknown as Store };
  const stop = keepCounting(
    session,
    () => [row],
    (found) => counts.push(found) === 3 && all.resolve(),
    1,
  );
  await all.promise;
  stop();
  expect(counts.map((found) => found.get("j"))).toEqual([1, 0, 2]);
  await Bun.sleep(5);
  expect(looks).toBe(4);
});
