// The events and returns of one job, read or followed.
import { decode, decodeRecord, Undecodable } from "../codec/decode.ts";
import type { ValueMap } from "../codec/value.ts";
import { Unavailable } from "../errors.ts";
import type { Return } from "../model/returns.ts";
import { type JobEvent, Steps } from "../model/story.ts";
import type { Follow, LiveStore, Store, StoredEvent } from "../store.ts";
import { listedReturns, peelReturn, type ReturnReader } from "./lookup.ts";

const RETURN_EVENTS = new Set(["return", "schedule"]);

/** Fields that decide whether an ack, or a return that is read as one, counts (Steps). */
const COUNTING_FIELDS = ["peel_id", "entry", "unreachable"] as const;

/** @param reader for returns; undefined for whole payloads */
export function eventOf({ bytes, ...event }: StoredEvent, reader?: ReturnReader): JobEvent {
  try {
    const { kind, peel } = event;
    if (kind === "ack") return { ...event, payload: decodeRecord(bytes, COUNTING_FIELDS) };
    if (!reader || peel === undefined || !RETURN_EVENTS.has(kind)) return { ...event, payload: decode(bytes) };
    return { ...event, payload: decodeRecord(bytes, COUNTING_FIELDS), returned: reader.read(peel, bytes) };
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return { ...event, payload: undefined };
  }
}

interface EventSink {
  add(event: JobEvent): void;
  /** Some events are missing: forget those added, all of them follow again. */
  again(): void;
}

/** The steps of a job whose record can arrive after its first events. Events are not kept: a wide job has many. */
export class EarlySteps implements EventSink {
  #early: JobEvent[] = [];
  #steps: Steps | undefined;

  /** @param job its record, if known */
  constructor(private job?: ValueMap) {
    this.again();
  }

  add(event: JobEvent): void {
    if (this.#steps) this.#steps.add(event);
    else this.#early.push(event);
  }

  again(): void {
    this.#early = [];
    this.#steps = this.job && new Steps(this.job);
  }

  of(job: ValueMap): Steps {
    this.job = job;
    this.#steps ??= new Steps(job);
    for (const event of this.#early.splice(0)) this.#steps.add(event);
    return this.#steps;
  }
}

/**
 * Passes on the events of a job, in order.
 * @param reader as in eventOf
 * @returns why they cannot be read
 */
export async function readEvents(
  store: Store,
  jid: string,
  sink: EventSink,
  reader?: ReturnReader,
): Promise<string | undefined> {
  const onEvent = (event: StoredEvent) => sink.add(eventOf(event, reader));
  const why = await reasonOf(store.events(jid, onEvent, () => sink.again()));
  return why && `${why} Cannot tell which peels accepted the job.`;
}

/** Passes on the events of a job as they arrive, until `follow` stops. @returns why they cannot be read */
export async function followEvents(
  store: LiveStore,
  jid: string,
  onEvent: (event: JobEvent) => void,
  follow: Follow,
): Promise<string | undefined> {
  const why = await reasonOf(store.followEvents(jid, (event) => onEvent(eventOf(event)), follow));
  if (why !== undefined) follow.caughtUp();
  return why;
}

/** Passes on the returns of a job as they arrive, until `follow` stops; none if they cannot be read. */
export async function followReturns(
  store: LiveStore,
  jid: string,
  onReturn: (item: Return) => void,
  follow: Follow,
): Promise<void> {
  const onEntry = (peel: string | undefined, bytes: Uint8Array) => {
    const items = peel === undefined ? listedReturns(jid, bytes, () => {}) : [peelReturn(peel, bytes)];
    items.forEach(onReturn);
  };
  if ((await reasonOf(store.returns.follow(jid, onEntry, follow))) !== undefined) follow.caughtUp();
}

async function reasonOf(reading: Promise<void>): Promise<string | undefined> {
  try {
    await reading;
    return undefined;
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return error.message;
  }
}
