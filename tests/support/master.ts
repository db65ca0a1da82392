// A master: it claims jobs, sends them to peels, watches them until they end, and takes over those of dead masters.
import type { KvEntry, Msg, Subscription, SubscriptionOptions } from "nats";
import { faultOf } from "./dispatch-request.ts";
import { Time } from "./harness.ts";
import { Ledger } from "./ledger.ts";
import { Orphans } from "./orphans.ts";
import { requestSubject } from "./peel.ts";
import { Watched } from "./watched.ts";
import {
  decode,
  encode,
  event,
  inOrder,
  isPut,
  type JobRecord,
  returnRecord,
  type ScheduleResult,
  type Site,
  scheduledJob,
} from "./wire.ts";

export const DISPATCH_SUBJECT = "zester.dispatch";

const HEARTBEAT_EVERY_MS = 5_000;
const RESEND_AFTER_MS = 5_000;
const GIVE_UP_AFTER_MS = 10_000;
const MAX_TAKEOVERS = 3;
const UNREACHABLE = "UNREACHABLE: no heartbeat at dispatch and no ack after republish";

/** Queue group: one of several masters receives a message. */
const ONE_OF_ALL = { queue: "masters" };

/** Identifies requests that would do the same on the same peels. */
const intent = ({ function: fn, timeout, user, targets, args, metadata }: JobRecord) =>
  [fn, timeout, user, targets, args, metadata] as const;

/** How a master treats a peel in a job. */
export interface Care {
  /** It gives up a silent peel after this many ms; undefined for the usual time. */
  readonly patienceMs?: number | undefined;
  /** True when it does not listen yet while the peel acks and returns. */
  readonly misses?: boolean | undefined;
}

/** How far a dispatch has come: the request was read, record and index are written, the peels have it and nothing is answered. */
export type Stage = "received" | "claimed" | "launched";

export class Master {
  readonly #live = new Map<string, Watched>();
  readonly #subs: Subscription[] = [];
  readonly #beats: ReturnType<typeof setInterval>[] = [];
  readonly #ledger: Ledger;
  readonly #orphans: Orphans;
  #pending: Promise<unknown> = Promise.resolve();
  #looking = false;

  /**
   * @param care how it treats a peel in a job
   * @param at called on the way of a dispatch, before it goes on
   */
  constructor(
    readonly site: Site,
    readonly id: string,
    readonly care: (jid: string, peel: string) => Care,
    readonly at: (stage: Stage) => Promise<void> | void = () => {},
  ) {
    this.#ledger = new Ledger(site, id);
    this.#orphans = new Orphans(site);
  }

  async start(): Promise<void> {
    const { nc, heartbeats, scale, ignoreCancel } = this.site;
    this.#listen(DISPATCH_SUBJECT, async (msg) => msg.respond(encode(await this.#dispatch(msg.data))), ONE_OF_ALL);
    this.#listen("zester.job.*.ack.*", async (msg) => this.#onAck(msg));
    this.#listen("zester.job.*.return.*", (msg) => this.#onReturn(msg));
    this.#listen("zester.job.*.schedule.*", (msg) => this.#onSchedule(msg), ONE_OF_ALL);
    if (!ignoreCancel) this.#listen("zester.job.*.cancel", (msg) => this.#onCancel(msg));
    if (!heartbeats) return nc.flush();
    await this.#beat();
    const again = () => {
      this.#beat().catch(() => {});
      this.#lookForOrphans();
    };
    this.#beats.push(setInterval(again, HEARTBEAT_EVERY_MS * scale));
  }

  /** A clean stop: completes its writes, deletes its heartbeat, and leaves its jobs unchanged. */
  async stop(): Promise<void> {
    if (this.#ledger.closed) return;
    this.#deafen();
    await this.idle();
    this.#ledger.close();
    await this.site.heartbeats?.masters.delete(this.id);
  }

  /** A crash: it writes nothing more, and its heartbeat expires. */
  crash(): void {
    this.#ledger.close();
    this.#deafen();
  }

  /** Cancels as a master's API does: the event goes to all masters and peels. */
  cancel(jid: string): void {
    this.#ledger.publishEvent(jid, "cancel", event(jid, "canceled", "cancelled by user"));
  }

  /** Resolves when everything received so far has been processed. */
  async idle(): Promise<void> {
    await this.#pending;
  }

  #deafen(): void {
    for (const sub of this.#subs) sub.unsubscribe();
    for (const beat of this.#beats) clearInterval(beat);
    for (const job of this.#live.values()) job.clearTimers();
  }

  #listen(subject: string, handle: (msg: Msg) => Promise<unknown>, options: SubscriptionOptions = {}): void {
    const callback = (_: unknown, msg: Msg) => this.#enqueue(() => handle(msg));
    this.#subs.push(this.site.nc.subscribe(subject, { ...options, callback }));
  }

  /** Runs one task after the other, as a job manager does. A crash ends the current one. */
  #enqueue(work: () => Promise<unknown>): void {
    this.#pending = this.#pending.then(work).catch((error) => {
      if (!this.#ledger.closed && !this.site.nc.isClosed()) throw error;
    });
  }

