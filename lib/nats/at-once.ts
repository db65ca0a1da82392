// Reads a few keys without a consumer: from nats-server 2.11 on, one direct get accepts several subjects, with wildcards, and
// returns the newest message of each key as of one moment (ADR-31).
import type { Msg, MsgHdrs } from "nats";
import { PermissionDenied } from "./connection.ts";
import type { Stream, StreamState } from "./stream.ts";

/** Limit of an answer, in bytes: the server stops after the message that exceeds it. */
const MOST_BYTES = 256 << 10;

/**
 * A stream with more subjects is not asked for all keys: twice the server's limit of 1,024, since a job may have a key in the index
 * too. The server collects all matches before it refuses (2.15.2: 1.3 s for a million).
 */
const FEW_SUBJECTS = 2048;

/** The value of a header that occurs once. A writer can store a header of the same name, which precedes the server's. */
function only(headers: MsgHdrs, name: string): string | undefined {
  const [value, second] = headers.values(name);
  return second === undefined ? value : undefined;
}

const numberOf = (headers: MsgHdrs, name: string) => Number(only(headers, name) || Number.NaN);

/** The headers of an answer, unchanged; undefined when the library cannot read them or trimmed one. */
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
 * The newest message of each key that one of the subjects covers, and the last sequence of the stream then, by the node that
 * answers, which may lag behind the leader. Undefined when this way does not work: an old server, no key or more than 1,024, too
 * large values, a lost message, ambiguous headers or subject, no permission. @throws UserError when the connection is lost
 */
async function readAtOnce(stream: Stream, subjects: readonly string[]) {
  const { connection, name } = stream;
  if (!connection.isAtLeast(2, 11)) return undefined;
  const messages: Msg[] = [];
  let last = 0;
  const { promise, resolve, reject } = Promise.withResolvers<{ messages: readonly Msg[]; upTo: number } | undefined>();
  const giveUp = () => resolve(undefined);
  const take = (error: Error | null, msg: Msg) => {
    timer.refresh();
    const headers = error ? undefined : headersOf(msg);
    if (!headers) return giveUp();
    // Each message names the one before it, and the end names the last one. So none is missing.
    if (numberOf(headers, "Nats-Last-Sequence") !== last) return giveUp();
    const isEnd = headers.code === 204 && !headers.has("Nats-Sequence");
    if (isEnd && numberOf(headers, "Nats-Num-Pending") === 0)
      return resolve({ messages, upTo: numberOf(headers, "Nats-UpTo-Sequence") });
    const subject = only(headers, "Nats-Subject");
    // Bytes that are not UTF-8 would become another subject.
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
  try {
    connection.publish(subject, { multi_last: subjects, max_bytes: MOST_BYTES }, inbox);
    return await promise;
  } finally {
    clearTimeout(timer);
    unwatch();
    subscription.unsubscribe();
  }
}

const isSmall = ({ messages, bytes = Infinity, subjects = Infinity }: StreamState) =>
  subjects <= FEW_SUBJECTS && subjects * (bytes / messages) <= MOST_BYTES;

/**
 * The state of a stream; and the newest message of each key that one of the subjects covers, as of one later moment, or undefined
 * when a consumer has to read them. @throws as `Stream.state` and `readAtOnce`
 * @param narrow true when the subjects cover few keys, however large the stream is: both requests are then sent at once
 * @param known the state, where it was requested already
 */
export async function lookAtOnce(
  stream: Stream,
  subjects: readonly string[],
  narrow: boolean,
  known?: StreamState,
): Promise<{ before: StreamState; all?: readonly Msg[] | undefined }> {
  const early = narrow ? readAtOnce(stream, subjects) : undefined;
  // The awaits below handle a failure; without this it could also become an unhandled rejection.
  early?.catch(() => {});
  const before = known ?? (await stream.state());
  const found = await (early ?? (isSmall(before) ? readAtOnce(stream, subjects) : undefined));
  return { before, all: found && found.upTo >= before.lastSequence ? found.messages : undefined };
}
