// Which of the newest jobs repeat another one. Only the end of the stream is looked at, whatever the bucket holds.
import { decodeRecord, isJson, Undecodable } from "../codec/decode.ts";
import { byCreation, type JobRow, jobRow, RETRY_OF_KEY, ROW_FIELDS, retryOf } from "../model/job.ts";
import type { Store } from "../store.ts";
import { inTime } from "./heartbeats.ts";

/** Changes of jobs and of their index that are looked at: those of some 200 jobs. */
const CHANGES = 1024;
const METADATA = ["metadata"];

/** The row of a stored job that repeats another; undefined for one that does not, or that can't be decoded. */
function retryRow(jid: () => string, bytes: Uint8Array): JobRow | undefined {
  // Most records are done with here.
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

/**
 * The jobs among the newest ones that repeat another, oldest first. What can't be read, or takes longer than a second, counts
 * as none: they are only told beside other things.
 */
export async function newestRetries(store: Store): Promise<readonly JobRow[]> {
  return (await inTime(store, readNewest(store))) ?? [];
}
