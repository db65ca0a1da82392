// The bucket of returns: those of one job, and those of many jobs.
//
// The returns of many jobs are read in one of two ways. Each is complete or an error (scan.ts).
//
// By subject:
//
//  1. The server finds the newest message of each key. From nats-server 2.10 on a consumer accepts several filters.
//  2. The time to compare filters grows with the square of their number. So the jobs are read in portions.
//  3. When the portions would take longer than reading everything, everything is read, and the rest is dropped.
//
// In order, only where the bucket keeps one message per key, as real masters configure it (wire.md, "Buckets"):
//
//  1. Every message is read, or every message from a time on.
//  2. Each is the newest of its key, so the server has nothing to look up.
//
// A key can arrive in several states. The first counts, because none is older than the start of the read. One exception:
// nats-server 2.9, by subject, in a bucket that keeps several messages per key (scan.ts). There each key is read by itself.
import type { Msg } from "nats";
import { tokenFault } from "../model/jid.ts";
import type { Follow, Jids, LiveReturns, ReturnEntries, ReturnsOf } from "../store.ts";
import { type Bucket, isTombstone } from "./bucket.ts";
import { type ConsumerConfig, startTime, subjectBytes } from "./consumer.ts";
import { type Keys, newestOf, readEach, readFrom, scanNewest } from "./scan.ts";
import type { StreamState } from "./stream.ts";
import { DOT_BYTE, token } from "./subject.ts";
import { settle, TailLimit } from "./tail.ts";

export const SIZES = {
  /** Filters per consumer. More take longer than a second consumer (2.15.2: 300 take 20 ms, 1,000 take 330 ms). */
  filters: 400,
  /** Reading this many messages takes as long as one consumer with that many filters. */
  filtersCost: 30_000,
};
/** `all` in parts of at most `size`. */
export const inPortions = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));

/** Attempts at a read in order: it is repeated when a message was removed meanwhile. */
const READ_ATTEMPTS = 3;

/** Number of tokens of a key: one for a list, two for a peel's own return. */
function countTokens(key: Uint8Array, from: number): number {
  let tokens = 1;
  for (let at = from; at < key.length; at++) if (key[at] === DOT_BYTE) tokens++;
  return tokens;
}

/** The filters of each consumer, for the peels' own keys and for the lists. */
interface Portions {
  readonly peels: readonly (readonly string[])[];
  readonly lists: readonly (readonly string[])[];
}

/** Every message, or every message from a time on. */
export const configSince = (sinceNs: bigint | undefined): ConsumerConfig =>
  sinceNs === undefined
    ? { deliver_policy: "all" }
    : { deliver_policy: "by_start_time", opt_start_time: startTime(sinceNs) };

/** `ReturnEntries`, for messages. */
interface Messages {
  take(msg: Msg): number;
  expect(total: number, come: number): void;
}

const EVERYTHING: Portions = { peels: [["*.*"]], lists: [["*"]] };

function portionsOf(jids: Jids, filters: number): Portions {
  const parts = inPortions([...jids.keys()], filters);
  return { peels: parts.map((part) => part.map((jid) => `${jid}.*`)), lists: parts };
}

/** The bucket `job-returns`; every method throws what those of `Bucket` throw. */
export class Returns implements LiveReturns {
  constructor(readonly bucket: Bucket) {}

  async of<T extends NonNullable<unknown>>(
    jid: string,
    read: (peel: string, bytes: Uint8Array) => T,
  ): Promise<{ list: Uint8Array | undefined; peels: T[] }> {
    const { bucket } = this;
    const numbers = new Map<string, number>();
    // By number of the key; undefined for a deleted one.
    const found: (T | undefined)[] = [];
    const before = bucket.prefix.length + jid.length + 1;
    const keys = {
      take(msg: Msg) {
        const peel = msg.subject.slice(before);
        const known = numbers.get(peel);
        const number = known ?? found.length;
        if (known === undefined) numbers.set(peel, number);
        found[number] = isTombstone(msg) ? undefined : read(peel, msg.data);
        return number;
      },
      dropAllBut(kept: ReadonlySet<number>) {
        for (let n = 0; n < found.length; n++) if (!kept.has(n)) found[n] = undefined;
      },
    };
    const [list] = await Promise.all([
      bucket.get(token(jid)),
      bucket.scan([`${token(jid)}.*`], keys, { narrow: true }),
    ]);
    return { list, peels: found.filter((one) => one !== undefined) };
  }

  async follow(
    jid: string,
    onEntry: (peel: string | undefined, bytes: Uint8Array) => void,
    follow: Follow,
  ): Promise<void> {
    let behind = 2;
    const both = { stop: follow.stop, caughtUp: () => --behind === 0 && follow.caughtUp() };
    const hand = (msg: Msg) => {
      const key = this.bucket.keyOf(msg);
      if (!isTombstone(msg)) onEntry(key === jid ? undefined : key.slice(jid.length + 1), msg.data);
    };
    await Promise.all([this.bucket.follow(token(jid), hand, both), this.bucket.follow(`${token(jid)}.*`, hand, both)]);
  }

  /** @param changes replaces some of SIZES */
  across(of: ReturnsOf, entries: ReturnEntries, changes: Partial<typeof SIZES> = {}): Promise<void> {
    const { prefix } = this.bucket;
    const take = (msg: Msg) => entries.take(subjectBytes(msg), prefix.length, isTombstone(msg) ? undefined : msg.data);
    return this.messages(of, { take, expect: (total, come) => entries.expect(total, come) }, changes);
  }

