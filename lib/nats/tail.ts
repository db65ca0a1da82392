// Reads every message of a stream after some sequence, complete, while others write to it: rule (2) of scan.ts.
import type { Msg } from "nats";
import type { Connection } from "./connection.ts";
import { type Consumer, Delivery, type MessageSink } from "./consumer.ts";
import { pull } from "./pull.ts";
import { isAtLeader, type Stream, type StreamState } from "./stream.ts";

/** After this many ms without a message, the rest counts as removed; another consumer then decides. */
const IDLE_MS = 1_000;

/** Receives every message after a sequence, and notes gaps. */
class Tail implements MessageSink {
  received = 0;
  /** True when a sequence was skipped since the caller last set this to false. */
  gaps = false;
  #wake = () => {};

  /** @param last sequence of the last message; at first, the one before the first */
  constructor(
    public last: number,
    readonly onMessage: (msg: Msg) => void,
  ) {}

  take(msg: Msg): boolean {
    const { streamSequence } = new Delivery(msg);
    if (streamSequence !== this.last + 1) this.gaps = true;
    this.last = streamSequence;
    this.received++;
    this.onMessage(msg);
    this.#wake();
    return true; // checks each message: a lost one leaves the same gap as a removed one
  }

  enough(): boolean {
    return false; // readTail decides
  }

  /** Waits until `done`, or until no message arrives for IDLE_MS. @returns the value of `done` */
  async until(done: () => boolean, limit: TailLimit): Promise<boolean> {
    for (let seen = -1; !done() && seen !== this.received; limit.check()) {
      seen = this.received;
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

/** Time limit of a tail: `firstMs` to reach the end of the stream for the first time, then the timeout. */
class TailLimit {
  #until: number;

  constructor(
    readonly connection: Connection,
    firstMs: number,
  ) {
    this.#until = Date.now() + firstMs;
  }

  atFirstEnd(): void {
    this.#until = Math.min(this.#until, Date.now() + this.connection.timeoutMs);
  }

  /** @throws Transient after the limit */
  check(): void {
    if (Date.now() > this.#until) throw this.connection.incomplete("records change faster than they can be read");
  }
}

/**
 * Reads every message after `from`. @param before, most as for `readFrom` of scan.ts @returns false when nothing was read
 * @param firstMs time limit to reach the end of the stream for the first time; each request has its own as well
 * @throws Transient when the stream changes faster than it can be read
 */
export async function settle(
  stream: Stream,
  from: number,
  before: StreamState,
  onMessage: (msg: Msg) => void,
  most = Number.POSITIVE_INFINITY,
  firstMs = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  const limit = new TailLimit(stream.connection, firstMs);
  for (let last = from; ; limit.check()) {
    const tail = new Tail(last, onMessage);
    const config = { deliver_policy: "by_start_sequence", opt_start_seq: last + 1 } as const;
    const whole = await stream.consume(config, async (consumer) =>
      last === from && consumer.pending > most ? undefined : readTail(stream, consumer, tail, before, limit),
    );
    if (whole !== false) return whole === true;
    last = Math.max(last, tail.last);
  }
}

/**
 * Reads the tail with one consumer, which stays at the end of the stream until the answer is proven complete: a new one for each
 * attempt would miss what is written meanwhile. @returns false when another consumer has to continue
 */
async function readTail(stream: Stream, consumer: Consumer, tail: Tail, before: StreamState, limit: TailLimit) {
  const atLeader = isAtLeader(consumer, before);
  const isCounted = () => atLeader && tail.received === consumer.pending && tail.last <= before.lastSequence;
  const judge = async () => {
    // Messages removed earlier leave gaps at the beginning. Ask for the end after the consumer has passed them.
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
  if (isCounted()) return true;
  const stop = new AbortController();
  const reading = pull(stream.connection, consumer, tail, { stop: stop.signal, caughtUp: () => {}, eager: true });
  try {
    return await Promise.race([judge(), reading.then(() => false)]);
  } finally {
    stop.abort();
    await reading.catch(() => {}); // already reported
  }
}
