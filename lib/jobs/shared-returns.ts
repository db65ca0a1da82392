// Records of returns in little memory: of equal outputs the first one is kept, and stands in the others as well. Returns are
// told apart by their bytes first, without decoding them, since most of a job's are the same but for names and times.
import { decodeRecord } from "../codec/decode.ts";
import { FieldScanner } from "../codec/field-scan.ts";
import { MessagePackReader } from "../codec/message-pack.ts";
import { asInteger, type Value, type ValueMap } from "../codec/value.ts";
import { isList, uint16, uint32 } from "../codec/value-at.ts";
import { onlyChanges } from "../model/answer.ts";
import { outputDigest, setOwnTimes, timesOf } from "../model/outputs.ts";
import { STORY_FIELDS, toReturn } from "../model/returns.ts";
import type { RecordReader } from "./lookup.ts";

const RECORD = [...STORY_FIELDS, "return_data"] as const;
/** What of an answer says whose it is. */
const WHOSE = ["peel_id", "jid"] as const;
const ANSWER = [...WHOSE, "results"] as const;
const RESULT = ["duration"] as const;

/** An output as it is kept. */
interface Known {
  readonly error: Value | undefined;
  readonly data: Value | undefined;
}

/** The output of a record. */
interface Output extends Known {
  /** The places of the results that are kept, among those of the record; undefined: all. */
  readonly places: readonly number[] | undefined;
}

/** What tells an output by its bytes, and what in them differs between equal ones. */
interface Outline {
  readonly key: string;
  /** How long each result took, in ns; NaN where it does not say. */
  readonly times: Float64Array;
}

type Range = readonly [start: number, end: number];

function rangeOf({ starts, ends }: FieldScanner, field: number): Range | undefined {
  const start = starts[field] as number;
  return start < 0 ? undefined : [start, ends[field] as number];
}

/** Where the first element of a list stands, and how many there are; undefined for what is no list. */
function listAt(bytes: Uint8Array, at: number): { first: number; count: number } | undefined {
  if (!isList(bytes, at)) return undefined;
  const type = bytes[at] as number;
  if (type === 0xdc) return { first: at + 3, count: uint16(bytes, at + 1) };
  if (type === 0xdd) return { first: at + 5, count: uint32(bytes, at + 1) };
  return { first: at + 1, count: type & 0x0f };
}

/** A duration as masters and peels write it is a whole number of 8 bytes; any other value is read as it is. */
function durationAt(bytes: Uint8Array, [start, end]: Range): number {
  if (bytes[start] === 0xd3) return (uint32(bytes, start + 1) | 0) * 2 ** 32 + uint32(bytes, start + 5);
  return Number(asInteger(new MessagePackReader(bytes).read(start, end, 1)) ?? Number.NaN);
}

/** Finds equal outputs by their bytes. One of these reads many. */
class Outliner {
  readonly #record = new FieldScanner(RECORD);
  readonly #answer = new FieldScanner(ANSWER);
  readonly #result = new FieldScanner(RESULT);
  #copy = new Uint8Array(64 << 10);