  async #beat(): Promise<void> {
    const beat = { master_id: this.id, active_jobs: [...this.#live.keys()], timestamp: Time.now() };
    await this.site.heartbeats?.masters.put(this.id, encode(beat));
  }

  /** Dispatches as its REST interface does: stops watching the job after the answer. */
  async rest(record: JobRecord): Promise<void> {
    const request = encode(inOrder(record));
    this.#enqueue(async () => {
      await this.#dispatch(request);
      const job = this.#live.get(record.jid);
      if (job) await this.#finish(job, job.outcomeNow);
    });
    await this.idle();
  }

  /** Stays alive and stops watching a job that it owns. */
  async forget(jid: string): Promise<void> {
    this.#live.get(jid)?.clearTimers();
    this.#live.delete(jid);
    await this.#beat();
  }

  async #dispatch(data: Uint8Array): Promise<{ jid: string } | { error: string }> {
    const fault = faultOf(data);
    if (fault !== undefined) return { error: fault };
    const record = decode(data) as unknown as JobRecord;
    const { jid } = record;
    await this.at("received");
    record.status = "claimed";
    record.updated = Time.now();
    record.owner = this.id;
    record.deadline = new Time(record.updated.ns + record.timeout);
    record.offline_at_dispatch = await this.#offline(record.targets);
    const known = await this.#ledger.claim(record);
    if (known && !Bun.deepEquals(intent(known), intent(record)))
      return { error: `conflict: job ${jid} is known with another intent` };
    if (known && known.status !== "claimed") return { jid };
    // A job that stays claimed was not sent: only the master that claimed it sends it.
    if (known && known.owner !== this.id) return { error: `claim pending: job ${jid} is claimed by ${known.owner}` };
    await this.#launch(this.#adopt(known ?? record));
    await this.at("launched");
    return { jid };
  }

  async #offline(peels: readonly string[]): Promise<string[] | undefined> {
    const { heartbeats } = this.site;
    if (!heartbeats) return undefined;
    const keys = await Promise.all(peels.map((peel) => heartbeats.peels.get(peel)));
    return peels.filter((_, i) => !isPut(keys[i]));
  }

  #adopt(record: JobRecord): Watched {
    const job = new Watched(record);
    this.#live.set(record.jid, job);
    return job;
  }

  /** The steps after the claim. */
  async #launch(job: Watched): Promise<void> {
    const { record } = job;
    const { jid, targets } = record;
    const { scale } = this.site;
    await this.#ledger.index(jid);
    await this.at("claimed");
    this.#ledger.publishEvent(jid, "dispatch", event(jid, "dispatched", inOrder(record)));
    await this.#ledger.write(record, "running");
    this.#request(job, targets);
    this.#after(job, RESEND_AFTER_MS * scale, async () => this.#request(job, job.silent));
    for (const peel of targets)
      this.#after(job, this.care(jid, peel).patienceMs ?? GIVE_UP_AFTER_MS * scale, () => this.#giveUp(job, peel));
    await this.#watch(job);
  }

  async #watch(job: Watched): Promise<void> {
    const left = Number(((job.record.deadline as Time).ns - Time.now().ns) / 1_000_000n);
    this.#after(job, Math.max(0, left), () => this.#finish(job, job.outcomeNow));
    await this.#settle(job);
  }

  #after(job: Watched, ms: number, work: () => Promise<unknown>): void {
    job.after(ms, () => this.#enqueue(work));
  }

  #request({ record }: Watched, peels: readonly string[]): void {
    const { jid, function: fn, args, timeout } = record;
    const request = encode({ jid, function: fn, args, timeout });
    for (const peel of peels) this.#ledger.publish(requestSubject(peel), request);
  }

  async #giveUp(job: Watched, peel: string): Promise<void> {
    const { jid } = job.record;
    if (!this.#live.has(jid) || !job.silent.includes(peel)) return;
    const outcome = { success: false, return_data: null, error: UNREACHABLE, duration: 0n };
    const data = returnRecord(jid, peel, { ...outcome, unreachable: true });
    this.#ledger.publishEvent(jid, `return.${peel}`, data);
    await this.#accept(job, peel, data);
  }

  /** The job and the peel of an ack or a return; undefined for one that a master ignores. */
  #sender(msg: Msg): { job: Watched; peel: string; record: Record<string, unknown> } | undefined {
    const [, , jid, , peel] = msg.subject.split(".") as [string, string, string, string, string];
    const job = this.#live.get(jid);
    const record = job && decode(msg.data);
    if (!job?.isTarget(peel) || record?.peel_id !== peel || this.care(job.record.jid, peel).misses) return undefined;
    return { job, peel, record };
  }

  #onAck(msg: Msg): void {
    const from = this.#sender(msg);
    from?.job.acked(from.peel);
  }

  /** The first return of a peel's own counts, also after the peel was given up. */
  async #onReturn(msg: Msg): Promise<void> {
    const from = this.#sender(msg);
    if (!from || from.record.unreachable) return;
    if (from.job.takesReturn(from.peel)) await this.#accept(from.job, from.peel, msg.data);
  }

  async #accept(job: Watched, peel: string, data: Uint8Array): Promise<void> {
    job.returned(peel, decode(data) ?? {});
    await this.#ledger.storeReturn(job.record.jid, peel, data);
    await this.#settle(job);
  }

  async #settle(job: Watched): Promise<void> {
    if (job.outcome) await this.#finish(job, job.outcome);
  }

  /** @param reason why the master gives the job up */
  async #finish(job: Watched, status: string, reason?: string): Promise<void> {
    const { record } = job;
    const { jid } = record;
    if (!this.#live.delete(jid)) return;
    job.clearTimers();
    const returns = job.count();
    if (reason) record.metadata = { ...record.metadata, failed_reason: reason };
    await this.#ledger.write(record, status);
    await this.#ledger.removeIndex(jid);
    const end = reason ? event(jid, "failed", { reason, status }) : event(jid, "completed", { returns, status });
    this.#ledger.publishEvent(jid, "status", end);
  }

  /** Receives a cancel signal, from an operator or as the event of a master. */
  async #onCancel(msg: Msg): Promise<void> {
    const job = this.#live.get(msg.subject.split(".")[2] as string);
    const signal = decode(msg.data);
    if (job && (signal?.action === "cancel" || signal?.type === "canceled")) await this.#finish(job, "canceled");
  }

  /** The result of a peel's own schedule becomes a job that has ended. */
  async #onSchedule(msg: Msg): Promise<void> {
    const peel = msg.subject.split(".")[4] as string;
    const result = decode(msg.data) as unknown as ScheduleResult;
    const record = scheduledJob(peel, result);
    await this.#ledger.claim(record);
    const data = returnRecord(result.jid, peel, result, result.timestamp);
    await this.#ledger.storeReturn(result.jid, peel, data);
  }

  /** One check at a time; the next heartbeat repeats it. */
  #lookForOrphans(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#enqueue(async () => {
      for (const entry of await this.#orphans.due(this.#live).catch(() => [])) await this.#takeOver(entry);
      this.#looking = false;
    });
  }

  /** Continues a job from its record: peels get no new request. */
  async #takeOver(entry: KvEntry): Promise<void> {
    const record = decode(entry.value) as unknown as JobRecord;
    const times = (record.reclaim_count ?? 0) + 1;
    record.owner = this.id;
    record.reclaim_count = times;
    if (!(await this.#ledger.replace(entry, record))) return;
    const job = this.#adopt(record);
    await this.#readBack(job);
    if (times > MAX_TAKEOVERS) {
      const reason = `reclaim limit exceeded: job reclaimed ${times} times (max ${MAX_TAKEOVERS})`;
      return this.#finish(job, "failed", reason);
    }
    if (record.status === "claimed") return this.#launch(job);
    await this.#ledger.index(record.jid);
    await this.#watch(job);
  }

  /** The newest return of each target counts, in the stream of events, or, where there is none, in the bucket. */
  async #readBack(job: Watched): Promise<void> {
    const { jid, targets } = job.record;
    for (const stored of await this.#ledger.storedReturns(jid, targets)) job.returned(stored.peel_id as string, stored);
    for (const peel of new Set(targets)) {
      if (await this.#ledger.newestEvent(jid, "ack", peel)) job.acked(peel);
      const newest = await this.#ledger.newestEvent(jid, "return", peel);
      const record = newest && decode(newest);
      if (!newest || record?.peel_id !== peel) continue;
      job.returned(peel, record);
      await this.#ledger.storeReturn(jid, peel, newest);
    }
  }
}
