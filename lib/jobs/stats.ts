// Statistics of many jobs by peel and by result.
import { Unavailable } from "../errors.ts";
import { JobList, type JobRow } from "../model/job.ts";
import { briefResults, isDryRun } from "../model/return-data.ts";
import { RETURN_FIELDS, type Return, stateOfReturn } from "../model/returns.ts";
import {
  jobSlice,
  lacksReturns,
  type PeelStats,
  PeelTally,
  type ResultStats,
  ResultTallies,
  type Span,
} from "../model/stats.ts";
import type { Store } from "../store.ts";
import { readJobReturns, targetTest } from "./given-up.ts";
import type { Progress, Read } from "./read-jobs.ts";

/** For a job that is in no slice. */
const NO_SLICE = -1;

type Jobs = Pick<Read, "jobs" | "sinceNs">;

interface StatsOptions {
  readonly warn: (text: string) => void;
  readonly progress?: Progress | undefined;
}

/**
 * @param byFunction a tally for each peel and function
 * @throws as readJobReturns
 */
export async function readPeelStats(
  store: Store,
  read: Jobs,
  span: Span,
  { byFunction, ...options }: StatsOptions & { readonly byFunction: boolean },
): Promise<PeelStats[]> {
  const { jobs } = read;
  const tallies = new Map<string, PeelTally>();
  const keyOf = (peel: string, fn: string | undefined) => (byFunction ? `${peel}\0${fn}` : peel);
  const tallyOf = (peel: string, fn: string | undefined) =>
    tallies.getOrInsertComputed(keyOf(peel, fn), () => new PeelTally(peel, byFunction ? fn : undefined, span.slices));
  // What is needed of the job of each return, in little memory.
  const readable = new Uint8Array(jobs.length);
  const lacking = new Uint8Array(jobs.length);
  const slices = new Int32Array(jobs.length).fill(NO_SLICE);
  /** Jobs without a list of targets: any peel can be one. */
  const open = new Uint8Array(jobs.length);
  for (let place = 0; place < jobs.length; place++) {
    const { row } = jobs.at(place);
    if (row.unreadable !== undefined) continue;
    readable[place] = 1;
    const isLacking = lacksReturns(row);
    lacking[place] = Number(isLacking);
    const slice = jobSlice(span, row);
    slices[place] = slice ?? NO_SLICE;
    open[place] = Number(row.targets === undefined);
    for (const peel of row.targets ?? []) tallyOf(peel, row.fn).target(place, row.status, isLacking, slice);
  }
  const add = (item: Return, place: number, tookNs: bigint | undefined) => {
    if (readable[place] === 0) return;
    const { peel } = item;
    const fn = byFunction ? jobs.at(place).row.fn : undefined;
    const tally = open[place] === 1 ? tallyOf(peel, fn) : tallies.get(keyOf(peel, fn));
    if (!tally || (open[place] === 0 && !tally.isTarget(place))) return;
    const slice = slices[place] as number;
    tally.add(place, stateOfReturn(item), tookNs, lacking[place] === 1, slice === NO_SLICE ? undefined : slice);
  };
  await readJobReturns(store, read, { fields: RETURN_FIELDS, eventFields: RETURN_FIELDS, ...options }, add);
  return Array.from(tallies.values(), (tally) => ({ tally, lastRun: createdAt(read, tally.lastPlace) }));
}

/**
 * @param rows of jobs, oldest first
 * @returns true if the newest of these jobs that each peel ran in was ok on it
 * @throws as readJobReturns
 */
export async function areRepaired(
  store: Store,
  rows: readonly JobRow[],
  sinceNs: bigint | undefined,
  options: StatsOptions,
): Promise<boolean> {
  const jobs = JobList.of(rows.map((row) => ({ row, record: undefined })));
  const ok = rows.map(() => new Set<string>());
  const add = ({ ok: isOk, peel }: Return, place: number) => void (isOk && ok[place]?.add(peel));
  await readJobReturns(
    store,
    { jobs, sinceNs },
    { fields: RETURN_FIELDS, eventFields: RETURN_FIELDS, ...options },
    add,
  );
  const failing = new Set<string>();
  // Of a job without a list of targets, no retry can run on all.
  for (const [place, { targets = [""] }] of rows.entries())
    for (const peel of targets)
      if (ok[place]?.has(peel)) failing.delete(peel);
      else failing.add(peel);
  return failing.size === 0;
}

const RESULT_FIELDS = [...RETURN_FIELDS, "return_data"];

/**
 * @returns the rows in no order, and how many returns cannot be decoded
 * @throws as readJobReturns, and UserError for too many names
 */
export async function readResultStats(
  store: Store,
  read: Jobs,
  span: Span,
  options: StatsOptions,
): Promise<{ rows: ResultStats[]; unreadable: number }> {
  const { jobs } = read;
  const tallies = new ResultTallies(span);
  const isTarget = targetTest(jobs);
  let unreadable = 0;
  const add = (item: Return, place: number) => {
    const { row } = jobs.at(place);
    if (row.unreadable !== undefined || item.unreachable || !isTarget(place, item.peel)) return;
    if (item.unreadable !== undefined) unreadable++;
    const data = item.record.get("return_data");
    const slice = jobSlice(span, row);
    const run = { place, peel: item.peel, isRetry: row.retryOf !== undefined };
    for (const result of briefResults(data)) tallies.add(result, isDryRun(data), run, slice);
  };
  await readJobReturns(store, read, { fields: RESULT_FIELDS, eventFields: RESULT_FIELDS, ...options }, add);
  const rows = tallies.all().map((tally) => ({ tally, lastRun: createdAt(read, tally.lastPlace) }));
  return { rows, unreadable };
}

const createdAt = ({ jobs }: Jobs, place: number | undefined) =>
  place === undefined ? undefined : jobs.at(place).row.created;

/** The peels with a heartbeat; none, and a note, if that is unknown. */
export async function alivePeels(store: Store): Promise<{ peels: readonly string[]; note: string | undefined }> {
  try {
    return { peels: await store.alive("peels"), note: undefined };
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return { peels: [], note: `${error.message} Peels that no job targeted are left out.` };
  }
}
