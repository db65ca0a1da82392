// Which of the newest jobs repeat another one. Only the end of the stream is looked at, whatever the bucket holds.
import { decodeRecord, Undecodable } from "../codec/decode.ts";
import { byCreation, type JobRow, ROW_FIELDS } from "../model/job.ts";
import { retryOf } from "../model/source.ts";
import type { Store } from "../nats/store.ts";
import { inTime } from "./heartbeats.ts";
import { toJob } from "./read-jobs.ts";

/** Changes of jobs and of their index that are looked at: those of some 200 jobs. */
const CHANGES = 1024;
const METADATA = ["metadata"];

/** The job that a stored record repeats; undefined also when it can't be decoded. */
function repeated(bytes: Uint8Array): string | undefined {
  try {
    return retryOf(decodeRecord(bytes, METADATA));
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return undefined;
  }
}

async function read(store: Store): Promise<JobRow[]> {
  const state = await store.jobsState();
  const from = { sequence: Math.max(1, state.lastSequence - CHANGES) };
  const found = new Map<string, JobRow>();
  await store.changesOfJobs(from, state, 2 * CHANGES, (key, start, bytes) => {
    const isRetry = bytes !== undefined && repeated(bytes) !== undefined;
    if (!isRetry && found.size === 0) return;
    const jid = Buffer.from(key.subarray(start)).toString();
    if (isRetry) found.set(jid, toJob(jid, bytes, ROW_FIELDS).row);
    else found.delete(jid);
  });
  return [...found.values()].sort(byCreation);
}

/**
 * The jobs among the newest ones that repeat another, oldest first. What can't be read, or takes longer than a second, counts
 * as none: they are only told beside other things.
 */
export async function newestRetries(store: Store): Promise<readonly JobRow[]> {
  return (await inTime(read(store))) ?? [];
}
