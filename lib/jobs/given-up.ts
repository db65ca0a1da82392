// Peels that have no return of their own in the bucket: what they sent all the same, as the events of many jobs tell. A master
// gives peels up whose return it missed, or that return later, and then the return is in the events alone (wire.md, 3). So are
// the returns of a job that its master stopped watching early.
import { mapOf, type ValueMap } from "../codec/value.ts";
import { Unavailable } from "../errors.ts";
import { isTerminal, type JobList, type JobRow, stoppedWatchingNs } from "../model/job.ts";
import type { Return } from "../model/returns.ts";
import { type PeelStory, Steps, storyOf } from "../model/story.ts";
import type { PeelOfJob, Store, StoredEvent } from "../store.ts";
import { count } from "../text.ts";
import { eventOf } from "./events.ts";
import { wholeRecords } from "./lookup.ts";

/** A peel of a job whose events are looked up. */
export interface Unheard {
  readonly row: JobRow;
  readonly peel: string;
  /** What the bucket has of it: what a master wrote when it gave the peel up. */
  readonly stored?: Return | undefined;
}

/** So many peels of jobs are looked up, the last ones; before nats-server 2.10 each takes a consumer of its own. */
const MOST_LOOK_UPS = { portions: 2_000, each: 50 } as const;

/** What a story is made of, as a row has it. */
const recordOf = ({ targets, status, owner }: JobRow, peel: string): ValueMap =>
  mapOf([
    ["targets", targets && [peel]],
    ["status", status],
    ["owner", owner],
  ]);

/**
 * Their stories, in the order in which they came; undefined for those that were not looked up.
 * @param fields what is needed of the returns
 * @param older how many more there are before them
 * @returns and what to say, where not all could be read
 */
export async function readUnheard(
  store: Store,
  all: readonly Unheard[],
  fields: readonly string[],
  older = 0,
): Promise<{ stories: (PeelStory | undefined)[]; note: string | undefined }> {
  // One peel takes one consumer, however many its jobs are.
  const several = all.some(({ peel }) => peel !== all[0]?.peel);
  const most = !several ? all.length : store.readsManyAtOnce ? MOST_LOOK_UPS.portions : MOST_LOOK_UPS.each;
  const left = Math.max(0, all.length - most);
  const read = all.slice(left);
  const reader = wholeRecords(["peel_id", ...fields]);
  const steps = new Map<string, Steps>();
  const keyOf = ({ jid, peel }: PeelOfJob) => `${jid}.${peel}`;
  const places = read.map(({ row, peel }): PeelOfJob => ({ jid: row.jid, peel }));
  const begin = () => {
    for (const [i, { row, peel }] of read.entries())
      steps.set(keyOf(places[i] as PeelOfJob), new Steps(recordOf(row, peel)));
  };
  const onEvent = (place: PeelOfJob, event: StoredEvent) => void steps.get(keyOf(place))?.add(eventOf(event, reader));
  begin();
  try {
    if (read.length > 0) await store.eventsOfPeels(places, onEvent, begin);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return { stories: [], note: `${error.message} Cannot tell whether more peels returned.` };
  }
  const nowNs = store.nowNs();
  const told = read.map(({ row, peel, stored }, i): PeelStory | undefined => {
    const own = steps.get(keyOf(places[i] as PeelOfJob)) as Steps;
    const [story] = storyOf(row.jid, recordOf(row, peel), stored ? [stored] : [], own, { nowNs }).peels;
    // Of a job that has ended, what the bucket lacks came after the end, and after the cancel signal where there was one.
    if (story?.returned?.unreachable !== false || stored || !isTerminal(row.status)) return story;
    const sinceCancel = story.returned.ok ? "finished" : "stopped";
    return { ...story, state: "late", afterEnd: true, ...(row.status === "canceled" && { sinceCancel }) };
  });
  const unread = left + older;
  const note =
    unread > 0
      ? `cannot tell whether ${count(unread)} more peels returned: only the newest ${count(most)} were looked up.`
      : undefined;
  return { stories: [...Array<undefined>(left).fill(undefined), ...told], note };
}

/** What is known of a peel without a return of its own in the bucket. */
export interface Heard {
  /** The place of the job among those that are read. */
  readonly place: number;
  readonly peel: string;
  readonly tookNs: bigint | undefined;
  /** What it returned all the same; what a master wrote when it gave the peel up. */
  readonly returned: Return;
}

/** While the returns of many jobs are read: the peels that have none of their own. */
export class UnheardPeels {
  readonly #givenUp: { readonly place: number; readonly peel: string; readonly stored: Return }[] = [];
  /** The peels that returned from jobs that were not watched until the end, by the places of these, ascending. */
  readonly #returned = new Map<number, Set<string>>();

  constructor(readonly jobs: JobList) {
    for (let place = 0; place < jobs.length; place++)
      if (stoppedWatchingNs(jobs.at(place).row) !== undefined) this.#returned.set(place, new Set());
  }

  /** Takes a return out of the bucket. @returns true when it counts as it is; `read` has the others */
  take(place: number, item: Return): boolean {
    this.#returned.get(place)?.add(item.peel);
    if (item.unreachable) this.#givenUp.push({ place, peel: item.peel, stored: item });
    return !item.unreachable;
  }

  /** Looks them up. @returns those that returned all the same or were given up, and what to say, as `readUnheard` */
  async read(store: Store, fields: readonly string[]): Promise<{ heard: Heard[]; note: string | undefined }> {
    const unheard: { readonly place: number; readonly peel: string; readonly stored?: Return }[] = [...this.#givenUp];
    let older = 0;
    // Of those that are never looked up only their number is needed.
    let room = MOST_LOOK_UPS.portions;
    for (const [place, returned] of [...this.#returned].reverse()) {
      const silent = new Set(this.jobs.at(place).row.targets).difference(returned);
      if (room > 0) for (const peel of silent) unheard.push({ place, peel });
      else older += silent.size;
      room -= silent.size;
    }
    unheard.sort((a, b) => a.place - b.place);
    const all = unheard.map(({ place, ...peel }) => ({ row: this.jobs.at(place).row, ...peel }));
    const { stories, note } = await readUnheard(store, all, fields, older);
    const heard = unheard.flatMap(({ place, peel, stored }, i): Heard | [] => {
      const { tookNs, returned = stored } = stories[i] ?? {};
      return returned ? { place, peel, tookNs, returned } : [];
    });
    return { heard, note };
  }
}
