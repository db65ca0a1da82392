// The bucket of returns: those of one job, and those of many jobs at once.
//
// The returns of many jobs are read in one of two ways, both of them whole or an error (scan.ts):
//
// - By subject: the newest message of each key that the server finds. It takes several filters from nats-server 2.10 on; the
//   time that it takes to compare them grows with their square, so they are asked for in portions. When that would take
//   longer than reading everything, everything is read, and what was not asked for is dropped.
// - In order: every message, or every one from a time on. On a real master the bucket keeps one message of each key (wire.md,
//   "Buckets"): what is stored is the newest, and nothing has to be looked up at the server. Only where that is so.
//
// An entry may come in several states, and the first of them counts: none is older than the read. nats-server 2.9 may hand
// over an older one by subject, of a bucket that keeps several (scan.ts); there, each key is asked for by itself.
import type { Msg } from "nats";
import { tokenFault } from "../model/jid.ts";
import type { Follow, Jids, LiveReturns, ReturnEntries, ReturnsOf } from "../store.ts";
import { type Bucket, isGone } from "./bucket.ts";
import { startTime, subjectBytes } from "./consumer.ts";
import { type Keys, readEach, readFrom, scanNewest } from "./scan.ts";
import type { StreamState } from "./stream.ts";
import { token } from "./subject.ts";
import { Limit, settle } from "./tail.ts";

export const SIZES = {
  /** Filters of one consumer: more take the server longer than a second consumer (2.15.2: 300 take 20 ms, 1,000 take 330 ms). */
  filters: 400,
  /** Reading so many messages takes as long as a consumer with so many filters. */
  filtersCost: 30_000,
};
/** A read in order that something was removed from meanwhile is begun again, but not more often than this. */
const ATTEMPTS = 3;

const DOT = 0x2e;

/** The tokens of a key: one of a list, two of a peel's own return. */
function tokensOf(key: Uint8Array, from: number): number {
  let tokens = 1;
  for (let at = from; at < key.length; at++) if (key[at] === DOT) tokens++;
  return tokens;
}

/** The filters of each consumer that is made, for the peels' own keys and for the lists. */
interface Portions {
  readonly peels: readonly (readonly string[])[];
  readonly lists: readonly (readonly string[])[];
}

const EVERYTHING: Portions = { peels: [["*.*"]], lists: [["*"]] };

