// Searches the returns of many jobs for a text or a regular expression.
import { ByteSet } from "../codec/byte-set.ts";
import { decodeRecord, isJson } from "../codec/decode.ts";
import type { JobRow } from "../model/job.ts";
import { RETURN_FIELDS, type Return, toReturn } from "../model/returns.ts";
import { type Hit, hitsIn, type Search } from "../model/search.ts";
import type { Store } from "../store.ts";
import { readJobReturns } from "./given-up.ts";
import type { ReturnReader } from "./lookup.ts";
import type { Read } from "./read-jobs.ts";
import type { ReturnsOptions } from "./read-returns.ts";

/** This many of the newest jobs are read first, if the server can select their returns: their hits are shown at once. */
const FIRST_JOBS = 400;

interface Searched {
  returns: number;
  unreadable: number;
}

/** Ends a search that needs no more hits. */
class Enough extends Error {}

/** Of a return without a hit in its bytes. One that a master wrote is looked up in the events. */
const NO_TEXT: readonly string[] = ["unreachable"];

const EVENT_FIELDS = [...RETURN_FIELDS, "return_data"];

function searchReader({ mayHold }: Search): ReturnReader {
  return {
    read: (peel, bytes) =>
      toReturn(peel, decodeRecord(bytes, !mayHold || isJson(bytes) || mayHold(bytes) ? undefined : NO_TEXT)),
    keep: toReturn,
    decodesAll: !mayHold,
  };
}

/**
 * Searches the returns of jobs, newest first, also those that only the events have.
 * @param onJob receives each job with hits
 * @param options.any stop at the first hit of any job
 * @param options.reporting where each of several reads reports
 * @throws as readJobReturns
 */
export async function grepReturns(
  store: Store,
  { jobs, sinceNs }: Pick<Read, "jobs" | "sinceNs">,
  search: Search,
  onJob: (row: JobRow, hits: readonly Hit[]) => void,
  options: { readonly any: boolean; reporting(): Pick<ReturnsOptions, "progress" | "warn"> },
): Promise<Searched> {
  const searched = { returns: 0, unreadable: 0 };
  const reader = searchReader(search);
  const first = store.isLive && store.readsManyAtOnce ? Math.max(0, jobs.length - FIRST_JOBS) : 0;
  for (const part of [jobs.part(first, jobs.length), jobs.part(0, first)]) {
    // Texts of hits are kept once each, as JSON, and no return is kept.
    const texts = new ByteSet();
    const byJob = new Map<number, { readonly peel: string; readonly line: number; readonly text: number }[]>();
    const onReturn = (item: Return, job: number) => {
      searched.returns++;
      if (item.unreadable !== undefined) searched.unreadable++;
      hitsIn(item, search, ({ peel, line, ...text }) => {
        if (options.any) throw new Enough();
        const bytes = Buffer.from(JSON.stringify(text));
        byJob.getOrInsertComputed(job, () => []).push({ peel, line, text: texts.add(bytes, 0, bytes.length) });
      });
    };
    try {
      const how = { reader, eventFields: EVENT_FIELDS, all: true, ...options.reporting() };
      await readJobReturns(store, { jobs: part, sinceNs }, how, onReturn);
    } catch (error) {
      if (!(error instanceof Enough)) throw error;
      onJob(part.at(0).row, []);
      return searched;
    }
    for (const [job, hits] of [...byJob].sort(([a], [b]) => b - a)) {
      const found = hits.map(({ peel, line, text }): Hit => ({ peel, line, ...JSON.parse(texts.text(text)) }));
      onJob(part.at(job).row, found);
    }
  }
  return searched;
}