  /** The outline of a record's output; undefined where it has not the usual form, and has to be decoded. */
  outline(bytes: Uint8Array): Outline | undefined {
    if (!this.#record.scan(bytes)) return undefined;
    const data = rangeOf(this.#record, RECORD.indexOf("return_data"));
    if (!data || this.#answer.scanAt(bytes, data[0]) < 0) return undefined;
    const results = rangeOf(this.#answer, ANSWER.indexOf("results"));
    const list = results && listAt(bytes, results[0]);
    if (!list) return undefined;
    const whose = WHOSE.flatMap((_, i) => rangeOf(this.#answer, i) ?? []);
    const times = new Float64Array(list.count).fill(Number.NaN);
    const durations: number[] = [];
    let at = list.first;
    for (let i = 0; i < list.count; i++) {
      at = this.#result.scanAt(bytes, at);
      if (at < 0) return undefined;
      const range = rangeOf(this.#result, 0);
      if (!range) continue;
      times[i] = durationAt(bytes, range);
      durations.push(...range);
    }
    const error = rangeOf(this.#record, RECORD.indexOf("error")) ?? [0, 0];
    return { key: this.#key(bytes, data, [...whose, ...durations], error), times };
  }

  /** The hash of an output whose values in these ranges count for nothing. */
  #key(bytes: Uint8Array, [start, end]: Range, blots: readonly number[], error: Range): string {
    if (this.#copy.length < end - start) this.#copy = new Uint8Array(2 * (end - start));
    const copy = this.#copy.subarray(0, end - start);
    copy.set(bytes.subarray(start, end));
    // The places are a part of it: else other values could stand there instead.
    const places = new Int32Array(blots.length + 2);
    places[blots.length] = blots.length;
    places[blots.length + 1] = copy.length;
    for (let i = 0; i < blots.length; i += 2) {
      const [from, to] = [(blots[i] as number) - start, (blots[i + 1] as number) - start];
      places[i] = from;
      places[i + 1] = to;
      copy.fill(0, from, to);
    }
    const hasher = new Bun.CryptoHasher("sha256").update(copy).update(bytes.subarray(...error));
    return hasher.update(places).digest("base64");
  }

  /** The small fields of the record that `outline` took last. */
  fields(bytes: Uint8Array): ValueMap {
    const reader = new MessagePackReader(bytes);
    const fields: ValueMap = new Map();
    for (const [i, name] of STORY_FIELDS.entries()) {
      const range = name === "error" ? undefined : rangeOf(this.#record, i);
      if (range) fields.set(name, reader.read(...range, 1));
    }
    return fields;
  }
}

/** Reads the records of returns as they arrive, each output once. */
export class SharedReturns implements RecordReader {
  readonly #byDigest = new Map<string, Known>();
  readonly #byBytes = new Map<string, Output>();
  readonly #outliner = new Outliner();
  /** By peel: a return comes twice, from the bucket and in an event. */
  readonly #times = new Map<Value | undefined, Float64Array>();

  /** @param changesOnly results that changed nothing and did not fail are left out */
  constructor(readonly changesOnly = false) {}

  /** @throws Undecodable */
  decode(bytes: Uint8Array): ValueMap {
    const outline = this.#outliner.outline(bytes);
    const known = outline && this.#byBytes.get(outline.key);
    if (known) return this.#smaller(this.#outliner.fields(bytes), known, outline.times);
    const record = decodeRecord(bytes);
    const output = this.#output(record);
    if (outline) this.#byBytes.set(outline.key, output);
    return this.#smaller(record, output, timesOf(record));
  }

  keep(record: ValueMap): ValueMap {
    return this.#smaller(record, this.#output(record), timesOf(record));
  }

  /** The output of a record: that of one that came before, where there is one. */
  #output(record: ValueMap): Output {
    const { error } = toReturn("", record);
    const whole = record.get("return_data");
    const { data, places } = this.changesOnly ? onlyChanges(whole) : { data: whole, places: undefined };
    const key = outputDigest(error, data);
    const known = this.#byDigest.get(key) ?? { error: record.get("error"), data };
    this.#byDigest.set(key, known);
    return { ...known, places };
  }

  /** The record with an output in place of its own. @param all how long all its own results took */
  #smaller(record: ValueMap, { error, data, places }: Output, all: Float64Array): ValueMap {
    const kept: ValueMap = new Map();
    for (const name of STORY_FIELDS) {
      const value = name === "error" ? error : record.get(name);
      if (value !== undefined) kept.set(name, value);
    }
    if (data !== undefined) kept.set("return_data", data);
    const times = places ? Float64Array.from(places, (place) => all[place] ?? Number.NaN) : all;
    const peel = record.get("peel_id");
    const before = this.#times.get(peel);
    const same = before?.length === times.length && times.every((ns, i) => Object.is(ns, before[i]));
    if (!same) this.#times.set(peel, times);
    setOwnTimes(kept, same ? before : times);
    return kept;
  }
}
