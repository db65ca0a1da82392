// The returns of many jobs, counted for each peel, and the peels that could have run any.
import { isTerminal, type JobRow } from "../model/job.ts";
import type { JobList } from "../model/job-list.ts";
import { RETURN_FIELDS, stateOfReturn } from "../model/returns.ts";
import { jobSlice, type PeelStats, PeelTally } from "../model/stats.ts";
import type { Span } from "../model/trend.ts";
import { PermissionDenied } from "../nats/connection.ts";
import { NoBucket, type Store } from "../nats/store.ts";
import type { Progress } from "./read-jobs.ts";
import { readReturnsAcross } from "./read-returns.ts";

/** How far the clock that stamped a job may be ahead of the server's, in ns. */
const MARGIN_NS = 120_000_000_000n;

/** The slice of a job that falls into none. */
const NONE = -1;

export interface PeelOptions {
  /** Results are told apart by their function as well. */
  readonly byFunction: boolean;
  readonly warn: (text: string) => void;
  readonly progress?: Progress | undefined;
}

/**
 * What each peel made of the jobs.
 * @param jobs oldest first
 * @throws NoBucket, PermissionDenied, and Transient when the answer can't be made whole
 */
export async function readPeelStats(
  store: Store,
  jobs: JobList,
  span: Span,
  { byFunction, warn, progress }: PeelOptions,
): Promise<PeelStats[]> {
  const tallies = new Map<string, PeelTally>();
  const tallyOf = (peel: string, fn: string | undefined) => {
    const key = byFunction ? `${peel}\0${fn}` : peel;
    let tally = tallies.get(key);
    if (!tally) {
      tally = new PeelTally(peel, byFunction ? fn : undefined, span.slices);
      tallies.set(key, tally);
    }
    return tally;
  };
  const places = new Map<string, number>();
  // What is asked of a job for each of its returns.
  const ended = new Uint8Array(jobs.length);
  const slices = new Int32Array(jobs.length).fill(NONE);
  let oldestNs: bigint | undefined;
  for (let place = 0; place < jobs.length; place++) {
    const { row } = jobs.at(place);
    if (row.unreadable !== undefined) continue;
    places.set(row.jid, place);
    oldestNs ??= row.created?.ns;
    const hasEnded = isTerminal(row.status);
    ended[place] = Number(hasEnded);
    slices[place] = jobSlice(span, row) ?? NONE;
    for (const peel of row.targets ?? []) tallyOf(peel, row.fn).target(place, hasEnded);
  }
  // Jobs without a time come first, and nothing is known of when their returns were stored.
  const first = places.size > 0 ? jobs.at(places.values().next().value as number).row.created : undefined;
  const sinceNs = first && oldestNs !== undefined ? oldestNs - MARGIN_NS : undefined;
  await readReturnsAcross(
    store,
    { jids: new Set(places.keys()), sinceNs },
    (jid, item) => {
      const place = places.get(jid);
      if (place === undefined) return;
      const took = item.unreachable ? undefined : item.duration;
      const slice = slices[place] as number;
      const tally = tallyOf(item.peel, byFunction ? jobs.at(place).row.fn : undefined);
      tally.add(place, stateOfReturn(item), took, ended[place] === 1, slice === NONE ? undefined : slice);
    },
    { fields: RETURN_FIELDS, warn, progress },
  );
  return Array.from(tallies.values(), (tally) => ({
    tally,
    lastRun: tally.lastPlace === undefined ? undefined : jobs.at(tally.lastPlace).row.created,
  }));
}

/** Takes note of the peels that jobs are meant for. */
export class SeenPeels {
  readonly ids = new Set<string>();
  readonly #lists = new WeakSet<readonly string[]>();

  see({ targets }: JobRow): void {
    // Jobs that target the same peels share their list.
    if (!targets || this.#lists.has(targets)) return;
    this.#lists.add(targets);
    for (const peel of targets) this.ids.add(peel);
  }
}

/** The peels that give heartbeats; none, and what to say, where that can't be known. */
export async function alivePeels(store: Store): Promise<{ peels: readonly string[]; note: string | undefined }> {
  try {
    return { peels: await store.alivePeels(), note: undefined };
  } catch (error) {
    if (!(error instanceof NoBucket || error instanceof PermissionDenied)) throw error;
    return { peels: [], note: `${error.message} Peels that no job was meant for are left out.` };
  }
}
