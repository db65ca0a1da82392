// How many peels have returned from jobs that have not ended: their records tell only at the end.
import { tokenFault } from "../model/jid.ts";
import { isActive, type JobRow, type ReturnCounts, returnedOf } from "../model/job.ts";
import type { Store } from "../store.ts";
import { inTime } from "./heartbeats.ts";
import { MARGIN_NS } from "./recent.ts";

/** The keys are waited for no longer than this, in ms: enough for those of 50,000 peels over a slow link. */
const COUNT_MS = 3_000;

/** The keys of the returns of one job. */
class Returned {
  readonly #targets: ReadonlySet<string>;
  readonly #peels = new Set<string>();
  #hasList = false;

  constructor(targets: ReadonlySet<string>) {
    this.#targets = targets;
  }

  put(peel: string | undefined, exists: boolean): void {
    if (peel === undefined) this.#hasList = exists;
    else if (!exists) this.#peels.delete(peel);
    else if (this.#targets.has(peel)) this.#peels.add(peel);
  }

  /** Undefined where a list has the returns: its key does not tell of how many peels. */
  get count(): number | undefined {
    return this.#hasList ? undefined : this.#peels.size;
  }
}

/**
 * No return of these jobs was stored before this, unless the clocks of both the client and the master were ahead. Undefined when
 * a job lacks a time.
 */
export function sinceOf(rows: readonly JobRow[]): bigint | undefined {
  const times = rows.flatMap(({ created, updated }) => [created, updated]);
  const first = times.reduce((a, b) => a && b && (a.ns < b.ns ? a : b), times[0]);
  return first && first.ns - MARGIN_NS;
}

/**
 * Counts the peels that have returned, of those of the jobs that are active and whose records do not count them. The server
 * sends the keys of all their returns at once, and no value. So a return that a master wrote for a peel that it gave up
 * counts, as it does in the record at the end. A return of a peel that is no target does not count.
 *
 * A job is missing in the answer where the number is unknown: it has no list of targets, its returns are stored as a list, or
 * the keys cannot be read (no permission, no answer in time). Without active jobs nothing is requested.
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
    const set = targetSets.get(targets) ?? new Set(targets);
    targetSets.set(targets, set);
    jobs.set(jid, new Returned(set));
  }
  if (jobs.size === 0) return new Map();
  const keys = store.returns.keys([...jobs.keys()], sinceOf(counted), (jid, peel, exists) =>
    jobs.get(jid)?.put(peel, exists),
  );
  const isRead = await inTime(
    store,
    keys.then(() => true),
    undefined,
    COUNT_MS,
  );
  if (!isRead) return new Map();
  return new Map(Array.from(jobs).flatMap(([jid, { count }]) => (count === undefined ? [] : [[jid, count] as const])));
}

/** Jobs are counted again after this many ms. */
const AGAIN_MS = 1_000;
/** Counting takes no more than this part of the time. */
const SHARE = 1 / 10;

/**
 * Counts again and again. What cannot be counted now keeps its last count.
 * @param rows the jobs of that moment
 * @returns what ends that
 */
export function keepCounting(
  session: { readonly store: Store },
  rows: () => readonly JobRow[],
  counted: (counts: ReturnCounts) => void,
  againMs = AGAIN_MS,
): () => void {
  let timer: ReturnType<typeof setTimeout>;
  let isOver = false;
  const look = async () => {
    const began = Date.now();
    // A lost connection is reported elsewhere.
    const counts = await countReturns(session.store, rows()).catch(() => undefined);
    if (isOver) return;
    if (counts && counts.size > 0) counted(counts);
    timer = setTimeout(look, Math.max(againMs, (Date.now() - began) / SHARE));
  };
  timer = setTimeout(look, againMs);
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
