// A small fleet over real NATS: one master and its peels, writing the records and subjects of a live deployment.
import { type KV, type NatsConnection, nuid, type Subscription } from "nats";
import { createBuckets, encode, type Result, Running, startServer, Time, zester } from "./harness.ts";

/** What a peel does with a job. */
export interface Behaviour {
  /**
   * `ok` and `fail` return after `ms`; `hang` acks and never returns; `silent` does neither; `stubborn` returns after
   * `ms` even when the job was canceled; `unreachable` gets a record from the master.
   */
  readonly does: "ok" | "fail" | "hang" | "silent" | "stubborn" | "unreachable";
  readonly ms?: number;
  readonly error?: string;
}

export interface JobRequest {
  /** A new one when not given. */
  readonly jid?: string;
  readonly fn: string;
  readonly peels: Readonly<Record<string, Behaviour>>;
  readonly args?: unknown;
  readonly expr?: string;
  readonly user?: string;
  readonly timeoutMs?: number;
}

interface LiveJob {
  readonly record: Map<string, unknown>;
  readonly request: JobRequest;
  readonly returned: Map<string, boolean>;
  readonly timers: Set<ReturnType<typeof setTimeout>>;
}

const MS = 1_000_000n;
const OWNER = "master-demo01";
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** 27 base-62 characters that sort by time, like a KSUID. */
function newJid(): string {
  let time = Date.now();
  let head = "";
  for (let i = 0; i < 9; i++, time = Math.floor(time / 62)) head = ALPHABET[time % 62] + head;
  return `${head}${nuid.next().slice(-18)}`;
}

/** Maps keep the field order of wire.md; the encoder wants objects. */
const bytes = (record: Map<string, unknown>) => encode(Object.fromEntries(record));

export class Fleet {
  readonly #live = new Map<string, LiveJob>();
  readonly #subs: Subscription[] = [];
  #pending: Promise<unknown> = Promise.resolve();
  #stopped = false;

  private constructor(
    readonly nc: NatsConnection,
    readonly jobs: KV,
    readonly returns: KV,
    readonly options: { ignoreCancel?: boolean; layout?: "peel" | "list"; events?: boolean },
  ) {}

  /**
   * Creates the buckets and starts the master. `ignoreCancel` makes it deaf to cancel signals; `events: false` leaves
   * out the stream of events.
   */
  static async start(nc: NatsConnection, options: Fleet["options"] = {}): Promise<Fleet> {
    const { jobs, returns } = await createBuckets(nc, { events: options.events ?? true });
    const fleet = new Fleet(nc, jobs, returns, options);
    const cancel = (subject: string) => fleet.#enqueue(() => fleet.#cancel(subject.split(".")[2] as string));
    if (!options.ignoreCancel)
      fleet.#subs.push(nc.subscribe("zester.job.*.cancel", { callback: (_, msg) => cancel(msg.subject) }));
    await nc.flush();
    return fleet;
  }

