// The JetStream API: requests with checked answers, an error for each refusal code, and consumers.
//
// Not the library's KV layer: that first requests account and stream information (round trips, and permissions that a careful site
// does not grant), and its watch never reports the end of the stored entries when the newest message is a tombstone.
import { type ConsumerInfo, type Msg, nuid } from "nats";
import { NoBucket, Transient, UserError } from "../errors.ts";
import type { Clock } from "../store.ts";
import { safe } from "../text.ts";
import { type Connection, NoResponders, PermissionDenied } from "./connection.ts";
import type { Consumer, ConsumerConfig } from "./consumer.ts";

/** A refusal by the API: the `cause` of the UserError for it. */
export class ApiError extends Error {
  constructor(
    stream: string,
    description: string,
    /** As in errors.json of nats-server. */
    readonly code: number | undefined,
  ) {
    super(`${stream}: the server answers "${safe(description)}" (${code ?? "no code"})`);
  }
}

const NO_STREAM = 10059;
/** JetStream is not enabled, for this account or at all. */
const NO_JETSTREAM: ReadonlySet<number | undefined> = new Set([10039, 10076]);
/** The account or the stream has reached its limit of consumers. */
const TOO_MANY_CONSUMERS = 10026;
/** Pause between attempts at that limit. */
const TURN_MS = 10;
/** The stream limits inactive_threshold to less than requested. */
const INACTIVE_THRESHOLD = 10153;
/**
 * Answers of a cluster without a leader or with missing nodes: incomplete, no peers, not assigned, temporarily unavailable,
 * not leader, insufficient resources, stream offline, consumer offline.
 */
const PASSING: ReadonlySet<number | undefined> = new Set([10004, 10005, 10007, 10008, 10009, 10023, 10118, 10119]);

const titleOf = (stream: string) => (stream.startsWith("KV_") ? `bucket "${stream.slice(3)}"` : `stream "${stream}"`);

/** A stream of a cluster has no leader now. Answers of the other nodes may be old. */
export class NoLeader extends Transient {
  constructor(stream: string, shown: string) {
    super(
      `${shown}: the ${titleOf(stream)} has no leader: the data of this server may be old.`,
      "It may be cut off from its cluster: run the command again, or use another server with --master.",
    );
  }
}

export class NoJetStream extends UserError {}

/** ` on $JS.hub.API (flag --js-domain)` if a setting that may be wrong chose the API. */
const onApi = ({ api, apiSetting }: Connection) => (apiSetting === undefined ? "" : ` on ${api} (${apiSetting})`);

const checkThat = ({ apiSetting }: Connection) =>
  `Check ${apiSetting === undefined ? "" : `${apiSetting}, and `}that your master uses this server.`;

function refused(stream: string, connection: Connection, message: string, code: number | undefined): UserError {
  if (code === NO_STREAM)
    return new NoBucket(
      `${connection.shown} has no ${titleOf(stream)}${onApi(connection)}.`,
      `${checkThat(connection)} Set the address with --master or NATS_URL.`,
    );
  const Kind = PASSING.has(code) ? Transient : UserError;
  return new Kind(
    `the server refused to read the ${titleOf(stream)}: ${safe(message)} (${code ?? "no code"}).`,
    "Run the command again; if it still fails, see the server's log.",
  );
}

type Json = Record<string, unknown>;

/** A safe integer from an answer; undefined for anything else. */
const numberIn = (value: unknown) => (Number.isSafeInteger(value) ? (value as number) : undefined);

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The JSON object of an answer; undefined for anything else, which another service must have sent. */
function objectIn(msg: Msg): Json | undefined {
  try {
    const answer = msg.json();
    return isObject(answer) ? answer : undefined;
  } catch {
    return undefined;
  }
}

/** True when the value at a path such as `state.last_seq` is a whole number, zero or more. */
function hasCount(answer: Json, path: string): boolean {
  const value = path.split(".").reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), answer);
  return (numberIn(value) ?? -1) >= 0;
}

/** Any other part of the answer may be missing. */
type Created = Partial<ConsumerInfo> & Pick<ConsumerInfo, "num_pending">;

/** The server drops a consumer after this many ns without a request. */
const IDLE_NS = 30_000_000_000;

const isRefusal = (error: unknown, code: number) => {
  const { cause } = error as Error;
  return cause instanceof ApiError && cause.code === code;
};

export class JetStream {
  /** Consumers that may still exist, with their streams. */
  readonly #consumers = new Map<string, string>();
  /** Requests about consumers that `close` waits for. */
  readonly #closing: Promise<unknown>[] = [];
  /** The server's clock from the most precise answer so far; undefined before the first. */
  clock: Clock | undefined;
  #closed = false;
  /** The queue of reads that wait for a free consumer, and when the last of them got one. */
  #line: Promise<unknown> = Promise.resolve();
  #servedMs = 0;
  /** True when JetStream has answered, on this connection or an earlier one. */
  #isThere = false;

  /** @param before of a lost connection: its consumers are deleted now */
  constructor(
    readonly connection: Connection,
    before?: JetStream,
  ) {
    if (!before) return;
    this.clock = before.clock;
    this.#isThere = before.#isThere;
    this.#closing.push(...this.#dropAll(before.#consumers));
  }

