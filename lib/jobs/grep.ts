// Searching the returns of many jobs.
import { ByteSet, grown } from "../codec/byte-set.ts";
import { decodeRecord, isJson } from "../codec/decode.ts";
import { type JobList, type JobRow, jidsOf } from "../model/job.ts";
import { toReturn } from "../model/returns.ts";
import { type Hit, hitsIn, type Search } from "../model/search.ts";
import type { Store } from "../store.ts";
import type { ReturnReader } from "./lookup.ts";
import type { Progress } from "./read-jobs.ts";
import { type OnReturn, readReturnsAcross } from "./read-returns.ts";

/** So many of the newest jobs are read first, where the server can pick their returns: their hits are shown at once. */
const FIRST_JOBS = 400;

/** Memory is swept after so many returns, where each of them is decoded and each of its lines searched. */
const WHOLE_SWEEP = 1 << 11;

/** What was searched. */
export interface Searched {
  returns: number;
  /** Returns that can't be decoded. */
  unreadable: number;
}

/** Ends a search that has found enough. */
class Enough extends Error {}

/** Numbers of one hit: its job, its line (field, result and text), its peel, and which line of the text it is. */
const COLUMNS = 4;

/** The hits of some jobs, as numbers; each line and each peel is kept once. */
class Hits {
  readonly #lines = new ByteSet();
  readonly #peels: string[] = [];
  readonly #peelNumbers = new Map<string, number>();
  #rows = new Int32Array(COLUMNS << 8);
  #size = 0;

  add(job: number, { peel, field, result, line, text }: Hit): void {
    const bytes = Buffer.from(JSON.stringify([field, result ?? null, text]));
    let peelNumber = this.#peelNumbers.get(peel);
    if (peelNumber === undefined) {
      peelNumber = this.#peels.push(peel) - 1;
      this.#peelNumbers.set(peel, peelNumber);
    }
    const at = COLUMNS * this.#size++;
    this.#rows = grown(this.#rows, at + COLUMNS);
    this.#rows.set([job, this.#lines.add(bytes, 0, bytes.length), peelNumber, line], at);
  }

  /** The hits of each job that has some, the highest number first. */
  *byJob(): Generator<[job: number, hits: Hit[]]> {
    const places = new Map<number, number[]>();
    for (let at = 0; at < COLUMNS * this.#size; at += COLUMNS) {
      const job = this.#rows[at] as number;
      const known = places.get(job);
      if (known) known.push(at);
      else places.set(job, [at]);
    }
    for (const job of Int32Array.from(places.keys()).sort().reverse()) {
      yield [job, (places.get(job) as number[]).map((at) => this.#hitAt(at))];
    }
  }

  #hitAt(at: number): Hit {
    const [line, peel, number] = [1, 2, 3].map((i) => this.#rows[at + i] as number) as [number, number, number];
    const [field, result, text] = JSON.parse(this.#lines.text(line)) as [string, string | null, string];
    return { peel: this.#peels[peel] as string, field, result: result ?? undefined, line: number, text };
  }
}

/** What is read of a return whose bytes hold nothing of what is searched for: only whether it can be decoded. */
const NOTHING: readonly string[] = [];

/** Decodes only what can hold a hit. */
function searchReader({ mayHold }: Search): ReturnReader {
  return {
    read: (peel, bytes) =>
      toReturn(peel, decodeRecord(bytes, !mayHold || isJson(bytes) || mayHold(bytes) ? undefined : NOTHING)),
    keep: toReturn,
  };
}

/**
 * Searches the returns of jobs, the newest first.
 * @param jobs oldest first
 * @param sinceNs as in Read
 * @param onJob gets each job in which something was found, with its hits; false ends the search
 * @throws what readReturnsAcross throws
 */
export async function grepReturns(
  store: Store,
  { jobs, sinceNs }: { readonly jobs: JobList; readonly sinceNs?: bigint | undefined },
  search: Search,
  onJob: (row: JobRow, hits: readonly Hit[]) => void,
  options: {
    /** Nothing but whether there is a hit is asked for: the search ends at the first, of any job. */
    readonly any: boolean;
    readonly progress: Progress | undefined;
    readonly warn: (text: string) => void;
  },
): Promise<Searched> {
  const searched = { returns: 0, unreadable: 0 };
  const reader = searchReader(search);
  const sweepEvery = search.mayHold ? undefined : WHOLE_SWEEP;
  const first = store.readsManyAtOnce ? Math.max(0, jobs.length - FIRST_JOBS) : 0;
  for (const [from, to] of [
    [first, jobs.length],
    [0, first],
  ] as const) {
    const hits = new Hits();
    const onReturn: OnReturn = (item, job) => {
      searched.returns++;
      if (item.unreadable !== undefined) searched.unreadable++;
      hitsIn(item, search, (hit) => {
        if (options.any) throw new Enough();
        hits.add(from + job, hit);
      });
    };
    try {
      const { progress, warn } = options;
      const of = { jids: jidsOf(jobs, from, to), sinceNs };
      await readReturnsAcross(store, of, onReturn, { reader, sweepEvery, progress, warn });
    } catch (error) {
      if (!(error instanceof Enough)) throw error;
      onJob(jobs.at(from).row, []);
      return searched;
    }
    for (const [job, found] of hits.byJob()) onJob(jobs.at(job).row, found);
  }
  return searched;
}
