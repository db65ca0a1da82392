// One job as it changes: record, returns, events, and the heartbeats and queues around it.
import type { ValueMap } from "../codec/value.ts";
import { jobRow } from "../model/job.ts";
import type { Return } from "../model/returns.ts";
import { type JobEvent, type JobSurroundings, Steps, storyOf } from "../model/story.ts";
import { type MasterSign, stuckOf } from "../model/stuck.ts";
import type { LiveStore } from "../store.ts";
import { untilTerminal } from "./ends.ts";
import { followEvents, followReturns } from "./events.ts";
import { masterSigns } from "./heartbeats.ts";
import { jobSurroundings, type Reading } from "./story.ts";
import { type Rhythm, repeat } from "./turns.ts";

const LIVE_RHYTHM: Rhythm = { pauseMs: 1_500, share: 1 / 10 };
/** Each check reads the heartbeat of the master; every third also those of silent peels, and the queues. */
const ALL_EVERY = 3;

export class LiveJob {
  readonly #returns = new Map<string, Return>();
  #steps: Steps;
  #signs: ReadonlyMap<string, MasterSign> = new Map();
  #around: Omit<JobSurroundings, "nowNs"> = {};

  /** Peels with news, in order; the view that shows them empties it. */
  readonly touched = new Set<string>();
  /** True when all that was stored at the start has been read. */
  caughtUp = false;

  /** @param job its newest record */
  constructor(
    readonly jid: string,
    public job: ValueMap,
    readonly changed: () => void,
  ) {
    this.#steps = new Steps(job);
  }

  reading(nowNs: bigint): Reading {
    const { jid, job } = this;
    const row = jobRow(jid, job);
    const sign = this.#signs.get(row.owner ?? "");
    const story = storyOf(jid, job, [...this.#returns.values()], this.#steps, { ...this.#around, nowNs });
    return { row, job, story, stuck: stuckOf(row, nowNs, sign), sign, nowNs };
  }

  /**
   * Follows the job until it ends. After a failure it can be called again, with another store.
   * @param working called when all that was stored has been read
   * @param left stops it earlier; then this never settles
   * @returns the terminal record
   * @throws as untilTerminal
   */
  async follow(store: LiveStore, working: () => void, left?: AbortSignal): Promise<ValueMap> {
    const { jid } = this;
    const over = new AbortController();
    const stop = left ? AbortSignal.any([over.signal, left]) : over.signal;
    const returns = Promise.withResolvers<void>();
    const events = Promise.withResolvers<void>();
    // After a lost connection all events arrive again: these steps replace the former ones when they are complete.
    const steps = new Steps(this.job);
    const onReturn = (item: Return) => {
      this.#returns.set(item.peel, item);
      this.#touch(item.peel);
    };
    const onEvent = (event: JobEvent) => {
      if (steps.add(event) && event.peel !== undefined) this.#touch(event.peel);
      else this.changed();
    };
    const onRecord = (newest: ValueMap) => {
      this.job = newest;
      this.changed();
    };
    const looking = Promise.all([returns.promise, events.promise]).then(() => {
      this.#steps = steps;
      this.caughtUp = true;
      working();
      this.changed();
      return this.#lookAgain(store, stop);
    });
    const record = untilTerminal(store, jid, { onRecord, stop: left }).finally(() => over.abort());
    const following = Promise.all([
      record,
      followReturns(store, jid, onReturn, { stop, caughtUp: returns.resolve }),
      followEvents(store, jid, onEvent, { stop, caughtUp: events.resolve }),
    ]);
    const failure = looking.then(() => following);
    try {
      const [last] = await Promise.race([following, failure]);
      return last;
    } finally {
      over.abort();
    }
  }

  #touch(peel: string): void {
    this.touched.add(peel);
    this.changed();
  }

  async #lookAgain(store: LiveStore, stop: AbortSignal): Promise<void> {
    let nth = 0;
    const look = async () => {
      await this.#look(store, nth++ % ALL_EVERY === 0);
      if (!stop.aborted) this.changed();
    };
    await look();
    await repeat(LIVE_RHYTHM, stop, look);
  }

  async #look(store: LiveStore, all: boolean): Promise<void> {
    const { owner } = jobRow(this.jid, this.job);
    const owners = owner ? [owner] : [];
    if (!all) {
      this.#signs = await masterSigns(store, owners);
      return;
    }
    const { story } = this.reading(store.nowNs());
    const { around, sign } = await jobSurroundings(store, this.jid, this.job, story, this.#steps);
    this.#around = { offline: around.offline, behind: around.behind };
    this.#signs = new Map(owners.map((owner) => [owner, sign]));
  }
}
