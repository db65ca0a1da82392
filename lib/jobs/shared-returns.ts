// Returns in little memory. Most peels of a job send the same output, except for the order and the durations of its results: it
// is kept once, and the returns share it. A result whose bytes came before, with any duration, is not decoded again: that halves
// the CPU time of `show --summary`.
import { decode, decodeRecord } from "../codec/decode.ts";
import { digest } from "../codec/digest.ts";
import { FieldScanner, skip } from "../codec/field-scan.ts";
import { asInteger, mapOf, type Value, type ValueMap } from "../codec/value.ts";
import { uint16 } from "../codec/value-at.ts";
import { isEventful, readReturnData, resultsIn } from "../model/return-data.ts";
import { RETURN_FIELDS, type Return, toReturn } from "../model/returns.ts";
import type { ReturnReader } from "./lookup.ts";
import { sweeper } from "./sweep.ts";

/** The results, and what each peel says of itself. */
const OWN_FIELDS = ["results", "v", "peel_id", "jid", "success"] as const;
const SHARED_FIELDS = ["test", "error"] as const;
const recordScan = new FieldScanner(["return_data"]);
const dataScan = new FieldScanner([...OWN_FIELDS, ...SHARED_FIELDS]);
const resultScan = new FieldScanner(["duration"]);
const DURATION_KEY_BYTES = 9;

/** Longer records are decoded whole: the limit of the memory that a value takes (undecodable.ts) is for all of it. */
const LONGEST = 256 << 10;
/** Bytes of results that are remembered. */
const KNOWN_BYTES = 16 << 20;

/** A value that returns share, such as a result without its duration. */
interface Part {
  readonly number: number;
  readonly value: Value;
}

/** Of each result of an answer. */
interface Results {
  readonly parts: Part[];
  readonly durations: (bigint | undefined)[];
}

interface Output {
  readonly error: string | undefined;
  readonly record: ValueMap;
}

/** Keeps only the output of each record. */
export class SharedReturns implements ReturnReader {
  readonly #outputs = new Map<string, Output>();
  readonly #parts = new Map<string, Part>();
  /** Parts of results by their bytes; null for a result that is left out. */
  readonly #known = new Map<string, Part | null>();
  #knownBytes = 0;
  readonly #sweep = sweeper("other");

  /**
   * @param options.changesOnly leave out results that changed nothing and did not fail
   * @param options.withoutTimes leave out the durations of results
   */
  constructor(readonly options: { readonly changesOnly?: boolean; readonly withoutTimes?: boolean } = {}) {}

  /** @throws Undecodable */
  read(peel: string, bytes: Uint8Array): Return {
    this.#sweep(bytes);
    return this.#readKnown(peel, bytes) ?? this.keep(peel, decodeRecord(bytes));
  }

