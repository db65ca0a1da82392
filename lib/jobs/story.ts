// Reading the story of a job: its record, returns and events, and, where these leave a question open, what surrounds it:
// the heartbeats of its master and of silent peels, and the jobs that stand before it in the queues of peels.
import { decode } from "../codec/decode.ts";
import { Undecodable } from "../codec/undecodable.ts";
import type { Value, ValueMap } from "../codec/value.ts";
import { UserError } from "../errors.ts";
import { isTerminal, jobRow } from "../model/job.ts";
import type { Return } from "../model/returns.ts";
import { type JobEvent, type Story, Steps, type Surroundings, storyOf } from "../model/story.ts";
import { type MasterSign, type Stuck, stuckOf } from "../model/stuck.ts";
import { PermissionDenied } from "../nats/connection.ts";
import { NoBucket, type Store } from "../nats/store.ts";
import { orNoBucket, readReturns } from "./lookup.ts";
import { behindOf } from "./queue.ts";

/** What surrounds a job is looked up at once, and waited for no longer than this, in ms. */
const LOOK_MS = 1_000;

/** A job's story as of now. */
export interface Reading {
  readonly jid: string;
  readonly job: ValueMap;
  readonly story: Story;
  readonly stuck: Stuck | undefined;
  /** What could not be read, and what that leaves open: each said once. */
  readonly notes: readonly string[];
}

/** `work`, or undefined when it takes longer than LOOK_MS or fails in a way that only leaves a question open. */
async function inTime<T>(work: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((done) => {
    timer = setTimeout(done, LOOK_MS, undefined);
  });
  const found = work.catch((error) => {
    if (error instanceof UserError) return undefined;
    throw error;
  });
  return Promise.race([found, late]).finally(() => clearTimeout(timer));
}

/** What is known of each master, all looked up at once. */
export async function masterSigns(
  store: Store,
  owners: Iterable<string>,
): Promise<ReadonlyMap<string, MasterSign>> {
  const look = async (owner: string): Promise<readonly [string, MasterSign]> => {
    const age = await inTime(store.heartbeatAge("master", owner));
    if (age === undefined) return [owner, undefined];
    return [owner, age === "none" ? "gone" : { agoNs: BigInt(Math.max(0, Math.round(age * 1e6))) }];
  };
  return new Map(await Promise.all([...new Set(owners)].map(look)));
}

/** Those of the peels that have no heartbeat; undefined when that can't be known. */
async function offlineAmong(store: Store, peels: readonly string[]): Promise<ReadonlySet<string> | undefined> {
  const ages = await inTime(Promise.all(peels.map((peel) => store.heartbeatAge("peel", peel))));
  return ages && new Set(peels.filter((_, i) => ages[i] === "none"));
}

/** A stored event with its payload decoded. */
export function eventOf({ bytes, ...event }: Omit<JobEvent, "payload"> & { bytes: Uint8Array }): JobEvent {
  let payload: Value | undefined;
  try {
    payload = decode(bytes);
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
  }
  return { ...event, payload };
}

/** Reads the events of a job into `steps`. @returns what to say when they can't be read */
export async function readEvents(store: Store, jid: string, steps: Steps): Promise<string | undefined> {
  try {
    await store.events(jid, (event) => void steps.add(eventOf(event)));
    return undefined;
  } catch (error) {
    if (!(error instanceof NoBucket || error instanceof PermissionDenied)) throw error;
    return `${error.message} Which peels accepted the job is not known.`;
  }
}

/** What surrounds a job that the events leave a question about. */
export async function surroundings(
  store: Store,
  jid: string,
  job: ValueMap,
  story: Story,
  steps: Steps,
): Promise<{ around: Surroundings; sign: MasterSign }> {
  const { owner, status } = jobRow(jid, job);
  const inState = (state: string) => story.peels.filter((peel) => peel.state === state).map(({ peel }) => peel);
  const [silent, executing] = [inState("silent"), inState("executing")];
  const [signs, offline, behind] = await Promise.all([
    owner && !isTerminal(status) ? masterSigns(store, [owner]) : undefined,
    silent.length > 0 ? offlineAmong(store, silent) : undefined,
    executing.length > 0 ? inTime(behindOf(store, jid, job, steps, executing)) : undefined,
  ]);
  return { around: { nowNs: store.nowNs(), offline, behind }, sign: signs?.get(owner ?? "") };
}

/**
 * The story of a job.
 * @param job its record
 * @param warn is told of returns that can't be decoded
 * @throws UserError when the server fails; what only leaves a question open is among the notes
 */
export async function readStory(
  store: Store,
  jid: string,
  job: ValueMap,
  warn: (text: string) => void,
): Promise<Reading> {
  const steps = new Steps(job);
  const [found, noEvents] = await Promise.all([
    readReturns(store, jid, warn).catch(orNoBucket),
    readEvents(store, jid, steps),
  ]);
  const notes = noEvents === undefined ? [] : [noEvents];
  const returns: readonly Return[] = found instanceof NoBucket ? [] : found;
  if (found instanceof NoBucket) notes.push(`${found.message} The returns are those of the events.`);
  const first = storyOf(jid, job, returns, steps, { nowNs: store.nowNs() });
  const { around, sign } = await surroundings(store, jid, job, first, steps);
  return {
    jid,
    job,
    story: storyOf(jid, job, returns, steps, around),
    stuck: stuckOf(jobRow(jid, job), around.nowNs, sign),
    notes,
  };
}
