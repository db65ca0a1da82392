// The recorded stories of real jobs (wire-stories.json), and the writes of a fleet, in a comparable form.
import type { NatsConnection } from "nats";
import { createBuckets, startServer } from "./harness.ts";
import stories from "./wire-stories.json" with { type: "json" };

/** The kinds of messages of a job in their order, each with its payload. */
export type Story = readonly (readonly [kind: string, payload: string])[];

/** Maps that a Go program writes in a different order each time. */
const UNORDERED = new Set(["args", "data", "details", "metadata"]);
/** Fields that differ from job to job. */
const OWN = new Set(["owner", "event_id", "master_id"]);

/**
 * A MessagePack value as text: fields in their order, the width of 64-bit integers, and every value but those that differ
 * from job to job: ids, times and durations.
 */
export function describePayload(bytes: Uint8Array, jid: string): string {
  const data = Buffer.from(bytes);
  let at = 0;
  const take = (size: number) => {
    at += size;
    return at - size;
  };
  const size = (head: number, short: number, bits: number, long: number): number | undefined => {
    if (head >> bits === short) return head & ((1 << bits) - 1);
    const width = [1, 2, 4][head - long];
    return width && data.readUIntBE(take(width), width);
  };
  const value = (key = ""): string => {
    const head = data.readUInt8(take(1));
    if (head < 0x80) return String(head);
    const literal = { 192: "null", 194: "false", 195: "true" }[head];
    if (literal) return literal;
    if (head === 0xd3 || head === 0xcf) {
      take(8);
      return head === 0xd3 ? "int64" : "uint64";
    }
    // Extensions of 4, 8 and 12 bytes: times.
    const time = { 214: 5, 215: 9, 199: 14 }[head];
    if (time && data.readInt8(head === 199 ? at + 1 : at) === -1) {
      take(time);
      return "time";
    }
    const text = size(head, 0b101, 5, 0xd9);
    if (text !== undefined) {
      const start = take(text);
      const found = data.toString("utf8", start, at);
      return OWN.has(key) ? "OWN" : JSON.stringify(found.replaceAll(jid, "JID"));
    }
    const items = size(head, 0b1001, 4, 0xdb);
    if (items !== undefined) {
      const found = Array.from({ length: items }, () => value());
      // A peel collects its results from a map, so they have no order.
      return `[${(key === "results" ? found.sort() : found).join(", ")}]`;
    }
    const fields = size(head, 0b1000, 4, 0xdd);
    if (fields === undefined) throw new Error(`no value is written as 0x${head.toString(16)}`);
    const field = () => {
      const name = JSON.parse(value());
      return `${name}: ${value(name)}`;
    };
    const found = Array.from({ length: fields }, field);
    // The data of a dispatch is a job record, which has an order.
    const ordered = !UNORDERED.has(key) || found[0]?.startsWith("jid: ");
    return `{${(ordered ? found : found.sort()).join(", ")}}`;
  };
  return value();
}

const kindOf = (subject: string, jid: string) => subject.replace("$KV.", "").replace(jid, "JID");

/** The recorded story of the job with this JID. */
export function recorded(jid: string): Story {
  return stories
    .map(({ bucket, key, subject, base64 }) => [subject ?? `$KV.${bucket}.${key}`, base64] as const)
    .filter(([subject]) => subject.split(".").includes(jid))
    .map(([subject, base64]) => [kindOf(subject, jid), describePayload(Buffer.from(base64, "base64"), jid)]);
}

/** Collects everything published about jobs from now on, without deletions, as in the stories. */
export async function listen(nc: NatsConnection): Promise<(jid: string) => Story> {
  const seen: [subject: string, data: Uint8Array][] = [];
  for (const subject of ["$KV.>", "zester.job.>"])
    nc.subscribe(subject, {
      callback: (_, msg) => void (msg.data.length > 0 && seen.push([msg.subject, msg.data])),
    });
  await nc.flush();
  return (jid) =>
    seen
      .filter(([subject]) => subject.split(".").includes(jid))
      .map(([subject, data]) => [kindOf(subject, jid), describePayload(data, jid)]);
}

/** The buckets of the stories. */
const BUCKETS = ["jobs", "job-returns", "master-heartbeat", "peel-heartbeat"];

/** Stores all recorded stories on a server, every record and event in order. */
async function loadStories(nc: NatsConnection): Promise<void> {
  await createBuckets(nc);
  const js = nc.jetstream();
  const kvs = new Map(await Promise.all(BUCKETS.map(async (name) => [name, await js.views.kv(name)] as const)));
  for (const { bucket, key, subject, base64 } of stories) {
    const bytes = Buffer.from(base64, "base64");
    if (subject !== undefined) await js.publish(subject, bytes);
    else await kvs.get(bucket ?? "")?.put(key ?? "", bytes);
  }
}

/** The record that a job had in the end, as its story says what it means; a time that is not set is not stored. */
export function lastRecord(jid: string): Record<string, unknown> {
  const last = stories.findLast(({ bucket, key }) => bucket === "jobs" && key === jid);
  const fields = Object.entries(last?.means ?? {});
  return Object.fromEntries(fields.filter(([, value]) => value !== "0001-01-01T00:00:00Z"));
}

/** A server with all recorded stories. */
export interface StorySite {
  /** A client, for records beside the stories. */
  readonly nc: NatsConnection;
  readonly env: { readonly NATS_URL: string };
  /** Sends the heartbeat of their master again: it expires after 15 s. */
  beat(): Promise<void>;
  stop(): Promise<void>;
}

export async function serveStories(): Promise<StorySite> {
  const server = await startServer();
  const nc = await server.connect();
  await loadStories(nc);
  const beats = await nc.jetstream().views.kv("master-heartbeat");
  const beat = stories.find(({ bucket }) => bucket === "master-heartbeat");
  return {
    nc,
    env: { NATS_URL: server.url },
    async beat() {
      await beats.put(beat?.key ?? "", Buffer.from(beat?.base64 ?? "", "base64"));
    },
    async stop() {
      await nc.close();
      await server.stop();
    },
  };
}