  keep(peel: string, whole: ValueMap): Return {
    const returned = toReturn(peel, whole);
    const data = whole.get("return_data");
    const results = resultsIn(data);
    if (!(data instanceof Map) || !results) {
      const key = data === undefined ? "none" : `whole ${this.#part(data).number}`;
      return { ...returned, ...this.#output(returned, key, () => data) };
    }
    const rest = new Map([...data].filter(([name]) => !OWN_FIELDS.some((own) => own === name)));
    const kept: Results = { parts: [], durations: [] };
    for (const result of results) {
      const duration = result instanceof Map ? asInteger(result.get("duration")) : undefined;
      this.#add(kept, this.#partOf(result), duration);
    }
    return this.#shared(returned, rest, kept);
  }

  /** Undefined for a record in a form that peels do not write. */
  #readKnown(peel: string, bytes: Uint8Array): Return | undefined {
    if (bytes.length > LONGEST || !recordScan.scan(bytes)) return undefined;
    const [from = -1] = recordScan.starts;
    const data = bytes.subarray(from, recordScan.ends[0]);
    if (from < 0 || !dataScan.scan(data)) return undefined;
    const { starts, ends } = dataScan;
    const fields = starts.reduce((sum, start) => sum + Number(start >= 0), 0);
    // Another field, or a repeated one, would make more.
    if (data[0] !== (0x80 | fields)) return undefined;
    const rest: ValueMap = new Map();
    for (const [i, name] of SHARED_FIELDS.entries()) {
      const start = starts[OWN_FIELDS.length + i] as number;
      if (start >= 0) rest.set(name, decode(data.subarray(start, ends[OWN_FIELDS.length + i])));
    }
    const list = starts[0] as number;
    const type = data[list] ?? 0;
    const isShort = type >= 0x90 && type <= 0x9f;
    if (!isShort && type !== 0xdc) return undefined;
    const kept: Results = { parts: [], durations: [] };
    let at = list + (isShort ? 1 : 3);
    for (let left = isShort ? type & 0x0f : uint16(data, list + 1); left > 0; left--) {
      const end = skip(data, at, 0);
      const result = Buffer.from(data.buffer, data.byteOffset + at, end - at);
      if (!resultScan.scan(result)) return undefined;
      const [start = -1] = resultScan.starts;
      const [after = -1] = resultScan.ends;
      const part = this.#partIn(result, start, after);
      const isTimed = start >= 0 && !this.options.withoutTimes;
      this.#add(kept, part, isTimed ? asInteger(decode(result.subarray(start, after))) : undefined);
      at = end;
    }
    return this.#shared(toReturn(peel, decodeRecord(bytes, RETURN_FIELDS)), rest, kept);
  }

  /** @param start of the duration; below 0 without one */
  #partIn(result: Buffer, start: number, after: number): Part | null {
    const text = (from: number, to?: number) => result.toString("latin1", from, to);
    const key = start < 0 ? text(0) : text(0, start - DURATION_KEY_BYTES) + text(after);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const part = this.#partOf(decode(result));
    this.#knownBytes += key.length;
    if (this.#knownBytes <= KNOWN_BYTES) this.#known.set(key, part);
    return part;
  }

  #partOf(result: Value): Part | null {
    if (this.options.changesOnly && !isEventful(result)) return null;
    const isTimed = result instanceof Map && result.has("duration");
    return this.#part(isTimed ? new Map([...result].filter(([name]) => name !== "duration")) : result);
  }

  #part(value: Value): Part {
    const key = digest(value);
    const part = this.#parts.get(key) ?? { number: this.#parts.size, value };
    this.#parts.set(key, part);
    return part;
  }

  #add({ parts, durations }: Results, part: Part | null, duration: bigint | undefined): void {
    if (!part) return;
    parts.push(part);
    if (!this.options.withoutTimes) durations.push(duration);
  }

  #shared(returned: Return, rest: ValueMap, results: Results): Return {
    const { parts } = results;
    const numbers = parts.map(({ number }) => number).sort((a, b) => a - b);
    const key = `${rest.size > 0 ? this.#part(rest).number : ""}|${numbers}`;
    const values = () => parts.map(({ value }) => value);
    const output = this.#output(returned, key, () => new Map(rest).set("results", values()));
    if (this.options.withoutTimes) return { ...returned, ...output };
    return {
      ...returned,
      ...output,
      get resultTimes() {
        return timesOf(output, results);
      },
    };
  }

  #output({ error }: Return, key: string, data: () => Value | undefined): Output {
    const full = `${key}|${error === undefined ? "ok" : `error ${error}`}`;
    const output = this.#outputs.get(full) ?? { error, record: mapOf([["return_data", data()]]) };
    this.#outputs.set(full, output);
    return output;
  }
}

/** In the order in which results are shown. */
function timesOf({ error, record }: Output, { parts, durations }: Results) {
  const results = parts.map(({ value }, i) => {
    const duration = durations[i];
    return value instanceof Map && duration !== undefined ? new Map(value).set("duration", duration) : value;
  });
  const data = new Map(record.get("return_data") as ValueMap).set("results", results);
  return readReturnData(data, error)?.results.map(({ duration }) => duration);
}
