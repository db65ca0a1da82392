// The bucket of returns: those of one job, and those of many jobs.
//
// The returns of many jobs are read in one of two ways. Each is complete or an error (scan.ts).
//
// By subject:
//  1. The server finds the newest message of each key. From nats-server 2.10 on a consumer accepts several filters.
//  2. The time to compare filters grows with the square of their number. So the jobs are read in portions.
//  3. When the portions would take longer than reading everything, everything is read, and the rest is dropped.
//
// In order, only where the bucket keeps one message per key, as real masters configure it (docs/contributing.md, "Buckets"):
//  1. Every message is read, or every message from a time on.
//  2. Each is the newest of its key, so the server has nothing to look up.
//
// A key can arrive in several states. The first counts, because none is older than the start of the read. One exception:
// nats-server 2.9, by subject, in a bucket that keeps several messages per key (scan.ts). There each key is read by itself.
import type { Msg } from "nats";
import { tokenFault } from "../model/jid.ts";
import { DOT_BYTE, type Follow, type Jids, type LiveReturns, type ReturnEntries, type ReturnsOf } from "../store.ts";
import { type Bucket, isTombstone, valueIn } from "./bucket.ts";
import { type ConsumerConfig, configSince, newestOf, subjectBytes } from "./consumer.ts";
import { readEach, readToEnd, scanNewest } from "./scan.ts";
import { READ_ATTEMPTS, type StreamState } from "./stream.ts";
import { token } from "./subject.ts";

export const SIZES = {
  /** Filters per consumer. More take longer than a second consumer (2.15.2: 300 take 20 ms, 1,000 take 330 ms). */
  filters: 400,
  /** Reading this many messages takes as long as one consumer with that many filters. */
  filtersCost: 30_000,
};
/** `all` in parts of at most `size`. */
export const inPortions = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));

/** `ReturnEntries`, for messages. */
interface Messages {
  take(msg: Msg): number;
  expect(total: number, come: number): void;
}

/** The bucket `job-returns`; every method throws what those of `Bucket` throw. */
export class Returns implements LiveReturns {
  constructor(readonly bucket: Bucket) {}

  async of<T>(
    jid: string,
    read: (peel: string, bytes: Uint8Array) => T,
  ): Promise<{ list: Uint8Array | undefined; peels: T[] }> {
    const readPeel = (key: string, bytes: Uint8Array) => read(key.slice(jid.length + 1), bytes);
    const [list, peels] = await Promise.all([
      this.bucket.get(token(jid)),
      this.bucket.entries(`${token(jid)}.*`, readPeel, { narrow: true }),
    ]);
    return { list, peels };
  }

  async follow(
    jid: string,
    onEntry: (peel: string | undefined, bytes: Uint8Array) => void,
    follow: Follow,
  ): Promise<void> {
    let behind = 2;
    const both = { stop: follow.stop, caughtUp: () => --behind === 0 && follow.caughtUp() };
    const hand = (key: string, bytes: Uint8Array | undefined) => {
      if (bytes) onEntry(key === jid ? undefined : key.slice(jid.length + 1), bytes);
    };
    await Promise.all([token(jid), `${token(jid)}.*`].map((filter) => this.bucket.followKeys(filter, hand, both)));
  }

  /** @param changes replaces some of SIZES */
  across(of: ReturnsOf, entries: ReturnEntries, changes: Partial<typeof SIZES> = {}): Promise<void> {
    const { prefix } = this.bucket;
    const take = (msg: Msg) => entries.take(subjectBytes(msg), prefix.length, valueIn(msg));
    return this.messages(of, { take, expect: (total, come) => entries.expect(total, come) }, changes);
  }

  /** As `across`, with the messages themselves. */
  async messages(of: ReturnsOf, entries: Messages, changes: Partial<typeof SIZES> = {}): Promise<void> {
    const sizes = { ...SIZES, ...changes };
    const { jids, sinceNs } = typeof of === "object" && "jids" in of ? of : {};
    const peel = typeof of === "object" && "peel" in of ? token(of.peel) : undefined;
    if (jids?.size === 0) return;
    const state = await this.bucket.state();
    const few = jids && this.#isFew(jids, state, sizes) ? inPortions([...jids.keys()], sizes.filters) : undefined;
    if (!few && peel === undefined && (await this.#inOrder(sinceNs, state, entries))) return;
    // The filters of each consumer, for the peels' own keys and for the lists.
    const peels = few?.map((part) => part.map((jid) => `${jid}.*`)) ?? [[`*.${peel ?? "*"}`]];
    const lists = few ?? [["*"]];
    // A deployment has one layout. Asking whether it has lists at all is cheaper than reading them in portions.
    const listKeys = (few?.length === 1 ? lists.flat() : ["*"]).map((filter) => this.bucket.prefix + filter);
    const [hasLists] = await Promise.all([
      this.bucket.consume(newestOf(listKeys), async ({ pending }) => pending > 0),
      this.#scan(peels, state, entries),
    ]);
    if (hasLists) await this.#scan(lists, state, entries);
  }

  /** By subject where a consumer accepts several filters, otherwise in order: then everything since `sinceNs` is passed on. */
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
    return [...jids.keys()].every((jid) => tokenFault(jid) === undefined);
  }

  async #scan(portions: readonly (readonly string[])[], before: StreamState, entries: Messages): Promise<void> {
    const { bucket } = this;
    let come = 0;
    const keys = {
      take(msg: Msg) {
        come++;
        return entries.take(msg);
      },
      dropAllBut() {}, // a key that existed at the start of the read counts
    };
    const exact = bucket.connection.isAtLeast(2, 10) || (before.history ?? 1) === 1;
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
    const lists = await this.#pass("peels", sinceNs, state, entries);
    return lists === 0 || (lists !== undefined && (await this.#pass("lists", sinceNs, state, entries)) !== undefined);
  }

  /** Passes on the entries of one layout. @returns the number of lists; undefined when incomplete */
  async #pass(
    layout: "peels" | "lists",
    sinceNs: bigint | undefined,
    before: StreamState,
    entries: Messages,
  ): Promise<number | undefined> {
    const { bucket } = this;
    let lists = 0;
    const hand = (msg: Msg) => {
      const key = subjectBytes(msg);
      const dot = key.indexOf(DOT_BYTE, bucket.prefix.length);
      const isList = dot < 0;
      const isPeel = !isList && key.indexOf(DOT_BYTE, dot + 1) < 0;
      if (isList) lists++;
      if (layout === "lists" ? isList : isPeel) entries.take(msg);
    };
    const onTotal = (pending: number) => entries.expect(pending, 0);
    for (let attempt = 1, state = before; attempt <= READ_ATTEMPTS; attempt++, state = await bucket.state()) {
      lists = 0;
      if (await readToEnd(bucket, sinceNs, state, hand, onTotal)) return lists;
    }
    return undefined;
  }
}
