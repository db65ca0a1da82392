// A fleet over real NATS: masters and peels that write the records and subjects of a live deployment, and the client
// that dispatches jobs.
import type { KV, NatsConnection } from "nats";
import { createBuckets, type Result, Running, startServer, Time, until, zester } from "./harness.ts";
import { DISPATCH_SUBJECT, Master } from "./master.ts";
import { MASTER_LIFE_MS } from "./orphans.ts";
import { type Behaviour, HEARTBEAT_LIFE_MS, Peel } from "./peel.ts";
import { decode, encode, inOrder, isPut, type JobRecord, newJid, newRuleJid, type Site } from "./wire.ts";

export type { Behaviour } from "./peel.ts";

type Plan = Readonly<Record<string, Behaviour>>;

export interface JobRequest {
  /** undefined for a new one. */
  readonly jid?: string;
  readonly fn: string;
  readonly peels: Plan;
  /** Its targets when they differ from the peels: one may occur twice. */
  readonly targets?: readonly string[];
  readonly args?: unknown;
  readonly expr?: string;
  readonly user?: string;
  /** Not scaled. */
  readonly timeoutMs?: number;
  readonly metadata?: JobRecord["metadata"];
}

export interface FleetOptions {
  /** True when masters and peels ignore cancel signals. */
  readonly ignoreCancel?: boolean;
  readonly layout?: Site["layout"];
  /** False: there is no stream of events. */
  readonly events?: boolean;
  /** False: there are no buckets of heartbeats, and no takeovers, which are decided by them. */
  readonly heartbeats?: boolean;
  /**
   * What every wait of masters and peels is multiplied by, the lives of heartbeats too: 0.02 makes 10 s 200 ms. A server may
   * take up to a second more to remove a heartbeat. What peels take for a job is not scaled.
   */
  readonly scale?: number;
  /** Limit of jobs in a peel's queue. */
  readonly queue?: number;
}

/** The shortest max_age that a stream accepts. */
const MIN_AGE_MS = 100;

/** The main argument of a job. */
function stateId(fn: string, args: unknown): string {
  const { state, name } = (args ?? {}) as Record<string, unknown>;
  return String(state ?? name ?? (fn === "state.highstate" ? "highstate" : "ad-hoc"));
}

export class Fleet {
  readonly #masters: Master[] = [];
  readonly #peels = new Map<string, Peel>();
  readonly #plans = new Map<string, Plan>();
  /** The plans of peels for jobs that were not dispatched here. */
  readonly habits = new Map<string, Behaviour>();

  private constructor(readonly site: Site) {}

  /** Creates the buckets and the stream, and starts one master. */
  static async start(nc: NatsConnection, options: FleetOptions = {}): Promise<Fleet> {
    const { scale = 1, layout = "peel", ignoreCancel = false, queue = 64 } = options;
    const { jobs, returns } = await createBuckets(nc, { events: options.events ?? true });
    const beats = (bucket: string, life: number) =>
      nc.jetstream().views.kv(bucket, { history: 1, ttl: Math.max(MIN_AGE_MS, life * scale) });
    const heartbeats = (options.heartbeats ?? true) && {
      masters: await beats("master-heartbeat", MASTER_LIFE_MS),
      peels: await beats("peel-heartbeat", HEARTBEAT_LIFE_MS),
    };
    const site = { nc, jobs, returns, scale, layout, ignoreCancel, queue };
    const fleet = new Fleet({ ...site, heartbeats: heartbeats || undefined });
    await fleet.startMaster();
    return fleet;
  }

  get jobs(): KV {
    return this.site.jobs;
  }

  get returns(): KV {
    return this.site.returns;
  }

  /** Starts one more master, named `master-demo01`, `master-demo02` and so on. */
  async startMaster(): Promise<Master> {
    const number = String(this.#masters.length + 1).padStart(2, "0");
    const master = new Master(this.site, `master-demo${number}`, (jid, peel) => {
      const plan = this.#plans.get(jid)?.[peel];
      const misses = plan?.does === "early";
      return { misses, patienceMs: misses || plan?.does === "unreachable" ? plan?.ms : undefined };
    });
    this.#masters.push(master);
    await master.start();
    return master;
  }

  /** The newest master, or the named one, crashes. */
  crash(master: Master = this.#newest()): void {
    master.crash();
  }

  /** The newest master, or the named one, stops cleanly: its jobs stay unchanged. */
  async stopMaster(master: Master = this.#newest()): Promise<void> {
    await master.stop();
  }

  #newest(): Master {
    return this.#masters.at(-1) as Master;
  }

