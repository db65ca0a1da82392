// Peels that have no return of their own in the bucket: what they sent all the same, as the events of many jobs tell. A master
// gives peels up whose return it missed, or that return later, and then the return is in the events alone (wire.md, 3).
import { mapOf, type ValueMap } from "../codec/value.ts";
import { Unavailable } from "../errors.ts";
import { isTerminal, type JobRow } from "../model/job.ts";
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
const MOST = { portions: 2_000, each: 50 } as const;

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
 * @returns and what to say, where not all could be read
 */
export async function readUnheard(
  store: Store,
  all: readonly Unheard[],
  fields: readonly string[],
): Promise<{ stories: (PeelStory | undefined)[]; note: string | undefined }> {
  // One peel takes one consumer, however many its jobs are.
  const several = all.some(({ peel }) => peel !== all[0]?.peel);
  const most = !several ? all.length : store.readsManyAtOnce ? MOST.portions : MOST.each;
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
    return { stories: [], note: `${error.message} Whether peels that were given up returned is not known.` };
  }
  const nowNs = store.nowNs();
  const told = read.map(({ row, peel, stored }, i): PeelStory | undefined => {
    const own = steps.get(keyOf(places[i] as PeelOfJob)) as Steps;
    const [story] = storyOf(row.jid, recordOf(row, peel), stored ? [stored] : [], own, { nowNs }).peels;
    // Of a job that has ended, what the bucket lacks came after the end.
    const isLate = story?.returned !== undefined && !stored && isTerminal(row.status);
    return isLate ? { ...story, state: "late", afterEnd: true } : story;
  });
  const note =
    left > 0 ? `whether ${count(left)} more peels that were given up returned was not looked up.` : undefined;
  return { stories: [...Array<undefined>(left).fill(undefined), ...told], note };
}
