// What peels return after a cancel signal. Their job has ended by then, so only the events have these returns.
import { Transient, UserError } from "../errors.ts";
import { mayAnswer } from "../model/kill.ts";
import type { Store } from "../store.ts";
import type { ReturnReader } from "./lookup.ts";
import { type Reading, readStory } from "./story.ts";
import { type Rhythm, repeat } from "./turns.ts";

const LOOK: Rhythm = { pauseMs: 250, share: 1 / 2 };

interface Answering {
  /** Receives each newer story. */
  seen?(reading: Reading): void;
  /** As in readStory, one per story. */
  reader?(): ReturnReader | undefined;
  /** Runs the reads of several jobs. */
  inTurn?<T>(work: () => Promise<T>): Promise<T>;
  readonly stop?: AbortSignal;
}

/**
 * @param reading of a job that has ended
 * @returns its last story: its peels have answered the cancel signal, if there was one, or the time has passed, or `stop`
 * @throws Transient when the connection is lost
 */
export async function untilAnswered(
  store: Store,
  reading: Reading,
  { seen = () => {}, reader = () => undefined, inTurn = (work) => work(), stop }: Answering = {},
): Promise<Reading> {
  const { row, job } = reading;
  let last = reading;
  const done = new AbortController();
  const look = async () => {
    try {
      last = await inTurn(() => readStory(store, row.jid, job, () => {}, reader()));
      seen(last);
    } catch (error) {
      if (error instanceof Transient || !(error instanceof UserError)) throw error;
      return done.abort(); // the story before is the last one
    }
    if (!mayAnswer(last, last.nowNs)) done.abort();
  };
  const over = stop ? AbortSignal.any([done.signal, stop]) : done.signal;
  if (mayAnswer(last, last.nowNs)) await repeat(LOOK, over, look);
  return last;
}
