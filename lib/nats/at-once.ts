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
const MOST_BYTES = 256 << 10;

const numberOf = (headers: MsgHdrs | undefined, name: string) => Number(headers?.get(name) || Number.NaN);

/**
 * Asks for the newest message of each key that one of the subjects covers.
 * @returns undefined when they can't be had so: the server is too old, there are none, or more than 1,024, or they are
 *   large, one was lost on the way, or the user may not ask
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
    if (headers?.code === 204 && numberOf(headers, "Nats-Num-Pending") === 0)
      return resolve({ messages, upTo: numberOf(headers, "Nats-UpTo-Sequence") });
    if (headers?.code !== 0) return giveUp();
    last = numberOf(headers, "Nats-Sequence");
    messages.push({ subject: headers.get("Nats-Subject"), data, headers } as Msg);
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
