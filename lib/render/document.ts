// Records for programs, under the key that they are stored at: it alone says which job or peel they belong to, and what
// a record says of itself may be another's, or nothing.

import { toJson, toJsonLine } from "../codec/json.ts";
import type { Value, ValueMap } from "../codec/value.ts";
import type { Job } from "../model/job.ts";
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
export const returnDocument = (jid: string, { peel, record }: Return) => keyed(record, { jid, peel_id: peel });

/** A job for programs: its record, or why that can't be decoded. */
export function jobDocument({ row: { jid, unreadable = "" }, record }: Job): Value {
  return record ? keyed(record, { jid }) : new Map(Object.entries({ jid, unreadable }));
}

/** The same on one line, with its newline. */
export const jobLine = (job: Job) => `${toJsonLine(jobDocument(job))}\n`;

/** Values as one JSON array, piece by piece, since there can be more than fit into one text. */
export function* jsonArray(values: Iterable<Value>): Generator<string> {
  const piece = (value: Value, comma: string) => `  ${toJson(value, 2, 2, comma.length)}${comma}\n`;
  let last: Value | undefined;
  for (const value of values) {
    yield last === undefined ? "[\n" : piece(last, ",");
    last = value;
  }
  yield last === undefined ? "[]\n" : `${piece(last, "")}]\n`;
}

/** A document as a whole. */
export async function documentText(value: Value, format: "json" | "yaml"): Promise<string> {
  if (format === "json") return `${toJson(value)}\n`;
  const { toYaml } = await import("../codec/yaml.ts");
  return toYaml(value);
}
