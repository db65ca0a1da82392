// Records for programs, under the key that they are stored at: it alone says which job or peel they belong to, and what
// a record says of itself may be another's, or nothing.

import type { ValueMap } from "../codec/value.ts";
import type { Return } from "../model/returns.ts";

/**
 * `record` with the ids that its key gives it in front. A different one of its own follows as `record_<name>`, and a record
 * that begins with them already is itself.
 */
export function keyed(record: ValueMap, ids: Readonly<Record<string, string>>): ValueMap {
  const wanted = Object.entries(ids);
  const first = record.entries();
  if (wanted.every(([name, id]) => isEntry(first.next().value, name, id))) return record;
  const result: ValueMap = new Map();
  for (const [name, id] of wanted) {
    result.set(name, id);
    const own = record.get(name);
    if (own !== undefined && own !== id) result.set(freeName(record, `record_${name}`), own);
  }
  for (const [name, value] of record) if (!Object.hasOwn(ids, name)) result.set(name, value);
  return result;
}

const isEntry = (entry: readonly [string, unknown] | undefined, name: string, id: string) =>
  entry?.[0] === name && entry[1] === id;

/** A name that hides no field of the record. */
const freeName = (record: ValueMap, name: string): string =>
  record.has(name) ? freeName(record, `record_${name}`) : name;

/** A return of job `jid` for programs. */
export const returnDocument = (jid: string, { peel, record }: Return) =>
  keyed(record, { jid, peel_id: peel });
