// Reading a small bucket in one round trip and without a consumer: from nats-server 2.11 on a direct get takes several
// subjects, wildcards among them, and answers with the newest message of each key as of one moment (ADR-31).
import type { Msg, MsgHdrs } from "nats";
import { PermissionDenied } from "./connection.ts";
import type { Stream } from "./stream.ts";

/** The newest message of each key, as all of them were at one moment. */
export interface AtOnce {
  readonly messages: readonly Msg[];
  /** The last sequence of the stream at that moment, as the node that answered knows it: it may lag behind the leader. */
  readonly upTo: number;
}

/** The server sends no more than this and a message, in bytes: it is in vain when there is more. */
export const MOST_BYTES = 256 << 10;

/** A header that stands there once: who stores a record may put one of the same name before that of the server. */
function only(headers: MsgHdrs | undefined, name: string): string | undefined {
  const values = headers?.values(name) ?? [];
  return values.length === 1 ? values[0] : undefined;
}

const numberOf = (headers: MsgHdrs | undefined, name: string) => Number(only(headers, name) || Number.NaN);

/** The subject that a message is stored under; undefined when its bytes are others: the library trims headers, and decodes them. */
function storedSubject(msg: Msg): string | undefined {
  const subject = only(msg.headers, "Nats-Subject");
  const { _rdata: bytes, _msg: about } = msg as { _rdata?: Uint8Array; _msg?: { hdr: number } };
  if (subject === undefined || !bytes || !about) return undefined;
  const headers = Buffer.from(bytes.buffer, bytes.byteOffset, about.hdr);
  return headers.includes(`Nats-Subject: ${subject}\r\n`) ? subject : undefined;
}

/**
 * Asks for the newest message of each key that one of the subjects covers.
 * @returns undefined when they can't be had so: the server is too old, there are none, or more than 1,024, or they are
 *   large, one was lost on the way, has headers or a subject that can't be told apart, or the user may not ask
 * @throws UserError when the connection is lost
 */
export async function readAtOnce(stream: Stream, subjects: readonly string[]): Promise<AtOnce | undefined> {
  const { connection, name } = stream;
  if (!connection.isAtLeast(2, 11)) return undefined;
  const messages: Msg[] = [];
  let last = 0;
  const { promise, resolve, reject } = Promise.withResolvers<AtOnce | undefined>();
  const giveUp = () => resolve(undefined);
  const take = (error: Error | null, msg: Msg) => {
    timer.refresh();
    const { headers, data } = msg;
    // Each message names the one before it, and the end the last one: none is missing.
    if (error || numberOf(headers, "Nats-Last-Sequence") !== last) return giveUp();
    const isEnd = headers?.code === 204 && !headers.has("Nats-Sequence");
    if (isEnd && numberOf(headers, "Nats-Num-Pending") === 0)
      return resolve({ messages, upTo: numberOf(headers, "Nats-UpTo-Sequence") });
    const subject = storedSubject(msg);
    if (headers?.code !== 0 || subject === undefined) return giveUp();
    last = numberOf(headers, "Nats-Sequence");
    messages.push({ subject, data, headers } as Msg);
  };
  const subject = `${connection.api}.DIRECT.GET.${name}`;
  const inbox = connection.inbox();
  const timer = setTimeout(giveUp, connection.timeoutMs / 4);
  const unwatch = connection.onFailure(subject, (error) =>
    error instanceof PermissionDenied ? giveUp() : reject(error),
  );
  const subscription = connection.nc.subscribe(inbox, { callback: take });
  const request = { multi_last: subjects, max_bytes: MOST_BYTES };
  connection.nc.publish(subject, JSON.stringify(request), { reply: inbox });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    unwatch();
    subscription.unsubscribe();
  }
}
