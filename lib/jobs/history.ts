// The results of one peel across jobs, joined with the jobs' records.
//
// The jobs are read first, and the returns after them, as for `stats`, `errors` and `grep`. Masters store the returns of a job
// before its record that has ended (wire.md, "End"). So when the read finds a job that has ended, its returns are there, and what
// reads them later finds them: a target without one is missing, and not only late to be seen. A job that was still running may
// have ended by the time its returns are read: these count, and of a peel without one the events tell what it is doing, as of a
// peel of a job that goes on. A return of a job that the read did not find is one of a job that is newer than the read, or whose
// record is gone: a look at its key tells.
import { NoBucket } from "../errors.ts";
import {
  entryOf,
  goneJob,
  HISTORY_FIELDS,
  type HistoryEntry,
  type PeelResult,
  resultOf,
  toldOf,
  unreturned,
} from "../model/history.ts";
import { isTerminal, type Job, type JobRow } from "../model/job.ts";
import { displayPeel } from "../model/peel.ts";
import type { Selection } from "../model/selection.ts";
import type { Store } from "../store.ts";
import { readUnheard } from "./given-up.ts";
import { inTime } from "./heartbeats.ts";
import { orNoBucket } from "./lookup.ts";
import { type Progress, type Read, readJobs, SeenPeels, toJob } from "./read-jobs.ts";
import { readReturnsAcross } from "./read-returns.ts";
import { readPeelStory } from "./story.ts";
import { turns } from "./turns.ts";

/** Jobs that go on whose events are read at a time. */
const AT_ONCE = 8;
/** Jobs that are looked up at a time. */
const LOOKED_UP = 64;

export interface History {
  /** In no order. */
  readonly entries: readonly HistoryEntry[];
  /** The jobs that can't be decoded: any of them may be one that the peel ran. */
  readonly unreadable: Read["unreadable"];
  /** What could not be read, and leaves something open. */
  readonly notes: readonly string[];
}

/** Whether a peel was to run a job; undefined of a job without targets. Jobs with the same ones are looked at once. */
function targets(peel: string): (row: JobRow) => boolean | undefined {
  const known = new WeakMap<readonly string[], boolean>();
  return ({ targets: list }) => {
    if (!list) return undefined;
    const before = known.get(list);
    if (before !== undefined) return before;
    const found = list.includes(peel);
    known.set(list, found);
    return found;
  };
}

async function readResults(store: Store, peel: string, warn: (text: string) => void) {
  const results = new Map<string, PeelResult>();
  const read = readReturnsAcross(store, { peel }, (item, _, { jid }) => void results.set(jid, resultOf(jid, item)), {
    fields: HISTORY_FIELDS,
    warn,
  });
  const failure = await read.catch(orNoBucket);
  return { results, note: failure instanceof NoBucket ? failure.message : undefined };
}

/** What a peel is doing in jobs that go on, by JID. */
async function readStories(store: Store, peel: string, jobs: readonly Job[]) {
  const stories = new Map<string, Awaited<ReturnType<typeof readPeelStory>>>();
  for (let from = 0; from < jobs.length; from += AT_ONCE) {
    const some = jobs.slice(from, from + AT_ONCE).map(async ({ row: { jid }, record }) => {
      if (record) stories.set(jid, await readPeelStory(store, jid, record, peel));
    });
    await Promise.all(some);
  }
  const notes = new Set<string>();
  const peels = new Map(
    Array.from(stories, ([jid, { story, noEvents, noHeartbeats }]) => {
      for (const note of [noEvents, noHeartbeats]) if (note !== undefined) notes.add(note);
      return [jid, story.peels.find((one) => one.peel === peel)] as const;
    }),
  );
  return { peels, notes };
}

/** The jobs that have these ids; undefined for those whose records are gone. */
async function lookUpJobs(store: Store, jids: readonly string[]): Promise<ReadonlyMap<string, Job | undefined>> {
  const inTurn = turns(LOOKED_UP);
  const look = async (jid: string) => {
    const bytes = await store.job(jid);
    return [jid, bytes && toJob(jid, bytes)] as const;
  };
  return new Map(await Promise.all(jids.map((jid) => inTurn(() => look(jid)))));
}

/**
 * What a peel did in the jobs that a selection finds, and what it is doing in those that go on.
 * @param peel its id in stored form
 * @param selection what is asked of the jobs; of a return whose job is gone only the time is known
 * @throws UserError when the server fails; a bucket of returns or events that is not there is only noted
 */
export async function readHistory(
  store: Store,
  peel: string,
  selection: Selection,
  { warn, progress }: { warn: (text: string) => void; progress?: Progress | undefined },
): Promise<History> {
  const isTarget = targets(peel);
  const keep = (row: JobRow) => isTarget(row) !== false && selection.matches(row);
  const read = await readJobs(store, keep, true, progress);
  const { results, note } = await readResults(store, peel, warn);
  const jobs = [...read.jobs].filter(({ row }) => isTarget(row) || results.has(row.jid));
  const open = jobs.filter(({ row }) => !results.has(row.jid) && !isTerminal(row.status));
  const ended = jobs.filter(({ row }) =>
    results.has(row.jid) ? results.get(row.jid)?.item !== undefined : isTerminal(row.status),
  );
  const unheard = ended.map(({ row }) => ({ row, peel, stored: results.get(row.jid)?.item }));
  const [stories, missed, others] = await Promise.all([
    readStories(store, peel, open),
    readUnheard(store, unheard, HISTORY_FIELDS),
    lookUpJobs(
      store,
      [...results.keys()].filter((jid) => !read.has(jid)),
    ),
  ]);
  for (const [i, { row }] of ended.entries()) stories.peels.set(row.jid, missed.stories[i]);
  if (missed.note !== undefined) stories.notes.add(missed.note);
  const entries = jobs.map((job) => {
    const { row } = job;
    const story = stories.peels.get(row.jid);
    const result = story?.returned ? toldOf(row.jid, story) : results.get(row.jid);
    return entryOf(result ?? unreturned(row, story), job);
  });
  for (const [jid, job] of others) {
    const result = results.get(jid) as PeelResult;
    if (job ? keep(job.row) : selection.matches(goneJob(result))) entries.push(entryOf(result, job));
  }
  return { entries, unreadable: read.unreadable, notes: [...(note === undefined ? [] : [note]), ...stories.notes] };
}

/** The peels, as operators know them, that any job was meant for. */
export async function targetedPeels(store: Store): Promise<ReadonlySet<string>> {
  const seen = new SeenPeels();
  const keep = (row: JobRow) => {
    seen.see(row);
    return false;
  };
  await readJobs(store, keep, false);
  return new Set(Array.from(seen.ids, displayPeel));
}

/** True for a peel that gives heartbeats; false when it gives none, or when that can't be known. */
export async function isAlive(store: Store, peel: string): Promise<boolean> {
  return typeof (await inTime(store, store.heartbeat("peels", peel))) === "object";
}
