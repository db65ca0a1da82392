// The API of JetStream: requests whose answers are checked, refusals as errors by their code, and consumers.
//
// It is spoken over plain requests instead of the library's KV layer: that layer asks for account and stream information
// first (round trips, and permissions that a careful site does not grant), and its watch never says that it has caught up
// when the newest message is a tombstone.
import { type Msg, nuid } from "nats";
import { Transient, UserError } from "../errors.ts";
import { safe } from "../text.ts";
import { type Connection, NoResponders, PermissionDenied } from "./connection.ts";
import type { Clock, Consumer, ConsumerConfig } from "./consumer.ts";

/** A refusal of the API: the `cause` of the error in a user's words. */
export class ApiError extends Error {
  constructor(
    stream: string,
    description: string,
    /** errors.json of nats-server lists the codes. */
    readonly code: number | undefined,
  ) {
    super(`${stream}: the server answers "${safe(description)}" (${code ?? "no code"})`);
  }
}

const NO_STREAM = 10059;
/** JetStream is not enabled, for this account or at all. */
const NO_JETSTREAM: ReadonlySet<number | undefined> = new Set([10039, 10076]);
/** The account, or the stream, may have no more consumers. */
const TOO_MANY_CONSUMERS = 10026;
/** The pause before another attempt then, in ms. */
const TURN_MS = 10;
/** The stream's own limit for consumers is lower than the time that was asked for. */
const INACTIVE_THRESHOLD = 10153;
/**
 * What a cluster answers while it has no leader or lacks nodes: incomplete, no peers, not assigned, temporarily
 * unavailable, not leader, insufficient resources, stream offline, consumer offline.
 */
const PASSING: ReadonlySet<number | undefined> = new Set([10004, 10005, 10007, 10008, 10009, 10023, 10118, 10119]);

/** `bucket "jobs"`, for errors. */
const titleOf = (stream: string) => (stream.startsWith("KV_") ? `bucket "${stream.slice(3)}"` : `stream "${stream}"`);

/** A bucket, or the stream of events, that is not there. */
export class NoBucket extends UserError {
  constructor(stream: string, shown: string) {
    super(
      `${shown} has no ${titleOf(stream)}.`,
      "Is this the NATS that your master uses? Set the address with --master or NATS_URL.",
    );
  }
}

/** A stream of a cluster that has no leader now: the nodes that answer tell what they knew, which may be old. */
export class NoLeader extends Transient {
  constructor(stream: string, shown: string) {
    super(
      `${shown}: the ${titleOf(stream)} has no leader, so what this server has of it may be old.`,
      "It may be cut off from its cluster: try another server with --master, or try again.",
    );
  }
}

/** A server, or an account, without JetStream. */
export class NoJetStream extends UserError {
  constructor(shown: string) {
    super(
      `${shown} has no JetStream here.`,
      "Is this the NATS that your master uses? JetStream may be off, or not enabled for this account.",
    );
  }
}

/** JetStream has answered before, and does not now: it restarts, or the way to it through another server is cut. */
class JetStreamLost extends Transient {
  constructor(shown: string) {
    super(
      `JetStream behind ${shown} does not answer any more.`,
      "Run the command again; the server may be restarting, or have lost its way to the others.",
    );
  }
}

function refused(stream: string, shown: string, description: string, code: number | undefined): UserError {
  if (code === NO_STREAM) return new NoBucket(stream, shown);
  if (NO_JETSTREAM.has(code)) return new NoJetStream(shown);
  const Kind = PASSING.has(code) ? Transient : UserError;
  return new Kind(
    `the server refused to read the ${titleOf(stream)}: ${safe(description)} (${code ?? "no code"}).`,
    "Try again; if it stays, look at the server's log.",
  );
}

type Json = Record<string, unknown>;

/** A whole number, of an answer that may hold anything in its place: even a value that can't be made a text. */
const numberIn = (value: unknown) => (Number.isSafeInteger(value) ? (value as number) : undefined);

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The object that an answer of the API holds; undefined when it is none: something else listens there. */
function objectIn(msg: Msg): Json | undefined {
  try {
    const answer = msg.json();
    return isObject(answer) ? answer : undefined;
  } catch {
    return undefined;
  }
}

