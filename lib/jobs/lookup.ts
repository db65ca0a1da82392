// Looking up one job and its returns, decoded.
import { ByteSet } from "../codec/byte-set.ts";
import { decode, decodeRecord, Undecodable } from "../codec/decode.ts";
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
import { plural, safe, shorten } from "../text.ts";
import { sweeper } from "./sweep.ts";

/** A job's stored value as a record. @throws UserError when it can't be decoded */
export function jobRecord(jid: string, bytes: Uint8Array): ValueMap {
  try {
    return decodeRecord(bytes);
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    throw new UserError(
      `job ${jid} cannot be decoded: ${error.message} (${bytes.length} bytes).`,
      `\`nats kv get jobs ${jid} --raw\` shows the value.`,
    );
  }
}

/** The job under a key, and no other that begins with it. @throws UserError when there is none, or when it can't be decoded */
export async function readStored(store: Store, jid: string): Promise<Omit<Resolved, "by">> {
  const bytes = await store.job(jid);
  if (!bytes) throw new JobNotFound(jid);
  return { jid, job: jobRecord(jid, bytes), bytes };
}

/** The record of a job. @throws UserError when there is none, or when it can't be decoded */
export async function readJob(store: Store, jid: string): Promise<ValueMap> {
  return (await readStored(store, jid)).job;
}

/** What is made of the records of returns as they arrive. */
export interface ReturnReader {
  /**
   * The return that a stored value is, with all of its record or what is needed of it.
   * @throws Undecodable
   */
  read(peel: string, bytes: Uint8Array): Return;
  /** The same of a record that is decoded already. */
  keep(peel: string, record: ValueMap): Return;
  /** True when it decodes most of them whole. */
  readonly decodesAll?: boolean;
}

/** Reads returns as they are. @param fields all that is needed of their records; undefined: everything */
export const wholeRecords = (fields?: readonly string[]): ReturnReader => ({
  read: (peel, bytes) => toReturn(peel, decodeRecord(bytes, fields)),
  keep: toReturn,
  decodesAll: !fields || fields.includes("return_data"),
});
const WHOLE = wholeRecords();

/** Reads returns whole, and keeps them as they are stored: decoded, many would take several times as much memory. */
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

/** The returns in the list that a bucket holds under the JID; what can't be decoded is warned of. */
export function listedReturns(jid: string, list: Uint8Array, warn: (text: string) => void, reader = WHOLE): Return[] {
  try {
    const value = decode(list);
    if (!Array.isArray(value)) throw new Undecodable("not a list");
    return value.flatMap((record, i) => {
      const peel = record instanceof Map ? asText(record.get("peel_id")) : undefined;
      if (record instanceof Map && peel !== undefined) return reader.keep(peel, record);
      warn(`return ${i + 1} in the list of job ${jid} is no record of a peel.`);
      return [];
    });
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    warn(`the list of returns of job ${jid} cannot be decoded: ${error.message}`);
    return [];
  }
}

/** The return that a bucket holds under a peel's own key; one that can't be decoded is `unreadable`. */
export function peelReturn(peel: string, bytes: Uint8Array, reader = WHOLE): Return {
  try {
    return reader.read(peel, bytes);
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return unreadableReturn(peel, error.message);
  }
}

/**
 * A job's returns, both layouts merged (on the same peel the per-peel key wins), in no order. Each is decoded as it arrives.
 * @param reader what is made of their records
 */
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
  const returns = new Map<string, Return>();
  for (const item of listedReturns(jid, list, warn, reader)) returns.set(item.peel, item);
  for (const item of peels) returns.set(item.peel, item);
  return [...returns.values()];
}

