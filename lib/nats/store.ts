// The fleet's buckets and streams: which of them hold jobs, returns, events and heartbeats, and under which subjects.
import type { Msg } from "nats";
import { UserError } from "../errors.ts";
import { safe } from "../text.ts";
import { Bucket, isGone } from "./bucket.ts";
import { type Connection, PermissionDenied } from "./connection.ts";
import { type Clock, type ConsumerConfig, deliveryOf, InOrder, Picture, startTime, subjectBytes } from "./consumer.ts";
import { JetStream } from "./jetstream.ts";
import { type Follow, pull } from "./pull.ts";
import { Returns, SIZES } from "./returns.ts";
import { readFrom } from "./scan.ts";
import { Stream, type StreamState } from "./stream.ts";
import { token, tokens } from "./subject.ts";

export { NoBucket } from "./jetstream.ts";

/** MessagePack `{"action": "cancel"}` (wire.md, "Subjects"). */
const CANCEL_PAYLOAD = Buffer.from("\x81\xa6action\xa6cancel", "latin1");

/** One message of a job's life, as it is stored. */
export interface StoredEvent {
  /** `dispatch`, `ack`, `return`, `schedule`, `cancel` or `status`. */
  readonly kind: string;
  readonly peel: string | undefined;
  /** By the server's clock, in ns since 1970. */
  readonly storedNs: bigint;
  /** May be kept only by copying them. */
  readonly bytes: Uint8Array;
}

/** A peel, and a job that it is or was to run. */
export interface PeelOfJob {
  readonly jid: string;
  readonly peel: string;
}

/** Of one peel, events of more jobs than this are read with those of all others. */
const ALONE = 20;
/** Events are read again when some did not come, but not more often than this. */
const ATTEMPTS = 3;

/** A sign of life. Both times are the server's, so that this machine's clock plays no part. */
export interface Heartbeat {
  /** When it was stored, in ms since 1970, and how long ago that was. */
  readonly storedMs: number;
  readonly ageMs: number;
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

const DOT = 0x2e;

/** Where a fleet's jobs lie on a server. */
export const fleetOn = (js: JetStream) => ({
  jobs: new Bucket(js, "jobs"),
  returns: new Bucket(js, "job-returns"),
  masters: new Bucket(js, "master-heartbeat"),
  peels: new Bucket(js, "peel-heartbeat"),
  events: new Stream(js, "job-events"),
});

/** A fleet's jobs, as the rest of the program reads and cancels them. */
export class Store {
  readonly #js: JetStream;
  readonly #fleet: ReturnType<typeof fleetOn>;
  readonly returns: Returns;

