// Reading one JetStream consumer, as far as a sink wants to or for as long as a command follows it.
import type { Msg, Subscription } from "nats";
import type { Connection } from "./connection.ts";
import { type Consumer, type Delivery, deliveryOf, type Sink } from "./consumer.ts";
import { Pace } from "./pace.ts";

/** For those who stay after the end. */
export interface Follow {
  /** Called once, when everything that was stored at the start has been handed over. */
  readonly caughtUp: () => void;
  readonly stop: AbortSignal;
  /**
   * Requests wait for messages from the first one on, and always more than one is on the way: a consumer without a request
   * falls behind, and what it comes to later may have been removed by then. `caughtUp` is not called.
   */
  readonly eager?: boolean;
}

/** One long request; the server ends it, and the next one is sent. */
const LIVE = { batch: 256, expiresMs: 30_000, heartbeatMs: 5_000 };
/** Requests on the way at the same time: while the answer to one is looked at, the server works on the other. */
const LANES = 2;
/**
 * nats-server from 2.10 on answers a request with "no messages" (404) when the next message of its list was removed, not
 * only at the end: each further request gets past one such gap. After so many empty answers in a row it is taken for the end.
 */
const EMPTY_ANSWERS = 4;
/**
 * nats-server 2.9 answers nothing when messages that it still counts as pending were removed. After this long without a
 * message, in ms, one more request shows whether it has anything to send: its refusal then comes at once.
 */
const NUDGE_MS = 400;

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
  /** The request waits for messages that are yet to come. */
  live: boolean;
}

/**
 * In a cluster the node that is asked may learn only a moment later that another one hosts the new consumer; until then it
 * says that nothing responds (status 503). How long that may be, and the pause before the next request, in ms.
 */
const UNHEARD = { mostMs: 1_000, pauseMs: 10 };

class Reader {
  readonly #lanes: Lane[] = [];
  readonly #pace: Pace;
  readonly #end = Promise.withResolvers<void>();
  readonly #subject: string;
  #received = 0;
  #last: Msg | undefined;
  #empty = 0;
  #live = false;
  #quietMs = 0;
  #nudged: Lane | undefined;
  /** The consumer has answered: from then on, silence means that it is gone. */
  #heard = false;
  #over = false;
  readonly #since = Date.now();

  constructor(
    readonly connection: Connection,
    readonly consumer: Consumer,
    readonly sink: Sink,
    readonly follow: Follow | undefined,
  ) {
    this.#subject = `${connection.api}.CONSUMER.MSG.NEXT.${consumer.stream}.${consumer.name}`;
    this.#pace = new Pace(connection.nc.info?.max_payload, Date.now);
    this.#live = follow?.eager === true;
  }