/** The number at a path such as `state.last_seq` is one that counts something. */
function hasCount(answer: Json, path: string): boolean {
  const value = path.split(".").reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), answer);
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What is read of the answer to CONSUMER.CREATE. */
interface Created {
  readonly num_pending: number;
  readonly created?: string;
  readonly delivered?: { readonly stream_seq?: number };
  readonly cluster?: { readonly leader?: string };
}

/** The server drops a consumer by itself after so many ns without a request. */
const IDLE_NS = 30_000_000_000;

/** The API on one connection, and the consumers that were made through it. */
export class JetStream {
  /** Consumers that may still be there, with their streams. */
  readonly #consumers = new Map<string, string>();
  readonly #closing: Promise<void>[] = [];
  #clock: Clock | undefined;
  #closed = false;
  readonly #creating = new Set<Promise<Consumer>>();
  /** Those who wait for a place for their consumers, and when the last of them got one. */
  #line: Promise<unknown> = Promise.resolve();
  #servedMs = 0;
  /** It has answered, on this connection or an earlier one. */
  #isThere = false;

  /** @param before of a connection that was lost: what it left on the server is deleted now */
  constructor(
    readonly connection: Connection,
    before?: JetStream,
  ) {
    if (!before) return;
    this.#clock = before.clock;
    this.#isThere = before.#isThere;
    this.#closing.push(...this.#dropAll(before.#consumers));
  }

  /** The server's clock, from the answer that told it best; undefined until one did. */
  get clock(): Clock | undefined {
    return this.#clock;
  }

