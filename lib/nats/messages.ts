// The messages of streams as they are stored: what an export has.
//
// A whole stream is read in order (tail.ts), and of nats-server 2.9 by count (scan.ts). Of a few jobs each is read by subject, and
// again when the count differs: none is passed on before all have arrived.
import type { Msg } from "nats";
import { ByteSet } from "../codec/byte-set.ts";
import { asTime } from "../codec/value.ts";
import { tokenFault } from "../model/jid.ts";
import type { Jids, StoredMessage } from "../store.ts";
import { Delivery, subjectBytes } from "./consumer.ts";
import { readToEnd } from "./scan.ts";
import type { Stream } from "./stream.ts";

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
    const { streamSequence, storedNs } = new Delivery(msg);
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

/** Passes on every message of a stream, or every one since a time. @throws Transient when that cannot be proven */
export async function readStream(
  stream: Stream,
  sinceNs: bigint | undefined,
  onMessage: (msg: Msg) => void,
  onTotal: (messages: number) => void,
): Promise<void> {
  let passed = 0;
  const hand = (msg: Msg) => {
    passed++;
    onMessage(msg);
  };
  for (let attempt = 1; attempt <= ATTEMPTS && passed === 0; attempt++)
    if (await readToEnd(stream, sinceNs, await stream.state(), hand, onTotal)) return;
  throw stream.connection.incomplete(`${stream.name} changed while it was read`);
}

/** Passes on every message under a subject, which matches few. @throws Transient when that cannot be proven */
export async function readSubject(stream: Stream, subject: string, onMessage: (message: StoredMessage) => void) {
  let found: StoredMessage[] = [];
  const config = { deliver_policy: "all", filter_subject: subject } as const;
  const take = (msg: Msg) => void found.push({ ...storedMessage(msg), bytes: msg.data.slice() });
  const again = () => {
    found = [];
  };
  await stream.readPending([config], take, again, ATTEMPTS);
  found.forEach(onMessage);
}

/** Room for keys that is made at once: growing takes twice the memory for a moment. */
const RESERVED = { keys: 1 << 20, length: 40 };

/** Passes on the first message of each key. */
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

/** True for a subject of one of the jobs (`zester.job.<jid>.status`), or of its entry in the index (`$KV.jobs.active.<jid>`). */
export function ofJobs(jids: Jids): (subject: string) => boolean {
  const wanted = new Set(jids.keys());
  return (subject) => {
    const [, , jid = "", next = ""] = subject.split(".");
    return wanted.has(jid) || (jid === "active" && wanted.has(next));
  };
}

/** True when reading these jobs by subject is possible and faster than reading all. */
export const areFew = (jids: Jids): boolean =>
  jids.size <= FEW_JOBS && [...jids.keys()].every((jid) => tokenFault(jid) === undefined);
