// Returns that only the events have. A master gives up a peel whose return it misses, or that returns later (docs/contributing.md,
// "Silence"), and it can stop watching a job early.
import { NumberSet } from "../codec/number-set.ts";
import { mapOf, type ValueMap } from "../codec/value.ts";
import { Unavailable } from "../errors.ts";
import { haveAllReturned, isTerminal, type JobList, type JobRow, jidsOf } from "../model/job.ts";
import type { Return } from "../model/returns.ts";
import { lacksReturns } from "../model/stats.ts";
import { type PeelStory, Steps, storyOf } from "../model/story.ts";
import type { PeelOfJob, Store, StoredEvent } from "../store.ts";
import { count, plural } from "../text.ts";
import { eventOf } from "./events.ts";
import { wholeRecords } from "./lookup.ts";
import type { Read } from "./read-jobs.ts";
import { pairOf, type ReturnsOptions, readReturnsAcross } from "./read-returns.ts";

/** A peel of a job whose events are looked up. */
interface Unheard {
  readonly row: JobRow;
  readonly peel: string;
  /** The return that a master wrote when it gave up the peel. */
  readonly stored?: Return | undefined;
}

/** This many of the last ones are looked up; before nats-server 2.10 each takes a consumer of its own. */
const MOST_LOOK_UPS = { portions: 2_000, each: 50 } as const;

/** The record of a job, as far as a story needs it. */
const recordOf = ({ targets, status, owner }: JobRow, peel: string): ValueMap =>
  mapOf({ targets: targets && [peel], status, owner });

/**
 * @param fields of the returns
 * @param older how many more there are before these
 * @returns the stories in the order of `all`, undefined for those not looked up; and what could not be read
 */
export async function readUnheard(
  store: Store,
  all: readonly Unheard[],
  fields: readonly string[],
  older = 0,
): Promise<{ stories: (PeelStory | undefined)[]; note: string | undefined }> {
  // One peel takes one consumer, whatever the number of its jobs.
  const several = all.some(({ peel }) => peel !== all[0]?.peel);
  const most = !several ? all.length : store.readsManyAtOnce ? MOST_LOOK_UPS.portions : MOST_LOOK_UPS.each;
  const left = Math.max(0, all.length - most);
  const read = all.slice(left);
  const reader = wholeRecords(["peel_id", ...fields]);
  const steps = new Map<string, Steps>();
  const keyOf = ({ jid, peel }: PeelOfJob) => `${jid}.${peel}`;
  const places = read.map(({ row, peel }): PeelOfJob => ({ jid: row.jid, peel }));
  const begin = () => {
    // A return that the bucket lacks arrived after the end of the job, or the master missed it.
    for (const [i, { row, peel }] of read.entries())
      steps.set(keyOf(places[i] as PeelOfJob), new Steps(recordOf(row, peel), isTerminal(row.status)));
  };
  const onEvent = (place: PeelOfJob, event: StoredEvent) => void steps.get(keyOf(place))?.add(eventOf(event, reader));
  begin();
  try {
    if (read.length > 0) await store.eventsOfPeels(places, onEvent, begin);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return { stories: [], note: `${error.message} Cannot tell whether more peels returned late.` };
  }
  const nowNs = store.nowNs();
  const told = read.map(({ row, peel, stored }, i): PeelStory | undefined => {
    const own = steps.get(keyOf(places[i] as PeelOfJob)) as Steps;
    return storyOf(row.jid, recordOf(row, peel), stored ? [stored] : [], own, { nowNs }).peels[0];
  });
  const unread = left + older;
  const note =
    unread > 0
      ? `not checked for late returns: ${plural(unread, "peel")} of older jobs without a return (only the newest ${count(most)} are checked).`
      : undefined;
  return { stories: [...Array<undefined>(left).fill(undefined), ...told], note };
}

/** True for a peel that a job targets, or can target: some jobs have no list. */
export function targetTest(jobs: JobList): (place: number, peel: string) => boolean {
  const known = new WeakMap<readonly string[], ReadonlySet<string>>();
  return (place, peel) => {
    const { targets } = jobs.at(place).row;
    return !targets || known.getOrInsertComputed(targets, () => new Set(targets)).has(peel);
  };
}

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

interface JobReturnsOptions extends ReturnsOptions {
  /** Of the returns in events, which no reader reads. */
  readonly eventFields: readonly string[];
  /**
   * Looks up every peel without a return, and passes on its return from the events. False: only of jobs that failed; and no
   * return of a peel that a cancel signal stopped, which says nothing about the function.
   */
  readonly all?: boolean;
}

/**
 * Passes on the returns of jobs: those of the bucket, in no order, then those that only the events have, by the places of jobs.
 * For a peel that was given up and did not return, passes on what the master wrote.
 * @param onReturn also receives returns of peels that are not targets
 * @param onMissing receives the peels of such jobs that did not return
 * @throws as readReturnsAcross
 */
export async function readJobReturns(
  store: Store,
  { jobs, sinceNs }: Pick<Read, "jobs" | "sinceNs">,
  { eventFields, all: isAll = false, ...options }: JobReturnsOptions,
  onReturn: (item: Return, place: number, tookNs: bigint | undefined) => void,
  onMissing: (peel: string, place: number) => void = () => {},
): Promise<void> {
  const isTarget = targetTest(jobs);
  const unheard: { readonly place: number; readonly peel: string; readonly stored?: Return }[] = [];
  const lacks = isAll ? (row: JobRow) => row.status !== "complete" && !haveAllReturned(row) : lacksReturns;
  /** Jobs of which the bucket lacks returns, by place. */
  const lacking = Uint8Array.from(jobs, ({ row }) => Number(lacks(row)));
  const seen = new SeenTargets();
  const isStored = new Uint8Array(jobs.length);
  const take = (item: Return, place: number) => {
    const { peel } = item;
    isStored[place] = 1;
    if (lacking[place] === 1) seen.add(place, peel);
    if (!item.unreachable) onReturn(item, place, item.duration);
    else if (isTarget(place, peel)) unheard.push({ place, peel, stored: item });
  };
  await readReturnsAcross(store, { jids: jidsOf(jobs), sinceNs }, take, options);
  // The record counts returns, and the bucket has none.
  if (isAll) for (const [place, is] of isStored.entries()) if (is === 0) lacking[place] = 1;
  let older = 0;
  // Further peels are not looked up.
  let room = MOST_LOOK_UPS.portions;
  for (let place = jobs.length - 1; place >= 0; place--)
    for (const peel of (lacking[place] === 1 && jobs.at(place).row.targets) || []) {
      if (!seen.add(place, peel)) continue;
      if (room-- > 0) unheard.push({ place, peel });
      else {
        older++;
        onMissing(peel, place);
      }
    }
  unheard.sort((a, b) => a.place - b.place);
  const all = unheard.map(({ place, ...peel }) => ({ row: jobs.at(place).row, ...peel }));
  const { stories, note } = await readUnheard(store, all, eventFields, older);
  if (note !== undefined) options.warn(note);
  for (const [i, { place, peel, stored }] of unheard.entries()) {
    const { tookNs, sinceCancel, returned = stored } = stories[i] ?? {};
    if (!returned) onMissing(peel, place);
    else if (isAll || sinceCancel !== "stopped") onReturn(returned, place, tookNs);
  }
}
