// Returns in little memory: equal outputs are kept once and shared.
//
// Most peels of a job send the same output, except for the order and the durations of its results. So an answer is split into
// parts: its results without durations, and its other fields, except those about the peel. A part with known bytes is not
// decoded again. Equal parts have one number (maps have no order), and answers with the same parts share one output.
import { ByteSet } from "../codec/byte-set.ts";
import { decodeRecord } from "../codec/decode.ts";
import { digest } from "../codec/digest.ts";
import { BROKEN, FieldScanner, NO_FIELD, skip } from "../codec/field-scan.ts";
import { MessagePackReader } from "../codec/message-pack.ts";
import { asInteger, mapOf, type Value, type ValueMap } from "../codec/value.ts";
import { uint16 } from "../codec/value-at.ts";
import { isEventful, readReturnData, resultsIn } from "../model/return-data.ts";
import { RETURN_FIELDS, type Return, toReturn } from "../model/returns.ts";
import { sweeper } from "../sweep.ts";
import type { ReturnReader } from "./lookup.ts";

/** Which fields of the returns are kept beside their outputs, and which results of the outputs. */
interface Keeping {
  /** Results that changed nothing and did not fail are left out. */
  readonly changesOnly?: boolean;
  readonly withoutTimes?: boolean;
}

/** Fields of an answer about the peel itself, and the results. */
const OF_ITS_PEEL = ["v", "peel_id", "jid", "success", "results"] as const;
const RESULTS = OF_ITS_PEEL.indexOf("results");
const RETURN_DATA = RETURN_FIELDS.length;
const recordFields = new FieldScanner([...RETURN_FIELDS, "return_data"]);
const answerFields = new FieldScanner(OF_ITS_PEEL);
const resultFields = new FieldScanner(["duration"]);

/** Longer records are decoded whole: the limit of memory (undecodable.ts) is for a whole record. */
const LONGEST = 256 << 10;
/** Bytes of parts to keep for comparison. Further parts are decoded each time. */
const KNOWN_BYTES = 16 << 20;
/** In place of the number of a result that is left out. */
const LEFT_OUT = -1;

/** The parts of answers, each distinct one kept once. */
class Parts {
  readonly values: Value[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #ranges = new ByteSet();
  #rangeBytes = 0;
  readonly #known = new Map<number, number>();

  /** The number of a value. */
  of(value: Value): number {
    const key = digest(value);
    return this.#numbers.getOrInsertComputed(key, () => this.values.push(value) - 1);
  }

  /** The number of the part in `bytes[from..to)`, without `bytes[cut..on)`. @param read decodes a new part */
  at(bytes: Uint8Array, from: number, cut: number, on: number, to: number, read: () => number): number {
    const [before, after] = [this.#range(bytes, from, cut), this.#range(bytes, on, to)];
    if (before < 0 || after < 0) return read();
    const key = before * KNOWN_BYTES + after;
    return this.#known.getOrInsertComputed(key, read);
  }

  #range(bytes: Uint8Array, from: number, to: number): number {
    if (this.#rangeBytes + to - from > KNOWN_BYTES) return this.#ranges.find(bytes, from, to);
    const { size } = this.#ranges;
    const number = this.#ranges.add(bytes, from, to);
    if (number === size) this.#rangeBytes += to - from;
    return number;
  }
}

/** An answer as numbers of its parts. */
interface PeelAnswer {
  /** The whole answer, if it has no results. */
  readonly whole?: number;
  readonly rest: number[];
  readonly results: number[];
  /** Duration of each result; empty if not needed. */
  readonly times: (bigint | undefined)[];
}

/** A kept output, as a record with nothing else. */
interface Output {
  readonly error: string | undefined;
  readonly record: ValueMap;
}

/** Reads returns as they arrive, each distinct output once. Keeps nothing else of their records. */
export class SharedReturns implements ReturnReader {
  readonly #outputs = new Map<string, Output>();
  readonly #parts = new Parts();
  readonly #sweep = sweeper("other");
  /** Of the record being read. */
  #answer: PeelAnswer | undefined;

  constructor(readonly keeping: Keeping = {}) {}

  /** @throws Undecodable */
  read(peel: string, bytes: Uint8Array): Return {
    this.#sweep(bytes);
    const head = bytes.length <= LONGEST ? this.#scan(bytes) : undefined;
    return head ? this.#shared(toReturn(peel, head)) : this.keep(peel, decodeRecord(bytes));
  }

  keep(peel: string, whole: ValueMap): Return {
    const data = whole.get("return_data");
    const results = resultsIn(data);
    const isAnswer = data instanceof Map && results !== undefined;
    const fields = isAnswer ? [...data].filter(([name]) => !OF_ITS_PEEL.some((own) => own === name)) : [];
    const rest = fields.map((field) => this.#parts.of(field));
    const answer = { rest, results: [], times: [] };
    if (data === undefined) this.#answer = undefined;
    else this.#answer = isAnswer ? answer : { whole: this.#parts.of(data), ...answer };
    for (const result of results ?? [])
      this.#addResult(this.#numberOf(result), result instanceof Map ? result.get("duration") : undefined);
    return this.#shared(toReturn(peel, whole));
  }

  #numberOf(result: Value): number {
    if (this.keeping.changesOnly && !isEventful(result)) return LEFT_OUT;
    const isTimed = result instanceof Map && result.has("duration");
    return this.#parts.of(isTimed ? new Map([...result].filter(([name]) => name !== "duration")) : result);
  }

  #addResult(number: number, time: Value | undefined): void {
    if (number === LEFT_OUT || !this.#answer) return;
    this.#answer.results.push(number);
    if (!this.keeping.withoutTimes) this.#answer.times.push(asInteger(time));
  }

  /** Splits a record. @returns its fields except the answer; undefined for an unusual record */
  #scan(bytes: Uint8Array): ValueMap | undefined {
    const reader = new MessagePackReader(bytes);
    const head: ValueMap = new Map();
    this.#answer = undefined;
    for (let left = recordFields.open(bytes, 0); left !== 0; left--) {
      const field = left < 0 ? BROKEN : recordFields.key(bytes);
      if (field === BROKEN) return undefined;
      const at = recordFields.at;
      const end = field === RETURN_DATA ? this.#scanAnswer(bytes, at, reader) : skip(bytes, at, 1);
      if (end < 0) return undefined;
      const name = RETURN_FIELDS[field];
      if (name !== undefined) head.set(name, reader.read(at, end, 1));
      recordFields.at = end;
    }
    return recordFields.at === bytes.length ? head : undefined;
  }

  /** @returns the end of the answer at `at`; -1 when it is in another form */
  #scanAnswer(bytes: Uint8Array, at: number, reader: MessagePackReader): number {
    const rest: number[] = [];
    this.#answer = { rest, results: [], times: [] };
    let seen = 0;
    for (let left = answerFields.open(bytes, at); left !== 0; left--) {
      const key = answerFields.at;
      const field = left < 0 ? BROKEN : answerFields.key(bytes);
      const bit = field < 0 ? 0 : 1 << field;
      if (field === BROKEN || seen & bit) return -1; // a repeated key gets another name
      seen |= bit;
      const value = answerFields.at;
      const end = field === RESULTS ? this.#scanResults(bytes, value, reader) : skip(bytes, value, 2);
      if (end < 0) return -1;
      if (field === NO_FIELD) {
        const read = () => this.#parts.of([reader.read(key, value, 2), reader.read(value, end, 2)]);
        rest.push(this.#parts.at(bytes, key, end, end, end, read));
      }
      answerFields.at = end;
    }
    return seen & (1 << RESULTS) ? answerFields.at : -1;
  }

  /** @returns the end of the results at `at`; -1 when they are in another form */
  #scanResults(bytes: Uint8Array, at: number, reader: MessagePackReader): number {
    const type = bytes[at] as number;
    if (type === 0xc0) return at + 1; // nothing was run
    const isShort = type >= 0x90 && type <= 0x9f;
    if (!isShort && type !== 0xdc) return -1;
    let next = isShort ? at + 1 : at + 3;
    for (let left = isShort ? type & 0x0f : uint16(bytes, at + 1); left > 0 && next >= 0; left--)
      next = this.#scanResult(bytes, next, reader);
    return next;
  }

