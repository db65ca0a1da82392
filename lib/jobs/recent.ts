// Reading only the newest part of the bucket, where that gives the same answer as reading all of it.
//
// A job that was created after time T has no message from before T, by the clock that stamped it. Clocks differ, so a
// margin is kept: every job created after T has all its messages after T - MARGIN by the server's clock. A part of the
// stream that reaches from there to its end holds the newest record of each such job, since it holds all of them.
//
// A clock that is further ahead breaks this: its jobs count as newer than their messages are. It is noticed when one of
// them is in the part, and a part can't show what lies before it. So only a stream that would take long is read in part.
import type { JobRow } from "../model/job.ts";
import type { Selection } from "../model/selection.ts";
import type { Store } from "../store.ts";
import { Collection, type Progress, type Read, type Records, readJobs } from "./read-jobs.ts";

const SECOND_NS = 1_000_000_000n;
/** How far a master's clock may be ahead of the servers'. */
export const MARGIN_NS = 120n * SECOND_NS;
/** A clock that is seen to be further ahead than this makes the margin doubtful: then all jobs are read. */
const DOUBTFUL_NS = 60n * SECOND_NS;
/** A stream of so many messages is read in a second: `list` looks for the newest jobs at the end of longer ones only. */
export const QUICK_MESSAGES = 100_000;

const PART_SIZES = {
  /** A stream of no more messages is read as a whole. */
  whole: 0,
  /** Changes that a job usually has, its index entry included, and then some. */
  changesPerJob: 16,
  leastChanges: 512,
  growth: 8,
  /** More than this part of the stream is no shorter to read than the newest record of each job. */
  worth: 1 / 4,
};

/** One part of the stream, from somewhere to its end. */
class StreamPart {
  readonly jobs: Collection;
  /** When its first message was stored: whatever lies before it is not younger. */
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
 * The jobs that `keep` wants, read from the newest part of the stream; undefined when all jobs have to be read: nothing
 * bounds the selection in time, or the part would be most of the stream, or a clock is off.
 * @param changes sizes other than the usual ones
 */
export async function readRecent(
  store: Store,
  selection: Pick<Selection, "since" | "limit">,
  keep: (row: JobRow) => boolean,
  records: Records,
  changes: Partial<typeof PART_SIZES> = {},
): Promise<Read | undefined> {
  const { since, limit } = selection;
  const sizes = { ...PART_SIZES, ...changes };
  if (!store.isLive || (since === undefined && limit === undefined)) return undefined;
  const state = await store.jobsState();
  if (state.messages <= sizes.whole) return undefined;
  // Jobs of the future are jobs with a wrong time: nothing is known of when they were stored.
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

/** The jobs that `keep` wants, without their records, read from as little of the stream as will do. */
export async function readSelected(
  store: Store,
  selection: Pick<Selection, "since" | "limit">,
  keep: (row: JobRow) => boolean,
  progress: Progress | undefined,
): Promise<Read> {
  const recent = await readRecent(store, selection, keep, false, { whole: QUICK_MESSAGES });
  return recent ?? readJobs(store, keep, false, progress);
}

/** The part that is sure to hold the newest `limit` jobs of those wanted. */
async function newest(
  limit: number,
  most: number,
  { leastChanges, changesPerJob, growth }: typeof PART_SIZES,
  read: (from: { newest: number } | { ns: bigint }) => Promise<StreamPart | undefined>,
): Promise<Read | undefined> {
  for (let size = Math.max(leastChanges, limit * changesPerJob); size < most; size *= growth) {
    const part = await read({ newest: size });
    if (!part) return undefined;
    const { jobs } = part.jobs.read(false);
    const oldest = jobs.length < limit ? undefined : jobs.at(jobs.length - limit).row.created;
    if (!oldest || part.firstNs === undefined) continue;
    // Jobs that this part lacks were created before its first message, as far as clocks go.
    if (oldest.ns - MARGIN_NS >= part.firstNs) return part.jobs.read(false);
    // So many jobs are known now: nothing older than the oldest of them is needed.
    return (await read({ ns: oldest.ns - MARGIN_NS }))?.jobs.read(false);
  }
  return undefined;
}
