// Reads one JetStream consumer until a sink has enough, or as long as a command follows it.
import type { Msg, Subscription } from "nats";
import type { Follow } from "../store.ts";
import type { Connection } from "./connection.ts";
import { type Consumer, Delivery, type MessageSink } from "./consumer.ts";
import { Pace } from "./pace.ts";

/** A read that continues after the stored messages. */
interface Following extends Follow {
  /**
   * Keeps several requests open from the start, each of which waits for messages. A consumer without a request falls behind, and
   * what it reaches later may have been removed. `caughtUp` is not called.
   */
  readonly eager?: boolean;
}

/** A follow sends one long request at a time. */
const LIVE = { batch: 256, expiresMs: 30_000, heartbeatMs: 5_000 };
/** Requests in flight: while the answer to one is processed, the server works on the other. */
const LANES = 2;
/** Empty answers in a row that mean the end: nats-server 2.10 and newer send one (404) for each removed message of the list. */
const EMPTY_ANSWERS = 4;
/**
 * nats-server 2.9 does not answer when messages that it still counts as pending were removed. After this many ms without a
 * message, one more request shows whether there is anything to send: if not, it is refused at once.
 */
const NUDGE_MS = 400;

/** A sequence of requests with one inbox, which separates their answers from those of other lanes. */
interface Lane {
  readonly inbox: string;
  readonly subscription: Subscription;
  /** A request is in flight. */
  open: boolean;
  /** Messages that the request can still deliver, and has delivered. */
  left: number;
  got: number;
  /** The request waits for new messages. */
  live: boolean;
}

/**
 * In a cluster, the connected node may learn a moment late that another node hosts the new consumer. Until then it answers that
 * nothing responds (status 503). How long to accept that, and the pause before the next request, in ms.
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
  /** The consumer has answered. After that, status 503 means that it no longer exists. */
  #heard = false;
  #over = false;
  readonly #since = Date.now();

  constructor(
    readonly connection: Connection,
    readonly consumer: Consumer,
    readonly sink: MessageSink,
    readonly follow: Following | undefined,
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
      if (this.#over) return; // sent before the server knew that this is enough
      if (error) return this.#end.reject(error);
      try {
        // Only a status of the server has neither data nor a reply subject.
        if (msg.data.length > 0 || msg.reply) this.#onData(lane, msg);
        else this.#onStatus(lane, msg.headers?.code ?? 0, msg.headers?.description ?? "");
      } catch (thrown) {
        this.#end.reject(thrown); // the library would treat it as its own and write to stdout
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
    this.#nudged = undefined; // the server was only slow, even if this message answers the nudge
    this.#pace.saw(msg.data.length);
    const mayEnd = this.sink.take(msg);
    if (!mayEnd && lane.left > 0) return;
    if (this.sink.enough(this.#vouchedFor(msg))) this.#atEnd();
    if (lane.left > 0 || this.#over) return;
    lane.open = false;
    this.#askAgain(lane);
  }

  /** @throws Transient when a message was lost. A delivery counts all before it, so checking some and the last one is enough */
  #vouchedFor(msg: Msg): Delivery {
    const delivery = new Delivery(msg);
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
    // Outside a follow only messages count as progress: a server that only sends statuses must time out.
    if (this.#live) this.#quietMs = 0;
    if (code === 100) return; // a heartbeat
    lane.open = false;
    if (code !== 404 && code !== 408) throw this.connection.incomplete(text || `status ${code}`);
    if (this.#live) this.#askAgain(lane);
    else if (this.#isEnd(lane, code)) {
      if (this.#last) this.#vouchedFor(this.#last);
      this.#atEnd();
    }
    // 408: the request delivered what there was; or other requests wait for everything pending, and this lane is not needed.
    else if (code === 404 || lane.got > 0 || !this.#lanes.some(({ open }) => open)) this.#ask(lane);
  }

  #isEnd(lane: Lane, code: number): boolean {
    if (lane.got === 0) this.#empty++;
    if (lane === this.#nudged || this.#empty >= EMPTY_ANSWERS) return true;
    return code === 404 && this.follow !== undefined && this.#received >= this.consumer.pending;
  }

  /** Ends the read; a follow continues with new messages. */
  #atEnd(): void {
    if (!this.follow) this.#stop();
    else if (!this.#live) {
      this.#live = true;
      this.follow.caughtUp();
      this.#goOn();
    }
  }

  /** Keeps one request open: enough for a follow. */
  #goOn(): void {
    if (this.#over || this.#lanes.some(({ open, live }) => open && live)) return;
    const free = this.#lanes.find(({ open }) => !open);
    if (free) this.#ask(free);
    else this.#open();
  }
}

/**
 * Passes the messages of a consumer to `sink` until it has enough or nothing is left; with `follow`, also new ones until
 * `follow.stop`. The sink decides whether the answer is complete (scan.ts). Pull, not push: the server never sends more than was
 * requested, and no flow-control subject is needed.
 * @throws Transient when a message was lost, the server sends nothing for longer than the timeout, or the connection is lost
 */
export const pull = (
  connection: Connection,
  consumer: Consumer,
  sink: MessageSink,
  follow?: Following,
): Promise<void> => new Reader(connection, consumer, sink, follow).run();
