// One stream, such as that of a bucket: its state, and its messages one by one.
import type { Msg, StreamInfo } from "nats";
import { insteadOf } from "../errors.ts";
import type { Follow } from "../store.ts";
import { type Connection, NoResponders, PermissionDenied } from "./connection.ts";
import { type Consumer, type ConsumerConfig, InOrder, Picture } from "./consumer.ts";
import { type JetStream, NoLeader } from "./jetstream.ts";
import { pull } from "./pull.ts";

/** A stream as the server described it at one moment. */
export interface StreamState {
  readonly messages: number;
  readonly lastSequence: number;
  /** Size of all messages in bytes, and number of their subjects; undefined when unknown. */
  readonly bytes?: number | undefined;
  readonly subjects?: number | undefined;
  /** The leader in a cluster; undefined outside a cluster. */
  readonly leader: string | undefined;
  /** Messages kept per subject; undefined when unknown. */
  readonly history?: number | undefined;
}

/** True when the consumer is on the leader: only then can its counts be compared with the leader's sequences. */
export const isAtLeader = (consumer: Consumer, state: StreamState) =>
  consumer.host === undefined || consumer.host === state.leader;

/** A direct get without an answer for this many ms may be one that the stream does not allow. */
const DIRECT_GET_LATE_MS = 100;
const LATE_ANSWER = Symbol("late");

/** A follow checks this often, in ms, whether the stream has a leader. */
const LEADER_MS = 5_000;
/** Direct gets check it again after this many ms. */
const LED_MS = 1_000;

/** Attempts at a read that is repeated when messages are missing or were removed meanwhile. */
export const READ_ATTEMPTS = 3;

/** Subjects in one answer to STREAM.INFO (JSMaxSubjectDetails of nats-server). */
const SUBJECTS_PAGE = 100_000;

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

  /** @param counts paths of numbers that the answer must have; any other part may be missing */
  async #info(counts: readonly string[], payload?: unknown): Promise<Partial<StreamInfo> & Pick<StreamInfo, "state">> {
    const info = await this.js.ask<StreamInfo>(this.name, `STREAM.INFO.${this.name}`, counts, payload);
    if (info.cluster && !info.cluster.leader) throw new NoLeader(this.name, this.connection.shown);
    return info;
  }

  /** Checks that the stream has a leader: a node that is cut off from its cluster still answers direct gets. @throws NoLeader */
  async #led(): Promise<unknown> {
    if (!this.connection.nc.info?.cluster) return undefined;
    if (Date.now() - this.#askedMs >= LED_MS) {
      this.#askedMs = Date.now();
      this.#leader = this.#info([]).catch(insteadOf(PermissionDenied, undefined));
    }
    return this.#leader;
  }

  async info(): Promise<StreamState> {
    const { state, cluster, config } = await this.#info(["state.messages", "state.last_seq"]);
    const { messages, last_seq: lastSequence, bytes, num_subjects: subjects } = state;
    return { messages, lastSequence, bytes, subjects, leader: cluster?.leader, history: config?.max_msgs_per_subject };
  }

  /** The state. Without the permission for STREAM.INFO, a consumer of new messages shows the last sequence. */
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

  /** The subjects that match, from the server's index. */
  async subjects(filter: string): Promise<string[]> {
    const all: string[] = [];
    for (;;) {
      const { state } = await this.#info(["state.messages"], { subjects_filter: filter, offset: all.length });
      const page = Object.keys(state.subjects ?? {});
      all.push(...page);
      if (page.length < SUBJECTS_PAGE) return all;
    }
  }

  /** The answer to a direct get, with any status. @throws NoResponders where a newer server does not allow direct gets */
  async direct(subject: string): Promise<Msg> {
    return this.connection.request(`${this.connection.api}.DIRECT.GET.${this.name}.${subject}`);
  }

  /**
   * The answer to a direct get; undefined when the stream does not allow any. In that case, and without such a stream, servers
   * before 2.11 do not answer at all. So only a late answer makes this request STREAM.INFO.
   */
  async directIfAllowed(subject: string): Promise<Msg | undefined> {
    const [msg] = await Promise.all([this.#directIfAllowed(subject), this.#led()]);
    return msg;
  }

  async #directIfAllowed(subject: string): Promise<Msg | undefined> {
    const answered = this.direct(subject).catch(insteadOf(NoResponders, undefined));
    const late = new Promise<typeof LATE_ANSWER>((resolve) =>
      setTimeout(resolve, DIRECT_GET_LATE_MS, LATE_ANSWER).unref(),
    );
    const first = await Promise.race([answered, late]);
    if (first !== LATE_ANSWER) return first;
    const allowed = this.#info([]).then(
      ({ config }) => (config?.allow_direct ? answered : undefined),
      insteadOf(PermissionDenied, answered),
    );
    return Promise.race([answered, allowed]);
  }

  /** The newest message of one subject, in the form that a consumer delivers; undefined for none. */
  async newest(subject: string): Promise<Msg | undefined> {
    const msg = await this.direct(subject).catch((error) => {
      if (!(error instanceof NoResponders)) throw error;
      throw this.connection.incomplete(`${this.name} is busy, and its records can't be read one by one`);
    });
    return (msg.headers?.code ?? 0) >= 400 ? undefined : ({ subject, data: msg.data, headers: msg.headers } as Msg);
  }

  /** Passes on the stored messages, then new ones. @throws NoLeader seconds after the leader is lost: answers may be old */
  async follow(config: ConsumerConfig, onMessage: (msg: Msg) => void, follow: Follow): Promise<void> {
    const over = new AbortController();
    const stop = AbortSignal.any([follow.stop, over.signal]);
    const lost = Promise.withResolvers<never>();
    const look = () =>
      this.#info([]).catch((error) => {
        if (error instanceof NoLeader) lost.reject(error);
      });
    await this.consume(config, async (consumer) => {
      const timer = consumer.host === undefined ? undefined : setInterval(look, LEADER_MS);
      const reading = pull(this.connection, consumer, new Picture(consumer, onMessage), { ...follow, stop });
      await Promise.race([reading, lost.promise]).finally(() => {
        over.abort();
        clearInterval(timer);
      });
    });
  }

  /**
   * Reads, with all consumers at once, the messages that are pending when each is created.
   * @param again called when some are missing: they expired meanwhile, or nats-server 2.9 skipped them (scan.ts). All follow again.
   * @throws Transient when some are missing every time
   */
  async readPending(
    configs: readonly ConsumerConfig[],
    hand: (msg: Msg) => void,
    again = () => {},
    attempts = READ_ATTEMPTS,
  ): Promise<void> {
    const read = (config: ConsumerConfig) =>
      this.consume(config, async (consumer) => {
        const messages = new InOrder(consumer.pending, hand);
        if (consumer.pending > 0) await pull(this.connection, consumer, messages);
        return messages.enough();
      });
    const readAll = async () => (await Promise.all(configs.map(read))).every(Boolean);
    for (let attempt = 1; !(await readAll()); attempt++) {
      if (attempt === attempts)
        throw this.connection.incomplete(`messages of ${this.name} expired while they were read`);
      again();
    }
  }

  async consume<T>(config: ConsumerConfig, work: (consumer: Consumer) => Promise<T>): Promise<T> {
    return this.js.consume(this.name, config, work);
  }
}
