// How many peels have returned from active jobs: their records count them only at the end.
import { tokenFault } from "../model/jid.ts";
import { isActive, type JobRow, type ReturnCounts, returnedOf } from "../model/job.ts";
import type { Store } from "../store.ts";
import { inTime } from "./heartbeats.ts";
import { MARGIN_NS } from "./recent.ts";
import { keepLooking, type Rhythm } from "./turns.ts";

/** How long to wait for the keys: enough for those of 50,000 peels over a slow link. */
const COUNT_LIMIT = { ms: 3_000, words: "3 seconds" };

class Returned {
  readonly #peels = new Set<string>();
  #hasList = false;

  constructor(readonly targets: ReadonlySet<string>) {}

  put(peel: string | undefined, exists: boolean): void {
    if (peel === undefined) this.#hasList = exists;
    else if (!exists) this.#peels.delete(peel);
    else if (this.targets.has(peel)) this.#peels.add(peel);
  }

  /** Undefined if a list has the returns: its key does not show how many. */
  get count(): number | undefined {
    return this.#hasList ? undefined : this.#peels.size;
  }
}

/**
 * No return of these jobs was stored earlier, unless the clocks of both the client and the master are ahead. Undefined when a
 * job lacks a time.
 */
export function sinceOf(rows: readonly JobRow[]): bigint | undefined {
  const times = rows.flatMap(({ created, updated }) => [created, updated]);
  const first = times.reduce((a, b) => a && b && (a.ns < b.ns ? a : b), times[0]);
  return first && first.ns - MARGIN_NS;
}

/**
 * Counts the returns of active jobs without a count in their record, by the keys of all their returns, requested at once. As in a
 * record, the return that a master wrote for an unreachable peel counts, and that of a peel that is not a target does not.
 *
 * The answer lacks a job whose number is unknown: without a list of targets, with its returns in a list, or when the keys cannot
 * be read (no permission, no answer in time). Without active jobs it requests nothing.
 */
export async function countReturns(store: Store, rows: readonly JobRow[]): Promise<ReturnCounts> {
  const counted = rows.filter(
    (row) => isActive(row.status) && returnedOf(row) === undefined && tokenFault(row.jid) === undefined,
  );
  // Jobs that target the same peels share their list.
  const targetSets = new Map<readonly string[], ReadonlySet<string>>();
  const jobs = new Map<string, Returned>();
  for (const { jid, targets } of counted) {
    if (!targets) continue;
    jobs.set(jid, new Returned(targetSets.getOrInsertComputed(targets, () => new Set(targets))));
  }
  if (jobs.size === 0) return new Map();
  const keys = store.returns.keys([...jobs.keys()], sinceOf(counted), (jid, peel, exists) =>
    jobs.get(jid)?.put(peel, exists),
  );
  const read = keys.then(() => true);
  if (!(await inTime(store, read, undefined, COUNT_LIMIT))) return new Map();
  return new Map(Array.from(jobs).flatMap(([jid, { count }]) => (count === undefined ? [] : [[jid, count] as const])));
}

const AGAIN: Rhythm = { pauseMs: 1_000, share: 1 / 10 };

/**
 * Counts at intervals. A job that cannot be counted keeps its last count.
 * @returns the function that stops it
 */
export const keepCounting = (
  session: { readonly store: Store },
  rows: () => readonly JobRow[],
  counted: (counts: ReturnCounts) => void,
  pauseMs = AGAIN.pauseMs,
): (() => void) =>
  keepLooking(
    { ...AGAIN, pauseMs },
    () => countReturns(session.store, rows()),
    (counts) => {
      if (counts.size > 0) counted(counts);
    },
  );
