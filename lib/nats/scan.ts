// Reads the newest value of every key of a bucket, complete, while others write to it.
//
// Promise: each key is reported in a state that it had between the start and the end of the scan, and no key that existed
// all that time is missing. It holds for nats-server 2.9 and newer. Limit: a key that is purged without a tombstone during a scan
// may be shown as it was shortly before.
//
// What a consumer with `last_per_subject` delivers:
//  1. When it is created, the server notes the newest message of each key (the list) and S, the last sequence of the stream.
//  2. It delivers the messages of the list that are still stored, in order, then every message after S.
//  3. A message of the list can be removed before its turn: rewritten beyond the history of the bucket, expired, or purged.
//  4. nats-server 2.10 and newer skip it. 2.9 delivers the next stored message of any key instead. So the number of deliveries
//     proves nothing.
//
// Rule (1), for a bucket that does not change meanwhile:
//  1. Let B be the last sequence of the stream, asked for before the consumer was created: B <= S. Let P be the number of keys
//     that the server counted for the consumer.
//  2. If P different keys arrive with sequences up to B, every key was delivered, by its newest message.
//  3. Suppose one was not its key's newest. It then took the place of a removed message, and its key has a later entry in the list.
//  4. If that entry was delivered, the key arrived twice: then not P different keys.
//  5. If it was removed, a later message took its place: step 3 again, with a later entry. For the last entry that message is
//     after S, which contradicts step 2.
//  6. Limit on 2.9: P is counted a moment after the list is made. If a key disappears without a tombstone in that moment, the job
//     that changed last may be shown as it was before.
//
// Rule (2), for a bucket that changes (tail.ts):
//  1. Let c be the last delivered sequence. By rule (1), each key whose newest message was at or before c, when c was passed, was
//     delivered.
//  2. A second consumer reads every message from c + 1 on. It has no filter (2.9 miscounts with filters) and always an open
//     request, so it stays at the end of the stream.
//  3. When it has reached a sequence a, ask for the end E of the stream.
//  4. If every sequence of (a, E] arrives, or E <= a, every key is known as of the moment when a was passed: its newest message
//     was at or before a, or is in (a, E].
//  5. A message of (a, E] that does not arrive was removed: repeat from step 3 with the sequence reached.
//  6. A stream that is written faster than it can be read ends in an error, never in a partial answer.
//
// Both rules hold for any number of filters: P counts the keys that any of them covers.
//
// A part of the stream, from some point to its end, is complete if as many messages arrive as were stored when the consumer was
// created, none after an end that was asked for before. Otherwise the whole bucket is read.
//
// A small bucket is read in one request where the server can (at-once.ts). The answer counts if its moment is not before B.
//
// Clusters: the node of a consumer may lag behind the leader, which reports B and E. Then rule (1) counts only if every message
// is older than such a lag, and rule (2) does not use counts. What that node does not know when the scan begins may be missing,
// as with any read from a replica.
//
// A defect of nats-server 2.9: its consumers may skip stored messages of a block that it compacts while writing continues (2.9.10:
// firstMatching continues after errPartialCache). Rule (2) does not hold there, so what rule (1) does not prove is read key by
// key, from an index without such gaps. A key that is listed without a value is an error.
import type { Msg } from "nats";
import { grown } from "../codec/byte-set.ts";
import { lookAtOnce } from "./at-once.ts";
import {
  type Consumer,
  type ConsumerConfig,
  configSince,
  Delivery,
  InOrder,
  type MessageSink,
  newestOf,
} from "./consumer.ts";
import { pull } from "./pull.ts";
import { isAtLeader, type Stream, type StreamState } from "./stream.ts";
import { coveredBy } from "./subject.ts";
import { settle } from "./tail.ts";

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
  last: Msg | undefined;
  /** True when rule (1) proves the answer. */
  isWhole = false;
  #seen: Uint8Array;
  readonly pending: number;
  /** Messages stored later than this, in ns since 1970, prove nothing; undefined without such a limit. */
  readonly #oldNs: bigint | undefined;

  constructor(
    consumer: Consumer,
    readonly before: StreamState,
    readonly keys: Keys,
  ) {
    this.pending = consumer.pending;
    this.#seen = new Uint8Array(Math.min(consumer.pending, MARKS));
    if (!isAtLeader(consumer, before)) this.#oldNs = BigInt(Math.floor(consumer.createdMs - LAG_MS)) * 1_000_000n;
  }

  take(msg: Msg): boolean {
    this.last = msg;
    const key = this.keys.take(msg);
    if (key >= this.#seen.length) this.#seen = grown(this.#seen, key + 1);
    if (this.#seen[key] === 0) this.#different++;
    this.#seen[key] = 1;
    return ++this.#received === this.pending;
  }

  enough({ streamSequence, storedNs }: Delivery): boolean {
    const within = streamSequence <= this.before.lastSequence;
    const sure = within && (this.#oldNs === undefined || storedNs < this.#oldNs);
    this.isWhole = sure && this.#received === this.pending && this.#different === this.pending;
    // After B, or after as many messages as there were keys, nothing of the list is left.
    return this.#received >= this.pending || !within;
  }
}

/** A tail that is longer than the list is not read; the list is read again instead, up to this many times in all. */
const LIST_ATTEMPTS = 3;
/** A tail of this many messages is read in any case. */
const SHORT_TAIL = 1_000;

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
    const first = attempt === 1 ? await lookAtOnce(stream, subjects, narrow, known) : undefined;
    const { before, all } = first ?? { before: await stream.state() };
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
    if (newest.pending === 0 || newest.isWhole) return;
    if (!stream.connection.isAtLeast(2, 10)) return readEach(stream, subjects, keys);
    const limitMs = stream.connection.timeoutMs + 2 * (Date.now() - began);
    const most = attempt < LIST_ATTEMPTS ? Math.max(SHORT_TAIL, newest.pending) : Number.POSITIVE_INFINITY;
    const take = (msg: Msg) => void (isWanted(msg.subject) && keys.take(msg));
    const last = newest.last ? new Delivery(newest.last).streamSequence : 0;
    if (await settle(stream, last, before, take, most, limitMs)) return;
  }
}

const DIRECT_GETS = 128;

/** Reads each key with its own request. @throws Transient when the server lists a key and does not return it */
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
      `it has ${lost.slice(lost.indexOf(".", 4) + 1)}, and does not send it (a defect of nats-server 2.9 on busy streams)`,
    );
  keys.dropAllBut(there);
}

/**
 * Reads every message of a consumer to the end of the stream. @returns true when the answer is proven complete
 * @param before state of the stream, requested before this call @param most reads nothing when there are more messages
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
    return messages.enough() && (!last || new Delivery(last).streamSequence <= before.lastSequence);
  });
}

/**
 * Reads every message of a stream, or every one since a time, to its end. @param before as for `readFrom`
 * @returns false when the answer is not proven complete, which happens with nats-server 2.9 on a stream that changes
 */
export async function readToEnd(
  stream: Stream,
  sinceNs: bigint | undefined,
  before: StreamState,
  onMessage: (msg: Msg) => void,
  onTotal: (messages: number) => void,
): Promise<boolean> {
  const config = configSince(sinceNs);
  // With more messages than there were, one has been stored meanwhile, and the count would prove nothing.
  if (!stream.connection.isAtLeast(2, 10)) return readFrom(stream, config, before, before.messages, onMessage, onTotal);
  const { from, pending } = await stream.consume(config, async (consumer) => consumer);
  onTotal(pending);
  return settle(stream, from - 1, before, onMessage);
}
