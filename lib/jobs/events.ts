// The events of a job, decoded.
import { decodeRecord, Undecodable } from "../codec/decode.ts";
import { asText } from "../codec/value.ts";
import type { JobEvent } from "../model/life.ts";
import { type Return, toReturn, unreadableReturn } from "../model/returns.ts";
import type { Follow } from "../nats/pull.ts";
import type { Store, StoredEvent } from "../nats/store.ts";

function returnIn({ kind, peel, bytes }: StoredEvent): Return | undefined {
  if ((kind !== "return" && kind !== "schedule") || peel === undefined) return undefined;
  try {
    return toReturn(peel, decodeRecord(bytes));
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return unreadableReturn(peel, error.message);
  }
}

function endIn({ kind, bytes }: StoredEvent): string | undefined {
  if (kind !== "status") return undefined;
  try {
    return asText(decodeRecord(bytes).get("type")) ?? "-";
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return "unreadable";
  }
}

/** What a message of a job's life says. */
export function toEvent(event: StoredEvent): JobEvent {
  const { kind, peel, storedNs } = event;
  return { kind, peel, storedNs, returned: returnIn(event), end: endIn(event) };
}

/**
 * Hands over the events of a job, in order, and with `follow` those that come later.
 * @throws NoBucket when a deployment has no stream of them
 */
export async function readEvents(
  store: Store,
  jid: string,
  onEvent: (event: JobEvent) => void,
  follow?: Follow,
): Promise<void> {
  await store.events(jid, (event) => onEvent(toEvent(event)), follow);
}
