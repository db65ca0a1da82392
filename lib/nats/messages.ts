// The messages of streams as they are stored: what an export has.
//
// A whole stream is read in order (tail.ts), and of nats-server 2.9 by count (scan.ts). Of a few jobs each is read by subject, and
// again when the count differs: none is handed over before all have come.
import type { Msg } from "nats";
import { ByteSet } from "../codec/byte-set.ts";
import { asTime } from "../codec/value.ts";
import { tokenFault } from "../model/jid.ts";
import type { Jids, StoredMessage } from "../store.ts";
import { deliveryOf, InOrder, subjectBytes } from "./consumer.ts";
import { pull } from "./pull.ts";
import { configSince } from "./returns.ts";
import { readFrom } from "./scan.ts";
import type { Stream } from "./stream.ts";
import { settle, TailLimit } from "./tail.ts";

/** A message that is stored between two requests makes an attempt void: on a stream with 1,000 of them a second, two of three. */
const ATTEMPTS = 50;

/** Of more jobs the whole stream is read: each takes a consumer of its own. */
const FEW_JOBS = 20;

/** What the server adds to the headers of an answer to a direct get. */
const OF_SERVER = /^Nats-(Stream|Subject|Sequence|Time-Stamp|Num-Pending|Last-Sequence|UpTo-Sequence)$/;

/** A message of a consumer, or of a direct get. */
export function storedMessage(msg: Msg): StoredMessage {
  const { subject, headers, data: bytes } = msg;
  const all = [...(headers ?? [])].flatMap(([name, values]) => values.map((value) => [name, value] as const));
  if (msg.reply) {
    const { streamSequence, storedNs } = deliveryOf(msg);
    return { subject, sequence: streamSequence, storedNs, headers: all, bytes };
  }
  return {
    subject,
    sequence: Number(headers?.get("Nats-Sequence")),
    storedNs: asTime(headers?.get("Nats-Time-Stamp"))?.ns ?? 0n,
    headers: all.filter(([name]) => !OF_SERVER.test(name)),
    bytes,
  };
}

/** Hands over every message of a stream, or every one since a time. @throws Transient when that cannot be proven */
export async function readStream(
  stream: Stream,
  sinceNs: bigint | undefined,
  onMessage: (msg: Msg) => void,
  onTotal: (messages: number) => void,
): Promise<void> {
  const { connection } = stream;
  const config = configSince(sinceNs);
  if (connection.isAtLeast(2, 10)) {
    const state = await stream.state();
    const { from, pending } = await stream.consume(config, async (consumer) => consumer);
    onTotal(pending);
    const limit = new TailLimit(connection, Number.POSITIVE_INFINITY);
    await settle(stream, from - 1, state, Number.POSITIVE_INFINITY, onMessage, limit);
    return;
  }
  let handed = 0;
  const hand = (msg: Msg) => {
    handed++;
    onMessage(msg);
  };
  for (let attempt = 1; attempt <= ATTEMPTS && handed === 0; attempt++) {
    const state = await stream.state();
    // With more messages than that, one has been stored meanwhile, and the count would prove nothing.
    if (await readFrom(stream, config, state, state.messages, hand, onTotal)) return;
  }
  throw connection.incomplete(`${stream.name} changed while it was read`);
}

/** Hands over every message under a subject, which matches few. @throws Transient when that cannot be proven */
export async function readSubject(stream: Stream, subject: string, onMessage: (msg: StoredMessage) => void) {
  const config = { deliver_policy: "all", filter_subject: subject } as const;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const found: StoredMessage[] = [];
    const isWhole = await stream.consume(config, async (consumer) => {
      if (consumer.pending === 0) return true;
      const sink = new InOrder(consumer.pending, (msg) => {
        const message = storedMessage(msg);
        found.push({ ...message, bytes: message.bytes.slice() });
      });
      await pull(stream.connection, consumer, sink);
      return sink.enough();
    });
    if (isWhole) return found.forEach(onMessage);
  }
  throw stream.connection.incomplete(`${stream.name} changed while it was read`);
}

/** Room for keys that is made at once: growing takes twice the memory for a moment. */
const RESERVED = { keys: 1 << 20, length: 40 };

/** Takes a message of each key, whatever comes of it later. */
export class FirstOfEach {
  readonly #keys = new ByteSet();

  constructor(
    readonly onMessage: (msg: Msg) => void,
    readonly onTotal: (messages: number, come: number) => void = () => {},
  ) {}

  /** @returns the number of the key */
  take(msg: Msg): number {
    const key = subjectBytes(msg);
    const before = this.#keys.size;
    const number = this.#keys.add(key, 0, key.length);
    if (number === before) this.onMessage(msg);
    return number;
  }

  expect(total: number, come: number): void {
    this.onTotal(total, come);
    this.#keys.reserve(Math.min(total, RESERVED.keys), RESERVED.length);
  }

  /** A key that existed at the start of the read counts. */
  dropAllBut(): void {}
}

/** The place of the JID among the tokens of a subject: `$KV.jobs.<jid>`, `zester.job.<jid>.status`. */
const JID_AT = 2;

/** True for a subject of one of the jobs; an entry of the index of active jobs is one of its job. */
export function ofJobs(jids: Jids): (subject: string) => boolean {
  const wanted = new Set(jids.keys());
  return (subject) => {
    const [jid = "", next = ""] = subject.split(".").slice(JID_AT);
    return wanted.has(jid) || (jid === "active" && wanted.has(next));
  };
}

/** True when reading these jobs by subject is possible and faster than reading all. */
export const areFew = (jids: Jids): boolean =>
  jids.size <= FEW_JOBS && [...jids.keys()].every((jid) => tokenFault(jid) === undefined);