  /** @param before the store of a connection that was lost: what it left on the server is deleted now */
  constructor(
    readonly connection: Connection,
    before?: Store,
  ) {
    this.#js = new JetStream(connection, before ? before.#js : undefined);
    this.#fleet = fleetOn(this.#js);
    this.returns = new Returns(this.#fleet.returns);
  }

  /** The newest record of one job; undefined when there is none. Costs one round trip. */
  async job(jid: string): Promise<Uint8Array | undefined> {
    return this.#fleet.jobs.get(token(jid));
  }

  /** True when the newest entry under a job's key says that it was deleted; what can't be told counts as false. */
  async jobWasDeleted(jid: string): Promise<boolean> {
    try {
      return isGone(await this.#fleet.jobs.direct(this.#fleet.jobs.prefix + token(jid)));
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
    const from = this.#fleet.jobs.prefix.length;
    const keys = {
      take: (msg: Msg) => jobs.take(subjectBytes(msg), from, isGone(msg) ? undefined : msg.data),
      dropAllBut: (numbers: ReadonlySet<number>) => jobs.dropAllBut(numbers),
    };
    await this.#fleet.jobs.scan(["*"], keys, { onTotal });
  }

  /** How many messages the jobs' stream holds, and the sequence of the last one. @throws NoBucket */
  async jobsState(): Promise<StreamState> {
    return this.#fleet.jobs.state();
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
    const prefix = this.#fleet.jobs.prefix.length;
    const config: ConsumerConfig =
      "sequence" in from
        ? { deliver_policy: "by_start_sequence", opt_start_seq: from.sequence }
        : { deliver_policy: "by_start_time", opt_start_time: startTime(from.ns) };
    return readFrom(this.#fleet.jobs, config, before, most, (msg) => {
      const key = subjectBytes(msg);
      if (key.indexOf(DOT, prefix) >= 0) return; // an entry of the index
      onChange(key, prefix, isGone(msg) ? undefined : msg.data, deliveryOf(msg).storedNs);
    });
  }

  /** True when a job has no record, whatever a node that lags may know of it: the bucket's leader is asked. */
  async hasNoJob(jid: string): Promise<boolean> {
    const { jobs } = this.#fleet;
    if (await this.jobWasDeleted(jid)) return true;
    const subjects = await jobs.subjects(jobs.prefix + token(jid)).catch((error) => {
      if (!(error instanceof PermissionDenied)) throw error;
      return [];
    });
    return subjects.length === 0;
  }

  /**
   * Every job's newest record, and after that every change, until `follow` says stop. A record that was deleted or has
   * expired with a marker is handed over as undefined.
   * @param jids undefined for all jobs. Of several only the changes come: as nats-server 2.9 takes no list of subjects, a
   *   consumer of the newest records would be one of all jobs
   * @throws Transient when the connection or the consumer is lost: then start again from the beginning
   */
  async followJobs(
    jids: readonly string[] | undefined,
    onEntry: (jid: string, bytes: Uint8Array | undefined) => void,
    follow: Follow,
  ): Promise<void> {
    const { jobs } = this.#fleet;
    const wanted = jids && jids.length > 1 ? new Set(jids) : undefined;
    const [only] = jids ?? [];
    const hand = (msg: Msg) => {
      const jid = jobs.keyOf(msg);
      if (!wanted || wanted.has(jid)) onEntry(jid, isGone(msg) ? undefined : msg.data);
    };
    const filter = wanted || only === undefined ? "*" : token(only);
    await jobs.follow(filter, hand, follow, wanted ? "new" : "last_per_subject");
  }

  /**
   * What the stream `job-events` has of one job, in order.
   * @param again called when some of them did not come: what was handed over counts for nothing, and all of it comes again
   * @throws NoBucket when a deployment has no such stream
   */
  async events(jid: string, onEvent: (event: StoredEvent) => void, again: () => void): Promise<void> {
    const [config, hand] = this.#eventsOf(jid, onEvent);
    await this.#untilWhole(() => this.#readEvents(config, hand), again);
  }

  /** The same, and what comes later, until `follow` says stop. */
  async followEvents(jid: string, onEvent: (event: StoredEvent) => void, follow: Follow): Promise<void> {
    const [config, hand] = this.#eventsOf(jid, onEvent);
    await this.#fleet.events.consume(config, (consumer) =>
      this.#fleet.events.followConsumer(consumer, new Picture(consumer, hand), follow),
    );
  }

  #eventsOf(jid: string, onEvent: (event: StoredEvent) => void): [ConsumerConfig, (msg: Msg) => void] {
    const prefix = `zester.job.${token(jid)}.`;
    const hand = (msg: Msg) => {
      const [kind = "", peel] = msg.subject.slice(prefix.length).split(".");
      onEvent({ kind, peel, storedNs: deliveryOf(msg).storedNs, bytes: msg.data });
    };
    return [{ deliver_policy: "all", filter_subject: `${prefix}>` }, hand];
  }

  /** True when one consumer takes several filters. */
  get takesPortions(): boolean {
    return this.connection.isAtLeast(2, 10);
  }

