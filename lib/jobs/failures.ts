// What failed in many jobs, and which peels did not return.
import { decodeRecord } from "../codec/decode.ts";
import { ErrorGroups } from "../model/error-groups.ts";
import type { JobList } from "../model/job.ts";
import { failureOf, RETURN_FIELDS, type Return, stateOfReturn, toReturn } from "../model/returns.ts";
import type { Store } from "../store.ts";
import { readJobReturns, targetTest } from "./given-up.ts";
import type { ReturnReader } from "./lookup.ts";
import type { Progress, Read } from "./read-jobs.ts";

function allTargets(jobs: JobList): Set<string> {
  const targets = new Set<string>();
  for (const { row } of jobs) for (const peel of row.targets ?? []) targets.add(peel);
  return targets;
}

/** Decodes a return that failed without an error completely: its results have the reason. */
const withReason: ReturnReader = {
  read(peel, bytes) {
    const item = toReturn(peel, decodeRecord(bytes, RETURN_FIELDS));
    const needsReason = stateOfReturn(item) === "failed" && item.error === undefined;
    return needsReason ? toReturn(peel, decodeRecord(bytes)) : item;
  },
  keep: toReturn,
};

/**
 * @returns failed and unreadable returns, and peels that were given up or did not return from a job that failed
 * @throws as readJobReturns, and UserError for too many different errors
 */
export async function readFailures(
  store: Store,
  read: Pick<Read, "jobs" | "sinceNs">,
  progress: Progress | undefined,
  warn: (text: string) => void,
): Promise<ErrorGroups> {
  const failures = new ErrorGroups(allTargets(read.jobs));
  const isTarget = targetTest(read.jobs);
  const add = (item: Return, place: number) => {
    if (item.unreachable) failures.add(place, item.peel, "", "unreachable");
    else if (!item.ok && isTarget(place, item.peel)) failures.add(place, item.peel, failureOf(item));
  };
  const eventFields = [...RETURN_FIELDS, "return_data"];
  const options = { reader: withReason, eventFields, progress, warn };
  await readJobReturns(store, read, options, add, (peel, place) => failures.add(place, peel, "", "missing"));
  return failures;
}
