// Following the records of jobs, all through one consumer: an account may allow few. No end is missed:
// 1. The consumer delivers each change after its creation.
// 2. A job without a delivery by the time it has caught up is looked up.
// 3. A cluster can lose a delivery, and a record that expires or whose message is deleted causes none. So open jobs are looked up
//    at intervals.
import type { ValueMap } from "../codec/value.ts";
import { insteadOf, UserError } from "../errors.ts";
import { JobNotFound } from "../model/jid.ts";
import { isTerminal, jobRow } from "../model/job.ts";
import type { LiveStore } from "../store.ts";
import { jobRecord } from "./lookup.ts";
import { type Rhythm, repeat, turns } from "./turns.ts";

const LOOK_UP: Rhythm = { pauseMs: 5_000, share: 1 / 10 };
/** Jobs that are looked up at a time. */
const AT_ONCE = 64;

/** Passes on the record of each job; undefined for a job without one. */
async function lookUpEach(
  store: LiveStore,
  jids: readonly string[],
  onRecord: (jid: string, bytes: Uint8Array | undefined) => void,
): Promise<void> {
  const inTurn = turns(AT_ONCE);
  const look = async (jid: string) => {
    const bytes = await store.job(jid);
    if (bytes || (await store.hasNoJob(jid))) onRecord(jid, bytes);
  };
  await Promise.all(jids.map((jid) => inTurn(() => look(jid))));
}

interface Records {
  /**
   * Receives a record; undefined if it is gone. `isNewest` is false for one that was looked up: it can be older than the one
   * before. An error thrown here stops following.
   */
  readonly onRecord: (jid: string, bytes: Uint8Array | undefined, isNewest: boolean) => void;
  /** The jobs to look up again. */
  readonly open: () => Iterable<string>;
  readonly caughtUp: () => void;
  readonly stop?: AbortSignal | undefined;
}

/**
 * Follows the records of jobs until `stop`.
 * @param jids undefined for all jobs
 * @throws Transient when the connection is lost
 */
export async function followRecords(
  store: LiveStore,
  jids: readonly string[] | undefined,
  { onRecord, open, caughtUp, stop }: Records,
): Promise<void> {
  const over = new AbortController();
  const ended = stop ? AbortSignal.any([over.signal, stop]) : over.signal;
  const failure = Promise.withResolvers<never>();
  const seen = new Set<string>();
  const hand = (jid: string, bytes: Uint8Array | undefined, isNewest: boolean) => {
    if (bytes) seen.add(jid);
    try {
      if (!ended.aborted) onRecord(jid, bytes, isNewest);
    } catch (error) {
      failure.reject(error);
    }
  };
  const delivered = (jid: string, bytes: Uint8Array | undefined) => {
    // Among several jobs, the deletion of one that was not seen before is skipped: that job is looked up.
    if (bytes || !jids || seen.has(jid)) hand(jid, bytes, true);
  };
  const found = (jid: string, bytes: Uint8Array | undefined) => hand(jid, bytes, !seen.has(jid));
  const whole = () => {
    const unseen = jids?.filter((jid) => !seen.has(jid)) ?? [];
    if (unseen.length === 0) caughtUp();
    else lookUpEach(store, unseen, found).then(caughtUp, failure.reject);
  };
  // A failed look-up is skipped: the consumer reports a lost connection.
  const lookUp = () => lookUpEach(store, [...open()], found).catch(insteadOf(UserError, undefined));
  repeat(LOOK_UP, ended, lookUp).catch(failure.reject);
  try {
    await Promise.race([store.followJobs(jids, delivered, { stop: ended, caughtUp: whole }), failure.promise]);
  } finally {
    over.abort();
  }
}

export interface Ends {
  /** Receives each record of a job, also the last. "enough": stop following the job. */
  readonly onRecord: (jid: string, record: ValueMap, hasEnded: boolean) => "enough" | undefined;
  /** Why the end of a job cannot be seen; if not given, that is thrown. */
  readonly lost?: ((jid: string, why: UserError) => void) | undefined;
  /** Called once, when all jobs are followed. */
  readonly working?: (() => void) | undefined;
  readonly stop?: AbortSignal | undefined;
}

const gone = (jid: string) =>
  new UserError(`job ${jid} no longer exists.`, "Its record expired or was deleted: how it ended is unknown.");

/**
 * Follows jobs until each has ended or is lost.
 * @throws JobNotFound, UserError when a record is gone or cannot be decoded and `lost` is not given; Transient when the
 *   connection is lost
 */
export async function followEnds(
  store: LiveStore,
  jids: readonly string[],
  { onRecord, lost, working = () => {}, stop }: Ends,
): Promise<void> {
  const open = new Set(jids);
  if (open.size === 0) return;
  const seen = new Set<string>();
  const done = new AbortController();
  const close = (jid: string) => {
    open.delete(jid);
    if (open.size === 0) done.abort();
  };
  const take = (jid: string, bytes: Uint8Array | undefined, isNewest: boolean) => {
    if (!bytes) throw seen.has(jid) ? gone(jid) : new JobNotFound(jid);
    const record = jobRecord(jid, bytes);
    const hasEnded = isTerminal(jobRow(jid, record).status);
    if (!hasEnded && !isNewest) return;
    seen.add(jid);
    if (onRecord(jid, record, hasEnded) === "enough" || hasEnded) close(jid);
  };
  await followRecords(store, jids, {
    onRecord(jid, bytes, isNewest) {
      if (!open.has(jid)) return;
      try {
        take(jid, bytes, isNewest);
      } catch (error) {
        if (!(error instanceof UserError) || !lost) throw error;
        lost(jid, error);
        close(jid);
      }
    },
    open: () => open,
    caughtUp: working,
    stop: stop ? AbortSignal.any([done.signal, stop]) : done.signal,
  });
}

/**
 * @param stop ends the following; then this never settles
 * @returns the terminal record
 * @throws as followEnds
 */
export async function untilTerminal(
  store: LiveStore,
  jid: string,
  { onRecord, ...ends }: Pick<Ends, "working" | "stop"> & { readonly onRecord: (record: ValueMap) => void },
): Promise<ValueMap> {
  let last: ValueMap | undefined;
  const take = (_: string, record: ValueMap, hasEnded: boolean) => {
    if (hasEnded) last = record;
    onRecord(record);
    return undefined;
  };
  await followEnds(store, [jid], { ...ends, onRecord: take });
  return last ?? new Promise(() => {}); // only an end or `stop` leads here
}
