// Heartbeats of masters and peels: which are alive.
import { decodeRecord, ifDecodable } from "../codec/decode.ts";
import { UserError } from "../errors.ts";
import { isTerminal, type JobRow } from "../model/job.ts";
import { type MasterSign, type Stuck, stuckAmong } from "../model/stuck.ts";
import type { Heartbeat, Store } from "../store.ts";
import { keepLooking, type Rhythm, unlessLate } from "./turns.ts";

/** How long to wait, in ms and in words. */
interface Patience {
  readonly ms: number;
  readonly words: string;
}

/** For a look-up of heartbeats or queues. */
const LOOK_UP_LIMIT: Patience = { ms: 1_000, words: "a second" };

type OnUnanswered = (why: string) => void;

/** The result of `work`; undefined when a live store takes longer than `limit`, or on a UserError. */
export async function inTime<T>(
  { isLive }: Pick<Store, "isLive">,
  work: Promise<T>,
  unheard: OnUnanswered = () => {},
  limit = LOOK_UP_LIMIT,
): Promise<T | undefined> {
  const found = work.catch((error) => {
    if (!(error instanceof UserError)) throw error;
    unheard(error.message);
    return undefined;
  });
  if (!isLive) return found;
  return unlessLate(limit.ms, found, () => {
    unheard(`no answer within ${limit.words}.`);
    return undefined;
  });
}

const HEARTBEAT_FIELDS = ["active_jobs"];

/** The jobs that a master watches; undefined when its heartbeat does not list them. */
function watchedJobs(bytes: Uint8Array): ReadonlySet<unknown> | undefined {
  const jobs = ifDecodable(
    () => decodeRecord(bytes, HEARTBEAT_FIELDS).get("active_jobs"),
    () => undefined,
  );
  // Masters write an empty list as null.
  return jobs === null || Array.isArray(jobs) ? new Set(jobs ?? []) : undefined;
}

const nanos = (ms: number) => BigInt(Math.round(ms * 1e6));

function signOf({ storedMs, bytes }: Heartbeat, now: Date): MasterSign {
  const jids = watchedJobs(bytes);
  return { agoNs: nanos(Math.max(0, now.getTime() - storedMs)), watches: jids && { jids, asOfNs: nanos(storedMs) } };
}

export async function masterSigns(
  store: Store,
  owners: Iterable<string>,
  unheard?: OnUnanswered,
): Promise<ReadonlyMap<string, MasterSign>> {
  const look = async (owner: string): Promise<readonly [string, MasterSign]> => {
    const beat = await inTime(store, store.heartbeat("masters", owner), unheard);
    return [owner, beat === "none" ? "gone" : beat && signOf(beat, store.now())];
  };
  return new Map(await Promise.all([...new Set(owners)].map(look)));
}

/** The peels without a heartbeat; undefined when that is unknown. */
export async function offlineAmong(
  store: Store,
  peels: readonly string[],
  unheard?: OnUnanswered,
): Promise<ReadonlySet<string> | undefined> {
  const beats = await inTime(store, Promise.all(peels.map((peel) => store.heartbeat("peels", peel))), unheard);
  return beats && new Set(peels.filter((_, i) => beats[i] === "none"));
}

export const ownersOf = (rows: readonly JobRow[]): string[] => rows.flatMap(({ owner }) => owner || []);

export async function findStuck(
  store: Store,
  rows: readonly JobRow[],
  unheard?: OnUnanswered,
): Promise<ReadonlyMap<string, Stuck>> {
  const open = rows.filter(({ status }) => !isTerminal(status));
  const signs = await masterSigns(store, ownersOf(open), unheard);
  return new Map(stuckAmong(open, store.nowNs(), signs).map((stuck) => [stuck.jid, stuck]));
}

const STUCK_RHYTHM: Rhythm = { pauseMs: 3_000, share: 1 / 2 };

/** Checks at intervals which of the jobs are stuck. @returns the function that stops it */
export const lookForStuck = (
  session: { readonly store: Store },
  rows: () => readonly JobRow[],
  found: (stuck: ReadonlyMap<string, Stuck>) => void,
): (() => void) => keepLooking(STUCK_RHYTHM, () => findStuck(session.store, rows()), found);