  async run(): Promise<void> {
    const { connection, follow } = this;
    if (follow?.stop.aborted) return;
    const unwatch = connection.onFailure(this.#subject, this.#end.reject);
    const tickMs = Math.min(connection.timeoutMs / 4, 200);
    const timer = setInterval(() => this.#tick(tickMs), tickMs);
    const stop = () => this.#stop();
    follow?.stop.addEventListener("abort", stop);
    try {
      for (let i = 0; i < LANES; i++) this.#open();
      await this.#end.promise;
    } finally {
      this.#stop();
      follow?.stop.removeEventListener("abort", stop);
      clearInterval(timer);
      unwatch();
      for (const { subscription } of this.#lanes) subscription.unsubscribe();
    }
  }

  #stop(): void {
    this.#over = true;
    this.#end.resolve();
  }

  #tick(ms: number): void {
    this.#quietMs += ms;
    if (this.#quietMs > this.connection.timeoutMs)
      this.#end.reject(this.connection.silent(`a read of ${this.consumer.stream}`));
    else if (!this.#live && this.#quietMs > NUDGE_MS) this.#nudged ??= this.#open(1);
  }

  #open(batch?: number): Lane {
    const inbox = this.connection.inbox();
    const callback = (error: Error | null, msg: Msg) => {
      if (this.#over) return; // what the server had sent before it heard that this is enough
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
    const lane: Lane = { inbox, subscription, open: false, left: 0, got: 0, live: false };
    this.#lanes.push(lane);
    this.#ask(lane, batch);
    return lane;
  }

  #ask(lane: Lane, batch = this.#live && !this.follow?.eager ? LIVE.batch : this.#pace.next()): void {
    lane.open = true;
    lane.live = this.#live;
    lane.got = 0;
    lane.left = batch;
    const heartbeatMs = Math.min(LIVE.heartbeatMs, this.connection.timeoutMs / 3);
    const wait = this.#live
      ? { expires: LIVE.expiresMs * 1e6, idle_heartbeat: Math.ceil(heartbeatMs * 1e6) }
      : { no_wait: true };
    this.connection.publish(this.#subject, { batch, ...wait }, lane.inbox);
  }

  #onData(lane: Lane, msg: Msg): void {
    this.#heard = true;
    this.#quietMs = 0;
    this.#empty = 0;
    this.#received++;
    this.#last = msg;
    lane.got++;
    lane.left--;
    this.#nudged = undefined; // it was only slow, also when the message is the answer to the nudge
    this.#pace.saw(msg.data.length);
    const mayEnd = this.sink.take(msg);
    if (!mayEnd && lane.left > 0) return;
    if (this.sink.enough(this.#vouchedFor(msg))) this.#atEnd();
    if (lane.left > 0 || this.#over) return;
    lane.open = false;
    this.#askAgain(lane);
  }

  /** The delivery count of one message vouches for all before it, so a look at a few, and at the last one, is enough. */
  #vouchedFor(msg: Msg): Delivery {
    const delivery = deliveryOf(msg);
    if (delivery.count !== this.#received) throw this.connection.incomplete("a record was lost on the way");
    return delivery;
  }

  #askAgain(lane: Lane): void {
    if (this.#live && !this.follow?.eager) this.#goOn();
    else this.#ask(lane);
  }

  #onStatus(lane: Lane, code: number, text: string): void {
    if (code === 503 && !this.#heard && Date.now() - this.#since < UNHEARD.mostMs) {
      setTimeout(() => this.#over || this.#ask(lane), UNHEARD.pauseMs);
      return;
    }
    this.#heard = true;
    // A server that only talks does not answer: outside a follow nothing but a message counts as a sign of progress.
    if (this.#live) this.#quietMs = 0;
    if (code === 100) return; // a heartbeat
    lane.open = false;
    if (code !== 404 && code !== 408) throw this.connection.incomplete(text || `status ${code}`);
    if (this.#live) this.#askAgain(lane);
    else if (this.#isEnd(lane, code)) {
      if (this.#last) this.#vouchedFor(this.#last);
      this.#atEnd();
    }
    // 408: the request brought what there was, or other requests wait for all that is pending: then this lane is not needed.
    else if (code === 404 || lane.got > 0 || !this.#lanes.some(({ open }) => open)) this.#ask(lane);
  }

  /** Whether an answer without a message means that nothing is left. */
  #isEnd(lane: Lane, code: number): boolean {
    if (lane.got === 0) this.#empty++;
    if (lane === this.#nudged || this.#empty >= EMPTY_ANSWERS) return true;
    return code === 404 && this.follow !== undefined && this.#received >= this.consumer.pending;
  }

  /** All that was stored has come, as far as the server can tell; a follow stays. */
  #atEnd(): void {
    if (!this.follow) this.#stop();
    else if (!this.#live) {
      this.#live = true;
      this.follow.caughtUp();
      this.#goOn();
    }
  }

  /** One lane is enough to follow. */
  #goOn(): void {
    if (this.#over || this.#lanes.some(({ open, live }) => open && live)) return;
    const free = this.#lanes.find(({ open }) => !open);
    if (free) this.#ask(free);
    else this.#open();
  }
}

/**
 * Hands the messages of a consumer to `sink` until it has enough or nothing is left, and with `follow` also those that come
 * later, until it says stop. Whether the answer is whole is the sink's to judge: see scan.ts. Pull, not push: the server
 * then never has more on the way than was asked for, and no flow-control subject is needed.
 * @throws Transient when a message is missing in between, when the server brings nothing for longer than the timeout, or
 * when the connection is lost
 */
export async function pull(connection: Connection, consumer: Consumer, sink: Sink, follow?: Follow): Promise<void> {
  await new Reader(connection, consumer, sink, follow).run();
}
