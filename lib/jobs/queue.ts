// Which peels have another job to finish first. A peel has one worker: jobs that it accepted wait for those that it
// accepted earlier (wire.md, 2).
import type { ValueMap } from "../codec/value.ts";
import { isTerminal, jobRow } from "../model/job.ts";
import type { Steps } from "../model/story.ts";
import type { Store } from "../store.ts";
import { EarlySteps, readEvents } from "./events.ts";
import { readJob, readReturns } from "./lookup.ts";

/** Functions that only read pass the queue by. */
const PASSING_FUNCTIONS = /^(test\.ping|sys\.(list_functions|doc)|(grains|settings|pillar)\..*|facts\.(?!set$).*)$/;

/** True for a function that waits in the queue of a peel, and makes others wait. */
const queues = (fn: string | undefined) => !PASSING_FUNCTIONS.test(fn ?? "");

/** Jobs that are looked at, of those that have not ended. */
const MOST_JOBS = 64;

/**
 * For each of `peels` that accepted another job before this one and has not returned from it: that job, the one that it
 * accepted first. The index of active jobs names the candidates; it can lack some, so that a peel may wait all the same.
 */
export async function behindOf(
  store: Store,
  jid: string,
  job: ValueMap,
  steps: Steps,
  peels: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const behind = new Map<string, { jid: string; ackedNs: bigint }>();
  if (!queues(jobRow(jid, job).fn)) return new Map();
  const others = (await store.activeJids()).filter((other) => other !== jid).slice(0, MOST_JOBS);
  const look = async (other: string) => {
    const record = await readJob(store, other);
    const { fn, status, targets } = jobRow(other, record);
    const shared = peels.filter((peel) => targets?.includes(peel));
    if (isTerminal(status) || !queues(fn) || shared.length === 0) return;
    const events = new EarlySteps(record);
    const [returns] = await Promise.all([readReturns(store, other, () => {}), readEvents(store, other, events)]);
    const theirs = events.of(record);
    for (const peel of shared) {
      const { ackNs: ackedNs, real } = theirs.peels.get(peel) ?? {};
      const ownNs = steps.peels.get(peel)?.ackNs;
      if (ackedNs === undefined || ownNs === undefined || ackedNs >= ownNs) continue;
      if (real || returns.some((item) => item.peel === peel)) continue;
      const known = behind.get(peel);
      if (!known || ackedNs < known.ackedNs) behind.set(peel, { jid: other, ackedNs });
    }
  };
  // A job that is gone by now, or can't be decoded, holds no peel up as far as can be told.
  await Promise.all(others.map((other) => look(other).catch(() => {})));
  return new Map(Array.from(behind, ([peel, first]) => [peel, first.jid]));
}
