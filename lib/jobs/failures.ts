// What failed in many jobs, and which peels did not return.
import { decodeRecord } from "../codec/decode.ts";
import { NumberSet } from "../codec/number-set.ts";
import { ErrorGroups } from "../model/error-groups.ts";
import { countTargets, type JobList, type JobRow } from "../model/job.ts";
import { failureOf, RETURN_FIELDS, type Return, stateOfReturn, toReturn } from "../model/returns.ts";
import { hasFailed } from "../model/stats.ts";
import type { Store } from "../store.ts";
import { readJobReturns, targetTest } from "./given-up.ts";
import type { ReturnReader } from "./lookup.ts";
import type { Progress, Read } from "./read-jobs.ts";
import { pairOf } from "./read-returns.ts";

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

/** Peels of jobs, by the places of these: a set of names for each job takes four times the memory. */
class SeenTargets {
  readonly #numbers = new Map<string, number>();
  readonly #pairs = new NumberSet();

  /** True for a peel that is new in this job. */
  add(place: number, peel: string): boolean {
    const { size } = this.#pairs;
    return this.#pairs.add(pairOf(place, this.#numbers.getOrInsert(peel, this.#numbers.size))) === size;
  }
}

/** Ended without the returns of all targets. Those of a canceled job are not expected. */
const lacksReturns = (row: JobRow) =>
  hasFailed(row) && row.targets !== undefined && (row.returned ?? 0n) < countTargets(row.targets);

/**
 * @returns failed and unreadable returns, and peels that were given up or had not returned when their job ended
 * @throws as readJobReturns, and UserError for too many different errors
 */
export async function readFailures(
  store: Store,
  read: Pick<Read, "jobs" | "sinceNs">,
  progress: Progress | undefined,
  warn: (text: string) => void,
): Promise<ErrorGroups> {
  const failures = new ErrorGroups(allTargets(read.jobs));
  const lacking = Uint8Array.from(read.jobs, ({ row }) => Number(lacksReturns(row)));
  const seen = new SeenTargets();
  const isTarget = targetTest(read.jobs);
  const add = (item: Return, place: number) => {
    if (lacking[place] === 1) seen.add(place, item.peel);
    if (item.unreachable) failures.add(place, item.peel, "", "unreachable");
    else if (!item.ok && isTarget(place, item.peel)) failures.add(place, item.peel, failureOf(item));
  };
  const eventFields = [...RETURN_FIELDS, "return_data"];
  await readJobReturns(store, read, { reader: withReason, eventFields, progress, warn }, add);
  for (const [place, lacks] of lacking.entries())
    for (const peel of (lacks === 1 && read.jobs.at(place).row.targets) || [])
      if (seen.add(place, peel)) failures.add(place, peel, "", "missing");
  return failures;
}