/**
 * The only JID that begins with `text`, for at least LEAST_PREFIX characters; undefined when none does.
 * @param activeFirst of several, active ones are listed first
 * @throws JobPrefix when several do
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
  if (jids.size > 1) throw await ambiguous(store, text, [...jids], activeFirst ? await activeOf(store) : new Set());
  return [...jids][0];
}

/** Jobs that are listed for a prefix of several. */
const CANDIDATES = 5;
/** Columns of their lines: no terminal wraps them. */
const CANDIDATE_COLUMNS = 79;

const activeOf = async (store: Store) => new Set(await store.activeJids().catch(insteadOf(UserError, [])));

/**
 * The error for a prefix of several jobs: it lists those of `first`, then the newest, since most IDs sort by time, with state,
 * age and what ran.
 */
async function ambiguous(
  store: Store,
  prefix: string,
  jids: readonly string[],
  first: ReadonlySet<string>,
): Promise<JobPrefix> {
  const sorted = jids.toSorted().reverse();
  const newest = [...sorted.filter((jid) => first.has(jid)), ...sorted.filter((jid) => !first.has(jid))].slice(
    0,
    CANDIDATES,
  );
  const candidate = async (jid: string) => {
    const job = await readJob(store, jid).catch(() => undefined);
    if (!job) return [jid];
    const row = jobRow(jid, job);
    const age = row.created ? `${formatAgo(store.nowNs() - row.created.ns)} ago` : "-";
    return [jid, displayState(row), age, `${row.fn ?? "-"}${row.targetExpr ? ` on ${row.targetExpr}` : ""}`];
  };
  const rows = await Promise.all(newest.map(candidate));
  const wide = (i: number) => Math.max(...rows.map((row) => row[i]?.length ?? 0));
  const line = (row: readonly string[]) => `  ${row.map((text, i) => text.padEnd(wide(i))).join("  ")}`.trimEnd();
  const lines = rows.map((row) => shorten(safe(line(row)), CANDIDATE_COLUMNS));
  const more = jids.length > CANDIDATES ? [`  … and ${jids.length - CANDIDATES} more`] : [];
  const words = `ID prefix ${safe(prefix)} matches ${plural(jids.length, "job")}:`;
  return new JobPrefix(words, [...lines, ...more, "Use more characters."]);
}

/** A job that was named, and how: by its whole id, by the beginning of it, or by a word. */
export interface Resolved {
  readonly jid: string;
  readonly job: ValueMap;
  /** The stored value that is the record. */
  readonly bytes: Uint8Array;
  readonly by: "id" | "prefix" | "word";
}

/**
 * Told which job a word stands for, of the jobs that can't be decoded, any of which may be the one that was meant, and what time it
 * is by the server's clock.
 */
export type WordTold = (word: string, found: Resolved, unreadable: readonly JobRow[], now: Date) => void;

/**
 * The job that `text` names: itself, the one that a word such as `@last` stands for, or the only one that begins with it.
 * An exact JID costs no scan; one that looks like a word wins over the word.
 * @param told is told of a word, for a note to the operator
 * @param narrowing which jobs a word may stand for
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

/** @throws UserError when conditions stand beside a text that looks like a word, and is the id of a job */
function requireFree(text: string, narrowing: Narrowing): void {
  const name = NARROWING.find((one) => narrowing[one] !== undefined);
  if (name !== undefined) throw new UserError(`job ${text} and --${name} cannot be used together.`, `Omit --${name}.`);
}

async function resolveWord(store: Store, word: JobReference, told: WordTold, narrowing: Narrowing): Promise<Resolved> {
  // Loaded on use: most jobs are named by their ids.
  const { findByReference: findByWord } = await import("./job-reference.ts");
  const { jid, unreadable } = await findByWord(store, word, narrowing);
  const found: Resolved = { ...(await readStored(store, jid)), by: "word" };
  told(word.text, found, unreadable, store.now());
  return found;
}

/** A bucket of returns that is not there is told beside the job; any other failure stays one. */
export function orNoBucket(error: unknown): NoBucket {
  if (error instanceof NoBucket) return error;
  throw error;
}
