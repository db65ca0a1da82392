// The results of one peel across jobs. Jobs are read first, then returns:
// 1. Masters store returns before the record of a job that has ended (docs/contributing.md, "End"). So the returns of each ended
//    job that was read are there: a target without one is missing.
// 2. A job that was active can have ended since: its return counts. Without one, the events show what the peel is doing.
// 3. The job of another return is newer than the read, or its record is gone: it is looked up.
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
import type { PeelStory } from "../model/story.ts";
import type { Store } from "../store.ts";
import { readUnheard } from "./given-up.ts";
import { inTime } from "./heartbeats.ts";
import { toJob } from "./job-table.ts";
import { orNoBucket } from "./lookup.ts";
import { type Progress, type Read, readJobs, SeenPeels } from "./read-jobs.ts";
import { readReturnsAcross } from "./read-returns.ts";
import { readPeelStory } from "./story.ts";
import { STORIES_AT_ONCE, turns } from "./turns.ts";

/** Jobs that are looked up at a time. */
const JOBS_AT_ONCE = 64;

export interface History {
  /** In no order. */
  readonly entries: readonly HistoryEntry[];
  /** Jobs that cannot be decoded: the peel can have run any of them. */
  readonly unreadable: Read["unreadable"];
  /** What could not be read. */
  readonly notes: readonly string[];
}

/** Whether a job targets a peel; undefined for a job without a list. Each list is searched once. */
function targets(peel: string): (row: JobRow) => boolean | undefined {
  const known = new WeakMap<readonly string[], boolean>();
  return ({ targets: list }) => list && known.getOrInsertComputed(list, () => list.includes(peel));
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

/** The stories of a peel in active jobs, by JID. */
async function readStories(store: Store, peel: string, jobs: readonly Job[]) {
  const inTurn = turns(STORIES_AT_ONCE);
  const peels = new Map<string, PeelStory | undefined>();
  const notes = new Set<string>();
  const read = async ({ row: { jid }, record }: Job) => {
    if (!record) return;
    const { story, noEvents, noHeartbeats } = await readPeelStory(store, jid, record, peel);
    for (const note of [noEvents, noHeartbeats]) if (note !== undefined) notes.add(note);
    peels.set(
      jid,
      story.peels.find((one) => one.peel === peel),
    );
  };
  await Promise.all(jobs.map((job) => inTurn(() => read(job))));
  return { peels, notes };
}

/** Undefined for jobs whose records are gone. */
async function lookUpJobs(store: Store, jids: readonly string[]): Promise<ReadonlyMap<string, Job | undefined>> {
  const inTurn = turns(JOBS_AT_ONCE);
  const look = async (jid: string) => {
    const bytes = await store.job(jid);
    return [jid, bytes && toJob(jid, bytes)] as const;
  };
  return new Map(await Promise.all(jids.map((jid) => inTurn(() => look(jid)))));
}

/**
 * @param peel as stored
 * @param selection of jobs; of a return whose job is gone, only the time is known
 * @throws UserError when the server fails; a missing bucket of returns or events is only noted
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
  const [stories, checked, others] = await Promise.all([
    readStories(store, peel, open),
    readUnheard(store, unheard, HISTORY_FIELDS),
    lookUpJobs(
      store,
      [...results.keys()].filter((jid) => !read.has(jid)),
    ),
  ]);
  for (const [i, { row }] of ended.entries()) stories.peels.set(row.jid, checked.stories[i]);
  if (checked.note !== undefined) stories.notes.add(checked.note);
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

/** The display IDs of peels that any job targets. */
export async function targetedPeels(store: Store): Promise<ReadonlySet<string>> {
  const seen = new SeenPeels();
  const keep = (row: JobRow) => {
    seen.see(row);
    return false;
  };
  await readJobs(store, keep, false);
  return new Set(Array.from(seen.ids, displayPeel));
}

/** True for a peel with a heartbeat; false also when that is unknown. */
export async function isAlive(store: Store, peel: string): Promise<boolean> {
  return typeof (await inTime(store, store.heartbeat("peels", peel))) === "object";
}