function portionsOf(jids: Jids, filters: number): Portions {
  const all = [...jids.keys()];
  const parts = Array.from({ length: Math.ceil(all.length / filters) }, (_, i) =>
    all.slice(i * filters, (i + 1) * filters),
  );
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
    // What is known of each key by its number; undefined for one that is gone.
    const found: (T | undefined)[] = [];
    const before = bucket.prefix.length + jid.length + 1;
    const keys = {
      take(msg: Msg) {
        const peel = msg.subject.slice(before);
        const known = numbers.get(peel);
        const number = known ?? found.length;
        if (known === undefined) numbers.set(peel, number);
        found[number] = isGone(msg) ? undefined : read(peel, msg.data);
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
      if (!isGone(msg)) onEntry(key === jid ? undefined : key.slice(jid.length + 1), msg.data);
    };
    await Promise.all([this.bucket.follow(token(jid), hand, both), this.bucket.follow(`${token(jid)}.*`, hand, both)]);
  }

  /** @param changes sizes other than the usual ones */
  async across(of: ReturnsOf, entries: ReturnEntries, changes: Partial<typeof SIZES> = {}): Promise<void> {
    const sizes = { ...SIZES, ...changes };
    const { jids, sinceNs } = typeof of === "object" && "jids" in of ? of : {};
    if (jids?.size === 0) return;
    const state = await this.bucket.state();
    const few = jids && this.#isFew(jids, state, sizes) ? portionsOf(jids, sizes.filters) : undefined;
    if (!few && (jids || of === "all") && (await this.#inOrder(sinceNs, state, entries))) return;
    const one =
      typeof of === "object" && "peel" in of ? { ...EVERYTHING, peels: [[`*.${token(of.peel)}`]] } : EVERYTHING;
    const { peels, lists } = few ?? one;
    await this.#scan(peels, state, entries);
    // A deployment has one layout: whether there are lists at all costs less than looking for them portion by portion.
    if (lists.length === 1 || (await this.#hasLists())) await this.#scan(lists, state, entries);
  }

  /** True when these jobs are best asked for by their subjects. */
  #isFew(jids: Jids, { messages }: StreamState, { filters, filtersCost }: typeof SIZES): boolean {
    if (jids.size > 1 && !this.bucket.connection.isAtLeast(2, 10)) return false;
    if (jids.size > filters && (jids.size / filters) * filtersCost > messages) return false;
    for (const jid of jids.keys()) if (tokenFault(jid) !== undefined) return false;
    return true;
  }

  async #hasLists(): Promise<boolean> {
    const config = { deliver_policy: "last_per_subject", filter_subject: `${this.bucket.prefix}*` } as const;
    return this.bucket.consume(config, async ({ pending }) => pending > 0);
  }

  async #scan(
    portions: readonly (readonly string[])[],
    { history }: StreamState,
    entries: ReturnEntries,
  ): Promise<void> {
    const { bucket } = this;
    let come = 0;
    const keys: Keys = {
      take(msg) {
        come++;
        return entries.take(subjectBytes(msg), bucket.prefix.length, isGone(msg) ? undefined : msg.data);
      },
      dropAllBut() {}, // what was there a moment ago counts as well
    };
    const exact = bucket.connection.isAtLeast(2, 10) || history === undefined || history === 1;
    for (const [i, filters] of portions.entries()) {
      const before = come;
      const onTotal = (pending: number) =>
        entries.expect(Math.round(((before + pending) / (i + 1)) * portions.length), come);
      const subjects = filters.map((filter) => bucket.prefix + filter);
      if (exact) await scanNewest(bucket, subjects, keys, { onTotal });
      else await readEach(bucket, subjects, keys);
    }
  }

  /** @returns false when it was not read, or not whole, as far as can be told */
  async #inOrder(sinceNs: bigint | undefined, state: StreamState, entries: ReturnEntries): Promise<boolean> {
    // The newest of each key are found faster by newer servers than told apart here.
    if (state.history !== 1 || (sinceNs === undefined && this.bucket.connection.isAtLeast(2, 10))) return false;
    const lists = await this.#pass(2, sinceNs, state, entries);
    return lists === 0 || (lists !== undefined && (await this.#pass(1, sinceNs, state, entries)) !== undefined);
  }

  /** Hands over the entries whose keys have so many tokens. @returns how many lists there are; undefined as #inOrder */
  async #pass(
    tokens: 1 | 2,
    sinceNs: bigint | undefined,
    before: StreamState,
    entries: ReturnEntries,
  ): Promise<number | undefined> {
    const { bucket } = this;
    const prefix = bucket.prefix.length;
    const config =
      sinceNs === undefined
        ? ({ deliver_policy: "all" } as const)
        : ({ deliver_policy: "by_start_time", opt_start_time: startTime(sinceNs) } as const);
    const { from, pending } = await bucket.consume(config, async (consumer) => consumer);
    for (let attempt = 1, state = before; attempt <= ATTEMPTS; attempt++, state = await bucket.state()) {
      entries.expect(pending, 0);
      let lists = 0;
      const hand = (msg: Msg) => {
        const key = subjectBytes(msg);
        const found = tokensOf(key, prefix);
        if (found === 1) lists++;
        if (found === tokens) entries.take(key, prefix, isGone(msg) ? undefined : msg.data);
      };
      if (!bucket.connection.isAtLeast(2, 10)) {
        if (await readFrom(bucket, config, state, Number.POSITIVE_INFINITY, hand)) return lists;
      } else {
        // Each request has a limit of its own; only the end of a busy stream may not take longer than the timeout.
        const limit = new Limit(bucket.connection, Number.POSITIVE_INFINITY);
        await settle(bucket, from - 1, state, Number.POSITIVE_INFINITY, hand, limit);
        return lists;
      }
    }
    return undefined;
  }
}
