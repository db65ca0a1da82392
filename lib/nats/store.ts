// The one module that knows where jobs lie: JetStream streams, subjects and API calls.
//
// It speaks the JetStream API over plain requests instead of the library's KV layer: that layer asks for account and
// stream information first (round trips, and permissions that a careful site does not grant), and its watch never says
// that it has caught up when the newest message is a tombstone.
import { type Msg, nuid } from "nats";
import { Timestamp } from "../codec/value.ts";
import { Transient, UserError } from "../errors.ts";
import { safe } from "../text.ts";
import { type Connection, NoResponders, PermissionDenied } from "./connection.ts";
import { type ApiError, apiAnswer, ERRORS } from "./jetstream.ts";
import {
  type Consumer,
  type Delivery,
  deliveryOf,
  type Follow,
  InOrder,
  incomplete,
  pull,
  type Sink,
} from "./pull.ts";
import { type ConsumerConfig, readFrom, type Source, type StreamState, scanNewest } from "./scan.ts";
import { token, tokens } from "./subject.ts";

const JOBS = "jobs";
const RETURNS = "job-returns";
const HEARTBEATS = "master-heartbeat";
const EVENTS = "job-events";

/** MessagePack `{"action": "cancel"}` (wire.md, "Subjects"). */
export const CANCEL_PAYLOAD = Uint8Array.from([
  0x81,
  0xa6,
  ...Buffer.from("action"),
  0xa6,
  ...Buffer.from("cancel"),
]);

/** A bucket, or the stream of events, that is not there. */
export class NoBucket extends UserError {
  constructor(bucket: string, shown: string) {
    super(
      `${shown} has no ${bucket === EVENTS ? "stream" : "bucket"} "${bucket}".`,
      "Is this the NATS that your master uses? Set the address with --master or NATS_URL.",
    );
  }
}

/** One message of a job's life, as it is stored. */
export interface StoredEvent {
  /** `dispatch`, `ack`, `return`, `schedule`, `cancel` or `status`. */
  readonly kind: string;
  readonly peel: string | undefined;
  /** By the server's clock, in ns since 1970. */
  readonly storedNs: bigint;
  readonly bytes: Uint8Array;
}

/** What is done with the records of a scan of all jobs. */
export interface JobKeys {
  /**
   * Takes a record; the JID is what `key` has from `from` on. The bytes may be kept only by copying them; without bytes the
   * job has no record any more. Returns the job's number, from 0 on, the same whenever the job comes again.
   */
  take(key: Uint8Array, from: number, bytes: Uint8Array | undefined): number;
  /** Only the jobs of these numbers are there, whatever came before. */
  dropAllBut(numbers: ReadonlySet<number>): void;
}

/**
 * What a cluster answers while it has no leader or lacks nodes (errors.json of nats-server): incomplete, no peers, not
 * assigned, temporarily unavailable, not leader, insufficient resources, stream offline, consumer offline.
 */
const PASSING: ReadonlySet<number | undefined> = new Set([
  10004, 10005, 10007, 10008, 10009, 10023, 10118, 10119,
]);

/**
 * True for a message that marks its key as gone: deleted, purged, or expired with a marker (wire.md, "Buckets"). The
 * headers alone say so: a value of no bytes is a record that can't be decoded.
 */
function isGone(msg: Msg): boolean {
  const headers = msg.headers;
  if (!headers) return false;
  const operation = headers.get("KV-Operation");
  return operation === "DEL" || operation === "PURGE" || headers.get("Nats-Marker-Reason") !== "";
}

/** The key of an entry: its subject without `$KV.<bucket>.`. */
const keyOf = (msg: Msg) => msg.subject.slice(msg.subject.indexOf(".", 4) + 1);

/** A subject as it came: a scan of 100,000 entries that makes no text of each is a tenth faster. Where the library's own field is gone, its text serves. */
function subjectBytes(msg: Msg): Uint8Array {
  const raw = (msg as { _msg?: { subject?: Uint8Array } })._msg?.subject;
  return raw ?? Buffer.from(msg.subject);
}

const DOT = 0x2e;