  /** Starts a job: pending, claimed with its index entry, dispatched, running. Returns its JID. */
  async dispatch(request: JobRequest): Promise<string> {
    const jid = request.jid ?? newJid();
    const now = Time.now();
    const timeout = BigInt(request.timeoutMs ?? 300_000) * MS;
    const record = new Map<string, unknown>([
      ["jid", jid],
      ["function", request.fn],
      ["args", request.args ?? null],
      ["targets", Object.keys(request.peels)],
      ["timeout", timeout],
      ["status", "pending"],
      ["created", now],
      ["updated", now],
      ["user", request.user ?? "root"],
      ["owner", OWNER],
      ["epoch", 42n],
      ["deadline", new Time(now.ns + timeout)],
      ...(request.expr ? [["target_expr", request.expr] as const] : []),
      ["v", 1],
    ]);
    const job: LiveJob = { record, request, returned: new Map(), timers: new Set() };
    this.#live.set(jid, job);
    await this.jobs.put(jid, bytes(record));
    await this.#write(job, "claimed");
    await this.jobs.put(`active.${jid}`, encode({ owner: OWNER, updated: Time.now() }));
    this.nc.publish(`zester.job.${jid}.dispatch`, bytes(record));
    await this.#write(job, "running");
    for (const [peel, behaviour] of Object.entries(request.peels)) this.#startPeel(job, peel, behaviour);
    this.#after(job, Number(timeout / MS), () =>
      this.#finish(job, job.returned.size > 0 ? "partial" : "timeout"),
    );
    return jid;
  }

  /** Resolves when the job's stored status is `status`; throws after `ms`. */
  async until(jid: string, status: string, ms = 10_000): Promise<void> {
    const end = Date.now() + ms;
    while (this.#live.get(jid)?.record.get("status") !== status) {
      if (Date.now() > end)
        throw new Error(
          `job ${jid} did not become ${status}, it is ${this.#live.get(jid)?.record.get("status")}`,
        );
      await Bun.sleep(20);
    }
    await this.#pending;
  }

  /** Ends every timer and subscription; what was begun is written first. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const sub of this.#subs) sub.unsubscribe();
    for (const job of this.#live.values()) for (const timer of job.timers) clearTimeout(timer);
    await this.#pending;
  }

  /** One thing after the other, as one master's job manager does. */
  #enqueue(work: () => Promise<unknown>): void {
    this.#pending = this.#pending.then(work).catch((error) => {
      if (!this.#stopped) throw error;
    });
  }

  #after(job: LiveJob, ms: number, work: () => Promise<unknown>): void {
    const timer = setTimeout(() => {
      job.timers.delete(timer);
      this.#enqueue(work);
    }, ms);
    job.timers.add(timer);
  }

  #startPeel(job: LiveJob, peel: string, { does, ms = 50, error }: Behaviour): void {
    const jid = job.record.get("jid") as string;
    const fields = {
      success: does !== "fail" && does !== "unreachable",
      error: does === "fail" ? (error ?? "exit status 1") : "",
    };
    if (does === "silent") return;
    if (does === "unreachable") {
      const text = "UNREACHABLE: no heartbeat at dispatch and no ack after republish";
      this.#after(job, ms, () => this.#return(job, peel, 0, { success: false, error: text }, true));
      return;
    }
    this.nc.publish(`zester.job.${jid}.ack.${peel}`, encode({ jid, peel_id: peel, timestamp: Time.now() }));
    if (does !== "hang") this.#after(job, ms, () => this.#return(job, peel, ms, fields, false));
  }

  async #return(
    job: LiveJob,
    peel: string,
    ms: number,
    { success, error }: { success: boolean; error: string },
    unreachable: boolean,
  ): Promise<void> {
    const canceled = job.record.get("status") === "canceled";
    if (canceled && job.request.peels[peel]?.does !== "stubborn") return;
    const jid = job.record.get("jid") as string;
    const duration = BigInt(ms) * MS;
    const results = [
      {
        name: job.request.fn,
        changed: success,
        details: success ? { stdout: `${job.request.fn} done\n` } : { stderr: error },
        duration,
      },
    ];
    const record = {
      jid,
      peel_id: peel,
      success,
      return_data: unreachable ? null : { results, success },
      ...(error && { error }),
      duration,
      timestamp: Time.now(),
      ...(unreachable && { unreachable }),
    };
    if (!unreachable) this.nc.publish(`zester.job.${jid}.return.${peel}`, encode(record));
    if (this.options.layout === "list") await this.#appendToList(jid, encode(record));
    else await this.returns.put(`${jid}.${peel}`, encode(record));
    job.returned.set(peel, success);
    job.record.delete("v"); // stays the last field
    job.record.set("return_count", job.returned.size);
    job.record.set("success_count", [...job.returned.values()].filter(Boolean).length);
    job.record.set("v", 1);
    if (canceled) return;
    if (job.returned.size < Object.keys(job.request.peels).length) return this.#write(job, "running");
    await this.#finish(job, [...job.returned.values()].every(Boolean) ? "complete" : "failed");
  }

  /** The list layout: one MessagePack array under the JID, written anew with each return. */
  async #appendToList(jid: string, record: Uint8Array): Promise<void> {
    const before = (await this.returns.get(jid))?.value;
    const count = before ? (before[0] as number) - 0x90 : 0; // a fixarray: the fleet is small
    await this.returns.put(
      jid,
      Buffer.concat([Buffer.from([0x91 + count]), before?.subarray(1) ?? new Uint8Array(), record]),
    );
  }

  async #write(job: LiveJob, status: string): Promise<void> {
    job.record.set("status", status);
    job.record.set("updated", Time.now());
    await this.jobs.put(job.record.get("jid") as string, bytes(job.record));
  }

  async #finish(job: LiveJob, status: string): Promise<void> {
    if (!["claimed", "running"].includes(job.record.get("status") as string)) return;
    const jid = job.record.get("jid") as string;
    if (status !== "canceled") for (const timer of job.timers) clearTimeout(timer);
    await this.#write(job, status);
    await this.jobs.delete(`active.${jid}`);
    this.nc.publish(`zester.job.${jid}.status`, encode({ jid, type: status, timestamp: Time.now() }));
  }

  async #cancel(jid: string): Promise<void> {
    const job = this.#live.get(jid);
    if (job) await this.#finish(job, "canceled");
  }
}

export const ok: Behaviour = { does: "ok", ms: 20 };
export const fail: Behaviour = { does: "fail", ms: 20, error: "no lock" };
export const away: Behaviour = { does: "unreachable", ms: 20 };
export const hang: Behaviour = { does: "hang" };
export const silent: Behaviour = { does: "silent" };

/** A server with a fleet, and the commands of `job` run on it: to their end, or to be watched. */
export async function serveFleet() {
  const server = await startServer();
  const nc = await server.connect();
  const fleet = await Fleet.start(nc);
  const env = { NATS_URL: server.url };
  return {
    nc,
    fleet,
    run: (...args: string[]): Promise<Result> => zester(["job", ...args], { env }),
    start: (args: string[], size?: { cols: number; rows: number }) =>
      new Running(["job", ...args], env, size),
    async stop() {
      await fleet.stop();
      await nc.close();
      await server.stop();
    },
  };
}
