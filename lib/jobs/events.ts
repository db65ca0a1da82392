// The events of one job, decoded: read once, or followed.
import { decode, decodeRecord } from "../codec/decode.ts";
import { Undecodable } from "../codec/undecodable.ts";
import type { ValueMap } from "../codec/value.ts";
import { Unavailable } from "../errors.ts";
import { type JobEvent, Steps } from "../model/story.ts";
import type { Follow, LiveStore, Store, StoredEvent } from "../store.ts";
import type { ReturnReader } from "./lookup.ts";

/** Events whose payload is the record of a return. */
const RETURN_EVENTS = new Set(["return", "schedule"]);

/** What tells whether an ack, or a return that is read as one, counts (Steps). */
const COUNTING_FIELDS = ["peel_id", "entry", "unreachable"] as const;

/** A stored event with its payload decoded. @param reader what is made of the records of returns */
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

/** What takes the events of a job. */
export interface EventSink {
  add(event: JobEvent): void;
  /** Some did not come: what was added counts for nothing, and all of it comes again. */
  again(): void;
}

/** The steps of a job whose record may come later than its first events. Events are not kept: a wide job has many. */
export class EarlySteps implements EventSink {
  #early: JobEvent[] = [];
  #steps: Steps | undefined;

  /** @param job its record, where that is known already */
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

  /** The steps so far. @param job its record: from now on events are put together as they come */
  of(job: ValueMap): Steps {
    this.job = job;
    this.#steps ??= new Steps(job);
    for (const event of this.#early.splice(0)) this.#steps.add(event);
    return this.#steps;
  }
}

/**
 * Hands over the events of a job, in order.
 * @param reader what is made of the records of returns; all of them is kept when not given
 * @returns what to report when they can't be read
 */
export async function readEvents(
  store: Store,
  jid: string,
  sink: EventSink,
  reader?: ReturnReader,
): Promise<string | undefined> {
  try {
    await store.events(
      jid,
      (event) => sink.add(eventOf(event, reader)),
      () => sink.again(),
    );
    return undefined;
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return `${error.message} Which peels accepted the job is not known.`;
  }
}

/**
 * Hands over each event of a job, those to come as well, until told to stop.
 * @returns what to say when they can't be read
 */
export async function followEvents(
  store: LiveStore,
  jid: string,
  onEvent: (event: JobEvent) => void,
  follow: Follow,
): Promise<string | undefined> {
  try {
    await store.followEvents(jid, (event) => onEvent(eventOf(event)), follow);
    return undefined;
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    follow.caughtUp();
    return error.message;
  }
}
