// Doing the same thing for many jobs without burdening the server.

/** What runs work in turn, so many pieces of it at a time. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

export function turns(most: number): Turns {
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

/** The pause between two looks, in ms, and at most this share of the time is spent on looking. */
export interface Rhythm {
  readonly pauseMs: number;
  readonly share: number;
}

/** Looks again and again until `stop`, the first time after a pause. */
export async function repeat({ pauseMs, share }: Rhythm, stop: AbortSignal, look: () => Promise<void>): Promise<void> {
  for (let tookMs = 0; ; ) {
    await sleep(Math.max(pauseMs, tookMs / share), stop);
    if (stop.aborted) return;
    const began = Date.now();
    await look();
    tookMs = Date.now() - began;
  }
}

/** Resolves after `ms`, or earlier when `stop` says so. */
const sleep = (ms: number, stop: AbortSignal) =>
  new Promise<void>((done) => {
    const end = () => {
      clearTimeout(timer);
      stop.removeEventListener("abort", end);
      done();
    };
    const timer = setTimeout(end, ms);
    stop.addEventListener("abort", end);
    if (stop.aborted) end();
  });
