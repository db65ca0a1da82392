// Which earlier job a peel has not returned. It runs one at a time, in the order of its acks (docs/contributing.md, "Queue"). The
// earlier jobs are searched from the newest to the oldest, also ended ones: a peel goes on after the end of a job.
// 1. A job that the peel executed ends the search: older ones have returned, or were lost in a restart of the peel.
// 2. The peel waits for the oldest job before that which it accepted and did not return.
import type { ValueMap } from "../codec/value.ts";
import { byCreation, type Job, type JobRow } from "../model/job.ts";
import { STORY_FIELDS } from "../model/returns.ts";
import type { Steps } from "../model/story.ts";
import type { Store } from "../store.ts";
import { EarlySteps, eventOf, readEvents } from "./events.ts";
import { inTime } from "./heartbeats.ts";
import { toJob } from "./job-table.ts";
import { wholeRecords } from "./lookup.ts";
import { newestJobs } from "./newest.ts";

/** Functions that bypass the queue: they only read. */
const PASSING_FUNCTIONS = /^(test\.ping|sys\.(list_functions|doc)|(grains|settings|pillar)\..*|facts\.(?!set$).*)$/;

/** What a peel runs by its own schedule is in no queue. */
const queues = ({ fn, source }: JobRow) => source !== "schedule" && !PASSING_FUNCTIONS.test(fn ?? "");

/** Active jobs older than the newest ones that are read. */
const MOST_OLDER = 64;
/** First one job is searched, since most searches end with it, then this many times more at a time. A pass over files finds all. */
const GROWTH = 4;
/** For more peels than this, all events of a job are read. */
const FEW = 16;

const READER = wholeRecords(STORY_FIELDS);

/** The jobs of the newest messages, and older ones from the index of active jobs, which can lack some; newest first. */
async function readOthers(store: Store, jid: string): Promise<{ earlier: readonly Job[]; later: readonly Job[] }> {
  const [newest, active] = await Promise.all([newestJobs(store), store.activeJids()]);
  const known = new Set([jid, ...newest.map(({ row }) => row.jid)]);
  const read = async (other: string) => {
    const bytes = await store.job(other);
    return bytes ? toJob(other, bytes) : [];
  };
  const others = active.filter((other) => !known.has(other)).slice(0, MOST_OLDER);
  const older = (await Promise.all(others.map(read))).flat().sort((a, b) => byCreation(a.row, b.row));
  // Without a message among the newest, it is older than all of them.
  const place = newest.findIndex(({ row }) => row.jid === jid);
  const earlier = [...older, ...newest.slice(0, Math.max(0, place))].reverse();
  const queued = (jobs: readonly Job[]) => jobs.filter(({ row }) => queues(row));
  return { earlier: queued(earlier), later: queued(newest.slice(place + 1)) };
}

/** The acks and returns of these peels. */
async function readSteps(store: Store, jid: string, record: ValueMap, peels: ReadonlySet<string>): Promise<Steps> {
  const steps = new EarlySteps(record);
  if (peels.size > FEW) await readEvents(store, jid, steps, READER);
  else {
    const places = Array.from(peels, (peel) => ({ jid, peel }));
    await store.eventsOfPeels(
      places,
      (_, event) => steps.add(eventOf(event, READER)),
      () => steps.again(),
    );
  }
  return steps.of(record);
}

async function lookBack(
  store: Store,
  jid: string,
  own: Steps,
  peels: readonly string[],
  behind: Map<string, string>,
): Promise<void> {
  const { later, earlier } = await readOthers(store, jid);
  // Peels whose last executed job is not found yet. All targets of a complete job executed it.
  const open = new Set(peels);
  for (const { row } of later) if (row.status === "complete") for (const peel of row.targets ?? []) open.delete(peel);
  const openOf = ({ row }: Job) => new Set(row.targets?.filter((peel) => open.has(peel)));
  const look = async (job: Job) => {
    const { row, record } = job;
    const shared = openOf(job);
    if (record && row.status !== "complete" && shared.size > 0) return readSteps(store, row.jid, record, shared);
  };
  const theirs = earlier.filter((job) => openOf(job).size > 0);
  let size = store.isLive ? 1 : theirs.length;
  for (let at = 0; at < theirs.length && open.size > 0; at += size, size *= GROWTH) {
    const some = theirs.slice(at, at + size);
    const told = await Promise.all(some.map(look));
    for (const [i, job] of some.entries())
      for (const peel of openOf(job)) {
        const { ackNs, real } = told[i]?.peels.get(peel) ?? {};
        // What a peel rejects or a cancel signal takes from its queue has a run time of 0.
        if (job.row.status === "complete" || (real?.returned.duration ?? 0n) > 0n) open.delete(peel);
        else if (!real && ackNs !== undefined && ackNs < (own.peels.get(peel)?.ackNs ?? 0n))
          behind.set(peel, job.row.jid);
      }
  }
}

/**
 * @param steps of the job, with the acks of `peels`
 * @returns for each of `peels` that waits or waited: the job that it has not returned; what is known after a second
 */
export async function behindOf(
  store: Store,
  row: JobRow,
  steps: Steps,
  peels: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const behind = new Map<string, string>();
  if (queues(row)) await inTime(store, lookBack(store, row.jid, steps, peels, behind));
  return behind;
}
