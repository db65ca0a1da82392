// Reading one JetStream consumer, to its end or for as long as somebody follows, and making sure that nothing is missing.
import type { Msg } from "nats";
import type { Connection } from "./connection.ts";
import { Transient } from "./errors.ts";
import { Pace } from "./pace.ts";
import { safe } from "./text.ts";

/** The server delivered less than it announced, with no gap in between. */
export class Shortfall extends Error {}

/** The error for an answer that lacks something. */
export function incomplete(connection: Connection, why: string): Transient {
  return new Transient(
    `the answer of ${connection.shown} is incomplete: ${safe(why)}.`,
    "Run the command again; the server may have lost its leader or been restarted.",
  );
}

/** A consumer as the server described it when it was created. */
export interface Consumer {
  readonly stream: string;
  readonly name: string;
  /** Messages that were pending. */
  readonly pending: number;
  /** When it was created, by the server's clock, in ms. */
  readonly createdMs: number;
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
  return {
    streamSequence: Number(tokens[at]),
    count: Number(tokens[at + 1]),
    storedNs: BigInt(tokens[at + 2] ?? 0),
    pending: Number(tokens[at + 3]),
  };
}

/** For those who stay after the end. */
export interface Follow {
  /** Called once, when everything that was stored at the start has been handed over. */
  readonly caughtUp: () => void;
  readonly stop: AbortSignal;
}

/** One long request; the server ends it, and the next one is sent. */
const LIVE = { batch: 256, expiresMs: 30_000, heartbeatMs: 5_000 };

/**
 * Hands over every message of a consumer, and with `follow` also those that come later, until it says stop. Pull, not
 * push: the server then never has more on the way than was asked for, and no flow-control subject is needed. A partial
 * answer never passes as whole.
 * @throws Shortfall when fewer messages came than were announced, Transient when one is missing in between, when the
 * server stays silent longer than the timeout, or when the connection is lost
 */
export async function pull(
  connection: Connection,
  consumer: Consumer,
  onMessage: (msg: Msg) => void,
  follow?: Follow,
): Promise<void> {
  const { nc, timeoutMs } = connection;
  const subject = `${connection.api}.CONSUMER.MSG.NEXT.${consumer.stream}.${consumer.name}`;
  const inbox = connection.inbox();
  const pace = new Pace();
  let received = 0;
  let left = 0;
  let before = 0;
  let caughtUp = false;
  let live = false;
  let lastWord = Date.now();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const ask = () => {
    before = received;
    left = live ? LIVE.batch : pace.next();
    const heartbeatMs = Math.min(LIVE.heartbeatMs, timeoutMs / 3);
    const request = live
      ? { batch: left, expires: LIVE.expiresMs * 1e6, idle_heartbeat: Math.ceil(heartbeatMs * 1e6) }
      : { batch: left, no_wait: true };
    nc.publish(subject, JSON.stringify(request), { reply: inbox });
  };
  const atEnd = () => {
    if (received < consumer.pending)
      return reject(new Shortfall(`${received} of ${consumer.pending} records came`));
    if (!follow) return resolve();
    if (!caughtUp) follow.caughtUp();
    caughtUp = true;
  };
  const onStatus = (code: number, text: string) => {
    if (code === 100) return; // a heartbeat
    if (code !== 404 && code !== 408) return reject(incomplete(connection, text || `status ${code}`));
    // Nothing more for this request; when it brought nothing, nothing is pending now.
    if (!live && received === before) {
      atEnd();
      if (!follow) return;
      live = true;
    }
    ask();
  };
  const onData = (msg: Msg) => {
    received++;
    left--;
    pace.saw(msg.data.length);
    onMessage(msg);
    // The delivery count of one message vouches for all before it, so a look at a few is enough.
    if (left > 0 && received < consumer.pending && !live) return;
    const delivery = deliveryOf(msg);
    if (delivery.count !== received)
      return reject(incomplete(connection, `record ${received} of a scan is missing`));
    // A bucket that changes all the time is never quiet: what came after the start of the scan need not be waited for.
    const later = received >= consumer.pending && Number(delivery.storedNs) / 1e6 > consumer.createdMs + 1000;
    if (!caughtUp && (delivery.pending === 0 || later)) atEnd();
    if (left === 0) ask();
  };
  const sub = nc.subscribe(inbox, {
    callback: (error, msg) => {
      lastWord = Date.now();
      if (error) return reject(error);
      try {
        if (msg.reply) onData(msg);
        else onStatus(msg.headers?.code ?? 0, msg.headers?.description ?? "");
      } catch (thrown) {
        reject(thrown); // the library would take it for its own and write to stdout
      }
    },
  });
  const unwatch = connection.onFailure(subject, reject);
  const timer = setInterval(
    () => {
      if (Date.now() - lastWord > timeoutMs) reject(connection.silent(`a read of ${consumer.stream}`));
    },
    Math.min(timeoutMs / 4, 500),
  );
  const stop = () => resolve();
  follow?.stop.addEventListener("abort", stop);
  try {
    if (follow?.stop.aborted) return;
    if (consumer.pending > 0 || follow) ask();
    else return;
    await promise;
  } finally {
    follow?.stop.removeEventListener("abort", stop);
    clearInterval(timer);
    unwatch();
    sub.unsubscribe();
  }
}
