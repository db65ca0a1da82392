// A JetStream consumer, what it delivers, and what is done with that.
import type { Msg } from "nats";
import { Timestamp } from "../codec/value.ts";

/** Where the messages that a consumer delivers begin, and which they are. */
export interface ConsumerConfig {
  readonly deliver_policy: "all" | "new" | "last_per_subject" | "by_start_sequence" | "by_start_time";
  readonly filter_subject?: string;
  /** Several, none of which covers another; only for nats-server 2.10 and newer. */
  readonly filter_subjects?: readonly string[];
  readonly opt_start_seq?: number;
  readonly opt_start_time?: string;
  readonly headers_only?: boolean;
  /** The server drops the consumer by itself after so many ns without a request. */
  readonly inactive_threshold?: number | undefined;
}

/** By how much the server's clock was ahead of ours when it was asked, in ms, give or take `doubtMs`. */
export interface Clock {
  readonly aheadMs: number;
  readonly doubtMs: number;
}

/** A consumer as the server described it when it was created. */
export interface Consumer {
  readonly stream: string;
  readonly name: string;
  /** Messages that were pending. */
  readonly pending: number;
  /** When it was created, by the server's clock, in ms. */
  readonly createdMs: number;
  /** The node of a cluster that hosts it; undefined outside a cluster. */
  readonly host?: string | undefined;
  /** The sequence that its deliveries begin at. */
  readonly from: number;
}

/** What the server says of a delivery in its reply subject. */
export interface Delivery {
  /** Counts the deliveries of this consumer, from 1. */
  readonly count: number;
  readonly streamSequence: number;
  /** When the message was stored, by the server's clock, in ns since 1970. */
  readonly storedNs: bigint;
  readonly pending: number;
}

/**
 * `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<ns>.<pending>`; newer servers put the domain and
 * an account hash before the stream, and a random token at the end.
 */
export function deliveryOf(msg: Msg): Delivery {
  const tokens = (msg.reply ?? "").split(".");
  const at = tokens.length >= 11 ? 7 : 5;
  const stored = tokens[at + 2] ?? "";
  return {
    streamSequence: Number(tokens[at]),
    count: Number(tokens[at + 1]),
    storedNs: /^\d{1,20}$/.test(stored) ? BigInt(stored) : 0n,
    pending: Number(tokens[at + 3]),
  };
}

/**
 * A subject as it came: a scan of 100,000 entries that makes no text of each is a tenth faster. Where the library's own
 * field is gone, its text serves.
 */
export function subjectBytes(msg: Msg): Uint8Array {
  const raw = (msg as { _msg?: { subject?: Uint8Array } })._msg?.subject;
  return raw ?? Buffer.from(msg.subject);
}

/** What the server can hold of a time: 64 bits of nanoseconds. Streams have nothing from before 1970. */
const LAST_NS = 2n ** 63n - 1n;

/** RFC 3339 with nanoseconds, as a start that the server understands: what lies outside its times is cut to them. */
export function startTime(wanted: bigint): string {
  const ns = wanted < 0n ? 0n : wanted > LAST_NS ? LAST_NS : wanted;
  return String(Timestamp.at(ns));
}

/** What is done with the messages of a consumer, and when they are enough. */
export interface Sink {
  /** Takes a message. True when this may be the last one: the reader then asks `enough`. */
  take(msg: Msg): boolean;
  /** True when nothing more is wanted. Asked also about the last message of each request. */
  enough(delivery: Delivery): boolean;
}

/** A sink for a consumer of every message of a subject, in order: when as many came as were pending, no old one is left. */
export class InOrder implements Sink {
  #received = 0;

  constructor(
    readonly pending: number,
    readonly onMessage: (msg: Msg) => void,
  ) {}

  take(msg: Msg): boolean {
    this.onMessage(msg);
    return ++this.#received === this.pending;
  }

  enough(): boolean {
    return this.#received >= this.pending;
  }
}

/** What comes this much later than the start of a read, in ms, need not be waited for: a busy bucket is never quiet. */
const LATER_MS = 1_000;

/** The newest value of each key and then every change: the picture is whole when all came that was announced. */
export class Picture implements Sink {
  #received = 0;

  constructor(
    readonly consumer: Consumer,
    readonly onMessage: (msg: Msg) => void,
  ) {}

  take(msg: Msg): boolean {
    this.onMessage(msg);
    return ++this.#received >= this.consumer.pending;
  }

  enough({ pending, storedNs }: Delivery): boolean {
    if (this.#received < this.consumer.pending) return false;
    return pending === 0 || Number(storedNs) / 1e6 > this.consumer.createdMs + LATER_MS;
  }
}
