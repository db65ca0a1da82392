// Retries among the newest jobs: only the end of the stream is read.
import { decodeRecord, isJson, Undecodable } from "../codec/decode.ts";
import { byCreation, type JobRow, jobRow, RETRY_OF_KEY, ROW_FIELDS, retryOf } from "../model/job.ts";
import type { Store } from "../store.ts";
import { inTime } from "./heartbeats.ts";

/** Messages of some 200 jobs and of their index. */
const CHANGES = 1024;
const METADATA = ["metadata"];

/** Undefined for a job that is no retry, or that cannot be decoded. */
function retryRow(jid: () => string, bytes: Uint8Array): JobRow | undefined {
  // The fast answer for most records.
  if (!isJson(bytes) && !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(RETRY_OF_KEY))
    return undefined;
  try {
    if (retryOf(decodeRecord(bytes, METADATA)) === undefined) return undefined;
    return jobRow(jid(), decodeRecord(bytes, ROW_FIELDS));
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return undefined;
  }
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
