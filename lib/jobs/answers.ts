// What the peels of canceled jobs answer: a peel that aborts returns, but later than its job ends.
import { insteadOf, Transient, UserError } from "../errors.ts";
import type { Ending } from "../model/job-end.ts";
import { mayAnswer } from "../model/kill.ts";
import type { Store } from "../store.ts";
import { readStory } from "./story.ts";
import { type Rhythm, repeat, turns } from "./turns.ts";

/** How long after its end, in ms, a job's peels are waited for. */
const ANSWER_MS = 10_000;
/** Often, since it is for a short time: what is told is as old as the last look. */
const ANSWER_RHYTHM: Rhythm = { pauseMs: 250, share: 1 / 2 };
/** Jobs that are looked at at a time. */
const AT_ONCE = 8;

/** Jobs that were canceled, until each of their peels has answered, or for as long as that is waited for. */
export class Answers {
  readonly #open = new Map<string, { ending: Ending; untilMs: number }>();

  /** @param settled gets a job with what is known of its peels in the end */
  constructor(readonly settled: (ending: Ending) => void) {}

  /** Takes a job that has ended. */
  add(ending: Ending): void {
    if (mayAnswer(ending)) this.#open.set(ending.row.jid, { ending, untilMs: Date.now() + ANSWER_MS });
    else this.settled(ending);
  }

  /** Looks at the jobs once. @throws Transient when the connection is lost */
  async #look(store: Store): Promise<void> {
    const inTurn = turns(AT_ONCE);
    await Promise.all([...this.#open.keys()].map((jid) => inTurn(() => this.#lookAt(store, jid))));
  }

  async #lookAt(store: Store, jid: string): Promise<void> {
    const before = this.#open.get(jid);
    if (!before) return;
    const { ending, untilMs } = before;
    const isLast = Date.now() >= untilMs;
    try {
      const now = await readStory(store, jid, ending.job, () => {});
      if (mayAnswer(now) && !isLast) before.ending = now;
      else this.#settle(jid, now);
    } catch (error) {
      if (error instanceof Transient || !(error instanceof UserError)) throw error;
      this.#settle(jid, ending);
    }
  }

  #settle(jid: string, ending: Ending): void {
    if (this.#open.delete(jid)) this.settled(ending);
  }

  /** Looks again and again until no job is left. @throws Transient when the connection is lost */
  async all(store: Store): Promise<void> {
    const done = new AbortController();
    const look = async () => {
      if (this.#open.size > 0) await this.#look(store);
      if (this.#open.size === 0) done.abort();
    };
    await look();
    await repeat(ANSWER_RHYTHM, done.signal, look);
  }

  /** Looks again and again until `stop`. A lost connection is told elsewhere. */
  async until(stop: AbortSignal, storeNow: () => Store): Promise<void> {
    const look = () => this.#look(storeNow()).catch(insteadOf(Transient, undefined));
    await repeat(ANSWER_RHYTHM, stop, look);
  }

  /** What is known now is all that will be. */
  close(): void {
    for (const [jid, { ending }] of this.#open) this.#settle(jid, ending);
  }
}
