// Reading a few keys without a consumer: from nats-server 2.11 on a direct get takes several subjects, wildcards among them, and
// answers with the newest message of each key as of one moment (ADR-31).
import type { Msg, MsgHdrs } from "nats";
import { PermissionDenied } from "./connection.ts";
import type { Stream, StreamState } from "./stream.ts";

/** The newest message of each key, as all of them were at one moment. */
interface AtOnce {
  readonly messages: readonly Msg[];
  /** The last sequence of the stream at that moment, as the node that answered knows it: it may lag behind the leader. */
  readonly upTo: number;
}

/** The server sends no more than this and a message, in bytes: it is in vain when there is more. */
const MOST_BYTES = 256 << 10;

/**
 * A stream with more subjects than this is not asked for all its keys: for each job there may be a key in the index as well. The
 * server gathers all that a filter covers before it says that they are too many (2.15.2: 1.3 s for a million).
 */
const FEW_SUBJECTS = 2048;

/** A header that stands there once: who stores a record may put one of the same name before that of the server. */
function only(headers: MsgHdrs, name: string): string | undefined {
  const [value, second] = headers.values(name);
  return second === undefined ? value : undefined;
}

const numberOf = (headers: MsgHdrs, name: string) => Number(only(headers, name) || Number.NaN);

/** The headers of an answer, as they stand there; undefined when the library can't read them, or trimmed one. */
function headersOf(msg: Msg): MsgHdrs | undefined {
  try {
    const { headers } = msg;
    const { hdr } = (msg as { _msg?: { readonly hdr: number } })._msg ?? {};
    return headers && Buffer.byteLength(headers.toString()) === hdr ? headers : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Asks for the newest message of each key that one of the subjects covers.
 * @returns undefined when they can't be had so: the server is too old, there are none, or more than 1,024, or they are
 *   large, one was lost on the way, has headers or a subject that can't be told apart, or the user may not ask
 * @throws UserError when the connection is lost
 */
async function readAtOnce(stream: Stream, subjects: readonly string[]): Promise<AtOnce | undefined> {
  const { connection, name } = stream;
  if (!connection.isAtLeast(2, 11)) return undefined;
  const messages: Msg[] = [];
  let last = 0;
  const { promise, resolve, reject } = Promise.withResolvers<AtOnce | undefined>();
  const giveUp = () => resolve(undefined);
  const take = (error: Error | null, msg: Msg) => {
    timer.refresh();
    const headers = error ? undefined : headersOf(msg);
    if (!headers) return giveUp();
    // Each message names the one before it, and the end the last one: none is missing.
    if (numberOf(headers, "Nats-Last-Sequence") !== last) return giveUp();
    const isEnd = headers.code === 204 && !headers.has("Nats-Sequence");
    if (isEnd && numberOf(headers, "Nats-Num-Pending") === 0)
      return resolve({ messages, upTo: numberOf(headers, "Nats-UpTo-Sequence") });
    const subject = only(headers, "Nats-Subject");
    // Bytes that are no text would be another subject.
    if (headers.code !== 0 || subject === undefined || subject.includes("\ufffd")) return giveUp();
    last = numberOf(headers, "Nats-Sequence");
    messages.push({ subject, data: msg.data, headers } as Msg);
  };
  const subject = `${connection.api}.DIRECT.GET.${name}`;
  const inbox = connection.inbox();
  const timer = setTimeout(giveUp, connection.timeoutMs / 4);
  const unwatch = connection.onFailure(subject, (error) =>
    error instanceof PermissionDenied ? giveUp() : reject(error),
  );
  const subscription = connection.nc.subscribe(inbox, { callback: take });
  const request = { multi_last: subjects, max_bytes: MOST_BYTES };
  try {
    connection.publish(subject, request, inbox);
    return await promise;
  } finally {
    clearTimeout(timer);
    unwatch();
    subscription.unsubscribe();
  }
}

/** True where it is likely that all keys of a stream can be had at once. */
const isSmall = ({ messages, bytes = Infinity, subjects = Infinity }: StreamState) =>
  subjects <= FEW_SUBJECTS && subjects * (bytes / messages) <= MOST_BYTES;

export interface Look {
  /** The stream as it was when it was first asked. */
  readonly before: StreamState;
  /** The newest message of each key, all of them as they were then or later, at one moment; undefined when they have to be read. */
  readonly all?: readonly Msg[] | undefined;
}

/**
 * The state of a stream and, where they can be had so, the newest message of each key that one of the subjects covers: both in one
 * round trip, unless that may burden the server.
 * @param narrow the subjects cover few keys, however large the stream is
 * @throws what `Stream.state` and `readAtOnce` throw
 */
export async function lookAtOnce(stream: Stream, subjects: readonly string[], narrow: boolean): Promise<Look> {
  const early = narrow ? readAtOnce(stream, subjects) : undefined;
  // Which of them fails first is handled by the awaits below, not as an unhandled rejection.
  early?.catch(() => {});
  const before = await stream.state();
  const found = await (early ?? (isSmall(before) ? readAtOnce(stream, subjects) : undefined));
  return { before, all: found && found.upTo >= before.lastSequence ? found.messages : undefined };
}
