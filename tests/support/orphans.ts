// The jobs of dead masters, according to the index and the heartbeats.
import type { KvEntry } from "nats";
import { decode, isPut, type Site } from "./wire.ts";

export const MASTER_LIFE_MS = 15_000;
/** The key of a master must be absent for this long before its jobs are taken over: a minute after its last heartbeat. */
const TAKE_OVER_AFTER_MS = 60_000 - MASTER_LIFE_MS;

export class Orphans {
  /** When the owner of each job was first seen dead. */
  readonly #since = new Map<string, number>();
  readonly #ended = new Set<string>();

  constructor(readonly site: Site) {}

  /**
   * The records that are due to be taken over. Without the bucket of heartbeats there are none.
   * @param mine the jobs of the calling master
   */
  async due(mine: ReadonlyMap<string, unknown>): Promise<KvEntry[]> {
    const due: KvEntry[] = [];
    for (const jid of await this.#index()) {
      const entry = mine.has(jid) || this.#ended.has(jid) ? null : await this.#orphan(jid);
      if (!entry) this.#since.delete(jid);
      else if (!this.#since.has(jid)) this.#since.set(jid, Date.now());
      else if (Date.now() - (this.#since.get(jid) as number) >= TAKE_OVER_AFTER_MS * this.site.scale) due.push(entry);
    }
    return due;
  }

  /** Every job that has or had an index entry. Listing subjects needs no consumer. */
  async #index(): Promise<string[]> {
    if (!this.site.heartbeats) return [];
    const prefix = "$KV.jobs.active.";
    const jsm = await this.site.nc.jetstreamManager();
    const { state } = await jsm.streams.info("KV_jobs", { subjects_filter: `${prefix}*` });
    return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
  }

  /** The record of a job whose master is dead. */
  async #orphan(jid: string): Promise<KvEntry | null> {
    const { jobs, heartbeats } = this.site;
    // A subject remains while it has the tombstone of an ended job.
    const entry = isPut(await jobs.get(`active.${jid}`)) ? await jobs.get(jid) : null;
    const record = isPut(entry) ? decode(entry.value) : undefined;
    if (!["claimed", "running"].includes(record?.status as string)) {
      this.#ended.add(jid);
      return null;
    }
    return isPut(await heartbeats?.masters.get(record?.owner as string)) ? null : entry;
  }
}
