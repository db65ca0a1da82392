// One job as it goes on: its record, returns and events as they come, and what surrounds it, looked at again and again.
import type { ValueMap } from "../codec/value.ts";
import { type JobRow, jobRow } from "../model/job.ts";
import type { Return } from "../model/returns.ts";
import { type JobEvent, type JobSurroundings, Steps, type Story, storyOf } from "../model/story.ts";
import { type MasterSign, type Stuck, stuckOf } from "../model/stuck.ts";
import type { LiveStore } from "../store.ts";
import { untilTerminal } from "./ends.ts";
import { followEvents } from "./events.ts";
import { followReturns } from "./follow.ts";
import { masterSigns } from "./heartbeats.ts";
import { jobSurroundings } from "./story.ts";
import { type Rhythm, repeat } from "./turns.ts";

/** When the surroundings are looked at again. */
const LOOK: Rhythm = { pauseMs: 1_500, share: 1 / 10 };
/** The heartbeat of the master is looked at each time, which is one request; those of silent peels and the queues each third. */
const ALL_EVERY = 3;

/** A job at one moment. */
export interface Sight {
  readonly row: JobRow;
  readonly job: ValueMap;
  readonly story: Story;
  readonly stuck: Stuck | undefined;
  /** What is known of its master. */
  readonly sign: MasterSign;
  /** The server's clock, in ns since 1970. */
  readonly nowNs: bigint;
}

export class LiveJob {
  readonly #returns = new Map<string, Return>();
  #steps: Steps;
  #signs: ReadonlyMap<string, MasterSign> = new Map();
  #around: Omit<JobSurroundings, "nowNs"> = {};

  /** Peels that something came about, in that order, until it is emptied. */
  readonly touched = new Set<string>();
  /** What was stored before has been read. */
  caughtUp = false;

  constructor(
    readonly jid: string,
    /** Its newest record. */
    public job: ValueMap,
    /** Told that something changed. */
    readonly changed: () => void,
  ) {
    this.#steps = new Steps(job);
  }

  /** The job as it is now. @param nowNs the server's clock */
  sight(nowNs: bigint): Sight {
    const { jid, job } = this;
    const row = jobRow(jid, job);
    const sign = this.#signs.get(row.owner ?? "");
    const story = storyOf(jid, job, [...this.#returns.values()], this.#steps, { ...this.#around, nowNs });
    return { row, job, story, stuck: stuckOf(row, nowNs, sign), sign, nowNs };
  }

  /**
   * Follows the job until it has ended. After a failure it can be called again, with another store.
   * @param working called when all that was stored before has been read
   * @param left ends it before: then this never settles
   * @returns the terminal record
   * @throws as untilTerminal
   */
  async follow(store: LiveStore, working: () => void, left?: AbortSignal): Promise<ValueMap> {
    const { jid } = this;
    const over = new AbortController();
    const stop = over.signal;
    left?.addEventListener("abort", () => over.abort());
    const returns = Promise.withResolvers<void>();
    const events = Promise.withResolvers<void>();
    // Those that come again after a lost connection take the place of the former when they are complete.
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
    const record = untilTerminal(store, jid, { onRecord, stop: left }).finally(() => over.abort());
    const failure = Promise.withResolvers<never>();
    Promise.all([returns.promise, events.promise])
      .then(() => {
        this.#steps = steps;
        this.caughtUp = true;
        working();
        this.changed();
        return this.#lookAgain(store, stop);
      })
      .catch(failure.reject);
    const following = Promise.all([
      record,
      followReturns(store, jid, onReturn, { stop, caughtUp: returns.resolve }),
      followEvents(store, jid, onEvent, { stop, caughtUp: events.resolve }),
    ]);
    try {
      const [last] = await Promise.race([following, failure.promise]);
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
    await repeat(LOOK, stop, look);
  }

  async #look(store: LiveStore, all: boolean): Promise<void> {
    const { owner } = jobRow(this.jid, this.job);
    const owners = owner ? [owner] : [];
    if (!all) {
      this.#signs = await masterSigns(store, owners);
      return;
    }
    const { story } = this.sight(store.nowNs());
    const { around, sign } = await jobSurroundings(store, this.jid, this.job, story, this.#steps);
    this.#around = { offline: around.offline, behind: around.behind };
    this.#signs = new Map(owners.map((owner) => [owner, sign]));
  }
}
