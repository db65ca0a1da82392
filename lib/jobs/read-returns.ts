// Reading returns across jobs: of many jobs, of one peel in all jobs, or all. As they come, without holding any.
import { ByteSet } from "../codec/byte-set.ts";
import type { Return } from "../model/returns.ts";
import type { ReturnEntries, ReturnsOf, SIZES } from "../nats/returns.ts";
import type { Store } from "../nats/store.ts";
import { listedReturns, peelReturn, type RecordReader, wholeRecords } from "./lookup.ts";
import { NO_PROGRESS, type Progress } from "./read-jobs.ts";

export type { ReturnsOf };

export interface ReturnsOptions {
  /** All that is needed of the records, the same list for each call; undefined: everything. */
  readonly fields?: readonly string[];
  readonly progress?: Progress | undefined;
  /** Is told of a list that can't be decoded, and of what is no return in a list. */
  readonly warn: (text: string) => void;
  /** Sizes other than the usual ones. */
  readonly sizes?: Partial<typeof SIZES>;
}

const DOT = 0x2e;

/** One read under way. It holds the keys that came, which take about 50 bytes each. */
class Reading implements ReturnEntries {
  readonly #keys = new ByteSet();
  /** Numbers of the keys under which there is no return. */
  readonly #empty = new Set<number>();
  readonly #jids: ReadonlySet<string> | undefined;
  readonly #peel: string | undefined;
  readonly #reader: RecordReader;
  /** How many returns were handed over. */
  handed = 0;

  constructor(
    of: ReturnsOf,
    readonly onReturn: (jid: string, item: Return) => void,
    readonly options: ReturnsOptions,
    readonly progress: Progress,
  ) {
    this.#reader = wholeRecords(options.fields);
    this.#jids = typeof of === "object" && "jids" in of ? of.jids : undefined;
    this.#peel = typeof of === "object" && "peel" in of ? of.peel : undefined;
  }

  expect(total: number, come: number): void {
    this.progress.begin(total, come);
  }

  take(key: Uint8Array, from: number, bytes: Uint8Array | undefined): number {
    this.progress.step();
    const before = this.#keys.size;
    const n = this.#keys.add(key, from, key.length);
    if (n < before) return n;
    if (!bytes) {
      this.#empty.add(n);
      return n;
    }
    const dot = key.indexOf(DOT, from);
    const text = this.#keys.text(n);
    if (dot < 0) {
      if (this.#jids?.has(text) !== false) this.#takeList(text, bytes);
      return n;
    }
    const jid = text.slice(0, text.indexOf("."));
    if (this.#jids?.has(jid) !== false) this.#take(jid, text.slice(jid.length + 1), bytes);
    return n;
  }

  #take(jid: string, peel: string, bytes: Uint8Array): void {
    this.#hand(jid, peelReturn(peel, bytes, this.#reader));
  }

  /** All that stands under a peel's own key has come before the lists: see `Returns.across`. */
  #takeList(jid: string, bytes: Uint8Array): void {
    const byPeel = new Map<string, Return>();
    for (const item of listedReturns(jid, bytes, this.options.warn)) byPeel.set(item.peel, item);
    for (const item of byPeel.values()) {
      if (this.#peel !== undefined && item.peel !== this.#peel) continue;
      const own = this.#keys.find(Buffer.from(`${jid}.${item.peel}`));
      if (own < 0 || this.#empty.has(own)) this.#hand(jid, item);
    }
  }

  #hand(jid: string, item: Return): void {
    this.handed++;
    this.onReturn(jid, item);
  }
}

/**
 * Hands over the returns asked for, in no order, each of them once, in a state that it had meanwhile: both layouts merged (on
 * the same peel the per-peel key wins). One that can't be decoded is an `unreadableReturn`.
 * @param onReturn gets the JID and the return; what it keeps is all that takes memory, beside the keys
 * @returns how many were handed over
 * @throws NoBucket, PermissionDenied, and Transient when the answer can't be made whole
 */
export async function readReturnsAcross(
  store: Store,
  of: ReturnsOf,
  onReturn: (jid: string, item: Return) => void,
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