  /** @param time the time in an answer, if it has one */
  #learn(time: unknown, askedMs: number): void {
    const toldMs = typeof time === "string" ? Date.parse(time) : Number.NaN;
    if (Number.isNaN(toldMs)) return;
    const doubtMs = Math.max(0, Date.now() - askedMs) / 2;
    const aheadMs = toldMs - askedMs - doubtMs;
    const known = this.clock;
    // A contradiction means that a clock has been set since.
    const isNews = !known || doubtMs <= known.doubtMs || Math.abs(aheadMs - known.aheadMs) > doubtMs + known.doubtMs;
    if (isNews) this.clock = { aheadMs, doubtMs };
  }

  /**
   * Sends a request about a stream.
   * @param call the subject without the prefix of the API @param counts paths of numbers that the answer must have
   * @throws NoBucket, NoJetStream (Transient when JetStream has answered before), PermissionDenied; for other refusals UserError
   *   with an ApiError as its cause
   */
  async ask<T>(stream: string, call: string, counts: readonly string[], payload?: unknown): Promise<T> {
    const { api, shown } = this.connection;
    const askedMs = Date.now();
    const msg = await this.connection.request(`${api}.${call}`, payload).catch((error) => {
      throw error instanceof NoResponders ? this.#away() : error;
    });
    const answer = objectIn(msg);
    const { error, ts } = answer ?? {};
    this.#learn(ts, askedMs);
    if (isObject(error) && typeof (error.description ?? "") === "string") {
      const message = (error.description ?? "") as string;
      const code = numberIn(error.err_code) ?? numberIn(error.code);
      const thrown = NO_JETSTREAM.has(code) ? this.#away() : refused(stream, this.connection, message, code);
      if (code === NO_STREAM) this.#isThere = true;
      throw Object.assign(thrown, { cause: new ApiError(stream, message, code) });
    }
    if (!answer || error !== undefined || !counts.every((path) => hasCount(answer, path)))
      throw new UserError(
        `${shown}: the answer to a JetStream request${onApi(this.connection)} is invalid.`,
        "Check the address, --js-domain and --js-prefix: another service may answer there.",
      );
    this.#isThere = true;
    return answer as T;
  }

  /** The error when nothing answers. Where JetStream answered before, it restarts, or the server has lost its connection to it. */
  #away(): UserError {
    const { shown } = this.connection;
    if (this.#isThere)
      return new Transient(
        `JetStream of ${shown} stopped answering.`,
        "Run the command again: the server may be restarting, or cut off from its cluster.",
      );
    return new NoJetStream(
      `${shown} has no JetStream${onApi(this.connection)}.`,
      `${checkThat(this.connection)} JetStream may be off, or not enabled for this account.`,
    );
  }

  /** Creates a consumer. The caller deletes it. @throws as `ask` */
  async create(stream: string, config: ConsumerConfig): Promise<Consumer> {
    const creating = this.#create(stream, config);
    this.#closing.push(creating.catch(() => {}));
    return creating;
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
      const call = `CONSUMER.CREATE.${stream}.${name}${filter}`;
      const created = await this.ask<Created>(stream, call, ["num_pending"], { stream_name: stream, config: full });
      this.#learn(created.created, askedMs);
      // The server may have processed the request to delete it first.
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
      // Refused, or nothing listened: no consumer exists.
      const { cause } = error as Error;
      if (cause instanceof ApiError || error instanceof NoJetStream || error instanceof PermissionDenied)
        this.#consumers.delete(name);
      // Without a value the server uses the limit of the stream.
      if (isRefusal(error, INACTIVE_THRESHOLD) && full.inactive_threshold !== undefined)
        return this.#create(stream, { ...config, inactive_threshold: undefined });
      throw error;
    }
  }

  async delete(stream: string, name: string): Promise<void> {
    this.#consumers.delete(name);
    await this.ask(stream, `CONSUMER.DELETE.${stream}.${name}`, []);
  }

  /** Creates a consumer, runs `work` on it, and deletes it. @throws as `ask`, and what `work` throws */
  async consume<T>(stream: string, config: ConsumerConfig, work: (consumer: Consumer) => Promise<T>): Promise<T> {
    const consumer = await this.#createInTurn(stream, config);
    try {
      return await work(consumer);
    } finally {
      // Not awaited here, so that the answer does not wait for it. close() waits.
      this.#closing.push(this.#drop(stream, consumer.name));
    }
  }

  /** At the limit of consumers, waits in a queue: ours last as long as one read. @throws as `ask`; the refusal at the timeout */
  async #createInTurn(stream: string, config: ConsumerConfig): Promise<Consumer> {
    const began = Date.now();
    const isFull = (error: unknown) => isRefusal(error, TOO_MANY_CONSUMERS);
    try {
      return await this.create(stream, config);
    } catch (error) {
      if (!isFull(error)) throw error;
    }
    const attempt = async (): Promise<Consumer> => {
      for (;;) {
        await Bun.sleep(TURN_MS);
        try {
          const created = await this.create(stream, config);
          this.#servedMs = Date.now();
          return created;
        } catch (error) {
          const waitedMs = Date.now() - Math.max(began, this.#servedMs);
          if (!isFull(error) || waitedMs > this.connection.timeoutMs) throw error;
        }
      }
    };
    const mine = this.#line.then(attempt);
    this.#line = mine.catch(() => {});
    return mine;
  }

  /** Deletes all consumers. Reads that still run create no more. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#closing, ...this.#dropAll(this.#consumers)]);
  }

  async #drop(stream: string, name: string): Promise<void> {
    try {
      await this.delete(stream, name);
    } catch {
      // The next connection tries again. Without one, the server drops it after inactive_threshold.
      this.#consumers.set(name, stream);
    }
  }

  #dropAll(consumers: Map<string, string>): Promise<void>[] {
    const all = [...consumers];
    consumers.clear();
    return all.map(([name, stream]) => this.#drop(stream, name));
  }
}
