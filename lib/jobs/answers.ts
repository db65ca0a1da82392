// The returns of peels of canceled jobs: a peel that aborts returns after its job has ended.
import { insteadOf, Transient, UserError } from "../errors.ts";
import type { Ending } from "../model/job-end.ts";
import { mayAnswer } from "../model/kill.ts";
import type { Store } from "../store.ts";
import { readStory } from "./story.ts";
import { type Rhythm, repeat, turns } from "./turns.ts";

/** How long peels are waited for after the end of their job. */
const ANSWER_MS = 10_000;
const LOOK: Rhythm = { pauseMs: 250, share: 1 / 2 };
/** Jobs that are read at a time. */
const AT_ONCE = 8;

/** Canceled jobs, until all of their peels have returned or the time is over. */
export class Answers {
  readonly #open = new Map<string, { ending: Ending; untilMs: number }>();

  /** @param settled gets the last story of a job */
  constructor(readonly settled: (ending: Ending) => void) {}

  /** @param ending of a job that has ended */
  add(ending: Ending): void {
    if (mayAnswer(ending)) this.#open.set(ending.row.jid, { ending, untilMs: Date.now() + ANSWER_MS });
    else this.settled(ending);
  }

  /** Looks until no job is left. @throws Transient when the connection is lost */
  async all(store: Store): Promise<void> {
    const done = new AbortController();
    const look = async () => {
      await this.#look(store);
      if (this.#open.size === 0) done.abort();
    };
    await look();
    await repeat(LOOK, done.signal, look);
  }

  /** Looks until `stop`. A lost connection is reported elsewhere. */
  until(stop: AbortSignal, storeNow: () => Store): Promise<void> {
    return repeat(LOOK, stop, () => this.#look(storeNow()).catch(insteadOf(Transient, undefined)));
  }

  /** Settles all jobs with what is known. */
  close(): void {
    for (const [jid, { ending }] of this.#open) this.#settle(jid, ending);
  }

  async #look(store: Store): Promise<void> {
    const inTurn = turns(AT_ONCE);
    await Promise.all([...this.#open.keys()].map((jid) => inTurn(() => this.#lookAt(store, jid))));
  }

  async #lookAt(store: Store, jid: string): Promise<void> {
    const job = this.#open.get(jid);
    if (!job) return;
    const isLast = Date.now() >= job.untilMs;
    try {
      const now = await readStory(store, jid, job.ending.job, () => {});
      if (mayAnswer(now) && !isLast) job.ending = now;
      else this.#settle(jid, now);
    } catch (error) {
      if (error instanceof Transient || !(error instanceof UserError)) throw error;
      this.#settle(jid, job.ending);
    }
  }

  #settle(jid: string, ending: Ending): void {
    if (this.#open.delete(jid)) this.settled(ending);
  }
}
