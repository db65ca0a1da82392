// Reads the newest value of every key of a bucket, complete, while others write to it.
//
// Promise: each key is reported in a state that it had between the start and the end of the scan, and no key that existed
// all that time is missing. The proof holds for nats-server 2.9 and newer, except where a limit is named.
//
// What the server does:
//
//  1. A consumer with `last_per_subject` notes, when it is created, the sequences of the newest message of each key (the list)
//     and S, the last sequence of the stream.
//  2. It delivers the messages of the list that are still stored, in order, and then every message after S.
//  3. A message of the list can disappear before its turn: the key was written again and the history of the bucket dropped
//     it, or it expired or was purged.
//  4. nats-server 2.10 and newer skip such a message, and end the open requests as if nothing were left.
//  5. nats-server 2.9 delivers the next stored message of any key instead: possibly an older version of another key, or a
//     message that is delivered again later.
//  6. Delivered sequences never decrease.
//  7. So the number of deliveries proves nothing: other messages can take the place of one that is missing.
//
// Rule (1), enough for a bucket that does not change while it is read; it costs one comparison per key:
//
//  1. Let B be the last sequence of the stream, asked for before the consumer was created, so B <= S.
//  2. Let P be the number of keys that the server counted for the consumer.
//  3. If P different keys arrive with sequences up to B, every key was delivered, by its newest message.
//  4. Suppose one of them was not its key's newest. Then it replaced a removed message of the list.
//  5. Its key has an entry of its own, later in the list. Either that entry was delivered too, and the key arrived twice; or
//     it was removed as well, and a later message replaced it.
//  6. The first contradicts P different keys. The second leads to step 5 again, with a later entry. The last entry of the list
//     could only be replaced by a message after S, which contradicts step 3.
//  7. Limit on 2.9: P is counted a moment after the list is made. If a key disappears without a tombstone in that moment, P is
//     one too small, and the job that changed last may be shown as it was before. Reading until the server pauses would
//     close this gap, but a busy bucket never pauses and would always be read key by key.
//
// Rule (2), for a bucket that changes (tail.ts):
//
//  1. Let c be the sequence of the last delivered message. If a key's newest message, at the moment when the consumer passed
//     c, is at or before c, it was delivered, as in rule (1).
//  2. A second consumer reads every message from c + 1 on. It has no filter, because 2.9 miscounts with filters. It
//     always has an open request, so it stays at the end of the stream.
//  3. When it has reached some sequence a, ask for the end E of the stream.
//  4. If a key's newest message, at the moment when the consumer passed a, is at or before a, it was delivered, as in step 1.
//     Otherwise it is in (a, E], because it existed before the question.
//  5. A message of (a, E] that does not arrive was removed before its turn.
//  6. If every sequence of (a, E] arrives, or E <= a, every key is known as of the moment when a was passed.
//  7. If there is a gap, repeat from step 3 with the sequence reached as the new a.
//  8. A stream that is written faster than it can be read ends in an error, never in a partial answer.
//
// Both rules hold for any number of filters (2.10 and newer accept several): P counts the keys that any of them covers, and
// the second consumer has none.
//
// A part of the stream, from some point to its end, is proven by counts:
//
//  1. As many messages arrive as were stored when the consumer was created.
//  2. None is after an end of the stream that was asked for before that.
//  3. Then none was removed meanwhile. Otherwise an old version of a record could remain whose newer version was removed, and
//     the whole bucket is read instead.
//
// A small bucket is read in one request where the server can (at-once.ts). The answer is the state of all keys at one moment. It
// counts only if that moment is not before B, since the answering node may lag.
//
// Clusters: the node that hosts a consumer may lag behind the leader, which reports B and E, so S may be less than B. Then rule
// (1) counts only if every message is older than any such lag, and rule (2) does not use counts. What this node does not
// know when the scan begins may be missing, as with any other read from a replica.
//
// A defect of nats-server 2.9: after it compacts the block that it writes to, its consumers may skip stored messages of that
// block while writing continues (seen on 2.9.10: firstMatching continues after errPartialCache).
//
//  1. Rule (1) and counts still hold as far as the server's own index is correct. Rule (2) does not.
//  2. On 2.9, what rule (1) does not prove is read key by key: the server lists all keys from an index without such gaps, and
//     each value is the state of its key at that moment.
//  3. A key that has no value but is still listed is an error.
//  4. A key that is missing from the index cannot be found.
//
// Limit: a key that is purged without a tombstone during a scan may be shown as it was shortly before.
import type { Msg } from "nats";
import { grown } from "../codec/byte-set.ts";
import { type FirstLook, lookAtOnce } from "./at-once.ts";
import {
  type Consumer,
  type ConsumerConfig,
  type Delivery,
  deliveryOf,
  InOrder,
  type MessageSink,
} from "./consumer.ts";
import { pull } from "./pull.ts";
import { isAtLeader, type Stream, type StreamState } from "./stream.ts";
import { coveredBy } from "./subject.ts";
import { type Reached, settle, TailLimit } from "./tail.ts";

