// The fleet's buckets and streams: where jobs, returns, events and heartbeats are stored, and under which subjects.
import type { Msg } from "nats";
import { insteadOf, UserError } from "../errors.ts";
import {
  type Clock,
  DOT_BYTE,
  type Follow,
  type Handed,
  type Heartbeat,
  type JobKeys,
  type JobsState,
  type LiveStore,
  type MessagesProgress,
  type NewJob,
  type Part,
  type PeelOfJob,
  type ReturnsOf,
  type ServerFacts,
  type StoredEvent,
  type StoredMessage,
} from "../store.ts";
import { plural, safe } from "../text.ts";
import { nsOf } from "../time.ts";
import { Bucket, isTombstone, valueIn } from "./bucket.ts";
import { type Connection, NoResponders, PermissionDenied } from "./connection.ts";
import { type ConsumerConfig, configSince, Delivery, filtersOf, subjectBytes } from "./consumer.ts";
import { JetStream } from "./jetstream.ts";
import { areFew, FirstOfEach, ofJobs, readStream, readSubject, storedMessage } from "./messages.ts";
import { inPortions, Returns, SIZES } from "./returns.ts";
import { readFrom } from "./scan.ts";
import { Stream } from "./stream.ts";
import { token, tokens } from "./subject.ts";

/** MessagePack `{"action": "cancel"}` (docs/contributing.md, "Subjects"). */
const CANCEL_PAYLOAD = Buffer.from("\x81\xa6action\xa6cancel", "latin1");

/** For more jobs than this, the events of one peel are read together with those of all jobs. */
const ALONE = 20;

export const DISPATCH_SUBJECT = "zester.dispatch";

/** The buckets and streams of a fleet on a server. */
export const fleetOn = (js: JetStream) => ({
  jobs: new Bucket(js, "jobs"),
  returns: new Bucket(js, "job-returns"),
  masters: new Bucket(js, "master-heartbeat"),
  peels: new Bucket(js, "peel-heartbeat"),
  events: new Stream(js, "job-events"),
});

/** The event in a message on `zester.job.<jid>.<kind>` or `zester.job.<jid>.<kind>.<peel>`. */
function eventIn(msg: Msg): StoredEvent & { readonly jid: string } {
  const [, , jid = "", kind = "", peel] = msg.subject.split(".");
  return { jid, kind, peel, storedNs: new Delivery(msg).storedNs, bytes: msg.data };
}

export class NatsStore implements LiveStore {
  readonly isLive = true;
  readonly #js: JetStream;
  readonly #fleet: ReturnType<typeof fleetOn>;
  readonly returns: Returns;

