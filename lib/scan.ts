// Reading the newest value of every key of a bucket, whole, while others write to it.
//
// What a scan promises: for each key the state that it had at some moment between the start and the end of the scan. No
// key that was there all the time is missing. The argument, for nats-server 2.9 and for newer ones:
//
// A consumer with `last_per_subject` is given, when it is created, the sequences of the newest message of each key, and S,
// the last sequence of the stream. It delivers those that are still stored, in order, and then every message after S. A
// message of that list may be gone when its turn comes, because its key was written so often that the history of the bucket
// dropped it, or because it expired or was purged. nats-server from 2.10 on skips it (and ends the requests under way as
// if nothing were left); 2.9 delivers the next stored message of any key in its place, which may be an older version of
// another key, or one that comes again. Sequences never go back in either. So a number of deliveries proves nothing: messages
// of other keys, or from after S, can make up for one that is missing. What is proof:
//
// (1) Let B be the last sequence of the stream, asked for before the consumer was created, so that B <= S; and P the number
//     of keys that the server counted. When P different keys came with sequences up to B, each key was delivered, and
//     by its own newest message: a message <= S that is not its key's newest has to stand in for a removed one of the list;
//     then the entry of its key stands in for another one as well, or two deliveries are of one key; and the last entry
//     of such a chain could only be replaced from beyond S. This is the case of a bucket that nothing was written to
//     while it was read, and costs nothing but a comparison for each key.
//
// (2) Otherwise let c be the sequence of the last message that was delivered. What was a key's newest message when the
//     consumer passed c, and lies at or before c, was delivered, as above. What lies after c is read by a second consumer, of
//     every message from c + 1 on (without a filter: 2.9 miscounts those of filtered ones). Ask for the end E of the
//     stream after c was passed. A message of (c, E] that was not delivered was removed on the way, and something newer took its
//     place. So when every sequence of (c, E] came, or when nothing lies after c, all keys are known as of the moment of that
//     question. When some did not come (most of them were gone long before), c is set to the last sequence that came and the
//     same is done again, for the few messages that were written meanwhile, until a round has no gap. A stream that is
//     written faster than it can be read ends in an error, never in a part of the answer.
//
// The same holds for a part of the stream that is read from somewhere to its end: it is (2) with the start for c, and as
// many messages as were stored when the consumer was created, all of them up to an E from before that, prove that none was lost.
//
// In a cluster the node that hosts a consumer may lag behind the leader, which tells B and E: S may be less than B. Then (1)
// counts only when all that came is older than any such lag, and (2) without its counts. What such a node has not heard of
// when the scan begins may be missing, as from any other read of a replica.
//
// nats-server 2.9 has a defect of its own: while it compacts a block of its store, a consumer may skip messages that are
// stored (seen on 2.9.10: "sequence numbers for cache load did not match" clears the cache in the middle of a block). (1) holds
// all the same. What ends by (2) is read once more there, and the number of keys is asked for: what two reads have skipped is missing
// only if as many keys went away meanwhile. And a key that is purged without a trace while a scan of 2.9 runs may be shown as
// it was some time before.
import type { Msg } from "nats";
import { grown } from "./byte-set.ts";
import type { Connection } from "./connection.ts";
import { type Consumer, type Delivery, deliveryOf, incomplete, pull, type Sink } from "./pull.ts";
import { covers } from "./subject.ts";

/** A stream as the server described it at some moment. */
export interface StreamState {
  readonly messages: number;
  readonly lastSequence: number;
  /** The node of a cluster that leads it; undefined outside a cluster. */
  readonly leader: string | undefined;
}

/** Where the messages that a consumer delivers begin, and which they are. */
export interface ConsumerConfig {
  readonly deliver_policy: "all" | "new" | "last_per_subject" | "by_start_sequence" | "by_start_time";
  readonly filter_subject?: string;
  readonly opt_start_seq?: number;
  readonly opt_start_time?: string;
}

/** What a scan needs of a server. */
export interface Source {
  readonly connection: Connection;
  /** The server may skip messages that are stored (nats-server 2.9). */
  readonly skips: boolean;
  /** @throws NoBucket */
  state(): Promise<StreamState>;
  /** Runs `work` on a consumer of its own. */
  consume<T>(config: ConsumerConfig, work: (consumer: Consumer) => Promise<T>): Promise<T>;
}