export interface Keys {
  /** Takes a message. @returns the number of its key: from 0, the same for every message of that key */
  take(msg: Msg): number;
  /** Reports that only the keys of these numbers exist, whatever `take` received before. */
  dropAllBut(numbers: ReadonlySet<number>): void;
}

export interface ScanOptions {
  /** Called with the number of keys, each time the list is read. */
  readonly onTotal?: ((keys: number) => void) | undefined;
  /** True when the subjects cover few keys, such as those of one job, however large the bucket is. */
  readonly narrow?: boolean;
  /** The state of the stream, where it was asked for already. */
  readonly before?: StreamState;
}

/** Keys to allocate marks for at the start: a bound on what a server announces. */
const MARKS = 1 << 20;

/** A message is old when it precedes the consumer by this many ms: a bound on the lag of a node and on its clock. */
const LAG_MS = 2_000;

/** Applies rule (1) to the newest message of each key. */
class Newest implements MessageSink {
  #received = 0;
  #different = 0;
  #last: Msg | undefined;
  #whole = false;
  #seen: Uint8Array;
  readonly #before: StreamState;
  readonly pending: number;
  /** Messages stored later than this, in ns since 1970, prove nothing; undefined without such a limit. */
  readonly #oldNs: bigint | undefined;

  constructor(
    consumer: Consumer,
    before: StreamState,
    readonly keys: Keys,
  ) {
    this.pending = consumer.pending;
    this.#seen = new Uint8Array(Math.min(consumer.pending, MARKS));
    this.#before = before;
    if (!isAtLeader(consumer, before)) this.#oldNs = BigInt(Math.floor(consumer.createdMs - LAG_MS)) * 1_000_000n;
  }