  /** As `across`, with the messages themselves. */
  async messages(of: ReturnsOf, entries: Messages, changes: Partial<typeof SIZES> = {}): Promise<void> {
    const sizes = { ...SIZES, ...changes };
    const { jids, sinceNs } = typeof of === "object" && "jids" in of ? of : {};
    if (jids?.size === 0) return;
    const state = await this.bucket.state();
    const few = jids && this.#isFew(jids, state, sizes) ? portionsOf(jids, sizes.filters) : undefined;
    if (!few && (jids || of === "all") && (await this.#inOrder(sinceNs, state, entries))) return;
    const one =
      typeof of === "object" && "peel" in of ? { ...EVERYTHING, peels: [[`*.${token(of.peel)}`]] } : EVERYTHING;
    const { peels, lists } = few ?? one;
    // A deployment has one layout. Asking whether it has lists at all is cheaper than reading them in portions.
    const [hasLists] = await Promise.all([
      this.#hasLists(lists.length === 1 ? (lists[0] as readonly string[]) : ["*"]),
      this.#scan(peels, state, entries),
    ]);
    if (hasLists) await this.#scan(lists, state, entries);
  }

  /** By subject where a consumer accepts several filters, otherwise in order: then everything since `sinceNs` comes. */
  async keys(
    jids: readonly string[],
    sinceNs: bigint | undefined,
    onKey: (jid: string, peel: string | undefined, exists: boolean) => void,
  ): Promise<void> {
    const { bucket } = this;
    const subjects = jids.map((jid) => bucket.prefix + token(jid)).flatMap((list) => [list, `${list}.*`]);
    const configs: ConsumerConfig[] = bucket.connection.isAtLeast(2, 10)
      ? inPortions(subjects, SIZES.filters).map(newestOf)
      : [configSince(sinceNs)];
    const hand = (msg: Msg) => {
      const [jid = "", peel, more] = bucket.keyOf(msg).split(".");
      if (more === undefined) onKey(jid, peel, !isTombstone(msg));
    };
    await bucket.readPending(
      configs.map((config) => ({ ...config, headers_only: true })),
      hand,
    );
  }

  /** True when reading these jobs by subject is possible and faster. */
  #isFew(jids: Jids, { messages }: StreamState, { filters, filtersCost }: typeof SIZES): boolean {
    if (jids.size > 1 && !this.bucket.connection.isAtLeast(2, 10)) return false;
    if (jids.size > filters && (jids.size / filters) * filtersCost > messages) return false;
    for (const jid of jids.keys()) if (tokenFault(jid) !== undefined) return false;
    return true;
  }

  async #hasLists(filters: readonly string[]): Promise<boolean> {
    const subjects = filters.map((filter) => this.bucket.prefix + filter);
    return this.bucket.consume(newestOf(subjects), async ({ pending }) => pending > 0);
  }

  async #scan(portions: readonly (readonly string[])[], before: StreamState, entries: Messages): Promise<void> {
    const { history } = before;
    const { bucket } = this;
    let come = 0;
    const keys: Keys = {
      take(msg) {
        come++;
        return entries.take(msg);
      },
      dropAllBut() {}, // a key that existed at the start of the read counts
    };
    const exact = bucket.connection.isAtLeast(2, 10) || history === undefined || history === 1;
    for (const [i, filters] of portions.entries()) {
      const had = come;
      const onTotal = (pending: number) =>
        entries.expect(Math.round(((had + pending) / (i + 1)) * portions.length), come);
      const subjects = filters.map((filter) => bucket.prefix + filter);
      if (exact) await scanNewest(bucket, subjects, keys, { onTotal, before });
      else await readEach(bucket, subjects, keys);
    }
  }

  /** @returns true when the answer is proven complete */
  async #inOrder(sinceNs: bigint | undefined, state: StreamState, entries: Messages): Promise<boolean> {
    // Newer servers find the newest of each key faster than this file separates the keys.
    if (state.history !== 1 || (sinceNs === undefined && this.bucket.connection.isAtLeast(2, 10))) return false;
    const lists = await this.#pass(2, sinceNs, state, entries);
    return lists === 0 || (lists !== undefined && (await this.#pass(1, sinceNs, state, entries)) !== undefined);
  }

  /** Passes on the entries whose keys have this many tokens. @returns the number of lists; undefined when incomplete */
  async #pass(
    tokens: 1 | 2,
    sinceNs: bigint | undefined,
    before: StreamState,
    entries: Messages,
  ): Promise<number | undefined> {
    const { bucket } = this;
    const prefix = bucket.prefix.length;
    const config = configSince(sinceNs);
    let lists = 0;
    const hand = (msg: Msg) => {
      const key = subjectBytes(msg);
      const found = countTokens(key, prefix);
      if (found === 1) lists++;
      if (found === tokens) entries.take(msg);
    };
    const all = Number.POSITIVE_INFINITY;
    const onTotal = (pending: number) => entries.expect(pending, 0);
    if (bucket.connection.isAtLeast(2, 10)) {
      const { from, pending } = await bucket.consume(config, async (consumer) => consumer);
      onTotal(pending);
      // No limit for the whole read, because each request has its own; only the end of a busy stream has the timeout.
      await settle(bucket, from - 1, before, all, hand, new TailLimit(bucket.connection, all));
      return lists;
    }
    for (let attempt = 1, state = before; attempt <= READ_ATTEMPTS; attempt++, state = await bucket.state()) {
      lists = 0;
      if (await readFrom(bucket, config, state, all, hand, onTotal)) return lists;
    }
    return undefined;
  }
}
