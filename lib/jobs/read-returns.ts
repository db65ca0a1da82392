// Reads the returns of many jobs, of one peel, or all, as they arrive, and keeps none.
import { ByteSet } from "../codec/byte-set.ts";
import { NumberSet } from "../codec/number-set.ts";
import type { Return } from "../model/returns.ts";
import { DOT_BYTE, type ReturnEntries, type ReturnsOf, type Store } from "../store.ts";
import { sweepAfter, sweeper } from "../sweep.ts";
import { listedReturns, peelReturn, type ReturnReader, wholeRecords } from "./lookup.ts";
import { NO_PROGRESS, type Progress } from "./read-jobs.ts";

/** @param place of the JID among the requested ones; `of.jid` makes its text, and is valid until the next call */
export type OnReturn = (item: Return, place: number, of: { readonly jid: string }) => void;

export interface ReturnsOptions {
  /** Fields of records, the same list for each call; undefined for all. */
  readonly fields?: readonly string[];
  /** In place of `fields`. */
  readonly reader?: ReturnReader;
  readonly progress?: Progress | undefined;
  /** Receives a warning about what cannot be decoded in a list. */
  readonly warn: (text: string) => void;
}

/** In place of the number of a peel, for the key of a list. */
const LIST_KEY = -1;

/** One number for a job and a peel, whose numbers are below 2^26. */
export const pairOf = (job: number, peel: number) => job * 2 ** 26 + peel + 1;

/** The first dot of a key; -1 without one. For so few bytes, a loop is faster than a native call. */
function dotIn(key: Uint8Array, from: number): number {
  for (let at = from; at < key.length; at++) if (key[at] === DOT_BYTE) return at;
  return -1;
}

/** The received keys, by number. */
class ReturnKeys {
  /** The requested jobs in their order, then others. */
  readonly #jids = new ByteSet();
  readonly #peels = new ByteSet();
  /** Texts of peels, each made once. */
  readonly #names: string[] = [];
  readonly #numbers = new NumberSet();
  #jidText: string | undefined;
  #peel = LIST_KEY;
  /** The number of the last key's job: its place, if it was requested. */
  job = -1;

  /** @param jids the requested jobs */
  constructor(jids: Iterable<string>) {
    for (const jid of jids) {
      const bytes = Buffer.from(jid);
      this.#jids.add(bytes, 0, bytes.length);
    }
  }

  get size(): number {
    return this.#numbers.size;
  }

  /** The jobs of all keys, and those requested. */
  get jobs(): number {
    return this.#jids.size;
  }

  /** @param dot the end of the JID; below 0 for the key of a list */
  add(key: Uint8Array, from: number, dot: number): number {
    const to = dot < 0 ? key.length : dot;
    // Peels of a job often arrive one after the other.
    if (this.job < 0 || !this.#jids.isAt(this.job, key, from, to)) {
      this.job = this.#jids.add(key, from, to);
      this.#jidText = undefined;
    }
    this.#peel = dot < 0 ? LIST_KEY : this.#peels.add(key, dot + 1, key.length);
    return this.#numbers.add(pairOf(this.job, this.#peel));
  }

  /** The number of a peel's key in the job of the last key; -1 if it did not arrive. */
  find(peel: string): number {
    const number = this.#peels.find(Buffer.from(peel));
    return number < 0 ? -1 : this.#numbers.find(pairOf(this.job, number));
  }

  /** Of the last key. */
  get jid(): string {
    this.#jidText ??= this.#jids.text(this.job);
    return this.#jidText;
  }

  /** Of the last key, which is not that of a list. */
  get peel(): string {
    this.#names[this.#peel] ??= this.#peels.text(this.#peel);
    return this.#names[this.#peel] as string;
  }
}

class ReturnsUnderWay implements ReturnEntries {
  readonly #keys: ReturnKeys;
  /** Keys without a value. */
  readonly #empty = new Set<number>();
  /** The number of requested jobs, which have the lowest numbers. */
  readonly #jobs: number;
  readonly #peel: string | undefined;
  readonly #reader: ReturnReader;
  readonly #sweep: (bytes: Uint8Array) => void;
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

  /** Lists arrive after the keys of peels (StoredReturns.across). */
  #takeList(bytes: Uint8Array): void {
    const byPeel = new Map<string, Return>();
    for (const item of listedReturns(this.#keys.jid, bytes, this.options.warn, this.#reader))
      byPeel.set(item.peel, item);
    for (const item of byPeel.values()) {
      if (!this.#isWanted(item.peel)) continue;
      const own = this.#keys.find(item.peel);
      if (own < 0 || this.#empty.has(own)) this.#hand(item);
    }
  }

  #hand(item: Return): void {
    this.handed++;
    this.onReturn(item, this.#keys.job, this.#keys);
  }
}

/**
 * Passes on each return once, in no order, in a state that it had during the read. The key of a peel wins over a list.
 * @returns how many were passed on
 * @throws NoBucket, Unavailable, and Transient when some could be missing
 */
export async function readReturnsAcross(
  store: { readonly returns: Pick<Store["returns"], "across"> },
  of: ReturnsOf,
  onReturn: OnReturn,
  options: ReturnsOptions,
): Promise<number> {
  const progress = options.progress ?? NO_PROGRESS;
  // After the jobs were read.
  if (typeof of === "object" && "jids" in of) sweepAfter(of.jids.size);
  const reading = new ReturnsUnderWay(of, onReturn, options, progress);
  try {
    await store.returns.across(of, reading);
  } finally {
    progress.end();
  }
  return reading.handed;
}
