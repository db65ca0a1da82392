// Records and events as masters and peels encode them: field order, integer sizes and times included.
import { randomBytes } from "node:crypto";
import { decode as decodeMessagePack, ExtensionCodec } from "@msgpack/msgpack";
import type { KV, KvEntry, NatsConnection } from "nats";
import { encode as encodeLeaf, Time } from "./harness.ts";

/** The record of a job; the fields after `updated` are left out while they are empty. */
export interface JobRecord {
  jid: string;
  function: string;
  args: unknown;
  targets: readonly string[];
  timeout: bigint;
  status: string;
  created: Time;
  updated: Time;
  user?: string;
  owner?: string;
  epoch?: Uint64;
  deadline?: Time;
  reclaim_count?: number;
  offline_at_dispatch?: readonly string[];
  state_id?: string;
  target_expr?: string;
  return_count?: number;
  success_count?: number;
  v?: number;
  metadata?: Readonly<Record<string, string>>;
}

/** What a peel publishes about a run by its own schedule. */
export interface ScheduleResult extends Outcome {
  readonly jid: string;
  readonly entry: string;
  readonly module: string;
  readonly args: unknown;
  readonly timestamp: Time;
}

/** The record of a job by a peel's own schedule: it has ended when it first appears. */
export function scheduledJob(peel: string, result: ScheduleResult): JobRecord {
  const { jid, entry, module, args, success, timestamp } = result;
  return {
    jid,
    function: module,
    args,
    targets: [peel],
    timeout: 0n,
    status: success ? "complete" : "failed",
    created: timestamp,
    updated: timestamp,
    return_count: 1,
    success_count: success ? 1 : 0,
    metadata: { source: "schedule", schedule: entry },
  };
}

/** Shared by all masters and peels of a fleet. */
export interface Site {
  readonly nc: NatsConnection;
  readonly jobs: KV;
  readonly returns: KV;
  readonly heartbeats?: { readonly masters: KV; readonly peels: KV };
  /** Factor of all waits of masters and peels. */
  readonly scale: number;
  readonly layout: "peel" | "list";
  readonly ignoreCancel: boolean;
  /** Limit of a peel's queue. */
  readonly queue: number;
}

/** An unsigned 64-bit integer; every other bigint is written as a signed one, as durations are. */
export class Uint64 {
  constructor(readonly value: bigint) {}
}

function integer64(head: number, value: bigint): Buffer {
  const out = Buffer.alloc(9, head);
  out.writeBigUInt64BE(BigInt.asUintN(64, value), 1);
  return out;
}

/** The first bytes of an array or a map. */
function head(short: number, long: number, size: number): Buffer {
  return Buffer.from(size < 16 ? [short | size] : [long, size >> 8, size & 0xff]);
}

/** MessagePack as a Go master writes it. Fields that are undefined are left out. */
export function encode(value: unknown): Buffer {
  if (typeof value === "bigint") return integer64(0xd3, value);
  if (value instanceof Uint64) return integer64(0xcf, value.value);
  if (Array.isArray(value)) return Buffer.concat([head(0x90, 0xdc, value.length), ...value.map(encode)]);
  if (value === null || typeof value !== "object" || value instanceof Time || value instanceof Uint8Array)
    return Buffer.from(encodeLeaf(value));
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Buffer.concat([head(0x80, 0xde, fields.length), ...fields.flat().map(encode)]);
}

const extensionCodec = new ExtensionCodec();
extensionCodec.register({
  type: -1,
  encode: () => null,
  decode(data) {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const second = 1_000_000_000n;
    if (data.length === 4) return new Time(BigInt(view.getUint32(0)) * second);
    if (data.length === 12) return new Time(view.getBigInt64(4) * second + BigInt(view.getUint32(0)));
    const both = view.getBigUint64(0);
    return new Time((both & ((1n << 34n) - 1n)) * second + (both >> 34n));
  },
});

/** A map from its bytes, with 64-bit integers as bigint; undefined for everything else. */
export function decode(data: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value = decodeMessagePack(data, { extensionCodec, useBigInt64: true });
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** True when a key has a value. */
export const isPut = (entry: KvEntry | null | undefined): entry is KvEntry => entry?.operation === "PUT";

const OPTIONAL_FIELDS = [
  "user",
  "owner",
  "epoch",
  "deadline",
  "reclaim_count",
  "offline_at_dispatch",
  "state_id",
  "target_expr",
  "return_count",
  "success_count",
  "v",
  "metadata",
] as const satisfies (keyof JobRecord)[];

/** The fields of a job's record in the order in which masters store them. */
export function inOrder(record: JobRecord): Record<string, unknown> {
  const { jid, function: fn, args, targets, timeout, status, created, updated } = record;
  const fields: Record<string, unknown> = {
    jid,
    function: fn,
    args,
    targets,
    timeout,
    status,
    created,
    updated,
  };
  for (const name of OPTIONAL_FIELDS) {
    const value = record[name];
    const empty = !value || (Array.isArray(value) && value.length === 0);
    if (!empty) fields[name] = value;
  }
  return fields;
}

/** An event of a job, such as its end. */
export function event(jid: string, type: string, data: unknown): Buffer {
  return encode({ jid, type, data, timestamp: Time.now() });
}

export interface Outcome {
  readonly success: boolean;
  readonly return_data: unknown;
  readonly error?: string;
  /** Run time in ns. */
  readonly duration: bigint;
  /** Set on records that a master writes for a silent peel. */
  readonly unreachable?: true;
}

/** A return record. */
export function returnRecord(jid: string, peel: string, outcome: Outcome, timestamp = Time.now()): Buffer {
  const { success, return_data, error, duration, unreachable } = outcome;
  return encode({ jid, peel_id: peel, success, return_data, error, duration, timestamp, unreachable });
}

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const KSUID_EPOCH = 1_400_000_000;

/** A KSUID: 4 bytes of seconds and 16 random ones, as 27 base-62 characters that sort by time. */
export function newJid(): string {
  const bytes = randomBytes(20);
  bytes.writeUInt32BE(Math.floor(Date.now() / 1000) - KSUID_EPOCH);
  let rest = BigInt(`0x${bytes.toString("hex")}`);
  let text = "";
  for (let i = 0; i < 27; i++, rest /= 62n) text = ALPHABET[Number(rest % 62n)] + text;
  return text;
}

/** The id of a job that a rule made. */
export const newRuleJid = () => `rxn-${randomBytes(16).toString("hex")}`;