  take(msg: Msg): boolean {
    this.#last = msg;
    const key = this.keys.take(msg);
    if (key >= this.#seen.length) this.#seen = grown(this.#seen, key + 1);
    if (this.#seen[key] === 0) this.#different++;
    this.#seen[key] = 1;
    return ++this.#received === this.pending;
  }

  enough({ streamSequence, storedNs }: Delivery): boolean {
    const within = streamSequence <= this.#before.lastSequence;
    const sure = within && (this.#oldNs === undefined || storedNs < this.#oldNs);
    this.#whole = sure && this.#received === this.pending && this.#different === this.pending;
    // After B, or after as many messages as there were keys, nothing of the list is left.
    return this.#received >= this.pending || !within;
  }

  get reached(): Reached {
    return { whole: this.#whole, last: this.#last ? deliveryOf(this.#last).streamSequence : 0 };
  }
}

/** A tail that is longer than the list is not read; the list is read again instead, up to this many times in all. */
const ATTEMPTS = 3;
/** A tail of this many messages is read in any case. */
const SHORT_TAIL = 1_000;

/** A consumer of the newest message of each key that one of the subjects covers. */
export function newestOf(subjects: readonly string[]): ConsumerConfig {
  const [only] = subjects;
  const filter = only !== undefined && subjects.length === 1 ? { filter_subject: only } : { filter_subjects: subjects };
  return { deliver_policy: "last_per_subject", ...filter };
}

/**
 * Reads the newest message of every key that one of the subjects covers, tombstones included.
 * @param subjects one, or several from nats-server 2.10 on; none covers another
 * @param keys may receive a key more than once: the later message counts
 * @throws NoBucket, PermissionDenied, and Transient when the answer cannot be completed
 */
export async function scanNewest(
  stream: Stream,
  subjects: readonly string[],
  keys: Keys,
  { onTotal = () => {}, narrow = false, before: known }: ScanOptions = {},
): Promise<void> {
  const config = newestOf(subjects);
  const isWanted = coveredBy(subjects);
  for (let attempt = 1; ; attempt++) {
    const began = Date.now();
    const { before, all }: FirstLook =
      attempt === 1 ? await lookAtOnce(stream, subjects, narrow, known) : { before: await stream.state() };
    if (all) {
      onTotal(all.length);
      for (const msg of all) keys.take(msg);
      return;
    }
    const newest = await stream.consume(config, async (consumer) => {
      onTotal(consumer.pending);
      const sink = new Newest(consumer, before, keys);
      if (consumer.pending > 0) await pull(stream.connection, consumer, sink);
      return sink;
    });
    const { whole, last } = newest.reached;
    if (newest.pending === 0 || whole) return;
    if (!stream.connection.isAtLeast(2, 10)) return readEach(stream, subjects, keys);
    const limit = new TailLimit(stream.connection, stream.connection.timeoutMs + 2 * (Date.now() - began));
    const most = attempt < ATTEMPTS ? Math.max(SHORT_TAIL, newest.pending) : Number.POSITIVE_INFINITY;
    const take = (msg: Msg) => void (isWanted(msg.subject) && keys.take(msg));
    if (await settle(stream, last, before, most, take, limit)) return;
  }
}

const DIRECT_GETS = 128;

/**
 * Reads the newest message of each subject with a request of its own.
 * @throws Transient when the server lists a key and does not return it
 */
export async function readEach(stream: Stream, filters: readonly string[], keys: Keys): Promise<void> {
  const there = new Set<number>();
  const missing: string[] = [];
  const named = async () => (await Promise.all(filters.map((filter) => stream.subjects(filter)))).flat();
  const names = await named();
  for (let from = 0; from < names.length; from += DIRECT_GETS) {
    const part = names.slice(from, from + DIRECT_GETS);
    const found = await Promise.all(part.map((subject) => stream.newest(subject)));
    found.forEach((msg, i) => {
      if (msg) there.add(keys.take(msg));
      else missing.push(part[i] as string);
    });
  }
  const left = missing.length > 0 ? new Set(await named()) : new Set();
  const lost = missing.find((subject) => left.has(subject));
  if (lost !== undefined)
    throw stream.connection.incomplete(
      `it has ${lost.slice(lost.indexOf(".", 4) + 1)}, and does not give it (a defect of nats-server 2.9 on busy streams)`,
    );
  keys.dropAllBut(there);
}

/**
 * Reads every message from a sequence or a time of the stream to its end.
 * @param config where to begin
 * @param before state of the stream, asked for before this call
 * @param most reads nothing when there are more messages than this
 * @returns true when the answer is proven complete
 * @throws as scanNewest
 */
export async function readFrom(
  stream: Stream,
  config: ConsumerConfig,
  before: StreamState,
  most: number,
  onMessage: (msg: Msg) => void,
  onTotal: (messages: number) => void = () => {},
): Promise<boolean> {
  const { connection } = stream;
  return stream.consume(config, async (consumer) => {
    onTotal(consumer.pending);
    if (consumer.pending > most || !isAtLeader(consumer, before)) return false;
    if (consumer.pending === 0) return true;
    let last: Msg | undefined;
    const messages = new InOrder(consumer.pending, (msg) => {
      last = msg;
      onMessage(msg);
    });
    await pull(connection, consumer, messages);
    return messages.enough() && (!last || deliveryOf(last).streamSequence <= before.lastSequence);
  });
}
