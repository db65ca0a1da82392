// One job and its returns, decoded.
import { ByteSet } from "../codec/byte-set.ts";
import { decode, decodeRecord, ifDecodable, Undecodable } from "../codec/decode.ts";
import { asText, type ValueMap } from "../codec/value.ts";
import { formatAgo } from "../duration.ts";
import { insteadOf, NoBucket, UserError } from "../errors.ts";
import { JobNotFound, JobPrefix, LEAST_PREFIX } from "../model/jid.ts";
import { displayState, type JobRow, jobRow } from "../model/job.ts";
import {
  type JobReference,
  NARROWING,
  type Narrowing,
  noSuchReference,
  parseJobReference,
} from "../model/job-reference.ts";
import { displayPeel } from "../model/peel.ts";
import { type Return, toReturn, unreadableReturn } from "../model/returns.ts";
import type { Store } from "../store.ts";
import { sweeper } from "../sweep.ts";
import { plural, safe, shorten } from "../text.ts";

/** @throws UserError when it cannot be decoded */
export const jobRecord = (jid: string, bytes: Uint8Array): ValueMap =>
  ifDecodable(
    () => decodeRecord(bytes),
    (reason) => {
      throw new UserError(
        `job ${jid} cannot be decoded: ${reason} (${bytes.length} bytes).`,
        `\`nats kv get jobs ${jid} --raw\` shows the value.`,
      );
    },
  );

/** The job with exactly this ID. @throws JobNotFound, and UserError when it cannot be decoded */
export async function readStored(store: Store, jid: string): Promise<Omit<Resolved, "by">> {
  const bytes = await store.job(jid);
  if (!bytes) throw new JobNotFound(jid);
  return { jid, job: jobRecord(jid, bytes), bytes };
}

/** @throws as readStored */
export async function readJob(store: Store, jid: string): Promise<ValueMap> {
  return (await readStored(store, jid)).job;
}

/** Converts records into returns as they arrive. */
export interface ReturnReader {
  /** @throws Undecodable */
  read(peel: string, bytes: Uint8Array): Return;
  /** The same for a decoded record. */
  keep(peel: string, record: ValueMap): Return;
  /** True when it decodes most of them as a whole. */
  readonly decodesAll?: boolean;
}

/** @param fields of records; undefined for all */
export const wholeRecords = (fields?: readonly string[]): ReturnReader => ({
  read: (peel, bytes) => toReturn(peel, decodeRecord(bytes, fields)),
  keep: toReturn,
  decodesAll: !fields || fields.includes("return_data"),
});
const WHOLE = wholeRecords();

/** Keeps whole records as stored, and decodes them on each access: decoded, many take several times the memory. */
export function storedRecords(): ReturnReader {
  const sweep = sweeper("whole");
  const decoded = (bytes: Uint8Array) => {
    sweep(bytes);
    return decodeRecord(bytes);
  };
  return {
    read(peel, bytes) {
      const stored = new Uint8Array(bytes);
      return {
        ...toReturn(peel, decoded(bytes)),
        get record() {
          return decoded(stored);
        },
      };
    },
    keep: toReturn,
  };
}

/** The returns in the list under a JID. Warns of what cannot be decoded. */
export function listedReturns(jid: string, list: Uint8Array, warn: (text: string) => void, reader = WHOLE): Return[] {
  const read = () => {
    const value = decode(list);
    if (!Array.isArray(value)) throw new Undecodable("not a list");
    return value.flatMap((record, i) => {
      const peel = record instanceof Map ? asText(record.get("peel_id")) : undefined;
      if (record instanceof Map && peel !== undefined) return reader.keep(peel, record);
      warn(`return ${i + 1} in the list of job ${jid} is not a return record.`);
      return [];
    });
  };
  return ifDecodable(read, (reason) => {
    warn(`the list of returns of job ${jid} cannot be decoded: ${reason}`);
    return [];
  });
}

/** The return under a peel's own key; `unreadable` if it cannot be decoded. */
export function peelReturn(peel: string, bytes: Uint8Array, reader = WHOLE): Return {
  try {
    return reader.read(peel, bytes);
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return unreadableReturn(peel, error.message);
  }
}

/** The returns of a job in both layouts, in no order. The key of a peel wins over the list. */
export async function readReturns(
  store: Store,
  jid: string,
  warn: (text: string) => void,
  reader?: ReturnReader,
): Promise<Return[]> {
  const { list, peels } = await store.returns.of(jid, (peel, bytes) => peelReturn(peel, bytes, reader));
  for (const { peel, unreadable } of peels)
    if (unreadable !== undefined) warn(`the return of ${displayPeel(peel)} cannot be decoded: ${unreadable}`);
  if (!list) return peels;
  const all = [...listedReturns(jid, list, warn, reader), ...peels];
  return [...new Map(all.map((item) => [item.peel, item])).values()];
}

