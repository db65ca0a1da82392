// Following jobs until they end, all of them through one consumer: an account may allow few, and who leaves has to delete them.
//
// No end falls between looking up and following. The consumer hands over what changes after it was created; a job of which it
// has handed over nothing by then is looked up after that. Deliveries are not acknowledged: one that is lost between two servers
// of a cluster does not come again, and when it was the last, nothing after it shows the gap. A record that expires or whose
// message is deleted leaves no message at all. So open jobs are looked up again and again.
import type { ValueMap } from "../codec/value.ts";
import { insteadOf, UserError } from "../errors.ts";
import { JobNotFound } from "../model/jid.ts";
import { isTerminal, jobRow } from "../model/job.ts";
import type { LiveStore } from "../store.ts";
import { jobRecord } from "./lookup.ts";
import { type Rhythm, repeat, turns } from "./turns.ts";

/** When jobs that are followed are looked up again. */
const LOOK_UP: Rhythm = { pauseMs: 5_000, share: 1 / 10 };
/** Jobs that are looked up at a time. */
const AT_ONCE = 64;

/** Hands over the record of each job as it is now; undefined for a job that has none any more. */
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

/**
 * Looks the open jobs up again and again until `stop`. A failed look-up is no loss: what ails the connection is seen by the
 * reader of the consumer.
 */
export const lookUpAgain = (
  store: LiveStore,
  open: () => Iterable<string>,
  onRecord: (jid: string, bytes: Uint8Array | undefined) => void,
  stop: AbortSignal,
): Promise<void> =>
  repeat(LOOK_UP, stop, () =>
    lookUpEach(store, [...open()], (jid, bytes) => stop.aborted || onRecord(jid, bytes)).catch(
      insteadOf(UserError, undefined),
    ),
  );

/** What is told of jobs that are followed until they end. */
export interface Ends {
  /** A record of a job, each that comes, the last one too. `enough`: the job is not followed any further. */
  readonly onRecord?: ((jid: string, record: ValueMap) => "enough" | undefined) | undefined;
  /** A job has ended. */
  readonly ended: (jid: string, record: ValueMap) => void;
  /** Why the end of a job can't be seen any more; without this, that is thrown. */
  readonly lost?: ((jid: string, why: UserError) => void) | undefined;
  /** All jobs are in sight: called once. */
  readonly working?: (() => void) | undefined;
  /** Ends the following before the jobs have ended. */
  readonly stop?: AbortSignal | undefined;
}

const gone = (jid: string) =>
  new UserError(`job ${jid} no longer exists.`, "Its record expired or was deleted: how it ended is unknown.");

/**
 * Follows jobs until each of them has ended or is lost.
 * @throws JobNotFound, UserError when the record of a job is gone or can't be decoded, and `lost` is not given; Transient when
 *   the connection is lost
 */
export async function followEnds(store: LiveStore, jids: readonly string[], ends: Ends): Promise<void> {
  const open = new Set(jids);
  if (open.size === 0) return;
  const seen = new Set<string>();
  const done = new AbortController();
  ends.stop?.addEventListener("abort", () => done.abort());
  const failure = Promise.withResolvers<never>();
  const close = (jid: string) => {
    open.delete(jid);
    if (open.size === 0) done.abort();
  };
  const lose = (jid: string, why: unknown) => {
    if (!(why instanceof UserError) || !ends.lost) return failure.reject(why);
    ends.lost(jid, why);
    close(jid);
  };
  const take = (jid: string, bytes: Uint8Array, isNewest = true) => {
    if (!open.has(jid)) return;
    try {
      const record = jobRecord(jid, bytes);
      const isOver = isTerminal(jobRow(jid, record).status);
      if (!isOver && !isNewest) return;
      seen.add(jid);
      if (ends.onRecord?.(jid, record) === "enough") return close(jid);
      if (!isOver) return;
      ends.ended(jid, record);
      close(jid);
    } catch (error) {
      lose(jid, error);
    }
  };
  /** What a look-up finds may be older than what was delivered meanwhile. */
  const found = (jid: string, bytes: Uint8Array | undefined) => {
    if (bytes) take(jid, bytes, !seen.has(jid));
    else if (open.has(jid)) lose(jid, seen.has(jid) ? gone(jid) : new JobNotFound(jid));
  };
  const caughtUp = () => {
    const unseen = [...open].filter((jid) => !seen.has(jid));
    lookUpEach(store, unseen, found).then(ends.working, failure.reject);
  };
  const onEntry = (jid: string, bytes: Uint8Array | undefined) => {
    if (bytes) take(jid, bytes);
    else if (seen.has(jid)) lose(jid, gone(jid));
  };
  lookUpAgain(store, () => open, found, done.signal).catch(failure.reject);
  try {
    await Promise.race([store.followJobs(jids, onEntry, { stop: done.signal, caughtUp }), failure.promise]);
  } finally {
    done.abort();
  }
}

/**
 * Waits until a job is terminal.
 * @param ends `stop` ends the following: then this never settles
 * @returns the terminal record
 * @throws as followEnds
 */
export async function untilTerminal(
  store: LiveStore,
  jid: string,
  {
    onRecord,
    working,
    stop,
  }: { onRecord?: (record: ValueMap) => void; working?: () => void; stop?: AbortSignal | undefined } = {},
): Promise<ValueMap> {
  let last: ValueMap | undefined;
  await followEnds(store, [jid], {
    onRecord(_, record) {
      onRecord?.(record);
      return undefined;
    },
    ended: (_, record) => {
      last = record;
    },
    working,
    stop,
  });
  return last ?? new Promise(() => {}); // only a terminal record, or `stop`, ends the following without an error
}
