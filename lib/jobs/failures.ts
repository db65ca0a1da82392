// Reading what failed in many jobs.
import { decodeRecord } from "../codec/decode.ts";
import { ErrorGroups } from "../model/error-groups.ts";
import { type JobList, jidsOf } from "../model/job.ts";
import { failureOf, RETURN_FIELDS, type Return, stateOfReturn, toReturn } from "../model/returns.ts";
import type { Store } from "../store.ts";
import { UnheardPeels } from "./given-up.ts";
import type { ReturnReader } from "./lookup.ts";
import type { Progress, Read } from "./read-jobs.ts";
import { readReturnsAcross } from "./read-returns.ts";

function allTargets(jobs: JobList): Set<string> {
  const targets = new Set<string>();
  for (const { row } of jobs) for (const peel of row.targets ?? []) targets.add(peel);
  return targets;
}

/** Tells the targets of jobs from peels whose return only stands in the bucket; of a job without a list any peel is one. */
export function targetTest(jobs: JobList): (job: number, peel: string) => boolean {
  const known = new WeakMap<readonly string[], ReadonlySet<string>>();
  return (job, peel) => {
    const { targets } = jobs.at(job).row;
    if (!targets) return true;
    const all = known.get(targets) ?? new Set(targets);
    known.set(targets, all);
    return all.has(peel);
  };
}

/** Of a return that failed and has no error of its own, everything: the reason is looked for in its results. */
const withReason: ReturnReader = {
  read(peel, bytes) {
    const item = toReturn(peel, decodeRecord(bytes, RETURN_FIELDS));
    const needsReason = stateOfReturn(item) === "failed" && item.error === undefined;
    return needsReason ? toReturn(peel, decodeRecord(bytes)) : item;
  },
  keep: toReturn,
};

/**
 * The returns of these jobs that failed or can't be decoded, and those that masters wrote for peels they gave up and that did
 * not return all the same, as far as the events tell. What only the events have of a job counts too.
 * @throws what readReturnsAcross throws, and UserError when there are too many different errors
 */
export async function readFailures(
  store: Store,
  { jobs, sinceNs }: Pick<Read, "jobs" | "sinceNs">,
  progress: Progress | undefined,
  warn: (text: string) => void,
): Promise<{ failures: ErrorGroups; unreachable: ErrorGroups }> {
  const failures = new ErrorGroups(allTargets(jobs));
  const unreachable = new ErrorGroups([]);
  const isTarget = targetTest(jobs);
  const unheard = new UnheardPeels(jobs);
  const add = (item: Return, job: number) => {
    const isOk = stateOfReturn(item) === "ok";
    if (!isOk && !isTarget(job, item.peel)) return;
    if (unheard.take(job, item) && !isOk) failures.add(job, item.peel, failureOf(item));
  };
  await readReturnsAcross(store, { jids: jidsOf(jobs), sinceNs }, add, {
    reader: withReason,
    progress,
    warn,
  });
  const { heard, note } = await unheard.read(store, [...RETURN_FIELDS, "return_data"]);
  if (note !== undefined) warn(note);
  for (const { place, peel, returned } of heard) {
    if (returned.unreachable) unreachable.add(place, peel, "");
    else if (!returned.ok) failures.add(place, peel, failureOf(returned));
  }
  return { failures, unreachable };
}
