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
//     of such a chain could only be replaced from beyond S. (On 2.9 this has one gap: P is counted a moment after the list is
//     made. When a key is purged or expires without a trace in that moment, P is one less than the list, and the job
//     that changed last may be shown as it was before. Reading on until the server pauses would close the gap, but a busy bucket
//     never pauses there, and would always be read key by key.) This is the case of a bucket that nothing was written to
//     while it was read, and costs nothing but a comparison for each key.
//
// (2) (tail.ts) Otherwise let c be the sequence of the last message that was delivered. What was a key's newest message when the
//     consumer passed c, and lies at or before c, was delivered, as above. What lies after c is read by a second consumer, of
//     every message from c + 1 on (without a filter: 2.9 miscounts those of filtered ones), which always has a request, so that it
//     stays at the end of the stream. When it has come to some sequence a, ask for the end E of the stream. What was a
//     key's newest message when the consumer passed a was delivered if it lies at or before a, as above; otherwise it lies
//     in (a, E], for it was there before the question. A message of (a, E] that does not come was removed on the way. So when
//     every sequence of (a, E] comes, or when E is not after a, all keys are known as of the moment when a was passed. When
//     there is a gap, the same is done again with the sequence that was reached as a. A stream that is written faster than it
//     can be read ends in an error, never in a part of the answer.
//
// Nothing of this depends on how many filters the consumer has (2.10 and newer take several): P counts the keys that any of
// them covers, and the second consumer has none.
//
// A part of the stream, from somewhere to its end, is read with counts alone: as many messages as were stored when the consumer
// was created, none of them beyond an end of the stream from before that, prove that none was removed on the way. Otherwise
// an old version of a record could be left over whose newer one was removed, and all is read instead.
//
// A small bucket is read without all this where the server can (at-once.ts): what it gives is the state of all keys at one
// moment. That moment is within the scan when it is not before B, which is asked for at the same time or before: the node that
// answers may lag.
//
// In a cluster the node that hosts a consumer may lag behind the leader, which tells B and E: S may be less than B. Then (1)
// counts only when all that came is older than any such lag, and (2) without its counts. What such a node has not heard of
// when the scan begins may be missing, as from any other read of a replica.
//
// nats-server 2.9 has a defect of its own: after it has compacted the block that it writes to, its consumers may skip messages
// in that block that are stored, for as long as the writing goes on (seen on 2.9.10: firstMatching goes on after
// errPartialCache). (1) holds all the same as far as the server's own index is right, and so do counts; (2) does not. There,
// what (1) does not prove is read key by key instead: the server tells the names of all keys from an index that has no such
// gaps, and then each value, which is the key's state at that moment. A value that it says is not there, of a key that it
// still names, is an error. What is missing from that index as well cannot be found at all.
//
// A key that is purged without a trace, not by a tombstone, while a scan runs may be shown as it was some time before.
import type { Msg } from "nats";
import { grown } from "../codec/byte-set.ts";
import { type Look, lookAtOnce } from "./at-once.ts";
import { type Consumer, type ConsumerConfig, type Delivery, deliveryOf, InOrder, type Sink } from "./consumer.ts";
import { pull } from "./pull.ts";
import { isAtLeader, type Stream, type StreamState } from "./stream.ts";
import { coveredBy } from "./subject.ts";
import { Limit, type Reached, settle } from "./tail.ts";

/** What is done with the messages of a scan. */
export interface Keys {
  /** Takes a message; returns the number of its key, from 0 on and the same for each message of a key. */
  take(msg: Msg): number;
  /** Only the keys of these numbers are there, whatever came before. */
  dropAllBut(numbers: ReadonlySet<number>): void;
}

export interface ScanOptions {
  /** Is told how many keys there are, each time that the list is read. */
  readonly onTotal?: ((keys: number) => void) | undefined;
  /** The subjects cover few keys, however large the bucket is: those of one job. */
  readonly narrow?: boolean;
}

/** Keys that marks are made for at once, whatever a server announces. */
const MARKS = 1 << 20;

/** By how much a node of a cluster may lag, and its clock be off, in ms, when a message is called old. */
const LAG_MS = 2_000;

/** The newest message of each key: rule (1). */
class Newest implements Sink {
  #received = 0;
  #different = 0;
  #last: Msg | undefined;
  #whole = false;
  #seen: Uint8Array;
  readonly #before: StreamState;
  readonly pending: number;
  /** Messages that were stored later than this, in ns since 1970, prove nothing. */
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
    // Beyond B, or after as many messages as there were keys, nothing of the list is left to come.
    return this.#received >= this.pending || !within;
  }

  get reached(): Reached {
    return { whole: this.#whole, last: this.#last ? deliveryOf(this.#last).streamSequence : 0 };
  }
}

/** A list is read again rather than a tail that is longer than it, but not more often than this. */
const ATTEMPTS = 3;
/** A tail of this many messages is always short enough. */
const SHORT_TAIL = 1_000;

/**
 * Reads the newest message of every key that one of the subjects covers, those that mark a key as gone among them.
 * @param subjects several only from nats-server 2.10 on, and none that covers another
 * @param keys a key may come again: the later message counts
 * @throws NoBucket, PermissionDenied, and Transient when the answer can't be made whole
 */
export async function scanNewest(
  stream: Stream,
  subjects: readonly string[],
  keys: Keys,
  { onTotal = () => {}, narrow = false }: ScanOptions = {},
): Promise<void> {
  const [only] = subjects;
  const filter = only !== undefined && subjects.length === 1 ? { filter_subject: only } : { filter_subjects: subjects };
  const config = { deliver_policy: "last_per_subject", ...filter } as const;
  const isWanted = coveredBy(subjects);
  for (let attempt = 1; ; attempt++) {
    const began = Date.now();
    const { before, all }: Look =
      attempt === 1 ? await lookAtOnce(stream, subjects, narrow) : { before: await stream.state() };
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
    const limit = new Limit(stream.connection, stream.connection.timeoutMs + 2 * (Date.now() - began));
    const most = attempt < ATTEMPTS ? Math.max(SHORT_TAIL, newest.pending) : Number.POSITIVE_INFINITY;
    const take = (msg: Msg) => void (isWanted(msg.subject) && keys.take(msg));
    if (await settle(stream, last, before, most, take, limit)) return;
  }
}

/** Values that are asked for at a time. */
const AT_ONCE = 128;

/** Reads the newest message of each subject by itself. @throws Transient when the server names one that it does not give */
export async function readEach(stream: Stream, filters: readonly string[], keys: Keys): Promise<void> {
  const there = new Set<number>();
  const missing: string[] = [];
  const named = async () => (await Promise.all(filters.map((filter) => stream.subjects(filter)))).flat();
  const names = await named();
  for (let from = 0; from < names.length; from += AT_ONCE) {
    const part = names.slice(from, from + AT_ONCE);
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
 * @param before the stream as it was before this call
 * @param most nothing is read when there are more messages than that
 * @returns false when nothing was read, or not all that there is, as far as can be told
 * @throws as scanNewest
 */
export async function readFrom(
  stream: Stream,
  config: ConsumerConfig,
  before: StreamState,
  most: number,
  onMessage: (msg: Msg) => void,
): Promise<boolean> {
  const { connection } = stream;
  return stream.consume(config, async (consumer) => {
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