/** Counts what its node has, as the leader does: its counts can be compared with the leader's sequences. */
const isAtLeader = (consumer: Consumer, state: StreamState) =>
  consumer.host === undefined || consumer.host === state.leader;

/** How far a read came, and whether that is proof of having seen everything. */
interface Reached {
  readonly whole: boolean;
  /** The sequence of the last message that came; 0 for none. */
  readonly last: number;
}

/** Takes a message; returns the number of its key, from 0 on and the same for each message of a key. */
export type OnKey = (msg: Msg) => number;

/** Keys that marks are made for at once, whatever a server announces. */
const MARKS = 1 << 20;

/** By how much a node of a cluster may lag, and its clock be off, in ms, when a message is called old. */
const LAG_MS = 2_000;

/** The newest message of each key: rule (1). */
class Newest implements Sink {
  #received = 0;
  #keys = 0;
  #last: Msg | undefined;
  #whole = false;
  #seen: Uint8Array;
  readonly #before: StreamState;
  /** Messages that were stored later than this, in ns since 1970, prove nothing. */
  readonly #oldNs: bigint | undefined;

  constructor(
    consumer: Consumer,
    before: StreamState,
    readonly onMessage: OnKey,
  ) {
    this.pending = consumer.pending;
    this.#seen = new Uint8Array(Math.min(consumer.pending, MARKS));
    this.#before = before;
    if (!isAtLeader(consumer, before))
      this.#oldNs = BigInt(Math.floor(consumer.createdMs - LAG_MS)) * 1_000_000n;
  }

  readonly pending: number;

