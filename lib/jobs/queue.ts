// Which peels must finish another job first: a peel has one worker (wire.md, 2).
import type { ValueMap } from "../codec/value.ts";
import { isTerminal, jobRow } from "../model/job.ts";
import type { Steps } from "../model/story.ts";
import type { Store } from "../store.ts";
import { EarlySteps, readEvents } from "./events.ts";
import { readJob, readReturns } from "./lookup.ts";

/** Functions that bypass the queue: they only read. */
const PASSING_FUNCTIONS = /^(test\.ping|sys\.(list_functions|doc)|(grains|settings|pillar)\..*|facts\.(?!set$).*)$/;

const queues = (fn: string | undefined) => !PASSING_FUNCTIONS.test(fn ?? "");

/** Active jobs that are read. */
const MOST_JOBS = 64;

/**
 * For each of `peels` that has not returned from a job accepted before this one: the first such job. Candidates are from the
 * index of active jobs, which can lack some.
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
  // Without jobs that are gone by now, or cannot be decoded.
  await Promise.all(others.map((other) => look(other).catch(() => {})));
  return new Map(Array.from(behind, ([peel, first]) => [peel, first.jid]));
}
