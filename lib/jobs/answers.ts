// What peels return after a cancel signal. Their job has ended by then, so only the events have these returns.
import { insteadOf, Transient, UserError } from "../errors.ts";
import { mayAnswer } from "../model/kill.ts";
import type { LiveStore, Store } from "../store.ts";
import type { ReturnReader } from "./lookup.ts";
import { type Reading, readStory } from "./story.ts";
import { type Rhythm, repeat, STORIES_AT_ONCE, turns } from "./turns.ts";

const LOOK: Rhythm = { pauseMs: 250, share: 1 / 2 };

interface AnswersTold {
  /** Receives the last story of a job: its peels have answered, or the time has passed. */
  settled(reading: Reading): void;
  /** Receives each newer story. */
  seen?(reading: Reading): void;
  /** As in readStory, one per story. */
  reader?(): ReturnReader | undefined;
}

/** Jobs that have ended, until their peels have answered the cancel signal. */
export class Answers {
  readonly #open = new Map<string, Reading>();

  constructor(readonly told: AnswersTold) {}

  add(reading: Reading): void {
    if (mayAnswer(reading, reading.nowNs)) this.#open.set(reading.row.jid, reading);
    else this.told.settled(reading);
  }

  /** Checks until no job is left, or `stop`. @throws Transient when the connection is lost */
  async all(store: Store, stop?: AbortSignal): Promise<void> {
    if (this.#open.size === 0) return;
    const done = new AbortController();
    const look = async () => {
      await this.#look(store);
      if (this.#open.size === 0) done.abort();
    };
    await repeat(LOOK, stop ? AbortSignal.any([done.signal, stop]) : done.signal, look);
  }

  /** Checks until `stop`. A lost connection is reported elsewhere. */
  until(stop: AbortSignal, storeNow: () => Store): Promise<void> {
    return repeat(LOOK, stop, () => this.#look(storeNow()).catch(insteadOf(Transient, undefined)));
  }

  /** Settles all jobs with their last stories. */
  close(): void {
    for (const reading of this.#open.values()) this.#settle(reading);
  }

  async #look(store: Store): Promise<void> {
    const inTurn = turns(STORIES_AT_ONCE);
    await Promise.all([...this.#open.values()].map((reading) => inTurn(() => this.#lookAt(store, reading))));
  }

  async #lookAt(store: Store, before: Reading): Promise<void> {
    const { row, job } = before;
    try {
      const now = await readStory(store, row.jid, job, () => {}, this.told.reader?.());
      this.told.seen?.(now);
      if (mayAnswer(now, now.nowNs)) this.#open.set(row.jid, now);
      else this.#settle(now);
    } catch (error) {
      if (error instanceof Transient || !(error instanceof UserError)) throw error;
      this.#settle(before);
    }
  }

  #settle(reading: Reading): void {
    if (this.#open.delete(reading.row.jid)) this.told.settled(reading);
  }
}

/**
 * @param reading of a job that has ended
 * @returns its last story: its peels have answered the cancel signal, if there was one, or the time has passed, or `stop`
 * @throws Transient when the connection is lost
 */
export async function untilAnswered(
  store: LiveStore,
  reading: Reading,
  { stop, ...told }: Omit<AnswersTold, "settled"> & { readonly stop?: AbortSignal } = {},
): Promise<Reading> {
  const last = Promise.withResolvers<Reading>();
  const answers = new Answers({ ...told, settled: last.resolve });
  answers.add(reading);
  await answers.all(store, stop);
  answers.close();
  return last.promise;
}