/** What the server can hold of a time: 64 bits of nanoseconds. Streams have nothing from before 1970. */
const LAST_NS = 2n ** 63n - 1n;

/** RFC 3339 with nanoseconds, as a start that the server understands: what lies outside its times is cut to them. */
function startTime(wanted: bigint): string {
  const ns = wanted < 0n ? 0n : wanted > LAST_NS ? LAST_NS : wanted;
  return String(new Timestamp(ns / 1_000_000_000n, Number(ns % 1_000_000_000n)));
}

/** A direct get is answered within a round trip; after this many ms it is worth asking what is wrong. */
const DIRECT_GET_LATE_MS = 100;

/** Leaves the decision to the other side of a race. */
const UNANSWERABLE = new Promise<never>(() => {});

/** Subjects that STREAM.INFO tells at once (JSMaxSubjectDetails of nats-server). */
const SUBJECTS_PAGE = 100_000;

/** The server drops a consumer by itself after so many ns without a request. */
const IDLE_NS = 30_000_000_000;

/** What comes this much later than the start of a read, in ms, need not be waited for: a busy bucket is never quiet. */
const LATER_MS = 1_000;

/** The newest value of each key and then every change: the picture is whole when all came that was announced. */
class Picture implements Sink {
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

export class Store {
  readonly #consumers = new Map<string, string>();
  readonly #closing: Promise<void>[] = [];
  /** The server's clock minus ours, in ms, as of the last consumer. */
  #clockAheadMs = 0;

  /** @param before the store of a connection that was lost: what it left on the server is deleted now */
  constructor(
    readonly connection: Connection,
    before?: Store,
  ) {
    for (const [name, stream] of before?.takeConsumers() ?? [])
      this.#closing.push(this.#deleteConsumer(stream, name));
  }