  take(msg: Msg): boolean {
    this.#last = msg;
    const key = this.onMessage(msg);
    if (key >= this.#seen.length) this.#seen = grown(this.#seen, key + 1);
    if (this.#seen[key] === 0) this.#keys++;
    this.#seen[key] = 1;
    return ++this.#received === this.pending;
  }

  enough({ streamSequence, storedNs }: Delivery): boolean {
    const within = streamSequence <= this.#before.lastSequence;
    const sure = within && (this.#oldNs === undefined || storedNs < this.#oldNs);
    this.#whole = sure && this.#received === this.pending && this.#keys === this.pending;
    // Beyond B, or after as many messages as there were keys, nothing of the list is left to come.
    return this.#received >= this.pending || !within;
  }

  /** Adds the numbers of the keys that came. */
  addTo(numbers: Set<number>): Set<number> {
    this.#seen.forEach((mark, n) => {
      if (mark === 1) numbers.add(n);
    });
    return numbers;
  }

  get reached(): Reached {
    return { whole: this.#whole, last: this.#last ? deliveryOf(this.#last).streamSequence : 0 };
  }
}

/** Every message after a sequence, in order, with what is missing between them: rule (2). */
class Tail implements Sink {
  #received = 0;
  #last: number;
  #wake = () => {};

  /** True when a sequence did not come, since this was last set to false. */
  gaps: boolean;

  constructor(
    /** Undefined when the read began at a time. */
    from: number | undefined,
    readonly onMessage: (msg: Msg, delivery: Delivery) => void,
  ) {
    this.#last = from ?? 0;
    this.gaps = from === undefined;
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
    return false;
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
 * @param prelude is awaited before the end of the stream is asked for
 * @returns false when nothing was read
 */
async function settle(
  source: Source,
  from: number,
  before: StreamState,
  most: number,
  onMessage: (msg: Msg, delivery: Delivery) => void,
  limit: Limit,
  prelude?: () => Promise<void>,
): Promise<boolean> {
  for (let last = from; ; limit.check()) {
    const config = { deliver_policy: "by_start_sequence", opt_start_seq: last + 1 } as const;
    const reached = await source.consume(config, async (consumer) =>
      last === from && consumer.pending > most
        ? undefined
        : readTail(source, consumer, last, before, limit, onMessage, prelude),
    );
    if (!reached || reached.whole) return reached !== undefined;
    last = Math.max(last, reached.last);
  }
}

/** How long a tail may take: some time to come to the first end of the stream, then as long as a server may stay silent. */
class Limit {
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
    if (Date.now() > this.#until)
      throw incomplete(this.connection, "records change faster than they can be read");
  }
}

/**
 * Reads a consumer of every message after `from`, which stays at the end of the stream until that is proven to be whole: it
 * then misses nothing of what is written meanwhile, as one that begins anew each time would.
 */
async function readTail(
  source: Source,
  consumer: Consumer,
  from: number | undefined,
  before: StreamState,
  limit: Limit,
  onMessage: (msg: Msg, delivery: Delivery) => void,
  prelude?: () => Promise<void>,
): Promise<Reached> {
  const atLeader = isAtLeader(consumer, before);
  const tail = new Tail(from, onMessage);
  const isCounted = () => atLeader && tail.received === consumer.pending && tail.last <= before.lastSequence;
  const judge = async () => {
    // What was removed long ago lies at the beginning; the end is asked for when the consumer has come past that.
    const isAhead = () =>
      isCounted() || tail.received >= consumer.pending || tail.last >= before.lastSequence;
    if (consumer.pending > 0 && !(await tail.until(isAhead, limit))) return false;
    await prelude?.();
    for (; !isCounted(); limit.check()) {
      tail.gaps = false;
      const end = (await source.state()).lastSequence;
      limit.atFirstEnd();
      if (!(await tail.until(() => tail.last >= end, limit))) return false;
      if (!tail.gaps) return true;
    }
    return true;
  };
  if (isCounted() && !prelude) return { whole: true, last: tail.last };
  const stop = new AbortController();
  const reading = pull(source.connection, consumer, tail, {
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

/** A list is read again rather than a tail that is longer than it, but not more often than this. */
const ATTEMPTS = 3;
/** A tail of this many messages is always short enough. */
const SHORT_TAIL = 1_000;

/**
 * Reads the newest message of every key that matches `filter`, those that mark a key as gone among them.
 * @param prefix what the subjects of the bucket begin with, its dot included
 * @param onMessage a key may come again: the later message counts
 * @param onTotal is told how many keys there are, each time that the list is read
 * @throws NoBucket, PermissionDenied, and Transient when the answer can't be made whole
 */
export async function scanNewest(
  source: Source,
  prefix: string,
  filter: string,
  onMessage: OnKey,
  onTotal: (keys: number) => void = () => {},
): Promise<void> {
  const config = { deliver_policy: "last_per_subject", filter_subject: prefix + filter } as const;
  const seen = new Set<number>();
  const inTail = (msg: Msg) => {
    if (covers(prefix + filter, msg.subject)) seen.add(onMessage(msg));
  };
  for (let attempt = 1; ; attempt++) {
    const began = Date.now();
    const before = await source.state();
    const { newest, keys } = await source.consume(config, async (consumer) => {
      onTotal(consumer.pending);
      const newest = new Newest(consumer, before, onMessage);
      if (consumer.pending > 0) await pull(source.connection, consumer, newest);
      return { newest, keys: consumer.pending };
    });
    if (keys === 0 || newest.reached.whole) return;
    const { connection } = source;
    const limit = new Limit(connection, connection.timeoutMs + 2 * (Date.now() - began));
    let counted = 0;
    const count = async () => {
      counted = await source.consume(config, async ({ pending }) => pending);
    };
    const most = attempt < ATTEMPTS ? Math.max(SHORT_TAIL, keys) : Number.POSITIVE_INFINITY;
    const { last } = newest.reached;
    const done = await settle(source, last, before, most, inTail, limit, source.skips ? count : undefined);
    const enough = !source.skips || attempt > 1;
    if (done && enough && newest.addTo(seen).size >= counted) return;
    if (attempt >= ATTEMPTS) throw incomplete(connection, "the server left out records");
  }
}

/**
 * Reads every message from a sequence or a time of the stream to its end.
 * @param from the sequence before the first one, or a consumer's configuration of a time
 * @param before the stream as it was before this call
 * @param most nothing is read when there are more messages than that
 * @returns false when nothing was read
 * @throws as scanNewest
 */
export async function readFrom(
  source: Source,
  config: ConsumerConfig,
  before: StreamState,
  most: number,
  onMessage: (msg: Msg, delivery: Delivery) => void,
): Promise<boolean> {
  const from = config.opt_start_seq === undefined ? undefined : config.opt_start_seq - 1;
  const limit = new Limit(source.connection, Number.POSITIVE_INFINITY);
  const reached = await source.consume(config, async (consumer) =>
    consumer.pending > most ? undefined : readTail(source, consumer, from, before, limit, onMessage),
  );
  // A node that has nothing yet of the time asked for tells no place to go on from.
  if (!reached || (!reached.whole && from === undefined && reached.last === 0)) return false;
  const all = Number.POSITIVE_INFINITY;
  if (!reached.whole) await settle(source, Math.max(reached.last, from ?? 0), before, all, onMessage, limit);
  return true;
}
