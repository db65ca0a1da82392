// The jobs that a selection means where only those count that have not ended.

import type { JobList } from "../model/job.ts";
import { isTerminal, type JobRow } from "../model/job.ts";
import type { Selection } from "../model/selection.ts";
import type { Store } from "../store.ts";
import { readJobs } from "./read-jobs.ts";

/**
 * The jobs that a selection finds, of those that have not ended; and all jobs that can't be decoded, any of which the
 * selection may mean.
 */
export async function readOpenJobs(
  store: Store,
  selection: Selection,
  withRecords: boolean,
): Promise<{ jobs: JobList; unreadable: readonly JobRow[] }> {
  const keep = (row: JobRow) => row.unreadable === undefined && !isTerminal(row.status) && selection.matches(row);
  const read = await readJobs(store, keep, withRecords);
  return { jobs: selection.arrange(read.jobs), unreadable: read.unreadable };
}