  /** Consumers that may still be there; from now on they are the caller's to delete. */
  takeConsumers(): [name: string, stream: string][] {
    const all = [...this.#consumers];
    this.#consumers.clear();
    return all;
  }

  /** The newest record of one job; undefined when there is none. Costs one round trip. */
  async job(jid: string): Promise<Uint8Array | undefined> {
    return this.#get(JOBS, token(jid));
  }

  /** True when the newest entry under a job's key says that it was deleted; what can't be told counts as false. */
  async jobWasDeleted(jid: string): Promise<boolean> {
    const { api } = this.connection;
    try {
      return isGone(await this.connection.request(`${api}.DIRECT.GET.KV_${JOBS}.$KV.${JOBS}.${token(jid)}`));
    } catch {
      return false;
    }
  }

  /**
   * Every job's newest record, in the order of their last change; the index keys `active.<jid>` stay at the server. The JID is
   * the key's bytes from `from` on. A job that changes meanwhile may come again: the later record counts. `onTotal` is told
   * how many entries there are, before they come.
   */
  async scanJobs(jobs: JobKeys, onTotal: (entries: number) => void = () => {}): Promise<void> {
    const prefix = `$KV.${JOBS}.`;
    const from = prefix.length;
    const keys = {
      take: (msg: Msg) => jobs.take(subjectBytes(msg), from, isGone(msg) ? undefined : msg.data),
      dropAllBut: (numbers: ReadonlySet<number>) => jobs.dropAllBut(numbers),
    };
    await scanNewest(this.#source(`KV_${JOBS}`, JOBS), prefix, "*", keys, onTotal);
  }

  /** How many messages the jobs' stream holds, and the sequence of the last one. @throws NoBucket */
  async jobsState(): Promise<StreamState> {
    return this.#state(`KV_${JOBS}`, JOBS);
  }

  /**
   * Every change of a job's record from a sequence or a time on, in order; deletions come without bytes.
   * @param from a sequence of the stream, or a time by the server's clock in ns since 1970
   * @param before the stream as it is now
   * @param most nothing is read when there are more changes than that
   * @returns false when nothing was read, or not all that there is
   */
  async changesOfJobs(
    from: { sequence: number } | { ns: bigint },
    before: StreamState,
    most: number,
    onChange: (key: Uint8Array, start: number, bytes: Uint8Array | undefined, storedNs: bigint) => void,
  ): Promise<boolean> {
    const prefix = `$KV.${JOBS}.`.length;
    const config: ConsumerConfig =
      "sequence" in from
        ? { deliver_policy: "by_start_sequence", opt_start_seq: from.sequence }
        : { deliver_policy: "by_start_time", opt_start_time: startTime(from.ns) };
    return readFrom(this.#source(`KV_${JOBS}`, JOBS), config, before, most, (msg, { storedNs }) => {
      const key = subjectBytes(msg);
      if (key.indexOf(DOT, prefix) >= 0) return; // an entry of the index
      onChange(key, prefix, isGone(msg) ? undefined : msg.data, storedNs);
    });
  }

  /**
   * A job's returns in both layouts: the list under the JID, and one value a peel.
   * @throws NoBucket, PermissionDenied
   */
  async returns(jid: string): Promise<{ list: Uint8Array | undefined; peels: Map<string, Uint8Array> }> {
    const peels = new Map<string, Uint8Array>();
    const numbers = new Map<string, number>();
    const keys = {
      take(msg: Msg) {
        const peel = keyOf(msg).slice(jid.length + 1);
        if (isGone(msg)) peels.delete(peel);
        else peels.set(peel, msg.data.slice());
        const number = numbers.get(peel) ?? numbers.size;
        numbers.set(peel, number);
        return number;
      },
      dropAllBut(kept: ReadonlySet<number>) {
        for (const [peel, number] of numbers) if (!kept.has(number)) peels.delete(peel);
      },
    };
    const [list] = await Promise.all([
      this.#get(RETURNS, token(jid)),
      scanNewest(this.#source(`KV_${RETURNS}`, RETURNS), `$KV.${RETURNS}.`, `${token(jid)}.*`, keys),
    ]);
    return { list, peels };
  }

  /**
   * Every job's newest record, and after that every change, until `follow` says stop. A record that was deleted or has
   * expired is handed over as undefined.
   * @param jid one job, or undefined for all
   * @throws Transient when the connection or the consumer is lost: then start again from the beginning
   */
  async followJobs(
    jid: string | undefined,
    onEntry: (jid: string, bytes: Uint8Array | undefined) => void,
    follow: Follow,
  ): Promise<void> {
    const hand = (msg: Msg) => onEntry(keyOf(msg), isGone(msg) ? undefined : msg.data);
    await this.#follow(JOBS, jid === undefined ? "*" : token(jid), hand, follow);
  }

  /** A job's returns in either layout, and after that every new one; `key` is the peel, or undefined for the list. */
  async followReturns(
    jid: string,
    onEntry: (peel: string | undefined, bytes: Uint8Array) => void,
    follow: Follow,
  ): Promise<void> {
    let behind = 2;
    const both = { stop: follow.stop, caughtUp: () => --behind === 0 && follow.caughtUp() };
    const hand = (msg: Msg) => {
      const key = keyOf(msg);
      if (!isGone(msg)) onEntry(key === jid ? undefined : key.slice(jid.length + 1), msg.data);
    };
    await Promise.all([
      this.#follow(RETURNS, token(jid), hand, both),
      this.#follow(RETURNS, `${token(jid)}.*`, hand, both),
    ]);
  }

  /**
   * What the stream `job-events` has of one job, in order, and with `follow` what comes later.
   * @throws NoBucket when a deployment has no such stream
   */
  async events(jid: string, onEvent: (event: StoredEvent) => void, follow?: Follow): Promise<void> {
    const prefix = `zester.job.${token(jid)}.`;
    const config = { deliver_policy: "all", filter_subject: `${prefix}>` } as const;
    const hand = (msg: Msg) => {
      const [kind = "", peel] = msg.subject.slice(prefix.length).split(".");
      onEvent({ kind, peel, storedNs: deliveryOf(msg).storedNs, bytes: msg.data.slice() });
    };
    await this.#withConsumer(EVENTS, EVENTS, config, async (consumer) => {
      if (follow) return pull(this.connection, consumer, new Picture(consumer, hand), follow);
      if (consumer.pending === 0) return;
      const events = new InOrder(consumer.pending, hand);
      await pull(this.connection, consumer, events);
      // Not read again: `onEvent` has seen some already.
      if (!events.enough()) throw incomplete(this.connection, "events expired while they were read");
    });
  }

