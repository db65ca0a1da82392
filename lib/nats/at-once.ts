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

/** A message as it came; the library keeps its bytes, with headers, under this name. */
type Answer = Msg & { readonly _rdata?: Uint8Array; readonly _msg?: { readonly hdr: number } };

/**
 * The headers of an answer. The library's own reader looks at every letter of every name, which takes longer than all else that
 * is done with a record.
 */
class AnswerHeaders {
  /** The status, such as 204; 0 without one. */
  readonly code: number;
  readonly #lines: readonly string[];

  /** @param answer a message with headers */
  constructor({ _rdata: bytes = new Uint8Array(), _msg: about }: Answer) {
    const [first = "", ...lines] = Buffer.from(bytes.buffer, bytes.byteOffset, Math.max(0, about?.hdr ?? 0))
      .toString()
      .split("\r\n");
    this.code = Number(/^NATS\/1\.0 +(\d+)/.exec(first)?.[1] ?? 0);
    this.#lines = lines;
  }

  /** All values of a header, as they stand there. */
  #values(name: string): string[] {
    const head = `${name}:`;
    return this.#lines.filter((line) => line.startsWith(head)).map((line) => line.slice(head.length));
  }

  has(name: string): boolean {
    return this.#values(name).length > 0;
  }

  /** The first value, trimmed as the library does it; empty without one. */
  get(name: string): string {
    return this.#values(name)[0]?.trim() ?? "";
  }

  /** A header that stands there once: who stores a record may put one of the same name before that of the server. */
  only(name: string): string | undefined {
    const [value, second] = this.#values(name);
    return second === undefined && value?.startsWith(" ") ? value.slice(1) : undefined;
  }

  number(name: string): number {
    return Number(this.only(name) || Number.NaN);
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
    if (error) return giveUp();
    const headers = new AnswerHeaders(msg as Answer);
    // Each message names the one before it, and the end the last one: none is missing.
    if (headers.number("Nats-Last-Sequence") !== last) return giveUp();
    const isEnd = headers.code === 204 && !headers.has("Nats-Sequence");
    if (isEnd && headers.number("Nats-Num-Pending") === 0)
      return resolve({ messages, upTo: headers.number("Nats-UpTo-Sequence") });
    const subject = headers.only("Nats-Subject");
    // Bytes that are no text would be another subject.
    if (headers.code !== 0 || subject === undefined || subject.includes("\ufffd")) return giveUp();
    last = headers.number("Nats-Sequence");
    messages.push({ subject, data: msg.data, headers: headers as Pick<MsgHdrs, "get"> } as Msg);
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
