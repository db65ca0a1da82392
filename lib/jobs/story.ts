// Reading the story of a job: its record, returns and events, and, where these leave a question open, what surrounds it:
// the heartbeats of its master and of silent peels, and the jobs that stand before it in the queues of peels.
import type { ValueMap } from "../codec/value.ts";
import { NoBucket } from "../errors.ts";
import { isTerminal, type JobRow, jobRow, unknownStateWords } from "../model/job.ts";
import type { PeelState } from "../model/peel-state.ts";
import { type Return, wereReadEarly } from "../model/returns.ts";
import { type JobSurroundings, type Steps, type Story, storyOf } from "../model/story.ts";
import { type MasterSign, type Stuck, stuckOf } from "../model/stuck.ts";
import type { Store } from "../store.ts";
import { EarlySteps, readEvents } from "./events.ts";
import { inTime, masterSigns, offlineAmong } from "./heartbeats.ts";
import { orNoBucket, type ReturnReader, readReturns, resolveJob, type WordTold } from "./lookup.ts";
import { behindOf } from "./queue.ts";

/** A job's story as of now. */
export interface Reading {
  readonly row: JobRow;
  readonly job: ValueMap;
  readonly story: Story;
  readonly stuck: Stuck | undefined;
  /** What is known of its master, of a job that has not ended. */
  readonly sign: MasterSign;
  /** Why the returns, or the events, could not be read; undefined when they were. */
  readonly noReturns: string | undefined;
  readonly noEvents: string | undefined;
  /** Why it is not known whether the master, or a silent peel, lives. */
  readonly noHeartbeats: string | undefined;
}

/** What surrounds a job that the events leave a question about. */
export async function jobSurroundings(
  store: Store,
  jid: string,
  job: ValueMap,
  story: Story,
  steps: Steps,
): Promise<{ around: JobSurroundings; sign: MasterSign; noHeartbeats: string | undefined }> {
  const { owner, status } = jobRow(jid, job);
  const inState = (state: string) => story.peels.filter((peel) => peel.state === state).map(({ peel }) => peel);
  const [silent, executing] = [inState("silent"), inState("executing")];
  let noHeartbeats: string | undefined;
  const unheard = (what: string) => (why: string) => {
    noHeartbeats ??= `${why} Whether ${what} is not known.`;
  };
  const [signs, offline, behind] = await Promise.all([
    owner && !isTerminal(status) ? masterSigns(store, [owner], unheard("the job's master lives")) : undefined,
    silent.length > 0 ? offlineAmong(store, silent, unheard("silent peels are offline")) : undefined,
    executing.length > 0 ? inTime(store, behindOf(store, jid, job, steps, executing)) : undefined,
  ]);
  return { around: { nowNs: store.nowNs(), offline, behind }, sign: signs?.get(owner ?? ""), noHeartbeats };
}

/** What the server has of a job beside its record. */
interface Gathered {
  readonly returns: readonly Return[];
  readonly noReturns: string | undefined;
  readonly noEvents: string | undefined;
}

/** @param reader what is made of the returns; when not given, what failed and changed is kept of them */
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
  const [found, noEvents] = await Promise.all([
    readReturns(store, jid, warn, reader).catch(orNoBucket),
    readEvents(store, jid, steps, reader),
  ]);
  const noBucket = found instanceof NoBucket;
  return {
    returns: noBucket ? [] : found,
    noReturns: noBucket ? `${found.message} The returns are those of the events.` : undefined,
    noEvents,
  };
}

async function tell(store: Store, jid: string, job: ValueMap, steps: Steps, gathered: Gathered): Promise<Reading> {
  const { returns, noEvents, noReturns } = gathered;
  const first = storyOf(jid, job, returns, steps, { nowNs: store.nowNs() });
  const { around, sign, noHeartbeats } = await jobSurroundings(store, jid, job, first, steps);
  const row = jobRow(jid, job);
  const stuck = stuckOf(row, around.nowNs, sign);
  // Without answers from around it, the story of 10,000 peels need not be put together twice.
  const story = around.offline || around.behind ? storyOf(jid, job, returns, steps, around) : first;
  return { row, job, story, stuck, sign, noReturns, noEvents, noHeartbeats };
}

/** The states that events could make more of. */
const OPEN: ReadonlySet<PeelState> = new Set(["missing", "unreachable"]);

/** What is open about a job: a state that tells nothing, and what could not be read of its peels. */
export function openQuestions({ row, story, noReturns, noEvents, noHeartbeats }: Reading): string[] {
  const isOpen = story.peels.some(({ state }) => OPEN.has(state));
  const unknown = unknownStateWords([row]);
  return [unknown && `${unknown}.`, noReturns, isOpen ? noEvents : undefined, noHeartbeats].filter(
    (note) => note !== undefined,
  );
}

/**
 * The story of a job whose record is known.
 * @param warn is told of returns that can't be decoded
 * @param reader as in gather
 * @throws UserError when the server fails; see openQuestions for what only leaves a question open
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

/**
 * What one peel is doing in a job that it has not returned from, as the bucket of returns tells: nothing is read of the others.
 * @param job its record
 * @throws UserError when the server fails
 */
export async function readPeelStory(store: Store, jid: string, job: ValueMap, peel: string): Promise<Reading> {
  const own = new Map(job).set("targets", [peel]);
  const steps = new EarlySteps(own);
  const noEvents = await readEvents(store, jid, steps);
  return tell(store, jid, own, steps.of(own), { returns: [], noReturns: undefined, noEvents });
}

/**
 * The story of the job that `text` names; everything is asked for at once.
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
  // Which of them fails first is handled by the awaits below, not as an unhandled rejection.
  early.catch(() => {});
  const { jid, job } = await resolveJob(store, text, told);
  if (jid === text) steps.of(job);
  const first = jid === text ? await early : undefined;
  const found = first && !wereReadEarly(job, first.returns) ? first : await read(jid, new EarlySteps(job));
  found.warnings.forEach(warn);
  return tell(store, jid, job, found.steps.of(job), found);
}