  /**
   * The acks and returns that the stream `job-events` has of peels in jobs, those of each in order; of one peel in many jobs
   * maybe those of others as well.
   * @param places each once
   * @param again as in `events`
   * @throws NoBucket when a deployment has no such stream
   */
  async eventsOfPeels(
    places: readonly PeelOfJob[],
    onEvent: (place: PeelOfJob, event: StoredEvent) => void,
    again: () => void,
  ): Promise<void> {
    const [first] = places;
    const several = places.some(({ peel }) => peel !== first?.peel);
    // Whole subjects cost the server least; where a consumer takes one filter alone, it has to cover both.
    const kinds = this.takesPortions ? ["ack", "return"] : ["*"];
    const subjects =
      first && !several && places.length > ALONE
        ? [`zester.job.*.*.${token(first.peel)}`]
        : places.flatMap(({ jid, peel }) => kinds.map((kind) => `zester.job.${token(jid)}.${kind}.${token(peel)}`));
    const hand = (msg: Msg) => {
      const [, , jid = "", kind = "", peel = ""] = msg.subject.split(".");
      onEvent({ jid, peel }, { kind, peel, storedNs: deliveryOf(msg).storedNs, bytes: msg.data });
    };
    const size = this.takesPortions ? SIZES.filters : 1;
    const configs = Array.from({ length: Math.ceil(subjects.length / size) }, (_, i): ConsumerConfig => {
      const some = subjects.slice(i * size, (i + 1) * size);
      return { deliver_policy: "all", ...(size > 1 ? { filter_subjects: some } : { filter_subject: some[0] }) };
    });
    const read = async () => {
      for (const config of configs) if (!(await this.#readEvents(config, hand))) return false;
      return true;
    };
    await this.#untilWhole(read, again);
  }

  /** @returns false when some did not come: they expired meanwhile, or nats-server 2.9 skipped them (see scan.ts) */
  async #readEvents(config: ConsumerConfig, hand: (msg: Msg) => void): Promise<boolean> {
    return this.#fleet.events.consume(config, async (consumer) => {
      if (consumer.pending === 0) return true;
      const events = new InOrder(consumer.pending, hand);
      await pull(this.connection, consumer, events);
      return events.enough();
    });
  }

  async #untilWhole(read: () => Promise<boolean>, again: () => void): Promise<void> {
    for (let attempt = 1; !(await read()); attempt++) {
      if (attempt === ATTEMPTS) throw this.connection.incomplete("events expired while they were read");
      again();
    }
  }

  /**
   * The server's clock. Whatever was read has told it; when nothing was, one request asks.
   * @throws as any request, and UserError when the server does not tell
   */
  async clock(): Promise<Clock> {
    const { jobs } = this.#fleet;
    // STREAM.INFO tells the time from 2.10 on only; a new consumer tells it everywhere.
    if (!this.#js.clock && this.connection.isAtLeast(2, 10)) await jobs.state();
    if (!this.#js.clock) await jobs.consume({ deliver_policy: "new" }, async () => {});
    if (this.#js.clock) return this.#js.clock;
    throw new UserError(`${this.connection.shown} does not tell its time.`);
  }

  /** What time it is by the server's clock, as far as that is known: see `clock`. */
  now(): Date {
    return new Date(Date.now() + (this.#js.clock?.aheadMs ?? 0));
  }

  /** The same in ns since 1970. */
  nowNs(): bigint {
    return BigInt(this.now().getTime()) * 1_000_000n;
  }

  /**
   * The last sign of life of a master or a peel; `none` when the bucket has none of it.
   * @throws UserError when the bucket is not there or may not be read
   */
  async heartbeat(of: "masters" | "peels", id: string): Promise<Heartbeat | "none"> {
    const bucket = this.#fleet[of];
    const [msg] = await Promise.all([bucket.directIfAllowed(bucket.prefix + tokens(id)), this.clock()]);
    if (!msg) {
      // A bucket that is not there is said to be missing; it is asked for only now, so that it usually costs nothing.
      await bucket.info().catch((error) => {
        if (!(error instanceof PermissionDenied)) throw error;
      });
      throw new UserError(`${bucket.title}/${safe(id)} can't be read by direct get.`);
    }
    const code = msg.headers?.code ?? 0;
    if (code === 404 || isGone(msg)) return "none";
    const storedMs = Date.parse(msg.headers?.get("Nats-Time-Stamp") ?? "");
    if (code < 400 && !Number.isNaN(storedMs))
      return { storedMs, ageMs: this.now().getTime() - storedMs, bytes: msg.data };
    throw new UserError(`the server refused to read ${bucket.title}/${safe(id)} (${code}).`);
  }

  /** The JIDs in the index of active jobs, which can lack some and name others that have ended. */
  async activeJids(): Promise<string[]> {
    const keys = await this.#fleet.jobs.keys("active.*");
    return keys.map((key) => key.slice("active.".length));
  }

  /** The peels that have a heartbeat. @throws NoBucket, PermissionDenied */
  async alivePeels(): Promise<string[]> {
    return this.#fleet.peels.keys("*");
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
    return this.connection.isAtLeast(2, 10);
  }

  /** Leaves nothing behind on the server. */
  async close(): Promise<void> {
    await this.#js.close();
  }
}
