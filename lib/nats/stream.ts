// One stream, such as that of a bucket: what it holds, and its messages one by one.
import type { Msg } from "nats";
import { type Connection, NoResponders, PermissionDenied } from "./connection.ts";
import type { Consumer, ConsumerConfig, Sink } from "./consumer.ts";
import { type JetStream, NoLeader } from "./jetstream.ts";
import { type Follow, pull } from "./pull.ts";

/** A stream as the server described it at some moment. */
export interface StreamState {
  readonly messages: number;
  readonly lastSequence: number;
  /** What all its messages take, and how many subjects they have; undefined when that is not known. */
  readonly bytes?: number | undefined;
  readonly subjects?: number | undefined;
  /** The node of a cluster that leads it; undefined outside a cluster. */
  readonly leader: string | undefined;
  /** How many messages it keeps of each subject; undefined when that is not known. */
  readonly history?: number | undefined;
}

/** Counts what its node has, as the leader does: its counts can be compared with the leader's sequences. */
export const isAtLeader = (consumer: Consumer, state: StreamState) =>
  consumer.host === undefined || consumer.host === state.leader;

/** A direct get is answered within a round trip; after this many ms it is worth asking what is wrong. */
const DIRECT_GET_LATE_MS = 100;
const LATE = Symbol("late");

/** How often, in ms, it is looked at whether a stream that is followed still has a leader. */
const LEADER_MS = 5_000;
/** For so many ms an answer to that holds for what is read one by one. */
const LED_MS = 1_000;

/** Subjects that STREAM.INFO tells at once (JSMaxSubjectDetails of nats-server). */
const SUBJECTS_PAGE = 100_000;

/** What is read of the answer to STREAM.INFO. */
interface Info {
  readonly state: {
    readonly messages: number;
    readonly last_seq: number;
    readonly bytes?: number;
    readonly num_subjects?: number;
    readonly subjects?: object;
  };
  readonly cluster?: { readonly leader?: string };
  readonly config?: { readonly allow_direct?: boolean; readonly max_msgs_per_subject?: number };
}

/** A stream by its name; every method throws what `JetStream.ask` throws. */
export class Stream {
  readonly connection: Connection;
  #leader: Promise<unknown> | undefined;
  #askedMs = 0;

  constructor(
    readonly js: JetStream,
    readonly name: string,
  ) {
    this.connection = js.connection;
  }

  async #info(counts: readonly string[], payload?: unknown): Promise<Info> {
    const info = await this.js.ask<Info>(this.name, `STREAM.INFO.${this.name}`, counts, payload);
    if (info.cluster && !info.cluster.leader) throw new NoLeader(this.name, this.connection.shown);
    return info;
  }

  /** Any node of a cluster answers a direct get, one that is cut off as well: whether it may is asked at the same time. */
  async #led(): Promise<unknown> {
    if (!this.connection.nc.info?.cluster) return undefined;
    if (Date.now() - this.#askedMs >= LED_MS) {
      this.#askedMs = Date.now();
      this.#leader = this.#info([]).catch((error) => {
        if (!(error instanceof PermissionDenied)) throw error;
      });
    }
    return this.#leader;
  }

  /** What it holds, as it says itself. */
  async info(): Promise<StreamState> {
    const { state, cluster, config } = await this.#info(["state.messages", "state.last_seq"]);
    return {
      messages: state.messages,
      lastSequence: state.last_seq,
      bytes: state.bytes,
      subjects: state.num_subjects,
      leader: cluster?.leader,
      history: config?.max_msgs_per_subject,
    };
  }

  /** What it holds. A user who may not ask learns its last sequence from a consumer of what comes after it. */
  async state(): Promise<StreamState> {
    return this.info().catch((error) => {
      if (!(error instanceof PermissionDenied)) throw error;
      return this.consume({ deliver_policy: "new" }, async ({ from, host }) => ({
        messages: from - 1,
        lastSequence: from - 1,
        leader: host,
      }));
    });
  }

  /** The subjects that match, from an index of the server's, which tells up to 100,000 at a time. */
  async subjects(filter: string): Promise<string[]> {
    const all: string[] = [];
    for (;;) {
      const { state } = await this.#info(["state.messages"], { subjects_filter: filter, offset: all.length });
      const page = Object.keys(state.subjects ?? {});
      all.push(...page);
      if (page.length < SUBJECTS_PAGE) return all;
    }
  }

  /** The answer to a direct get, whatever its status. @throws NoResponders where newer servers allow none */
  async direct(subject: string): Promise<Msg> {
    return this.connection.request(`${this.connection.api}.DIRECT.GET.${this.name}.${subject}`);
  }

  /**
   * The answer to a direct get; undefined when the stream does not allow any. Then, and when there is no such stream,
   * servers before 2.11 say nothing at all: what is wrong is asked only when the answer is late, so that it usually
   * costs nothing.
   */
  async directIfAllowed(subject: string): Promise<Msg | undefined> {
    const [msg] = await Promise.all([this.#directIfAllowed(subject), this.#led()]);
    return msg;
  }

  async #directIfAllowed(subject: string): Promise<Msg | undefined> {
    const answered = this.direct(subject).catch((error) => {
      if (!(error instanceof NoResponders)) throw error;
      return undefined;
    });
    const late = new Promise<typeof LATE>((resolve) => setTimeout(resolve, DIRECT_GET_LATE_MS, LATE).unref());
    const first = await Promise.race([answered, late]);
    if (first !== LATE) return first;
    const allowed = this.#info([]).then(
      ({ config }) => (config?.allow_direct ? answered : undefined),
      (error) => {
        if (!(error instanceof PermissionDenied)) throw error;
        return answered;
      },
    );
    return Promise.race([answered, allowed]);
  }

  /** The newest message of one subject, as a consumer would hand it over; undefined for none. */
  async newest(subject: string): Promise<Msg | undefined> {
    const msg = await this.direct(subject).catch((error) => {
      if (!(error instanceof NoResponders)) throw error;
      throw this.connection.incomplete(`${this.name} is busy, and its records can't be read one by one`);
    });
    return (msg.headers?.code ?? 0) >= 400 ? undefined : ({ subject, data: msg.data, headers: msg.headers } as Msg);
  }

  /**
   * Reads a consumer until `follow` says stop.
   * @throws NoLeader soon after the stream has lost its leader: what the server tells from then on may be old
   */
  async followConsumer(consumer: Consumer, sink: Sink, follow: Follow): Promise<void> {
    const over = new AbortController();
    const lost = Promise.withResolvers<never>();
    const look = () =>
      this.#info([]).catch((error) => {
        if (error instanceof NoLeader) lost.reject(error);
      });
    const timer = consumer.host === undefined ? undefined : setInterval(look, LEADER_MS);
    try {
      const stop = AbortSignal.any([follow.stop, over.signal]);
      await Promise.race([pull(this.connection, consumer, sink, { ...follow, stop }), lost.promise]);
    } finally {
      over.abort();
      clearInterval(timer);
    }
  }

  /** Runs `work` on a consumer of its own. */
  async consume<T>(config: ConsumerConfig, work: (consumer: Consumer) => Promise<T>): Promise<T> {
    return this.js.consume(this.name, config, work);
  }
}
