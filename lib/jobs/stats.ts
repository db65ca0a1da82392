// The returns of many jobs, counted for each peel, and the peels that could have run any.
import { Unavailable } from "../errors.ts";
import { isTerminal, jidsOf } from "../model/job.ts";
import type { PeelState } from "../model/peel-state.ts";
import { RETURN_FIELDS, stateOfReturn } from "../model/returns.ts";
import { jobSlice, type PeelStats, PeelTally } from "../model/stats.ts";
import type { Span } from "../model/trend.ts";
import type { Store } from "../store.ts";
import { UnheardPeels } from "./given-up.ts";
import type { Progress, Read } from "./read-jobs.ts";
import { readReturnsAcross } from "./read-returns.ts";

/** The slice of a job that falls into none. */
const NO_SLICE = -1;

export interface PeelOptions {
  /** Results are told apart by their function as well. */
  readonly byFunction: boolean;
  readonly warn: (text: string) => void;
  readonly progress?: Progress | undefined;
}

/**
 * What each peel made of the jobs.
 * @param read the jobs, oldest first
 * @throws NoBucket, Unavailable, and Transient when the answer can't be made whole
 */
export async function readPeelStats(
  store: Store,
  { jobs, sinceNs }: Pick<Read, "jobs" | "sinceNs">,
  span: Span,
  { byFunction, warn, progress }: PeelOptions,
): Promise<PeelStats[]> {
  const tallies = new Map<string, PeelTally>();
  const keyOf = (peel: string, fn: string | undefined) => (byFunction ? `${peel}\0${fn}` : peel);
  const tallyOf = (peel: string, fn: string | undefined) => {
    const key = keyOf(peel, fn);
    let tally = tallies.get(key);
    if (!tally) {
      tally = new PeelTally(peel, byFunction ? fn : undefined, span.slices);
      tallies.set(key, tally);
    }
    return tally;
  };
  // What is asked of a job for each of its returns.
  const readable = new Uint8Array(jobs.length);
  const ended = new Uint8Array(jobs.length);
  const slices = new Int32Array(jobs.length).fill(NO_SLICE);
  /** Jobs whose targets are not known: any peel may be one. */
  const open = new Uint8Array(jobs.length);
  for (let place = 0; place < jobs.length; place++) {
    const { row } = jobs.at(place);
    if (row.unreadable !== undefined) continue;
    readable[place] = 1;
    const hasEnded = isTerminal(row.status);
    ended[place] = Number(hasEnded);
    const slice = jobSlice(span, row);
    slices[place] = slice ?? NO_SLICE;
    open[place] = Number(row.targets === undefined);
    for (const peel of row.targets ?? []) tallyOf(peel, row.fn).target(place, hasEnded, slice);
  }
  const add = (place: number, peel: string, state: PeelState, took: bigint | undefined) => {
    const fn = byFunction ? jobs.at(place).row.fn : undefined;
    // What a peel returned that is no target counts nowhere.
    const tally = open[place] === 1 ? tallyOf(peel, fn) : tallies.get(keyOf(peel, fn));
    if (!tally || (open[place] === 0 && !tally.isTarget(place))) return;
    const slice = slices[place] as number;
    tally.add(place, state, took, ended[place] === 1, slice === NO_SLICE ? undefined : slice);
  };
  const unheard = new UnheardPeels(jobs);
  await readReturnsAcross(
    store,
    { jids: jidsOf(jobs), sinceNs },
    (item, place) => {
      if (readable[place] === 1 && unheard.take(place, item)) add(place, item.peel, stateOfReturn(item), item.duration);
    },
    { fields: RETURN_FIELDS, warn, progress },
  );
  const { heard, note } = await unheard.read(store, RETURN_FIELDS);
  if (note !== undefined) warn(note);
  for (const { place, peel, tookNs, returned } of heard) add(place, peel, stateOfReturn(returned), tookNs);
  return Array.from(tallies.values(), (tally) => ({
    tally,
    lastRun: tally.lastPlace === undefined ? undefined : jobs.at(tally.lastPlace).row.created,
  }));
}

/** The peels that give heartbeats; none, and what to say, where that can't be known. */
export async function alivePeels(store: Store): Promise<{ peels: readonly string[]; note: string | undefined }> {
  try {
    return { peels: await store.alive("peels"), note: undefined };
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return { peels: [], note: `${error.message} Peels that no job targeted are left out.` };
  }
}
