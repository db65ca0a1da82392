// The bytes of a return: what of them is its output, and what differs between returns with the same one. Nothing is decoded.
import { FieldScanner } from "../codec/field-scan.ts";
import { MessagePackReader } from "../codec/message-pack.ts";
import { asInteger, type ValueMap } from "../codec/value.ts";
import { contentAt, isInteger64, isList, isText, uint16, uint32 } from "../codec/value-at.ts";
import { STORY_FIELDS } from "../model/returns.ts";

const RECORD = [...STORY_FIELDS, "return_data", "timestamp"] as const;
/** What of an answer says whose it is. */
const WHOSE = ["peel_id", "jid"] as const;
const ANSWER = [...WHOSE, "results"] as const;
const RESULT = ["duration"] as const;

type Range = readonly [start: number, end: number];

/** How a return's bytes are made up. */
export interface Form {
  /** A hash of its output, the same for equal bytes; the times of results, and whose it is, count for nothing. */
  readonly key: string;
  /** How long each result took, in ns; NaN where it does not say. */
  readonly times: Float64Array;
  /** The contents of its names and times, for `Shapes`. */
  readonly holes: readonly number[];
  /** Where among these the text of its peel is, and the integer of its duration; -1 where that is no hole. */
  readonly peelAt: number;
  readonly peelEnd: number;
  readonly durationAt: number;
  /** The integers of those of `times` that are holes: which of them, and where, one after the other. */
  readonly timesAt: readonly number[];
}

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

/** An integer of 64 bits as a number, which is exact up to 2^53; `at` is behind its type. */
export const numberAt = (bytes: Uint8Array, at: number) => (uint32(bytes, at) | 0) * 2 ** 32 + uint32(bytes, at + 4);

/** A duration as masters and peels write it is a whole number of 8 bytes; any other value is read as it is. */
function durationOf(bytes: Uint8Array, [start, end]: Range): number {
  if (isInteger64(bytes, start)) return numberAt(bytes, start + 1);
  return Number(asInteger(new MessagePackReader(bytes).read(start, end, 1)) ?? Number.NaN);
}

/** Reads the forms of returns. One of these reads many. */
export class FormReader {
  readonly #record = new FieldScanner(RECORD);
  readonly #answer = new FieldScanner(ANSWER);
  readonly #result = new FieldScanner(RESULT);
  #copy = new Uint8Array(64 << 10);

  /** The form of a record; undefined where it is not the usual one, and has to be decoded. */
  read(bytes: Uint8Array): Form | undefined {
    if (!this.#record.scan(bytes)) return undefined;
    const data = rangeOf(this.#record, RECORD.indexOf("return_data"));
    if (!data || this.#answer.scanAt(bytes, data[0]) < 0) return undefined;
    const results = rangeOf(this.#answer, ANSWER.indexOf("results"));
    const list = results && listAt(bytes, results[0]);
    if (!list) return undefined;
    const whose = WHOSE.flatMap((_, i) => rangeOf(this.#answer, i) ?? []);
    const times = new Float64Array(list.count).fill(Number.NaN);
    const durations: number[] = [];
    const timesAt: number[] = [];
    let at = list.first;
    for (let i = 0; i < list.count; i++) {
      at = this.#result.scanAt(bytes, at);
      if (at < 0) return undefined;
      const range = rangeOf(this.#result, 0);
      if (!range) continue;
      times[i] = durationOf(bytes, range);
      durations.push(...range);
      if (isInteger64(bytes, range[0])) timesAt.push(i, range[0] + 1);
    }
    const error = rangeOf(this.#record, RECORD.indexOf("error")) ?? [0, 0];
    return {
      key: this.#key(bytes, data, [...whose, ...durations], error),
      times,
      timesAt,
      ...this.#holes(bytes, whose, durations),
    };
  }

  /** The contents of names and times, where they have the type that masters and peels give them. */
  #holes(bytes: Uint8Array, whose: readonly number[], durations: readonly number[]) {
    const field = (name: (typeof RECORD)[number]) => rangeOf(this.#record, RECORD.indexOf(name)) ?? [];
    const [peel, duration, time] = [field("peel_id"), field("duration"), field("timestamp")];
    const holes: number[] = [];
    /** @returns where the first one is; -1 when it is not of this type */
    const add = (ranges: readonly number[], isOfType: (bytes: Uint8Array, at: number) => boolean): number => {
      let first = -1;
      for (let i = 0; i < ranges.length; i += 2) {
        const start = ranges[i] as number;
        const at = isOfType(bytes, start) ? contentAt(bytes, start) : -1;
        if (at < 0) continue;
        if (i === 0) first = at;
        holes.push(at, ranges[i + 1] as number);
      }
      return first;
    };
    const peelAt = add(peel, isText);
    const durationAt = add(duration, isInteger64);
    add(whose, isText);
    add(durations, isInteger64);
    add(time, () => true);
    return { holes, peelAt, peelEnd: peel[1] ?? -1, durationAt };
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

  /** The small fields of the record that `read` took last. */
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
