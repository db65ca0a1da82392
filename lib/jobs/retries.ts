// Retries among the newest jobs: only the end of the stream is read.
import { isJson } from "../codec/decode.ts";
import { byCreation, type JobRow, RETRY_OF_KEY, ROW_FIELDS } from "../model/job.ts";
import type { Store } from "../store.ts";
import { inTime } from "./heartbeats.ts";
import { toJob } from "./job-table.ts";

/** Messages of about 200 jobs and of their index entries. */
const CHANGES = 1024;

/** Undefined for a job that is not a retry, or that cannot be decoded. */
function retryRow(jid: () => string, bytes: Uint8Array): JobRow | undefined {
  if (!isJson(bytes) && !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(RETRY_OF_KEY))
    return undefined;
  const { row } = toJob(jid(), bytes, ROW_FIELDS);
  return row.retryOf === undefined ? undefined : row;
}

async function readNewest(store: Store): Promise<JobRow[]> {
  const state = await store.jobsState();
  const found = new Map<string, JobRow>();
  await state.changes({ newest: CHANGES }, 2 * CHANGES, (key, start, bytes) => {
    const jid = () => Buffer.from(key.subarray(start)).toString();
    const row = bytes && retryRow(jid, bytes);
    if (row) found.set(row.jid, row);
    else if (found.size > 0) found.delete(jid());
  });
  return [...found.values()].sort(byCreation);
}

/** Oldest first; none if reading fails or takes more than a second: they are only a note. */
export async function newestRetries(store: Store): Promise<readonly JobRow[]> {
  return (await inTime(store, readNewest(store))) ?? [];
}
