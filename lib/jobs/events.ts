// The events of one job, decoded: read once, or followed.
import { decode } from "../codec/decode.ts";
import { Undecodable } from "../codec/undecodable.ts";
import { Unavailable } from "../errors.ts";
import type { JobEvent } from "../model/story.ts";
import type { Follow, LiveStore, Store, StoredEvent } from "../store.ts";
import type { ReturnReader } from "./lookup.ts";

/** Events whose payload is the record of a return. */
const RETURN_EVENTS = new Set(["return", "schedule"]);

/** A stored event with its payload decoded. @param reader what is made of the records of returns */
export function eventOf({ bytes, ...event }: StoredEvent, reader?: ReturnReader): JobEvent {
  try {
    if (!reader || event.peel === undefined || !RETURN_EVENTS.has(event.kind))
      return { ...event, payload: decode(bytes) };
    const returned = reader.read(event.peel, bytes);
    return { ...event, payload: returned.record, returned };
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return { ...event, payload: undefined };
  }
}

/**
 * The events of a job, in order; without any, and with what to say, where they can't be read.
 * @param reader what is made of the records of returns; all of them is kept when not given
 */
export async function readEvents(
  store: Store,
  jid: string,
  reader?: ReturnReader,
): Promise<{ events: readonly JobEvent[]; note: string | undefined }> {
  let events: JobEvent[] = [];
  const again = () => {
    events = [];
  };
  try {
    await store.events(jid, (event) => void events.push(eventOf(event, reader)), again);
    return { events, note: undefined };
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return { events: [], note: `${error.message} Which peels accepted the job is not known.` };
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
