// What `status` shows: all jobs, heartbeats, and the returns of jobs that failed.
import { Transient, Unavailable, UserError } from "../errors.ts";
import { isActive, isUnknownStatus, JobList, type JobRow, unknownStateWords } from "../model/job.ts";
import { schedulesOf } from "../model/schedule.ts";
import { failedWords, hasFailed, runsOf } from "../model/stats.ts";
import { activeOf, type FleetStatus, goneMasters, NAMED, overdueOf, type StuckJob } from "../model/status.ts";
import { isMasterGone, type Stuck, stuckAmong } from "../model/stuck.ts";
import type { Store } from "../store.ts";
import { readFailures } from "./failures.ts";
import { masterSigns, ownersOf } from "./heartbeats.ts";
import { toJob } from "./job-table.ts";
import { type Progress, type Read, readJobs, SeenPeels } from "./read-jobs.ts";
import { countReturns, sinceOf } from "./return-counts.ts";

const DAY_NS = 86_400_000_000_000n;

/** The jobs and who is alive; undefined if heartbeats cannot be read. */
export interface Fleet {
  readonly read: Read;
  readonly masters: readonly string[] | undefined;
  readonly peels: readonly string[] | undefined;
  readonly unheard: string | undefined;
}

export async function readFleet(store: Store, progress: Progress | undefined): Promise<Fleet> {
  let unheard: string | undefined;
  const alive = (of: "masters" | "peels") =>
    store.alive(of).catch((error) => {
      if (!(error instanceof Unavailable)) throw error;
      unheard ??= error.message;
      return undefined;
    });
  const [read, masters, peels] = await Promise.all([
    readJobs(store, () => true, false, progress),
    alive("masters"),
    alive("peels"),
  ]);
  return { read, masters, peels, unheard };
}

function survey({ numbers, make }: JobList, sinceNs: bigint, nowNs: bigint) {
  const active: JobRow[] = [];
  const odd: JobRow[] = [];
  const failed: number[] = [];
  const seen = new SeenPeels();
  let recent = 0;
  for (const n of numbers) {
    const { row } = make(n);
    if (isActive(row.status)) active.push(row);
    else if (isUnknownStatus(row.status)) odd.push(row);
    const createdNs = row.created?.ns ?? 0n;
    if (createdNs >= nowNs - DAY_NS) seen.see(row);
    if (createdNs < sinceNs) continue;
    recent++;
    if (hasFailed(row)) failed.push(n);
  }
  return { active, odd, targeted: seen.ids, recent, failed: new JobList(Int32Array.from(failed), make) };
}

/** The first jobs have their records. */
async function withRecords(store: Store, stuck: readonly Stuck[], rows: readonly JobRow[]): Promise<StuckJob[]> {
  const byJid = new Map(rows.map((row) => [row.jid, row]));
  const read = async (one: Stuck, i: number): Promise<StuckJob> => {
    const bytes = i < NAMED ? await store.job(one.jid) : undefined;
    return { ...one, job: { row: byJid.get(one.jid) as JobRow, record: bytes && toJob(one.jid, bytes).record } };
  };
  return Promise.all(stuck.map(read));
}

/** @param sinceNs count failed jobs that were created since then */
export async function fleetStatus(
  store: Store,
  { read, masters, peels, ...fleet }: Fleet,
  sinceNs: bigint,
  warn: (text: string) => void,
): Promise<FleetStatus> {
  const nowNs = store.nowNs();
  const { active, odd, targeted, recent, failed } = survey(read.jobs, sinceNs, nowNs);
  const failedRows = Array.from(failed, ({ row }) => row);
  const words = unknownStateWords(odd);
  if (words !== undefined) warn(`${words}.`);
  let { unheard } = fleet;
  const readStuck = async () => {
    const signs = await masterSigns(store, [...(masters ?? []), ...ownersOf(active)], (why) => {
      unheard ??= why;
    });
    const stuck = await withRecords(store, stuckAmong(active, store.nowNs(), signs), active);
    return { stuck, alive: masters?.filter((id) => !isMasterGone(signs.get(id))).length };
  };
  const orNone = (error: unknown) => {
    if (!(error instanceof UserError) || error instanceof Transient) throw error;
    warn(`${error.message} Cannot tell why jobs failed.`);
    return undefined;
  };
  const [{ stuck, alive }, counts, failures] = await Promise.all([
    readStuck(),
    countReturns(store, active),
    readFailures(store, { jobs: failed, sinceNs: sinceOf(failedRows) }, undefined, warn).catch(orNone),
  ]);
  const isAlive = new Set(peels);
  return {
    sinceNs,
    nowNs,
    masters: { alive, gone: goneMasters(stuck) },
    active: activeOf(active, counts, nowNs),
    stuck,
    failed: { jobs: failed.length, states: failedWords(failedRows), of: recent, errors: failures?.groups() ?? [] },
    overdue: overdueOf(schedulesOf(runsOf(read.jobs), nowNs)),
    peels: peels && { targeted: targeted.size, silent: [...targeted].filter((peel) => !isAlive.has(peel)) },
    unheard,
  };
}
