// Reads only the newest part of the stream of jobs, where that gives the same answer as reading all:
// 1. A job created after T has no message from before T, by the clock that made `created`. Clocks differ: by the server's clock,
//    all its messages are from after T - MARGIN.
// 2. A part of the stream from there to its end has all messages of such a job, so also its newest record.
// 3. A clock that is ahead by more breaks this. A part shows it by a job that is newer than its own message; but not if that
//    message precedes the part. So only long streams are read in part.
import type { JobRow } from "../model/job.ts";
import type { Selection } from "../model/selection.ts";
import type { Store } from "../store.ts";
import { Collection, type Progress, type Read, type Records, readJobs } from "./read-jobs.ts";

const SECOND_NS = 1_000_000_000n;
/** How far the clock of a master can be ahead of the server's. */
export const MARGIN_NS = 120n * SECOND_NS;
/** With a clock that is ahead by more, all jobs are read. */
const DOUBTFUL_NS = 60n * SECOND_NS;
/** A stream of this many messages is read in a second: only longer ones are read in part. */
export const QUICK_MESSAGES = 100_000;

const PART_SIZES = {
  whole: 0,
  /** Messages of a job and of its entry in the index, and some more. */
  changesPerJob: 16,
  leastChanges: 512,
  growth: 8,
  /** A larger part of the stream takes as long as the newest record of each job. */
  worth: 1 / 4,
};

class StreamPart {
  readonly jobs: Collection;
  firstNs: bigint | undefined;
  doubtful = false;

  constructor(keep: (row: JobRow) => boolean, records: Records) {
    this.jobs = new Collection(keep, records);
  }

  change(key: Uint8Array, from: number, bytes: Uint8Array | undefined, storedNs: bigint): void {
    this.firstNs ??= storedNs;
    const n = this.jobs.take(key, from, bytes);
    if (!bytes) return;
    const { created, updated } = this.jobs.table.row(n);
    for (const time of [created, updated]) if (time && time.ns - storedNs > DOUBTFUL_NS) this.doubtful = true;
  }
}

/**
 * @param otherSizes in place of the usual ones
 * @returns the jobs that `keep` selects; undefined when all jobs must be read: the selection has no bound in time, the part is
 *   most of the stream, or a clock is wrong
 */
export async function readRecent(
  store: Store,
  selection: Pick<Selection, "since" | "limit">,
  keep: (row: JobRow) => boolean,
  records: Records,
  otherSizes: Partial<typeof PART_SIZES> = {},
): Promise<Read | undefined> {
  const { since, limit } = selection;
  const sizes = { ...PART_SIZES, ...otherSizes };
  if (!store.isLive || (since === undefined && limit === undefined)) return undefined;
  const state = await store.jobsState();
  if (state.messages <= sizes.whole) return undefined;
  // Jobs of the future have a wrong time: when they were stored is unknown.
  if (since !== undefined && since > store.nowNs()) return undefined;
  const most = Math.floor(state.messages * sizes.worth);
  const read = async (from: { newest: number } | { ns: bigint }) => {
    const part = new StreamPart(keep, records);
    const done = await state.changes(from, most, (...change) => part.change(...change));
    return done && !part.doubtful ? part : undefined;
  };
  if (since !== undefined) {
    const sinceNs = since - MARGIN_NS;
    const part = await read({ ns: sinceNs });
    return part && { ...part.jobs.read(false), sinceNs };
  }
  return newest(limit as number, most, sizes, read);
}

/** The jobs that `keep` selects, without records, read from as little of the stream as possible. */
export async function readSelected(
  store: Store,
  selection: Pick<Selection, "since" | "limit">,
  keep: (row: JobRow) => boolean,
  progress: Progress | undefined,
): Promise<Read> {
  const recent = await readRecent(store, selection, keep, false, { whole: QUICK_MESSAGES });
  return recent ?? readJobs(store, keep, false, progress);
}

/** The newest `limit` jobs. */
async function newest(
  limit: number,
  most: number,
  { leastChanges, changesPerJob, growth }: typeof PART_SIZES,
  read: (from: { newest: number } | { ns: bigint }) => Promise<StreamPart | undefined>,
): Promise<Read | undefined> {
  for (let size = Math.max(leastChanges, limit * changesPerJob); size < most; size *= growth) {
    const part = await read({ newest: size });
    if (!part) return undefined;
    const found = part.jobs.read(false);
    const { jobs } = found;
    const oldest = jobs.length < limit ? undefined : jobs.at(jobs.length - limit).row.created;
    if (!oldest || part.firstNs === undefined) continue;
    // Jobs that this part lacks were created before its first message.
    if (oldest.ns - MARGIN_NS >= part.firstNs) return found;
    // Older jobs than these are not needed.
    return (await read({ ns: oldest.ns - MARGIN_NS }))?.jobs.read(false);
  }
  return undefined;
}
