// Looking up one job and its returns, decoded.
import { ByteSet } from "../codec/byte-set.ts";
import { decode, decodeRecord, Undecodable } from "../codec/decode.ts";
import { asText, type ValueMap } from "../codec/value.ts";
import { UserError } from "../errors.ts";
import { ambiguousJid, JobNotFound, LEAST_PREFIX } from "../model/jid.ts";
import { displayPeel } from "../model/peel.ts";
import { type Return, toReturn, unreadableReturn } from "../model/returns.ts";
import { NoBucket, type Store } from "../nats/store.ts";

/** A job's stored value as a record. @throws UserError when it can't be decoded */
export function jobRecord(jid: string, bytes: Uint8Array): ValueMap {
  try {
    return decodeRecord(bytes);
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    throw new UserError(
      `job ${jid} cannot be decoded: ${error.message} (${bytes.length} bytes).`,
      `Look at the raw value with: nats kv get jobs ${jid} --raw`,
    );
  }
}

/** The record of a job. @throws UserError when there is none, or when it can't be decoded */
export async function readJob(store: Store, jid: string): Promise<ValueMap> {
  const bytes = await store.job(jid);
  if (!bytes) throw new JobNotFound(jid);
  return jobRecord(jid, bytes);
}

/** The returns in the list that a bucket holds under the JID; what can't be decoded is warned of. */
export function listedReturns(jid: string, list: Uint8Array, warn: (text: string) => void): Return[] {
  try {
    const value = decode(list);
    if (!Array.isArray(value)) throw new Undecodable("not a list");
    return value.flatMap((record, i) => {
      const peel = record instanceof Map ? asText(record.get("peel_id")) : undefined;
      if (record instanceof Map && peel !== undefined) return toReturn(peel, record);
      warn(`return ${i + 1} in the list of job ${jid} is no record of a peel.`);
      return [];
    });
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    warn(`the list of returns of job ${jid} cannot be decoded: ${error.message}`);
    return [];
  }
}

/** The return that a bucket holds under a peel's own key; one that can't be decoded is warned of. */
export function peelReturn(
  peel: string,
  bytes: Uint8Array,
  warn: (text: string) => void,
  fields?: readonly string[],
): Return {
  try {
    return toReturn(peel, decodeRecord(bytes, fields));
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    warn(`the return of ${displayPeel(peel)} cannot be decoded: ${error.message}`);
    return unreadableReturn(peel, error.message);
  }
}

/**
 * A job's returns, both layouts merged (on the same peel the per-peel key wins), in no order.
 * @param fields all that is needed of the records; undefined: everything
 */
export async function readReturns(
  store: Store,
  jid: string,
  warn: (text: string) => void,
  fields?: readonly string[],
): Promise<Return[]> {
  const { list, peels } = await store.returns(jid);
  const returns = new Map<string, Return>();
  for (const item of list ? listedReturns(jid, list, warn) : []) returns.set(item.peel, item);
  for (const [peel, bytes] of peels) returns.set(peel, peelReturn(peel, bytes, warn, fields));
  return [...returns.values()];
}

/**
 * The only JID that begins with `text`, for at least LEAST_PREFIX characters; undefined when none does.
 * @throws UserError when several do
 */
export async function completeJid(store: Store, text: string): Promise<string | undefined> {
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
  if (jids.size > 1) throw ambiguousJid(text, [...jids]);
  return [...jids][0];
}

/**
 * The job that `text` names: itself, or the only one that begins with it. An exact JID costs no scan.
 * @throws UserError when there is none, or several
 */
export async function resolveJob(store: Store, text: string): Promise<{ jid: string; job: ValueMap }> {
  try {
    return { jid: text, job: await readJob(store, text) };
  } catch (error) {
    if (!(error instanceof JobNotFound)) throw error;
    const jid = await completeJid(store, text);
    if (jid === undefined) throw error;
    return { jid, job: await readJob(store, jid) };
  }
}

/** A bucket of returns that is not there is told beside the job; any other failure stays one. */
export function orNoBucket(error: unknown): NoBucket {
  if (error instanceof NoBucket) return error;
  throw error;
}
