// Records for programs, under the key that they are stored at: it alone says which job or peel they belong to, and what
// a record says of itself may be another's, or nothing.

import { quote, toJson, toJsonLine } from "../codec/json.ts";
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

/** A document with lists that are made as they are written, since they can be too long for the memory. */
export type LongDocument = ReadonlyMap<string, Value | (() => Iterable<Value>)>;

/** The same as a value. */
export const wholeDocument = (document: LongDocument): ValueMap =>
  new Map(Array.from(document, ([name, value]) => [name, typeof value === "function" ? [...value()] : value]));

/** Values as one JSON array, piece by piece. @param indent columns before its closing bracket */
function* jsonList(values: Iterable<Value>, indent: number): Generator<string> {
  const pad = " ".repeat(indent + 2);
  const piece = (value: Value, comma: string) =>
    `${pad}${toJson(value, pad.length, pad.length, comma.length)}${comma}\n`;
  let last: Value | undefined;
  for (const value of values) {
    yield last === undefined ? "[\n" : piece(last, ",");
    last = value;
  }
  yield last === undefined ? "[]" : `${piece(last, "")}${" ".repeat(indent)}]`;
}

/** Values as one JSON text, since there can be more than fit into one string. */
export function* jsonArray(values: Iterable<Value>): Generator<string> {
  yield* jsonList(values, 0);
  yield "\n";
}

/** A document as JSON, piece by piece. @param indent columns before its closing bracket */
function* jsonDocument(document: LongDocument, indent: number): Generator<string> {
  const pad = " ".repeat(indent + 2);
  let before = "{\n";
  for (const [name, value] of document) {
    const head = `${pad}${quote(name)}: `;
    yield before + head;
    if (typeof value === "function") yield* jsonList(value(), pad.length);
    else yield toJson(value, pad.length, head.length, 1);
    before = ",\n";
  }
  yield `\n${" ".repeat(indent)}}`;
}

/** Documents as JSON, piece by piece: one, or several as an array. */
export function* jsonDocuments(documents: readonly LongDocument[], several: boolean): Generator<string> {
  if (!several) yield* jsonDocument(documents[0] as LongDocument, 0);
  else if (documents.length === 0) yield "[]";
  else {
    for (const [i, document] of documents.entries()) {
      yield i === 0 ? "[\n  " : ",\n  ";
      yield* jsonDocument(document, 2);
    }
    yield "\n]";
  }
  yield "\n";
}

/** A document as a whole. */
export async function documentText(value: Value, format: "json" | "yaml"): Promise<string> {
  if (format === "json") return `${toJson(value)}\n`;
  const { toYaml } = await import("../codec/yaml.ts");
  return toYaml(value);
}
