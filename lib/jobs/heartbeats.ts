// Who is alive: the heartbeats of masters and peels.
import { decodeRecord } from "../codec/decode.ts";
import { Undecodable } from "../codec/undecodable.ts";
import { UserError } from "../errors.ts";
import { isTerminal, type JobRow } from "../model/job.ts";
import { type MasterSign, type Stuck, stuckAmong } from "../model/stuck.ts";
import type { Heartbeat, Store } from "../store.ts";

/** What surrounds a job is looked up at once, and waited for no longer than this, in ms. */
const LOOK_UP_MS = 1_000;

/** Told why a look-up brought nothing. */
type OnUnanswered = (why: string) => void;

/** `work` on a store, or undefined when it takes too long there or fails in a way that only leaves a question open. */
export async function inTime<T>(
  { isLive }: Pick<Store, "isLive">,
  work: Promise<T>,
  unheard: OnUnanswered = () => {},
  limitMs = LOOK_UP_MS,
): Promise<T | undefined> {
  const found = work.catch((error) => {
    if (!(error instanceof UserError)) throw error;
    unheard(error.message);
    return undefined;
  });
  if (!isLive) return found;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((done) => {
    timer = setTimeout(() => {
      unheard("no answer within a second.");
      done(undefined);
    }, limitMs);
  });
  return Promise.race([found, late]).finally(() => clearTimeout(timer));
}

/** The jobs that a master watches, as its heartbeat tells; undefined when it does not. */
function watchedJobs(bytes: Uint8Array): ReadonlySet<unknown> | undefined {
  try {
    const jobs = decodeRecord(bytes, ["active_jobs"]).get("active_jobs");
    // A list of none is written as null.
    return jobs === null ? new Set() : Array.isArray(jobs) ? new Set(jobs) : undefined;
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return undefined;
  }
}

const nanos = (ms: number) => BigInt(Math.round(ms * 1e6));

function signOf({ ageMs, storedMs, bytes }: Heartbeat): MasterSign {
  const jids = watchedJobs(bytes);
  return { agoNs: nanos(Math.max(0, ageMs)), watches: jids && { jids, asOfNs: nanos(storedMs) } };
}

/** What is known of each master, all looked up at once. */
export async function masterSigns(
  store: Store,
  owners: Iterable<string>,
  unheard?: OnUnanswered,
): Promise<ReadonlyMap<string, MasterSign>> {
  const look = async (owner: string): Promise<readonly [string, MasterSign]> => {
    const beat = await inTime(store, store.heartbeat("masters", owner), unheard);
    return [owner, beat === "none" ? "gone" : beat && signOf(beat)];
  };
  return new Map(await Promise.all([...new Set(owners)].map(look)));
}

/** Those of the peels that have no heartbeat; undefined when that can't be known. */
export async function offlineAmong(
  store: Store,
  peels: readonly string[],
  unheard?: OnUnanswered,
): Promise<ReadonlySet<string> | undefined> {
  const beats = await inTime(store, Promise.all(peels.map((peel) => store.heartbeat("peels", peel))), unheard);
  return beats && new Set(peels.filter((_, i) => beats[i] === "none"));
}

/** The masters of jobs. */
export const ownersOf = (rows: readonly JobRow[]): string[] => rows.flatMap(({ owner }) => owner || []);

/** Why each of the jobs is stuck, of those that are; the masters of all of them are looked up at once. */
export async function findStuck(
  store: Store,
  rows: readonly JobRow[],
  unheard?: OnUnanswered,
): Promise<ReadonlyMap<string, Stuck>> {
  const open = rows.filter(({ status }) => !isTerminal(status));
  const signs = await masterSigns(store, ownersOf(open), unheard);
  return new Map(stuckAmong(open, store.nowNs(), signs).map((stuck) => [stuck.jid, stuck]));
}

/** How often it is looked at whether jobs are stuck, in ms. */
const STUCK_MS = 3_000;

/** Looks again and again which of the jobs are stuck. @returns what ends that */
export function lookForStuck(
  session: { readonly store: Store },
  rows: () => readonly JobRow[],
  found: (stuck: ReadonlyMap<string, Stuck>) => void,
): () => void {
  // A lost connection is told elsewhere.
  const timer = setInterval(() => findStuck(session.store, rows()).then(found, () => {}), STUCK_MS);
  return () => clearInterval(timer);
}