/**
 * The only JID with the prefix `text`; undefined when there is none, and for fewer than LEAST_PREFIX characters.
 * @param activeFirst among several matches, list active jobs first
 * @throws JobPrefix when several match
 */
export async function completeJid(store: Store, text: string, activeFirst = false): Promise<string | undefined> {
  if (text.length < LEAST_PREFIX) return undefined;
  const jids = new Set<string>();
  const seen = new ByteSet();
  const prefix = Buffer.from(text);
  await store.scanJobs({
    take(key, from, bytes) {
      const n = seen.add(key, from, key.length);
      if (prefix.every((byte, i) => key[from + i] === byte)) {
        if (bytes) jids.add(seen.text(n));
        else jids.delete(seen.text(n));
      }
      return n;
    },
    dropAllBut(numbers) {
      for (let n = 0; n < seen.size; n++) if (!numbers.has(n)) jids.delete(seen.text(n));
    },
  });
  if (jids.size > 1) throw await ambiguous(store, text, [...jids], activeFirst);
  return [...jids][0];
}

/** Jobs that the error for a prefix lists, in lines that no terminal wraps. */
const CANDIDATES = { most: 5, columns: 79 } as const;

/** Lists the newest jobs (most IDs sort by time) with state, age and call. */
async function ambiguous(store: Store, prefix: string, jids: string[], activeFirst: boolean): Promise<JobPrefix> {
  const active = new Set(activeFirst ? await store.activeJids().catch(insteadOf(UserError, [])) : []);
  const sorted = jids.toSorted().reverse();
  const newest = [...sorted.filter((jid) => active.has(jid)), ...sorted.filter((jid) => !active.has(jid))];
  const candidate = async (jid: string) => {
    const job = await readJob(store, jid).catch(() => undefined);
    if (!job) return [jid];
    const row = jobRow(jid, job);
    const age = row.created ? `${formatAgo(store.nowNs() - row.created.ns)} ago` : "-";
    return [jid, displayState(row), age, `${row.fn ?? "-"}${row.targetExpr ? ` on ${row.targetExpr}` : ""}`];
  };
  const rows = await Promise.all(newest.slice(0, CANDIDATES.most).map(candidate));
  const wide = (i: number) => Math.max(...rows.map((row) => row[i]?.length ?? 0));
  const line = (row: readonly string[]) => `  ${row.map((text, i) => text.padEnd(wide(i))).join("  ")}`.trimEnd();
  const lines = rows.map((row) => shorten(safe(line(row)), CANDIDATES.columns));
  const more = jids.length > CANDIDATES.most ? [`  … and ${jids.length - CANDIDATES.most} more`] : [];
  const words = `ID prefix ${safe(prefix)} matches ${plural(jids.length, "job")}:`;
  return new JobPrefix(words, [...lines, ...more, "Use more characters."]);
}

/** A job that was named by its ID, a prefix, or a word such as `@last`. */
export interface Resolved {
  readonly jid: string;
  readonly job: ValueMap;
  readonly bytes: Uint8Array;
  readonly by: "id" | "prefix" | "word";
}

/** Receives the job of a word, the jobs that cannot be decoded (any can be the right one), and the server's time. */
export type WordTold = (word: string, found: Resolved, unreadable: readonly JobRow[], now: Date) => void;

/**
 * The job that `text` names. An ID wins over a word and needs no scan.
 * @param narrowing conditions for a word
 * @throws UserError when there is none, or several
 */
export async function resolveJob(
  store: Store,
  text: string,
  told: WordTold,
  narrowing: Narrowing = {},
): Promise<Resolved> {
  const word = parseJobReference(text);
  try {
    const stored = await readStored(store, text);
    if (word) requireFree(text, narrowing);
    return { ...stored, by: "id" };
  } catch (error) {
    if (!(error instanceof JobNotFound)) throw error;
    if (word) return await resolveWord(store, word, told, narrowing);
    const jid = await completeJid(store, text);
    if (jid === undefined) throw text.startsWith("@") ? noSuchReference(text) : error;
    return { ...(await readStored(store, jid)), by: "prefix" };
  }
}

/** @throws UserError for conditions beside a text that looks like a word and is an ID */
function requireFree(text: string, narrowing: Narrowing): void {
  const name = NARROWING.find((one) => narrowing[one] !== undefined);
  if (name !== undefined) throw new UserError(`job ${text} and --${name} cannot be used together.`, `Omit --${name}.`);
}

async function resolveWord(store: Store, word: JobReference, told: WordTold, narrowing: Narrowing): Promise<Resolved> {
  // Loaded on use: most jobs are named by ID.
  const { findByReference } = await import("./job-reference.ts");
  const { jid, unreadable } = await findByReference(store, word, narrowing);
  const found: Resolved = { ...(await readStored(store, jid)), by: "word" };
  told(word.text, found, unreadable, store.now());
  return found;
}

/** A missing bucket of returns is not an error: the job is shown without them. */
export function orNoBucket(error: unknown): NoBucket {
  if (error instanceof NoBucket) return error;
  throw error;
}
