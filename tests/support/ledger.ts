// The writes of a master: records, index entries, returns in both layouts, and events. None after its crash.
import type { KvEntry } from "nats";
import { Time } from "./harness.ts";
import { decode, encode, inOrder, isPut, type JobRecord, type Site, Uint64 } from "./wire.ts";

export class Ledger {
  #closed = false;

  constructor(
    readonly site: Site,
    readonly owner: string,
  ) {}

  get closed(): boolean {
    return this.#closed;
  }

  /** Every later write throws, also in the middle of a sequence. */
  close(): void {
    this.#closed = true;
  }

  #open(): Site {
    if (this.#closed) throw new Error(`${this.owner} writes no more`);
    return this.site;
  }

  publish(subject: string, data: Uint8Array): void {
    this.#open().nc.publish(subject, data);
  }

  publishEvent(jid: string, kind: string, data: Uint8Array): void {
    this.publish(`zester.job.${jid}.${kind}`, data);
  }

  /** Writes a new job, or gives the record that has its JID already. */
  async claim(record: JobRecord): Promise<JobRecord | undefined> {
    const { jobs } = this.#open();
    try {
      this.#written(record, await jobs.create(record.jid, encode(inOrder(record))));
      return undefined;
    } catch (error) {
      const known = await jobs.get(record.jid);
      if (!isPut(known)) throw error;
      return decode(known.value) as unknown as JobRecord;
    }
  }

  async write(record: JobRecord, status: string): Promise<void> {
    record.status = status;
    record.updated = Time.now();
    this.#written(record, await this.#open().jobs.put(record.jid, encode(inOrder(record))));
  }

  /** Replaces the record of an entry. @returns false when another master was faster */
  async replace({ revision }: KvEntry, record: JobRecord): Promise<boolean> {
    record.updated = Time.now();
    const { jobs } = this.#open();
    const mine = await jobs.update(record.jid, encode(inOrder(record)), revision).catch(() => undefined);
    if (mine !== undefined) this.#written(record, mine);
    return mine !== undefined;
  }

  /** The epoch of a record is the revision that it replaces. */
  #written(record: JobRecord, revision: number): void {
    record.epoch = new Uint64(BigInt(revision));
  }

  async index(jid: string): Promise<void> {
    await this.#open().jobs.put(`active.${jid}`, encode({ owner: this.owner, updated: Time.now() }));
  }

  async removeIndex(jid: string): Promise<void> {
    await this.#open().jobs.delete(`active.${jid}`);
  }

  /** Stores a return as the peel sent it. */
  async storeReturn(jid: string, peel: string, data: Uint8Array): Promise<void> {
    const { returns, layout } = this.#open();
    if (layout === "peel") await returns.put(`${jid}.${peel}`, data);
    else {
      const others = (await this.storedReturns(jid, [])).filter((record) => record.peel_id !== peel);
      await returns.put(jid, encode([...others, decode(data)]));
    }
  }

  /** The payload of the newest event of a peel in a job; undefined without one, or without a stream of events. */
  async newestEvent(jid: string, kind: "ack" | "return", peel: string): Promise<Uint8Array | undefined> {
    const jsm = await this.#open().nc.jetstreamManager();
    const query = { last_by_subj: `zester.job.${jid}.${kind}.${peel}` };
    return jsm.streams.getMessage("job-events", query).then(
      ({ data }) => data,
      () => undefined,
    );
  }

  async storedReturns(jid: string, targets: readonly string[]): Promise<Record<string, unknown>[]> {
    const { returns, layout } = this.#open();
    const keys = layout === "list" ? [jid] : targets.map((peel) => `${jid}.${peel}`);
    const entries = await Promise.all(keys.map((key) => returns.get(key)));
    return entries.flatMap((entry) => (isPut(entry) ? (decode(entry.value) as never) : []));
  }
}
