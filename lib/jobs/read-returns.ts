// Reading returns across jobs: of many jobs, of one peel in all jobs, or all. As they come, without holding any.
import { ByteSet } from "../codec/byte-set.ts";
import type { Return } from "../model/returns.ts";
import type { ReturnEntries, ReturnsOf, Store } from "../store.ts";
import { listedReturns, peelReturn, type ReturnReader, wholeRecords } from "./lookup.ts";
import { NO_PROGRESS, type Progress } from "./read-jobs.ts";
import { sweeper } from "./sweep.ts";

/**
 * Takes a return; `job` is the place of its JID among those asked for, from 0 on, and `of` has that JID until the next call: a
 * text is made of it only where it is needed.
 */
export type OnReturn = (item: Return, job: number, of: { readonly jid: string }) => void;

export interface ReturnsOptions {
  /** All that is needed of the records, the same list for each call; undefined: everything. */
  readonly fields?: readonly string[];
  /** What is made of the records, in place of these fields. */
  readonly reader?: ReturnReader;
  readonly progress?: Progress | undefined;
  /** Is told of a list that can't be decoded, and of what is no return in a list. */
  readonly warn: (text: string) => void;
}

const DOT = 0x2e;
/** Stands in the place of a peel's number for a key of a list. */
const LIST_KEY = -1;

/** One number for those of a job and a peel, which are below 2^26 each. */
const pairOf = (job: number, peel: number) => job * 2 ** 26 + peel + 1;

/** Where the first dot of a key is; -1 without one. For so few bytes a loop is quicker than a native call. */
function dotIn(key: Uint8Array, from: number): number {
  for (let at = from; at < key.length; at++) if (key[at] === DOT) return at;
  return -1;
}

/** The keys that came, by number. A million take 25 MB: a job and a peel stand in many keys, and each is kept once. */
class ReturnKeys {
  /** The jobs that were asked for, in their order, then others. */
  readonly #jids = new ByteSet();
  readonly #peels = new ByteSet();
  /** The peels as text: each is made once. */
  readonly #names: string[] = [];
  /** The number of each key, by those of its job and its peel (`pairOf`). */
  readonly #numbers = new Map<number, number>();
  /** The job of the key that came last: several peels of a job often come one after the other. */
  #jid = -1;
  #jidText: string | undefined;
  #peel = LIST_KEY;

  /** @param jids the jobs that are asked for */
  constructor(jids: Iterable<string>) {
    for (const jid of jids) {
      const bytes = Buffer.from(jid);
      this.#jids.add(bytes, 0, bytes.length);
    }
  }

  get size(): number {
    return this.#numbers.size;
  }

  /** How many jobs there are among the keys and those asked for. */
  get jobs(): number {
    return this.#jids.size;
  }

  /** The number of the key that `key` has from `from` on; its peel stands behind `dot`, which is below 0 for a list. */
  add(key: Uint8Array, from: number, dot: number): number {
    const to = dot < 0 ? key.length : dot;
    if (this.#jid < 0 || !this.#jids.isAt(this.#jid, key, from, to)) {
      this.#jid = this.#jids.add(key, from, to);
      this.#jidText = undefined;
    }
    this.#peel = dot < 0 ? LIST_KEY : this.#peels.add(key, dot + 1, key.length);
    const pair = pairOf(this.#jid, this.#peel);
    const known = this.#numbers.get(pair);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(pair, number);
    return number;
  }

  /** The number of a peel's own key of the job of the last key; -1 when it did not come. */
  find(peel: string): number {
    const number = this.#peels.find(Buffer.from(peel));
    return number < 0 ? -1 : (this.#numbers.get(pairOf(this.#jid, number)) ?? -1);
  }

  /** The number of the last key's job: of one that was asked for, its place among those. */
  get job(): number {
    return this.#jid;
  }

  /** The job of the last key. */
  get jid(): string {
    this.#jidText ??= this.#jids.text(this.#jid);
    return this.#jidText;
  }

  /** The peel of the last key, which is no list's. */
  get peel(): string {
    this.#names[this.#peel] ??= this.#peels.text(this.#peel);
    return this.#names[this.#peel] as string;
  }
}

/** One read under way. */
class ReturnsUnderWay implements ReturnEntries {
  readonly #keys: ReturnKeys;
  /** Numbers of the keys under which there is no return. */
  readonly #empty = new Set<number>();
  /** Only so many jobs are wanted, the first ones. */
  readonly #jobs: number;
  readonly #peel: string | undefined;
  readonly #reader: ReturnReader;
  readonly #sweep: (bytes: Uint8Array) => void;
  /** How many returns were handed over. */
  handed = 0;

  constructor(
    of: ReturnsOf,
    readonly onReturn: OnReturn,
    readonly options: ReturnsOptions,
    readonly progress: Progress,
  ) {
    this.#reader = options.reader ?? wholeRecords(options.fields);
    this.#sweep = sweeper(this.#reader.decodesAll ? "whole" : "other");
    const isOfJobs = typeof of === "object" && "jids" in of;
    this.#keys = new ReturnKeys(isOfJobs ? of.jids.keys() : []);
    this.#jobs = isOfJobs ? this.#keys.jobs : Number.POSITIVE_INFINITY;
    this.#peel = typeof of === "object" && "peel" in of ? of.peel : undefined;
  }

  expect(total: number, come: number): void {
    this.progress.begin(total, come);
  }

  take(key: Uint8Array, from: number, bytes: Uint8Array | undefined): number {
    this.progress.step();
    const before = this.#keys.size;
    const dot = dotIn(key, from);
    const n = this.#keys.add(key, from, dot);
    if (n < before) return n;
    if (!bytes) this.#empty.add(n);
    else if (this.#keys.job < this.#jobs && (dot < 0 || this.#isWanted(this.#keys.peel))) {
      this.#sweep(bytes);
      if (dot < 0) this.#takeList(bytes);
      else this.#hand(peelReturn(this.#keys.peel, bytes, this.#reader));
    }
    return n;
  }

  #isWanted(peel: string): boolean {
    return this.#peel === undefined || peel === this.#peel;
  }

  /** All that stands under a peel's own key has come before the lists: see `Returns.across`. */
  #takeList(bytes: Uint8Array): void {
    const byPeel = new Map<string, Return>();
    for (const item of listedReturns(this.#keys.jid, bytes, this.options.warn)) byPeel.set(item.peel, item);
    for (const item of byPeel.values()) {
      if (!this.#isWanted(item.peel)) continue;
      const own = this.#keys.find(item.peel);
      if (own < 0 || this.#empty.has(own)) this.#hand(item);
    }
  }

  /** Hands over a return of the last key's job. */
  #hand(item: Return): void {
    this.handed++;
    this.onReturn(item, this.#keys.job, this.#keys);
  }
}

/**
 * Hands over the returns asked for, in no order, each of them once, in a state that it had meanwhile: both layouts merged (on
 * the same peel the per-peel key wins). One that can't be decoded is an `unreadableReturn`.
 * @param onReturn what it keeps is all that takes memory, beside the keys
 * @returns how many were handed over
 * @throws NoBucket, Unavailable, and Transient when the answer can't be made whole
 */
export async function readReturnsAcross(
  store: { readonly returns: Pick<Store["returns"], "across"> },
  of: ReturnsOf,
  onReturn: OnReturn,
  options: ReturnsOptions,
): Promise<number> {
  const progress = options.progress ?? NO_PROGRESS;
  const reading = new ReturnsUnderWay(of, onReturn, options, progress);
  try {
    await store.returns.across(of, reading);
  } finally {
    progress.end();
  }
  return reading.handed;
}
