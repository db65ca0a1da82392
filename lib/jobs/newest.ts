// The newest jobs: only the end of the stream is read.
import { isJson } from "../codec/decode.ts";
import { byCreation, type Job, type JobRow, RETRY_OF_KEY, ROW_FIELDS } from "../model/job.ts";
import type { Store } from "../store.ts";
import { inTime } from "./heartbeats.ts";
import { toJob } from "./job-table.ts";

/** Messages of about 200 jobs and of their index entries. */
const CHANGES = 1024;

/**
 * @param wanted selects records before they are decoded; a job counts by its newest record
 * @returns in the order of their first messages there; of records only the fields of rows
 */
export async function newestJobs(store: Store, wanted?: (bytes: Uint8Array) => boolean): Promise<Job[]> {
  const state = await store.jobsState();
  const found = new Map<string, Uint8Array>();
  await state.changes({ newest: CHANGES }, 2 * CHANGES, (key, start, bytes) => {
    const isWanted = bytes && (wanted?.(bytes) ?? true);
    if (!isWanted && found.size === 0) return;
    const jid = Buffer.from(key.subarray(start)).toString();
    if (isWanted) found.set(jid, new Uint8Array(bytes));
    else found.delete(jid);
  });
  return Array.from(found, ([jid, bytes]) => toJob(jid, bytes, ROW_FIELDS));
}

const mayBeRetry = (bytes: Uint8Array) =>
  isJson(bytes) || Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(RETRY_OF_KEY);

async function readRetries(store: Store): Promise<JobRow[]> {
  const found = await newestJobs(store, mayBeRetry);
  return found
    .map(({ row }) => row)
    .filter(({ retryOf }) => retryOf !== undefined)
    .sort(byCreation);
}

/** Oldest first; none if reading fails or takes more than a second: they are only a note. */
export async function newestRetries(store: Store): Promise<readonly JobRow[]> {
  return (await inTime(store, readRetries(store))) ?? [];
}