  /** @param before the store of a lost connection, whose consumers are deleted now */
  constructor(
    readonly connection: Connection,
    before?: NatsStore,
  ) {
    this.#js = new JetStream(connection, before ? before.#js : undefined);
    this.#fleet = fleetOn(this.#js);
    this.returns = new Returns(this.#fleet.returns);
  }

  /** Costs one round trip. */
  async job(jid: string): Promise<Uint8Array | undefined> {
    return this.#fleet.jobs.get(token(jid));
  }

  async jobWasDeleted(jid: string): Promise<boolean> {
    try {
      return isTombstone(await this.#fleet.jobs.direct(this.#fleet.jobs.prefix + token(jid)));
    } catch {
      return false;
    }
  }

  /** In the order of the jobs' last change. The filter excludes the index keys `active.<jid>` at the server. */
  async scanJobs(jobs: JobKeys, onTotal: (entries: number) => void = () => {}): Promise<void> {
    const from = this.#fleet.jobs.prefix.length;
    const keys = {
      take: (msg: Msg) => jobs.take(subjectBytes(msg), from, valueIn(msg)),
      dropAllBut: (numbers: ReadonlySet<number>) => jobs.dropAllBut(numbers),
    };
    await this.#fleet.jobs.scan("*", keys, { onTotal });
  }

  async jobsState(): Promise<JobsState> {
    const { jobs } = this.#fleet;
    const state = await jobs.state();
    const from = jobs.prefix.length;
    return {
      messages: state.messages,
      changes: (start, most, onChange) => {
        const config: ConsumerConfig =
          "newest" in start
            ? { deliver_policy: "by_start_sequence", opt_start_seq: Math.max(1, state.lastSequence - start.newest) }
            : configSince(start.ns);
        return readFrom(jobs, config, state, most, (msg) => {
          const key = subjectBytes(msg);
          if (key.indexOf(DOT_BYTE, from) >= 0) return; // an entry of the index
          onChange(key, from, valueIn(msg), new Delivery(msg).storedNs);
        });
      },
    };
  }

  async hasNoJob(jid: string): Promise<boolean> {
    const { jobs } = this.#fleet;
    if (await this.jobWasDeleted(jid)) return true;
    const subjects = await jobs.subjects(jobs.prefix + token(jid)).catch(insteadOf(PermissionDenied, []));
    return subjects.length === 0;
  }

  /** For several jobs, only changes: nats-server 2.9 accepts one filter, so a consumer of their newest records would read all jobs. */
  async followJobs(
    jids: readonly string[] | undefined,
    onEntry: (jid: string, bytes: Uint8Array | undefined) => void,
    follow: Follow,
  ): Promise<void> {
    const { jobs } = this.#fleet;
    const [only, second] = jids ?? [];
    if (second !== undefined) {
      const wanted = new Set(jids);
      const hand: typeof onEntry = (jid, bytes) => void (wanted.has(jid) && onEntry(jid, bytes));
      await jobs.followKeys("*", hand, follow, "new");
    } else await jobs.followKeys(only === undefined ? "*" : token(only), onEntry, follow);
  }

  async events(jid: string, onEvent: (event: StoredEvent) => void, again: () => void): Promise<void> {
    const [config, hand] = this.#eventsOf(jid, onEvent);
    await this.#fleet.events.readPending([config], hand, again);
  }

  async followEvents(jid: string, onEvent: (event: StoredEvent) => void, follow: Follow): Promise<void> {
    await this.#fleet.events.follow(...this.#eventsOf(jid, onEvent), follow);
  }

  #eventsOf(jid: string, onEvent: (event: StoredEvent) => void): [ConsumerConfig, (msg: Msg) => void] {
    const config = { deliver_policy: "all", filter_subject: `zester.job.${token(jid)}.>` } as const;
    return [config, (msg) => onEvent(eventIn(msg))];
  }

  /** True when a consumer accepts several filters. */
  get readsManyAtOnce(): boolean {
    return this.connection.isAtLeast(2, 10);
  }

  /** For one peel in many jobs, its events in other jobs may be passed on as well. */
  async eventsOfPeels(
    places: readonly PeelOfJob[],
    onEvent: (place: PeelOfJob, event: StoredEvent) => void,
    again: () => void,
  ): Promise<void> {
    const [first] = places;
    const several = places.some(({ peel }) => peel !== first?.peel);
    // Subjects without wildcards cost the server least. Where a consumer accepts only one filter, it must cover both.
    const kinds = this.readsManyAtOnce ? ["ack", "return"] : ["*"];
    const subjects =
      first && !several && places.length > ALONE
        ? [`zester.job.*.*.${token(first.peel)}`]
        : places.flatMap(({ jid, peel }) => kinds.map((kind) => `zester.job.${token(jid)}.${kind}.${token(peel)}`));
    const hand = (msg: Msg) => {
      const event = eventIn(msg);
      onEvent({ jid: event.jid, peel: event.peel ?? "" }, event);
    };
    const portions = inPortions(subjects, this.readsManyAtOnce ? SIZES.filters : 1);
    const configs = portions.map((some) => ({ deliver_policy: "all", ...filtersOf(some) }) as const);
    await this.#fleet.events.readPending(configs, hand, again);
  }

  /** Any earlier read except of a single record has set the clock; without one, this sends a request. */
  async clock(): Promise<Clock> {
    const { jobs } = this.#fleet;
    // STREAM.INFO has the time only from 2.10 on; the answer to a new consumer always has it.
    if (!this.#js.clock && this.connection.isAtLeast(2, 10)) await jobs.state();
    if (!this.#js.clock) await jobs.consume({ deliver_policy: "new" }, async () => {});
    if (this.#js.clock) return this.#js.clock;
    throw new UserError(`${this.connection.shown} does not report its time.`);
  }

  now(): Date {
    return new Date(Date.now() + (this.#js.clock?.aheadMs ?? 0));
  }

  nowNs(): bigint {
    return nsOf(this.now());
  }

  async heartbeat(of: "masters" | "peels", id: string): Promise<Heartbeat | "none"> {
    const bucket = this.#fleet[of];
    const [msg] = await Promise.all([bucket.directIfAllowed(bucket.prefix + tokens(id)), this.clock()]);
    if (!msg) {
      // Checks only now whether the bucket exists, so that this usually costs nothing.
      await bucket.info().catch(insteadOf(PermissionDenied, undefined));
      throw new UserError(`cannot read ${bucket.title}/${safe(id)}: it needs direct get.`);
    }
    const code = msg.headers?.code ?? 0;
    if (code === 404 || isTombstone(msg)) return "none";
    const storedMs = Date.parse(msg.headers?.get("Nats-Time-Stamp") ?? "");
    if (code < 400 && !Number.isNaN(storedMs)) return { storedMs, bytes: msg.data };
    throw new UserError(`the server refused to read ${bucket.title}/${safe(id)} (${code}).`);
  }

  async activeJids(): Promise<string[]> {
    return this.#fleet.jobs.entries("active.*", (key) => key.slice("active.".length));
  }

  async alive(of: "masters" | "peels"): Promise<string[]> {
    return this.#fleet[of].entries(">", (key) => key);
  }

  async messages(
    part: Part,
    of: Exclude<ReturnsOf, { readonly peel: string }>,
    onMessage: (message: StoredMessage) => void,
    progress?: MessagesProgress,
  ): Promise<void> {
    const { jids, sinceNs } = of === "all" ? {} : of;
    const isWanted = jids ? ofJobs(jids) : () => true;
    const hand = (msg: Msg) => onMessage(storedMessage(msg));
    const handWanted = (msg: Msg) => {
      progress?.step();
      if (isWanted(msg.subject)) hand(msg);
    };
    const onTotal = (total: number, come?: number) => progress?.begin(total, come);
    if (part === "masters" || part === "peels") return this.#fleet[part].scan(">", new FirstOfEach(hand));
    if (part === "returns") return this.returns.messages(of, new FirstOfEach(handWanted, onTotal));
    const stream = this.#fleet[part];
    if (!jids || !areFew(jids)) return readStream(stream, sinceNs, handWanted, onTotal);
    for (const jid of jids.keys()) {
      const subjects =
        part === "jobs" ? [`$KV.jobs.${token(jid)}`, `$KV.jobs.active.${token(jid)}`] : [`zester.job.${token(jid)}.>`];
      for (const subject of subjects) await readSubject(stream, subject, onMessage);
    }
  }

  async check(part: Part): Promise<void> {
    await this.#fleet[part].state();
  }

  get server(): ServerFacts {
    const { server_name: name, version, cluster } = this.connection.nc.info ?? {};
    return { name, version, cluster };
  }

  async cancel(jid: string): Promise<boolean | undefined> {
    return this.connection.deliver(`zester.job.${token(jid)}.cancel`, CANCEL_PAYLOAD);
  }

  /** Sends the request once: one of the masters answers it (docs/contributing.md, "Dispatch"). */
  async dispatch(job: NewJob): Promise<Handed> {
    const large = this.tooLarge(job);
    if (large) return { refused: large };
    try {
      return { answer: (await this.connection.request(DISPATCH_SUBJECT, job.record)).data };
    } catch (error) {
      if (error instanceof NoResponders)
        return {
          refused: new UserError(
            `no master listens on ${DISPATCH_SUBJECT}. Nothing was dispatched.`,
            "`zester config check` shows which masters run.",
          ),
        };
      // Any other refusal may be about something else, such as the subscription for the answer.
      if (error instanceof PermissionDenied && !error.listening && error.subject === DISPATCH_SUBJECT)
        return { refused: new UserError(`${error.message} Nothing was dispatched.`, error.hint) };
      if (error instanceof UserError) return { open: error.message };
      throw error;
    }
  }

  tooLarge({ eventSize }: NewJob): UserError | undefined {
    const { shown, maxPayload } = this.connection;
    if (eventSize <= maxPayload) return undefined;
    return new UserError(
      `the new job has ${plural(eventSize, "byte")}, and ${shown} accepts at most ${plural(maxPayload, "byte")}. Nothing was sent.`,
      "Select fewer peels with --peel, or raise max_payload of the server.",
    );
  }

  get shown(): string {
    return this.connection.shown;
  }

  get timeoutMs(): number {
    return this.connection.timeoutMs;
  }

  async close(): Promise<void> {
    await this.#js.close();
  }
}
