// Reading every message of a stream after some sequence, whole, while others write to it: rule (2) of scan.ts.
import type { Msg } from "nats";
import type { Connection } from "./connection.ts";
import { type Consumer, type Delivery, deliveryOf, type Sink } from "./consumer.ts";
import { pull } from "./pull.ts";
import { isAtLeader, type Stream, type StreamState } from "./stream.ts";

/** How far a read came, and whether that is proof of having seen everything. */
export interface Reached {
  readonly whole: boolean;
  /** The sequence of the last message that came; 0 for none. */
  readonly last: number;
}

/** Every message after a sequence, in order, with what is missing between them: rule (2). */
class Tail implements Sink {
  #received = 0;
  #last: number;
  #wake = () => {};

  /** True when a sequence did not come, since this was last set to false. */
  gaps = false;

  constructor(
    from: number,
    readonly onMessage: (msg: Msg, delivery: Delivery) => void,
  ) {
    this.#last = from;
  }

  /** The sequence of the last message that came. */
  get last(): number {
    return this.#last;
  }

  get received(): number {
    return this.#received;
  }

  take(msg: Msg): boolean {
    const delivery = deliveryOf(msg);
    if (delivery.streamSequence !== this.#last + 1) this.gaps = true;
    this.#last = delivery.streamSequence;
    this.#received++;
    this.onMessage(msg, delivery);
    this.#wake();
    return true; // each is looked at: one that was lost on the way leaves the same gap as one that was removed
  }

  enough(): boolean {
    return false; // its reader is told by others
  }

  /** Waits until `done`, or until nothing has come for IDLE_MS; true in the first case. */
  async until(done: () => boolean, limit: Limit): Promise<boolean> {
    for (let seen = -1; !done() && seen !== this.#received; limit.check()) {
      seen = this.#received;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, IDLE_MS);
        this.#wake = () => {
          if (!done()) return;
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#wake = () => {};
    return done();
  }
}

/** After so many ms without a message, what was to come is taken for gone: another consumer then tells. */
const IDLE_MS = 1_000;

/**
 * Reads everything after `from`; throws when that can't be made whole in time.
 * @param before the stream as it was before all this
 * @param most nothing is read when more than this lies after `from`
 * @returns false when nothing was read
 */
export async function settle(
  stream: Stream,
  from: number,
  before: StreamState,
  most: number,
  onMessage: (msg: Msg, delivery: Delivery) => void,
  limit: Limit,
): Promise<boolean> {
  for (let last = from; ; limit.check()) {
    const config = { deliver_policy: "by_start_sequence", opt_start_seq: last + 1 } as const;
    const reached = await stream.consume(config, async (consumer) =>
      last === from && consumer.pending > most ? undefined : readTail(stream, consumer, last, before, limit, onMessage),
    );
    if (!reached || reached.whole) return reached !== undefined;
    last = Math.max(last, reached.last);
  }
}

/** How long a tail may take: some time to come to the first end of the stream, then as long as a server may stay silent. */
export class Limit {
  #until: number;

  constructor(
    readonly connection: Connection,
    firstMs: number,
  ) {
    this.#until = Date.now() + firstMs;
  }

  /** The end was asked for, for the first time. */
  atFirstEnd(): void {
    this.#until = Math.min(this.#until, Date.now() + this.connection.timeoutMs);
  }

  /** @throws Transient when the time is over */
  check(): void {
    if (Date.now() > this.#until) throw this.connection.incomplete("records change faster than they can be read");
  }
}

/**
 * Reads a consumer of every message after `from`, which stays at the end of the stream until that is proven to be whole: it
 * then misses nothing of what is written meanwhile, as one that begins anew each time would.
 */
async function readTail(
  stream: Stream,
  consumer: Consumer,
  from: number,
  before: StreamState,
  limit: Limit,
  onMessage: (msg: Msg, delivery: Delivery) => void,
): Promise<Reached> {
  const atLeader = isAtLeader(consumer, before);
  const tail = new Tail(from, onMessage);
  const isCounted = () => atLeader && tail.received === consumer.pending && tail.last <= before.lastSequence;
  const judge = async () => {
    // What was removed long ago lies at the beginning; the end is asked for when the consumer has come past that.
    const isAhead = () => isCounted() || tail.received >= consumer.pending || tail.last >= before.lastSequence;
    if (consumer.pending > 0 && !(await tail.until(isAhead, limit))) return false;
    for (; !isCounted(); limit.check()) {
      tail.gaps = false;
      const end = (await stream.state()).lastSequence;
      limit.atFirstEnd();
      if (!(await tail.until(() => tail.last >= end, limit))) return false;
      if (!tail.gaps) return true;
    }
    return true;
  };
  if (isCounted()) return { whole: true, last: tail.last };
  const stop = new AbortController();
  const reading = pull(stream.connection, consumer, tail, {
    stop: stop.signal,
    caughtUp: () => {},
    eager: true,
  });
  try {
    const whole = await Promise.race([judge(), reading.then(() => false)]);
    return { whole, last: tail.last };
  } finally {
    stop.abort();
    await reading.catch(() => {}); // why it failed has been told
  }
}
