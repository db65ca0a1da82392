// Reading returns across jobs: of many jobs, of one peel in all jobs, or all. As they come, without holding any.
import { ByteSet } from "../codec/byte-set.ts";
import { uint32 } from "../codec/value-at.ts";
import type { Return } from "../model/returns.ts";
import type { ReturnEntries, ReturnsOf, SIZES } from "../nats/returns.ts";
import type { Store } from "../nats/store.ts";
import { listedReturns, peelReturn, type RecordReader, wholeRecords } from "./lookup.ts";
import { NO_PROGRESS, type Progress } from "./read-jobs.ts";

export type { ReturnsOf };

/** Takes a return; `job` is the place of its JID among those asked for, from 0 on. */
export type OnReturn = (jid: string, item: Return, job: number) => void;

export interface ReturnsOptions {
  /** All that is needed of the records, the same list for each call; undefined: everything. */
  readonly fields?: readonly string[];
  /** What is made of the records, in place of these fields. */
  readonly reader?: RecordReader;
  readonly progress?: Progress | undefined;
  /** Is told of a list that can't be decoded, and of what is no return in a list. */
  readonly warn: (text: string) => void;
  /** Sizes other than the usual ones. */
  readonly sizes?: Partial<typeof SIZES>;
}

const DOT = 0x2e;
/** Keys that room is made for at once; for more, it grows on the way. */
const RESERVED = 1_000_000;
/** Stands in the place of a peel's number for a key of a list. */
const LIST = 0xffff_ffff;

/** The keys that came, by number. A million take 30 MB: a job and a peel stand in many keys, and each is kept once. */
class ReturnKeys {
  readonly jids = new ByteSet();
  readonly #peels = new ByteSet();
  /** The peels as text: each is made once. */
  readonly #names: string[] = [];
  /** Of each key the number of its job, and that of its peel or LIST. */
  readonly #pairs = new ByteSet();
  readonly #pair = Buffer.alloc(8);

  get size(): number {
    return this.#pairs.size;
  }

  reserve(keys: number): void {
    this.#pairs.reserve(keys, this.#pair.length);
  }

  #set(jid: number, peel: number): Buffer {
    this.#pair.writeUInt32BE(jid, 0);
    this.#pair.writeUInt32BE(peel, 4);
    return this.#pair;
  }

  /** The number of the key that `key` has from `from` on; its peel stands behind `dot`, which is below 0 for a list. */
  add(key: Uint8Array, from: number, dot: number): number {
    const jid = this.jids.add(key, from, dot < 0 ? key.length : dot);
    const peel = dot < 0 ? LIST : this.#peels.add(key, dot + 1, key.length);
    return this.#pairs.add(this.#set(jid, peel), 0, 8);
  }

  /** The number of a peel's own key; -1 when it did not come. */
  find(jid: string, peel: string): number {
    const [j, p] = [this.jids.find(Buffer.from(jid)), this.#peels.find(Buffer.from(peel))];
    return j < 0 || p < 0 ? -1 : this.#pairs.find(this.#set(j, p));
  }

  /** The job of a key. */
  jid(n: number): string {
    return this.jids.text(uint32(this.#pairs.at(n), 0));
  }

  /** The peel of a key that is no list's. */
  peel(n: number): string {
    const number = uint32(this.#pairs.at(n), 4);
    this.#names[number] ??= this.#peels.text(number);
    return this.#names[number];
  }
}

/** One read under way. */
class Reading implements ReturnEntries {
  readonly #keys = new ReturnKeys();
  /** Numbers of the keys under which there is no return. */
  readonly #empty = new Set<number>();
  readonly #jids: ByteSet | undefined;
  readonly #peel: string | undefined;
  readonly #reader: RecordReader;
  /** How many returns were handed over. */
  handed = 0;

  constructor(
    of: ReturnsOf,
    readonly onReturn: OnReturn,
    readonly options: ReturnsOptions,
    readonly progress: Progress,
  ) {
    this.#reader = options.reader ?? wholeRecords(options.fields);
    if (typeof of === "object" && "jids" in of) {
      this.#jids = new ByteSet();
      for (const jid of of.jids.keys()) {
        const bytes = Buffer.from(jid);
        this.#jids.add(bytes, 0, bytes.length);
      }
    }
    this.#peel = typeof of === "object" && "peel" in of ? of.peel : undefined;
  }

  expect(total: number, come: number): void {
    this.#keys.reserve(Math.min(total, RESERVED));
    this.progress.begin(total, come);
  }

  take(key: Uint8Array, from: number, bytes: Uint8Array | undefined): number {
    this.progress.step();
    const before = this.#keys.size;
    const dot = key.indexOf(DOT, from);
    const n = this.#keys.add(key, from, dot);
    if (n < before) return n;
    if (!bytes) {
      this.#empty.add(n);
      return n;
    }
    const job = this.#jids ? this.#jids.find(key, from, dot < 0 ? key.length : dot) : 0;
    if (job < 0) return n;
    const jid = this.#keys.jid(n);
    if (dot < 0) this.#takeList(jid, bytes, job);
    else this.#hand(jid, peelReturn(this.#keys.peel(n), bytes, this.#reader), job);
    return n;
  }

  /** All that stands under a peel's own key has come before the lists: see `Returns.across`. */
  #takeList(jid: string, bytes: Uint8Array, job: number): void {
    const byPeel = new Map<string, Return>();
    for (const item of listedReturns(jid, bytes, this.options.warn)) byPeel.set(item.peel, item);
    for (const item of byPeel.values()) {
      if (this.#peel !== undefined && item.peel !== this.#peel) continue;
      const own = this.#keys.find(jid, item.peel);
      if (own < 0 || this.#empty.has(own)) this.#hand(jid, item, job);
    }
  }

  #hand(jid: string, item: Return, job: number): void {
    this.handed++;
    this.onReturn(jid, item, job);
  }
}

/**
 * Hands over the returns asked for, in no order, each of them once, in a state that it had meanwhile: both layouts merged (on
 * the same peel the per-peel key wins). One that can't be decoded is an `unreadableReturn`.
 * @param onReturn what it keeps is all that takes memory, beside the keys
 * @returns how many were handed over
 * @throws NoBucket, PermissionDenied, and Transient when the answer can't be made whole
 */
export async function readReturnsAcross(
  store: Store,
  of: ReturnsOf,
  onReturn: OnReturn,
  options: ReturnsOptions,
): Promise<number> {
  const progress = options.progress ?? NO_PROGRESS;
  const reading = new Reading(of, onReturn, options, progress);
  try {
    await store.returns.across(of, reading, options.sizes);
  } finally {
    progress.end();
  }
  return reading.handed;
}
