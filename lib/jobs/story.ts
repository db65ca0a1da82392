// The story of a job: its record, returns and events, the heartbeats of its master and of silent peels, and the jobs before it in
// the queues of peels.
import type { ValueMap } from "../codec/value.ts";
import { NoBucket } from "../errors.ts";
import { isTerminal, jobRow, unknownStateWords } from "../model/job.ts";
import type { Ending } from "../model/job-end.ts";
import type { PeelState } from "../model/peel-state.ts";
import { type Return, wereReadEarly } from "../model/returns.ts";
import { type JobSurroundings, type Steps, type Story, storyOf } from "../model/story.ts";
import { type MasterSign, type Stuck, stuckOf } from "../model/stuck.ts";
import type { Store } from "../store.ts";
import { EarlySteps, readEvents } from "./events.ts";
import { masterSigns, offlineAmong } from "./heartbeats.ts";
import { orNoBucket, type ReturnReader, readReturns, resolveJob, type WordTold } from "./lookup.ts";
import { behindOf } from "./queue.ts";

/** A job with its story at one moment. */
export interface Reading extends Ending {
  readonly stuck: Stuck | undefined;
  /** Of the master of a job that has not ended. */
  readonly sign: MasterSign;
  readonly nowNs: bigint;
  /** Why returns, events, or heartbeats could not be read. */
  readonly noReturns?: string | undefined;
  readonly noEvents?: string | undefined;
  readonly noHeartbeats?: string | undefined;
}

/** Reads the heartbeats and queues that the events of a job do not show. */
export async function jobSurroundings(
  store: Store,
  jid: string,
  job: ValueMap,
  story: Story,
  steps: Steps,
): Promise<{ around: JobSurroundings; sign: MasterSign; noHeartbeats: string | undefined }> {
  const row = jobRow(jid, job);
  const { owner, status } = row;
  const inState = (...states: PeelState[]) =>
    story.peels.filter(({ state }) => states.includes(state)).map(({ peel }) => peel);
  // The story may be one with earlier surroundings, which are read again.
  const silent = inState("silent", "offline");
  // A cancel signal takes a job from the queue.
  const accepted = status === "canceled" ? [] : inState("executing", "queued", "unfinished");
  let noHeartbeats: string | undefined;
  const unheard = (what: string) => (why: string) => {
    noHeartbeats ??= `${why} Cannot tell whether ${what}.`;
  };
  const [signs, offline, behind] = await Promise.all([
    owner && !isTerminal(status) ? masterSigns(store, [owner], unheard("the job's master is alive")) : undefined,
    silent.length > 0 ? offlineAmong(store, silent, unheard("silent peels are offline")) : undefined,
    accepted.length > 0 ? behindOf(store, row, steps, accepted) : undefined,
  ]);
  return { around: { nowNs: store.nowNs(), offline, behind }, sign: signs?.get(owner ?? ""), noHeartbeats };
}

interface Gathered {
  readonly returns: readonly Return[];
  readonly noReturns?: string | undefined;
  readonly noEvents: string | undefined;
}

/** @param reader of returns; undefined keeps only what failed and changed */
async function gather(
  store: Store,
  jid: string,
  steps: EarlySteps,
  warn: (text: string) => void,
  reader?: ReturnReader,
): Promise<Gathered> {
  if (!reader) {
    // Loaded on use: most kills need no story.
    const { SharedReturns } = await import("./shared-returns.ts");
    return gather(store, jid, steps, warn, new SharedReturns({ changesOnly: true, withoutTimes: true }));
  }
  const [returns, noEvents] = await Promise.all([
    readReturns(store, jid, warn, reader).catch(orNoBucket),
    readEvents(store, jid, steps, reader),
  ]);
  if (!(returns instanceof NoBucket)) return { returns, noEvents };
  return { returns: [], noReturns: `${returns.message} The returns are those of the events.`, noEvents };
}

async function tell(
  store: Store,
  jid: string,
  job: ValueMap,
  steps: Steps,
  { returns, noReturns, noEvents }: Gathered,
): Promise<Reading> {
  const first = storyOf(jid, job, returns, steps, { nowNs: store.nowNs() });
  const { around, sign, noHeartbeats } = await jobSurroundings(store, jid, job, first, steps);
  const { nowNs } = around;
  const row = jobRow(jid, job);
  // If heartbeats and queues add nothing, a second story of 10,000 peels is not needed.
  const story = around.offline || around.behind?.size ? storyOf(jid, job, returns, steps, around) : first;
  return { row, job, story, stuck: stuckOf(row, nowNs, sign), sign, nowNs, noReturns, noEvents, noHeartbeats };
}

/** States that events can change. */
const OPEN: ReadonlySet<PeelState> = new Set(["missing", "unreachable"]);

/** What is unknown about a job, for warnings. */
export function openQuestions({ row, story, noReturns, noEvents, noHeartbeats }: Reading): string[] {
  const isOpen = story.peels.some(({ state }) => OPEN.has(state));
  const unknown = unknownStateWords([row]);
  return [unknown && `${unknown}.`, noReturns, isOpen ? noEvents : undefined, noHeartbeats].filter(
    (note) => note !== undefined,
  );
}

/**
 * @param warn receives a warning about returns that cannot be decoded
 * @param reader as in gather
 * @throws UserError when the server fails
 */
export async function readStory(
  store: Store,
  jid: string,
  job: ValueMap,
  warn: (text: string) => void,
  reader?: ReturnReader,
): Promise<Reading> {
  const steps = new EarlySteps(job);
  const gathered = await gather(store, jid, steps, warn, reader);
  return tell(store, jid, job, steps.of(job), gathered);
}

/** The story of one peel that has no return in the bucket, without reading those of others. @throws as readStory */
export async function readPeelStory(store: Store, jid: string, job: ValueMap, peel: string): Promise<Reading> {
  const own = new Map(job).set("targets", [peel]);
  const steps = new EarlySteps(own);
  const noEvents = await readEvents(store, jid, steps);
  return tell(store, jid, own, steps.of(own), { returns: [], noEvents });
}

/**
 * The story of the job that `text` names. Requests everything at once.
 * @param reader as in gather
 * @throws as resolveJob and readStory
 */
export async function resolveStory(
  store: Store,
  text: string,
  warn: (text: string) => void,
  told: WordTold,
  reader?: ReturnReader,
): Promise<Reading> {
  const read = async (jid: string, steps: EarlySteps) => {
    const warnings: string[] = [];
    const gathered = await gather(store, jid, steps, (warning) => void warnings.push(warning), reader);
    return { ...gathered, steps, warnings };
  };
  const steps = new EarlySteps();
  const early = read(text, steps);
  early.catch(() => {}); // awaited below, if the job is found
  const { jid, job } = await resolveJob(store, text, told);
  if (jid === text) steps.of(job);
  const first = jid === text ? await early : undefined;
  const found = first && !wereReadEarly(job, first.returns) ? first : await read(jid, new EarlySteps(job));
  found.warnings.forEach(warn);
  return tell(store, jid, job, found.steps.of(job), found);
}