  #scanResult(bytes: Uint8Array, from: number, reader: MessagePackReader): number {
    let [cut, time, on] = [-1, -1, -1];
    for (let left = resultFields.open(bytes, from); left !== 0; left--) {
      const key = resultFields.at;
      const field = left < 0 ? BROKEN : resultFields.key(bytes);
      if (field === BROKEN) return -1;
      const end = skip(bytes, resultFields.at, 4);
      if (end < 0 || (field >= 0 && cut >= 0)) return -1;
      if (field >= 0) [cut, time, on] = [key, resultFields.at, end];
      resultFields.at = end;
    }
    const to = resultFields.at;
    const read = () => this.#numberOf(reader.read(from, to, 3));
    const number = this.#parts.at(bytes, from, cut < 0 ? to : cut, cut < 0 ? to : on, to, read);
    const isTimed = cut >= 0 && !this.keeping.withoutTimes;
    this.#addResult(number, isTimed ? reader.read(time, on, 4) : undefined);
    return to;
  }

  /** A return with the output that it shares. */
  #shared(returned: Return): Return {
    const answer = this.#answer;
    const { error } = returned;
    const inOrder = (numbers: readonly number[] = []) =>
      numbers.length > 1 ? numbers.toSorted((a, b) => a - b) : numbers;
    const parts = answer && `${answer.whole ?? ""}|${inOrder(answer.rest)}|${inOrder(answer.results)}`;
    const key = `${parts}|${error === undefined ? "ok" : `error ${error}`}`;
    const make = () => ({ error, record: recordOf(answer, this.#parts.values) });
    const output = this.#outputs.getOrInsertComputed(key, make);
    if (this.keeping.withoutTimes || !answer || answer.whole !== undefined) return { ...returned, ...output };
    const { values } = this.#parts;
    return {
      ...returned,
      ...output,
      get resultTimes() {
        return durationsOf(answer, values, output);
      },
    };
  }
}

/** A record of an answer alone. */
function recordOf(answer: PeelAnswer | undefined, values: readonly Value[]): ValueMap {
  if (!answer) return new Map();
  const { whole, rest, results } = answer;
  if (whole !== undefined) return mapOf({ return_data: values[whole] });
  const data: ValueMap = new Map(rest.map((number) => values[number] as [string, Value]));
  data.set(
    "results",
    results.map((number) => values[number] as Value),
  );
  return new Map([["return_data", data]]);
}

/** The durations of the results of an answer, in the order of display. */
function durationsOf({ results, times }: PeelAnswer, values: readonly Value[], { record, error }: Output) {
  const timed = results.map((number, i) => {
    const [result, time] = [values[number] as Value, times[i]];
    return result instanceof Map && time !== undefined ? new Map(result).set("duration", time) : result;
  });
  const data = new Map(record.get("return_data") as ValueMap).set("results", timed);
  return readReturnData(data, error)?.results.map(({ duration }) => duration);
}