  /** @param time what an answer tells, if anything, of the moment when it was made */
  #learn(time: unknown, askedMs: number): void {
    const toldMs = typeof time === "string" ? Date.parse(time) : Number.NaN;
    if (Number.isNaN(toldMs)) return;
    const doubtMs = Math.max(0, Date.now() - askedMs) / 2;
    const aheadMs = toldMs - askedMs - doubtMs;
    const known = this.#clock;
    // A clock that was set since contradicts what was known.
    const isNews = !known || doubtMs <= known.doubtMs || Math.abs(aheadMs - known.aheadMs) > doubtMs + known.doubtMs;
    if (isNews) this.#clock = { aheadMs, doubtMs };
  }

  /**
   * Asks about a stream.
   * @param call the subject of the request, without the prefix of the API
   * @param counts paths of the numbers that the answer has to hold
   * @throws NoBucket, NoJetStream, PermissionDenied, and UserError, with an ApiError as its cause for other refusals; Transient
   *   in place of NoJetStream when JetStream has answered before
   */
  async ask<T>(stream: string, call: string, counts: readonly string[], payload?: unknown): Promise<T> {
    try {
      const answer = await this.#ask<T>(stream, call, counts, payload);
      this.#isThere = true;
      return answer;
    } catch (error) {
      if (error instanceof NoJetStream && this.#isThere) throw new JetStreamLost(this.connection.shown);
      if (error instanceof NoBucket) this.#isThere = true;
      throw error;
    }
  }

  async #ask<T>(stream: string, call: string, counts: readonly string[], payload: unknown): Promise<T> {
    const { api, shown } = this.connection;
    const askedMs = Date.now();
    const msg = await this.connection.request(`${api}.${call}`, payload).catch((error) => {
      throw error instanceof NoResponders ? new NoJetStream(shown) : error;
    });
    const answer = objectIn(msg);
    const { error, ts } = answer ?? {};
    this.#learn(ts, askedMs);
    if (isObject(error) && typeof (error.description ?? "") === "string") {
      const description = (error.description ?? "") as string;
      const code = numberIn(error.err_code) ?? numberIn(error.code);
      throw Object.assign(refused(stream, shown, description, code), {
        cause: new ApiError(stream, description, code),
      });
    }
    if (answer && error === undefined && counts.every((path) => hasCount(answer, path))) return answer as T;
    throw new UserError(
      `${shown}: the answer to a JetStream request is not one of JetStream.`,
      "Check the address, --js-domain and --js-prefix; something else may answer there.",
    );
  }

  /** Creates a consumer, which is the caller's to delete. @throws as `ask` */
  async create(stream: string, config: ConsumerConfig): Promise<Consumer> {
    const creating = this.#create(stream, config);
    this.#creating.add(creating);
    return creating.finally(() => this.#creating.delete(creating));
  }

  async #create(stream: string, config: ConsumerConfig): Promise<Consumer> {
    const name = `zester-${nuid.next()}`;
    const filter = config.filter_subject === undefined ? "" : `.${config.filter_subject}`;
    const fixed = { name, ack_policy: "none", mem_storage: true, num_replicas: 1 };
    const full = { ...fixed, inactive_threshold: IDLE_NS, ...config };
    const askedMs = Date.now();
    if (this.#closed) throw new Transient(`${this.connection.shown}: the connection is being closed.`);
    this.#consumers.set(name, stream);
    try {
      const created = await this.ask<Created>(stream, `CONSUMER.CREATE.${stream}.${name}${filter}`, ["num_pending"], {
        stream_name: stream,
        config: full,
      });
      this.#learn(created.created, askedMs);
      // The server may have taken the request to delete it first.
      if (this.#closed) await this.#drop(stream, name);
      return {
        stream,
        name,
        pending: created.num_pending,
        createdMs: Date.parse(typeof created.created === "string" ? created.created : "") || Date.now(),
        host: created.cluster?.leader,
        from: (numberIn(created.delivered?.stream_seq) ?? 0) + 1,
      };
    } catch (error) {
      const { cause } = error as Error;
      const api = cause instanceof ApiError ? cause : undefined;
      // Refused or unheard: there is no consumer to delete.
      if (api || error instanceof NoJetStream || error instanceof PermissionDenied) this.#consumers.delete(name);
      // A site may allow less; the server then has a time of its own.
      if (api?.code === INACTIVE_THRESHOLD && full.inactive_threshold !== undefined)
        return this.#create(stream, { ...config, inactive_threshold: undefined });
      throw error;
    }
  }

  /** Deletes a consumer. @throws as `ask` */
  async delete(stream: string, name: string): Promise<void> {
    this.#consumers.delete(name);
    await this.ask(stream, `CONSUMER.DELETE.${stream}.${name}`, []);
  }

  /** Runs `work` on a consumer of its own, which is deleted afterwards. @throws as `ask`, and what `work` throws */
  async consume<T>(stream: string, config: ConsumerConfig, work: (consumer: Consumer) => Promise<T>): Promise<T> {
    const consumer = await this.#createInTurn(stream, config);
    try {
      return await work(consumer);
    } finally {
      // Not awaited: the answer need not wait for it. close() does.
      this.#closing.push(this.#drop(stream, consumer.name));
    }
  }

  /**
   * Creates a consumer. Where an account may have no more, those who want one stand in line until others are gone: ours last for as
   * long as a read.
   * @throws as `ask`, when no consumer of ours could be created for as long as the timeout
   */
  async #createInTurn(stream: string, config: ConsumerConfig): Promise<Consumer> {
    const orFull = (error: unknown) => {
      const { cause } = error as Error;
      if (cause instanceof ApiError && cause.code === TOO_MANY_CONSUMERS) return error as UserError;
      throw error;
    };
    const first = await this.create(stream, config).catch(orFull);
    if (!(first instanceof UserError)) return first;
    const began = Date.now();
    const attempt = async (): Promise<Consumer> => {
      for (;;) {
        await new Promise((done) => setTimeout(done, TURN_MS));
        const created = await this.create(stream, config).catch(orFull);
        if (!(created instanceof UserError)) {
          this.#servedMs = Date.now();
          return created;
        }
        if (Date.now() - Math.max(began, this.#servedMs) > this.connection.timeoutMs) throw created;
      }
    };
    const mine = this.#line.then(attempt);
    this.#line = mine.catch(() => {});
    return mine;
  }

  /** Leaves nothing behind on the server: what still runs creates no consumer any more. */
  async close(): Promise<void> {
    this.#closed = true;
    const creating = Array.from(this.#creating, (consumer) => consumer.catch(() => {}));
    await Promise.all([...this.#closing, ...this.#dropAll(this.#consumers), ...creating]);
  }

  async #drop(stream: string, name: string): Promise<void> {
    try {
      await this.delete(stream, name);
    } catch {
      // Left to the next connection. Without one the server drops it by itself, after a while idle (inactive_threshold).
      this.#consumers.set(name, stream);
    }
  }

  #dropAll(consumers: Map<string, string>): Promise<void>[] {
    const all = [...consumers];
    consumers.clear();
    return all.map(([name, stream]) => this.#drop(stream, name));
  }
}
