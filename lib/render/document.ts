// Records for programs, with the IDs of their keys: a record's own IDs may be wrong or missing.

import { quote, toJson, toJsonLine } from "../codec/json.ts";
import { mapOf, type Value, type ValueMap } from "../codec/value.ts";
import type { Job } from "../model/job.ts";
import type { Return } from "../model/returns.ts";

/** The record with its key's IDs first. Its own different ID follows as `record_<name>`. */
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

const freeName = (record: ValueMap, name: string): string =>
  record.has(name) ? freeName(record, `record_${name}`) : name;

export const returnDocument = (jid: string, { peel, record }: Return) => keyed(record, { jid, peel_id: peel });

/** The record, or why it cannot be decoded. */
export function jobDocument({ row: { jid, unreadable = "" }, record }: Job): Value {
  return record ? keyed(record, { jid }) : mapOf({ jid, unreadable });
}

export const jobLine = (job: Job) => `${toJsonLine(jobDocument(job))}\n`;

/** Functions make lists while they are written: they may not fit in memory. */
export type LongDocument = ReadonlyMap<string, Value | (() => Iterable<Value>)>;

export const wholeDocument = (document: LongDocument): ValueMap =>
  new Map(Array.from(document, ([name, value]) => [name, typeof value === "function" ? [...value()] : value]));

/** An array, piece by piece. @param indent columns before its closing bracket */
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

/** In pieces: all may not fit in one string. */
export function* jsonArray(values: Iterable<Value>): Generator<string> {
  yield* jsonList(values, 0);
  yield "\n";
}

/** A document, piece by piece. @param indent columns before its closing brace */
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

/** One document, or several as an array. */
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

export async function documentText(value: Value, format: "json" | "yaml"): Promise<string> {
  if (format === "json") return `${toJson(value)}\n`;
  const { toYaml } = await import("../codec/yaml.ts");
  return toYaml(value);
}