  /** The peel with this ID. A new one goes online with its first job, unless it was stopped before. */
  peel(id: string): Peel {
    const peel = this.#peels.get(id) ?? new Peel(this.site, id, (jid) => this.#plan(jid, id));
    this.#peels.set(id, peel);
    return peel;
  }

  #plan(jid: string, peel: string): Behaviour {
    return this.#plans.get(jid)?.[peel] ?? this.habits.get(peel) ?? { does: "ok" };
  }

  /** Dispatches a job. @returns its JID when it runs @throws the masters' error */
  async dispatch(request: JobRequest): Promise<string> {
    const record = await this.#minted(request);
    const reply = await this.site.nc.request(DISPATCH_SUBJECT, encode(inOrder(record)), { timeout: 10_000 });
    const answer = decode(reply.data);
    if (answer?.error !== undefined) throw new Error(String(answer.error));
    return record.jid;
  }

  /** Dispatches a job through the REST interface of the newest master. @returns its JID when the master has ended it */
  async rest(request: JobRequest): Promise<string> {
    const { state_id, target_expr, ...record } = await this.#minted(request);
    await this.#newest().rest(record);
    return record.jid;
  }

  /** The newest master stays alive and stops watching a job that it owns. */
  async forget(jid: string): Promise<void> {
    await this.#newest().forget(jid);
  }

  /** The record that a client makes for a request. The peels are online. */
  async #minted(request: JobRequest): Promise<JobRecord> {
    const { jid = newJid(), fn, args = null, peels, expr, user = "root", timeoutMs = 300_000 } = request;
    const targets = request.targets ?? Object.keys(peels);
    if (!this.#plans.has(jid)) this.#plans.set(jid, peels);
    await Promise.all(targets.map((id) => this.peel(id).ready()));
    const created = Time.now();
    return {
      jid,
      function: fn,
      args,
      targets,
      timeout: BigInt(timeoutMs) * 1_000_000n,
      status: "pending",
      created,
      updated: created,
      user,
      state_id: stateId(fn, args),
      target_expr: expr,
      v: 1,
      metadata: request.metadata,
    };
  }

  /** A rule receives an event and starts a job. */
  async react(rule: string, eventTag: string, fn: string, peels: Plan, args?: unknown): Promise<string> {
    const metadata = { source: "reactor", rule, event_id: newJid(), event_tag: eventTag, reactor_depth: "1" };
    return this.dispatch({ jid: newRuleJid(), fn, args, peels, user: `reactor:${rule}`, metadata });
  }

  /** A peel runs a function by its own schedule. @returns the JID; the job appears when it has ended */
  async schedule(
    peel: string,
    entry: string,
    fn: string,
    behaviour: Behaviour = { does: "ok" },
    jid?: string,
  ): Promise<string> {
    await this.peel(peel).ready();
    return this.peel(peel).schedule(entry, fn, behaviour, jid);
  }

  /** Cancels a job through a master's API. */
  cancel(jid: string): void {
    this.#newest().cancel(jid);
  }

  /** Resolves when the job's stored status is `status` and its masters have written everything that follows. */
  async until(jid: string, status: string, ms = 10_000): Promise<void> {
    const stored = async () => {
      const entry = await this.jobs.get(jid);
      return isPut(entry) ? decode(entry.value)?.status === status : false;
    };
    await until(`job ${jid} that is ${status}`, stored, ms);
    await Promise.all(this.#masters.map((master) => master.idle()));
  }

  /** Ends every timer and subscription, after the writes in progress. */
  async stop(): Promise<void> {
    for (const peel of this.#peels.values()) peel.goOffline();
    for (const master of this.#masters) await master.stop();
  }
}

export const ok: Behaviour = { does: "ok", ms: 20 };
export const fail: Behaviour = { does: "fail", ms: 20, error: "no lock" };
export const away: Behaviour = { does: "unreachable", ms: 20 };
export const hang: Behaviour = { does: "hang" };
export const silent: Behaviour = { does: "silent" };
export const early: Behaviour = { does: "early", ms: 50 };

/** A server with a fleet, and functions that run commands of `job` on it, to their end or while they run. */
export async function serveFleet() {
  const server = await startServer();
  const nc = await server.connect();
  const fleet = await Fleet.start(nc);
  const env = { NATS_URL: server.url };
  return {
    nc,
    fleet,
    env,
    run: (...args: string[]): Promise<Result> => zester(["job", ...args], { env }),
    start: (args: string[], size?: { cols: number; rows: number }) => new Running(["job", ...args], env, size),
    async stop() {
      await fleet.stop();
      await nc.close();
      await server.stop();
    },
  };
}
