// Reading one JetStream consumer, to its end or for as long as somebody follows, and making sure that nothing is missing.
import type { Msg, Subscription } from "nats";
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
/** Requests on the way at the same time: while the answer to one is looked at, the server works on the other. */
const LANES = 2;

/** One request after the other, each with the same inbox, so that its answers can be told from those of other lanes. */
interface Lane {
  readonly inbox: string;
  readonly subscription: Subscription;
  /** A request is on the way. */
  open: boolean;
  /** Messages that it may still bring. */
  left: number;
  /** Messages that it brought. */
  got: number;
}

/**
 * In a cluster the node that is asked may learn only a moment later that another one hosts the new consumer; until then it
 * says that nobody responds (status 503). How long that may be, and the pause before the next request, in ms.
 */
const UNHEARD = { mostMs: 1_000, pauseMs: 10 };

class Reader {
  readonly #lanes: Lane[] = [];
  readonly #pace = new Pace();
  readonly #end = Promise.withResolvers<void>();
  readonly #subject: string;
  #received = 0;
  #caughtUp = false;
  #live = false;
  #quietMs = 0;
  /** The consumer has answered: from then on, silence means that it is gone. */
  #heard = false;
  #over = false;
  readonly #since = Date.now();

  constructor(
    readonly connection: Connection,
    readonly consumer: Consumer,
    readonly onMessage: (msg: Msg) => void,
    readonly follow: Follow | undefined,
  ) {
    this.#subject = `${connection.api}.CONSUMER.MSG.NEXT.${consumer.stream}.${consumer.name}`;
  }

  async run(): Promise<void> {
    const { connection, follow } = this;
    if (follow?.stop.aborted || (this.consumer.pending === 0 && !follow)) return;
    const unwatch = connection.onFailure(this.#subject, this.#end.reject);
    const tickMs = Math.min(connection.timeoutMs / 4, 500);
    const timer = setInterval(() => {
      this.#quietMs += tickMs;
      if (this.#quietMs > connection.timeoutMs)
        this.#end.reject(connection.silent(`a read of ${this.consumer.stream}`));
    }, tickMs);
    const stop = () => this.#end.resolve();
    follow?.stop.addEventListener("abort", stop);
    try {
      for (let i = 0; i < LANES; i++) this.#open();
      await this.#end.promise;
    } finally {
      this.#over = true;
      follow?.stop.removeEventListener("abort", stop);
      clearInterval(timer);
      unwatch();
      for (const { subscription } of this.#lanes) subscription.unsubscribe();
    }
  }

  #open(): void {
    const inbox = this.connection.inbox();
    const callback = (error: Error | null, msg: Msg) => {
      this.#quietMs = 0;
      if (error) return this.#end.reject(error);
      try {
        // Only a message of the server's own has neither content nor a subject to acknowledge it on.
        if (msg.data.length > 0 || msg.reply) this.#onData(lane, msg);
        else this.#onStatus(lane, msg.headers?.code ?? 0, msg.headers?.description ?? "");
      } catch (thrown) {
        this.#end.reject(thrown); // the library would take it for its own and write to stdout
      }
    };
    const subscription = this.connection.nc.subscribe(inbox, { callback });
    const lane: Lane = { inbox, subscription, open: false, left: 0, got: 0 };
    this.#lanes.push(lane);
    this.#ask(lane);
  }

  #ask(lane: Lane): void {
    lane.open = true;
    lane.got = 0;
    lane.left = this.#live ? LIVE.batch : this.#pace.next();
    const heartbeatMs = Math.min(LIVE.heartbeatMs, this.connection.timeoutMs / 3);
    const request = this.#live
      ? { batch: lane.left, expires: LIVE.expiresMs * 1e6, idle_heartbeat: Math.ceil(heartbeatMs * 1e6) }
      : { batch: lane.left, no_wait: true };
    this.connection.nc.publish(this.#subject, JSON.stringify(request), { reply: lane.inbox });
  }

  #onData(lane: Lane, msg: Msg): void {
    const { pending, createdMs } = this.consumer;
    this.#heard = true;
    this.#received++;
    lane.got++;
    lane.left--;
    this.#pace.saw(msg.data.length);
    this.onMessage(msg);
    // The delivery count of one message vouches for all before it, so a look at a few is enough.
    if (lane.left > 0 && this.#received < pending && !this.#live) return;
    const delivery = deliveryOf(msg);
    if (delivery.count !== this.#received)
      throw incomplete(this.connection, `record ${this.#received} of a scan is missing`);
    // A bucket that changes all the time is never quiet: what came after the start of the scan need not be waited for.
    const later = this.#received >= pending && Number(delivery.storedNs) / 1e6 > createdMs + 1000;
    if (!this.#caughtUp && (delivery.pending === 0 || later)) this.#atEnd();
    if (lane.left === 0) this.#ask(lane);
  }

  #onStatus(lane: Lane, code: number, text: string): void {
    if (code === 503 && !this.#heard && Date.now() - this.#since < UNHEARD.mostMs) {
      setTimeout(() => this.#over || this.#ask(lane), UNHEARD.pauseMs);
      return;
    }
    this.#heard = true;
    if (code === 100) return; // a heartbeat
    if (code !== 404 && code !== 408) throw incomplete(this.connection, text || `status ${code}`);
    lane.open = false;
    // 404: nothing is pending, and all that was had been sent before.
    if (code === 404 && !this.#live) {
      this.#atEnd();
      if (!this.follow) return;
      this.#live = true;
    }
    // One lane is enough to follow.
    const first = this.#lanes[0] as Lane;
    if (this.#live) {
      if (!first.open) this.#ask(first);
      return;
    }
    // 408: the request brought what there was, or other requests wait for all that is pending: then this lane is not needed.
    if (lane.got > 0 || !this.#lanes.some(({ open }) => open)) this.#ask(lane);
  }

  #atEnd(): void {
    const { pending } = this.consumer;
    const shortfall = `${this.#received} of ${pending} records came`;
    // Who follows starts over on a new connection; who reads once decides for himself.
    if (this.#received < pending)
      this.#end.reject(this.follow ? incomplete(this.connection, shortfall) : new Shortfall(shortfall));
    else if (!this.follow) this.#end.resolve();
    else if (!this.#caughtUp) {
      this.#caughtUp = true;
      this.follow.caughtUp();
    }
  }
}

/**
 * Hands over every message of a consumer, and with `follow` also those that come later, until it says stop. Pull, not
 * push: the server then never has more on the way than was asked for, and no flow-control subject is needed. A partial
 * answer never passes as whole.
 * @throws Shortfall when fewer messages came than were announced (with `follow` Transient), Transient when one is missing
 * in between, when the server stays silent longer than the timeout, or when the connection is lost
 */
export async function pull(
  connection: Connection,
  consumer: Consumer,
  onMessage: (msg: Msg) => void,
  follow?: Follow,
): Promise<void> {
  await new Reader(connection, consumer, onMessage, follow).run();
}
