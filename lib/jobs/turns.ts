// When and how long work runs: in portions and at intervals that do not overload the server, within a time limit.
import { setTimeout as sleep } from "node:timers/promises";

/** Stories of jobs that a command reads at a time. */
export const STORIES_AT_ONCE = 8;

/** Runs pieces of work, at most `most` at a time. */
export function turns(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = most;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((begin) => waiting.push(begin));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}

/** The result of `work`, or of `late` when it takes longer than `ms`. It is not stopped. */
export async function unlessLate<T>(ms: number, work: Promise<T>, late: () => T | Promise<T>): Promise<T> {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, ms);
  return Promise.race([work, over.promise.then(late)]).finally(() => clearTimeout(timer));
}

/** The pause between two checks, in ms; checks take at most this share of the time. */
export interface Rhythm {
  readonly pauseMs: number;
  readonly share: number;
}

/** Checks until `stop`, first after a pause. */
export async function repeat({ pauseMs, share }: Rhythm, stop: AbortSignal, look: () => Promise<void>): Promise<void> {
  for (let tookMs = 0; ; ) {
    await sleep(Math.max(pauseMs, tookMs / share), undefined, { signal: stop }).catch(() => {});
    if (stop.aborted) return;
    const began = Date.now();
    await look();
    tookMs = Date.now() - began;
  }
}

/**
 * Checks until the returned function is called. A check that fails is skipped: a lost connection is reported elsewhere.
 * @param found receives the result of a check, unless it was stopped
 */
export function keepLooking<T>(rhythm: Rhythm, look: () => Promise<T>, found: (result: T) => void): () => void {
  const over = new AbortController();
  const once = async () => {
    const result = await look();
    if (!over.signal.aborted) found(result);
  };
  void repeat(rhythm, over.signal, () => once().catch(() => {}));
  return () => over.abort();
}