  /** Asks for the server's time, in ms since 1970; ours may differ from it by `aheadMs`, give or take `doubtMs`. */
  async clock(): Promise<{ nowMs: number; aheadMs: number; doubtMs: number }> {
    const askedMs = Date.now();
    let nowMs = askedMs;
    // STREAM.INFO tells the time from 2.10 on only; a new consumer tells it everywhere.
    const config = { deliver_policy: "new", filter_subject: `$KV.${JOBS}.*` } as const;
    await this.#withConsumer(`KV_${JOBS}`, JOBS, config, async ({ createdMs }) => {
      nowMs = createdMs;
    });
    const doubtMs = (Date.now() - askedMs) / 2;
    return { nowMs, aheadMs: nowMs - askedMs - doubtMs, doubtMs };
  }

  /** The server's clock now, in ns since 1970, as far as the last consumer told. */
  nowNs(): bigint {
    return BigInt(Math.round(Date.now() + this.#clockAheadMs)) * 1_000_000n;
  }

  /**
   * How long ago a master last gave a sign of life, in ms; undefined when it never did. Both times are the server's, so
   * that this machine's clock plays no part.
   * @throws UserError when the bucket is not there or may not be read
   */
  async heartbeatAge(owner: string): Promise<number | undefined> {
    const { api } = this.connection;
    const msg = await this.connection.request(
      `${api}.DIRECT.GET.KV_${HEARTBEATS}.$KV.${HEARTBEATS}.${tokens(owner)}`,
    );
    if (!msg.headers || msg.headers.code >= 400 || isGone(msg)) return undefined;
    return Date.now() + this.#clockAheadMs - Date.parse(msg.headers.get("Nats-Time-Stamp"));
  }

  /** Publishes the cancel signal of one job; results and errors are those of `Connection.deliver`. */
  async cancel(jid: string): Promise<boolean | undefined> {
    return this.connection.deliver(`zester.job.${token(jid)}.cancel`, CANCEL_PAYLOAD);
  }

  /**
   * True when a scan hands over no version of a record that is older than the scan: nothing needs to be held back until a
   * newer one may come (see scan.ts on nats-server 2.9).
   */
  get handsOverNewest(): boolean {
    const [major = 0, minor = 0] = (this.connection.nc.info?.version ?? "").split(".").map(Number);
    return major > 2 || (major === 2 && minor >= 10);
  }

  /** Leaves nothing behind on the server. */
  async close(): Promise<void> {
    await Promise.all([
      ...this.#closing,
      ...this.takeConsumers().map(([name, stream]) => this.#deleteConsumer(stream, name)),
    ]);
  }

  async #deleteConsumer(stream: string, name: string): Promise<void> {
    this.#consumers.delete(name);
    try {
      await this.connection.request(`${this.connection.api}.CONSUMER.DELETE.${stream}.${name}`);
    } catch {
      // Left to the next connection. Without one the server drops it by itself, after a while idle (inactive_threshold).
      this.#consumers.set(name, stream);
    }
  }

  /** The newest value of a key, by direct get where the bucket allows it, else through a consumer. */
  async #get(bucket: string, key: string): Promise<Uint8Array | undefined> {
    const direct = this.connection.request(
      `${this.connection.api}.DIRECT.GET.KV_${bucket}.$KV.${bucket}.${key}`,
    );
    const answered = direct.catch((error) =>
      error instanceof NoResponders ? UNANSWERABLE : Promise.reject(error),
    );
    const msg = await Promise.race([answered, this.#noDirectAccess(bucket, direct)]);
    if (msg === undefined) {
      let found: Uint8Array | undefined;
      await scanNewest(this.#source(`KV_${bucket}`, bucket), `$KV.${bucket}.`, key, {
        take(msg) {
          found = isGone(msg) ? undefined : msg.data.slice();
          return 0;
        },
        dropAllBut(kept) {
          if (kept.size === 0) found = undefined;
        },
      });
      return found;
    }
    const code = msg.headers?.code ?? 0;
    if (code === 404) return undefined;
    if (code >= 400) {
      throw new UserError(
        `the server refused to read ${bucket}/${safe(key)}: ${safe(msg.headers?.description ?? "")} (${code}).`,
        "Try again; if it stays, look at the server's log.",
      );
    }
    return isGone(msg) ? undefined : msg.data;
  }

  /**
   * Undefined as soon as it is known that nobody will answer `direct`: on a stream that is absent or that forbids it,
   * servers before 2.11 say nothing at all, newer ones that there are no responders. Asked only when the answer is
   * late or negative, so that it usually costs nothing.
   * @throws NoBucket and what else the server says of the stream
   */
  async #noDirectAccess(bucket: string, direct: Promise<Msg>): Promise<undefined> {
    const settled = direct.then(
      () => true,
      (error) => !(error instanceof NoResponders),
    );
    const late = new Promise<boolean>((resolve) =>
      setTimeout(() => resolve(false), DIRECT_GET_LATE_MS).unref(),
    );
    if (await Promise.race([settled, late])) return UNANSWERABLE;
    let answer: Msg;
    try {
      answer = await this.connection.request(`${this.connection.api}.STREAM.INFO.KV_${bucket}`);
    } catch (error) {
      if (error instanceof NoResponders) throw this.#noJetStream();
      return UNANSWERABLE; // the direct get may still be answered, or fails by itself
    }
    const info = apiAnswer<{ config?: { allow_direct?: boolean } }>(answer, this.connection.shown, []);
    if (info.error) throw this.#apiError(bucket, info.error);
    return info.config?.allow_direct ? UNANSWERABLE : undefined;
  }

  #apiError(bucket: string, error: ApiError): UserError {
    if (error.err_code === ERRORS.noStream) return new NoBucket(bucket, this.connection.shown);
    if (error.err_code === ERRORS.noJetStreamForAccount) return this.#noJetStream();
    const Kind = PASSING.has(error.err_code) ? Transient : UserError;
    return new Kind(
      `the server refused to read the bucket "${bucket}": ${safe(error.description ?? "")} (${safe(String(error.err_code ?? error.code))}).`,
      "Try again; if it stays, look at the server's log.",
    );
  }

  #noJetStream(): UserError {
    return new UserError(
      `${this.connection.shown} has no JetStream here.`,
      "Is this the NATS that your master uses? JetStream may be off, or not enabled for this account.",
    );
  }

  /** Hands over the newest value of every key that matches, and then every later change. */
  async #follow(bucket: string, filter: string, onEntry: (msg: Msg) => void, follow: Follow): Promise<void> {
    const config = { deliver_policy: "last_per_subject", filter_subject: `$KV.${bucket}.${filter}` } as const;
    await this.#withConsumer(`KV_${bucket}`, bucket, config, (consumer) =>
      pull(this.connection, consumer, new Picture(consumer, onEntry), follow),
    );
  }

  #source(stream: string, shown: string): Source {
    return {
      connection: this.connection,
      skips: !this.handsOverNewest,
      state: () => this.#state(stream, shown),
      subjects: (filter) => this.#subjects(stream, shown, filter),
      newest: (subject) => this.#newest(stream, subject),
      consume: (config, work) => this.#withConsumer(stream, shown, config, work),
    };
  }

  /** The subjects of a stream that match; the server tells up to 100,000 at a time. @throws NoBucket */
  async #subjects(stream: string, shown: string, filter: string): Promise<string[]> {
    const subject = `${this.connection.api}.STREAM.INFO.${stream}`;
    const all: string[] = [];
    for (;;) {
      const msg = await this.connection.request(subject, { subjects_filter: filter, offset: all.length });
      const answer = apiAnswer<{ state: { subjects?: unknown } }>(msg, this.connection.shown, [
        "state.messages",
      ]);
      if (answer.error) throw this.#apiError(shown, answer.error);
      const page = Object.keys(answer.state.subjects ?? {});
      all.push(...page);
      if (page.length < SUBJECTS_PAGE) return all;
    }
  }

  /** The newest message of one subject, as a consumer would hand it over; undefined for none. */
  async #newest(stream: string, subject: string): Promise<Msg | undefined> {
    const direct = this.connection.request(`${this.connection.api}.DIRECT.GET.${stream}.${subject}`);
    const msg = await direct.catch((error) => {
      if (!(error instanceof NoResponders)) throw error;
      throw incomplete(this.connection, `${stream} is busy, and its records can't be read one by one`);
    });
    return (msg.headers?.code ?? 0) >= 400
      ? undefined
      : ({ subject, data: msg.data, headers: msg.headers } as Msg);
  }

  /**
   * What a stream holds. Whoever may not ask for that learns its last sequence from a consumer of what comes after it.
   * @throws NoBucket
   */
  async #state(stream: string, shown: string): Promise<StreamState> {
    try {
      const msg = await this.connection.request(`${this.connection.api}.STREAM.INFO.${stream}`);
      const answer = apiAnswer<{
        state: { messages: number; last_seq: number };
        cluster?: { leader?: string };
      }>(msg, this.connection.shown, ["state.messages", "state.last_seq"]);
      if (answer.error) throw this.#apiError(shown, answer.error);
      const { messages, last_seq } = answer.state;
      return { messages, lastSequence: last_seq, leader: answer.cluster?.leader };
    } catch (error) {
      if (error instanceof NoResponders) throw this.#noJetStream();
      if (!(error instanceof PermissionDenied)) throw error;
      return this.#withConsumer(stream, shown, { deliver_policy: "new" }, async ({ from, host }) => ({
        messages: from - 1,
        lastSequence: from - 1,
        leader: host,
      }));
    }
  }

  /** Runs `work` on a consumer of its own, which is deleted afterwards. */
  async #withConsumer<T>(
    stream: string,
    shown: string,
    config: ConsumerConfig,
    work: (consumer: Consumer) => Promise<T>,
    idleNs: number | "as the server likes" = IDLE_NS,
  ): Promise<T> {
    const name = `zester-${nuid.next()}`;
    const filter = config.filter_subject === undefined ? "" : `.${config.filter_subject}`;
    const subject = `${this.connection.api}.CONSUMER.CREATE.${stream}.${name}${filter}`;
    let answer: Msg;
    this.#consumers.set(name, stream);
    try {
      answer = await this.connection.request(subject, {
        stream_name: stream,
        config: {
          name,
          ...config,
          ack_policy: "none",
          mem_storage: true,
          num_replicas: 1,
          ...(typeof idleNs === "number" && { inactive_threshold: idleNs }),
        },
      });
    } catch (error) {
      // Refused or unheard: there is no consumer to delete.
      if (error instanceof NoResponders || error instanceof PermissionDenied) this.#consumers.delete(name);
      if (error instanceof NoResponders) throw this.#noJetStream();
      throw error;
    }
    const created = apiAnswer<{
      num_pending: number;
      created?: string;
      delivered?: { stream_seq?: number };
      cluster?: { leader?: string };
    }>(answer, this.connection.shown, ["num_pending"]);
    if (created.error) {
      this.#consumers.delete(name);
      // A site may allow less; the server then has a time of its own.
      if (created.error.err_code === ERRORS.inactiveThreshold && typeof idleNs === "number")
        return this.#withConsumer(stream, shown, config, work, "as the server likes");
      throw this.#apiError(shown, created.error);
    }
    const createdMs = Date.parse(created.created ?? "") || Date.now();
    this.#clockAheadMs = createdMs - Date.now();
    try {
      return await work({
        stream,
        name,
        pending: created.num_pending,
        createdMs,
        host: created.cluster?.leader,
        from: (created.delivered?.stream_seq ?? 0) + 1,
      });
    } finally {
      // Not awaited: the answer need not wait for it. close() does.
      this.#closing.push(this.#deleteConsumer(stream, name));
    }
  }
}
