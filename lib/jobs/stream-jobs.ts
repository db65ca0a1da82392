// Looking at all jobs once, without holding any.
import { ByteSet } from "../codec/byte-set.ts";
import { decodeRecord, Undecodable } from "../codec/decode.ts";
import { asInteger } from "../codec/value.ts";
import type { JobRow } from "../model/job.ts";
import type { Job } from "../model/job-list.ts";
import type { Store } from "../nats/store.ts";
import { toJob } from "./read-jobs.ts";

/**
 * Hands over each job that `wanted` wants as it arrives. A job that changes during the scan is handed over as it was at
 * first. Only for servers that hand over nothing old (see Store.handsOverNewest).
 * @returns the jobs that can't be decoded, wanted or not
 */
export async function streamJobs(
  store: Store,
  wanted: (row: JobRow) => boolean,
  onJob: (job: Job) => void,
): Promise<JobRow[]> {
  const seen = new ByteSet();
  const unreadable: JobRow[] = [];
  await store.scanJobs({
    take(key, from, bytes) {
      const before = seen.size;
      const n = seen.add(key, from, key.length);
      if (n < before || !bytes) return n;
      const job = toJob(seen.text(n), bytes);
      if (job.row.unreadable !== undefined) unreadable.push(job.row);
      if (wanted(job.row)) onJob(job);
      return n;
    },
    dropAllBut() {},
  });
  return unreadable;
}

const VERSION = ["v"];

/** The highest version among the records of jobs, and how many jobs there are. */
export async function newestVersion(store: Store): Promise<{ version: bigint | undefined; jobs: number }> {
  const jids = new ByteSet();
  let version: bigint | undefined;
  await store.scanJobs({
    take(key, from, bytes) {
      const n = jids.add(key, from, key.length);
      if (!bytes) return n;
      try {
        const v = asInteger(decodeRecord(bytes, VERSION).get("v"));
        if (v !== undefined && (version === undefined || v > version)) version = v;
      } catch (error) {
        if (!(error instanceof Undecodable)) throw error;
      }
      return n;
    },
    dropAllBut() {}, // a record that was there a moment ago counts as well
  });
  return { version, jobs: jids.size };
}
