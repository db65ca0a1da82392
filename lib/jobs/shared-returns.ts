// Records of returns in little memory: of equal outputs the first one is kept, and stands in the others as well. Returns are
// told apart by their bytes first, without decoding them, since most of a job's are the same but for names and times.
import { decodeRecord } from "../codec/decode.ts";
import { Shapes } from "../codec/shapes.ts";
import type { Value, ValueMap } from "../codec/value.ts";
import { integer64 } from "../codec/value-at.ts";
import { onlyChanges } from "../model/answer.ts";
import { outputDigest, setOwnTimes, timesOf } from "../model/outputs.ts";
import { type Return, STORY_FIELDS, toReturn } from "../model/returns.ts";
import type { RecordReader } from "./lookup.ts";
import { type Form, FormReader, numberAt } from "./return-form.ts";

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

/** A record of which others are known to be copies, but for names and times. */
interface Pattern {
  readonly form: Form;
  readonly output: Output;
  /** What it says that is the same in all of them: without its peel and its duration, where these may differ. */
  readonly returned: Return;
}

/** What is kept of the returns beside their outputs, and which results of these. */
export interface Keeping {
  /** Results that changed nothing and did not fail are left out. */
  readonly changesOnly?: boolean;
  /** How long each result took is not asked for. */
  readonly withoutTimes?: boolean;
}

/** The text at this place; `likely` is what it mostly is. */
function textAt(bytes: Uint8Array, start: number, end: number, likely: string | undefined): string {
  if (likely?.length === end - start) {
    let i = 0;
    while (i < likely.length && bytes[start + i] === likely.charCodeAt(i) && likely.charCodeAt(i) < 0x80) i++;
    if (i === likely.length) return likely;
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
}

/** Reads the records of returns as they arrive, each output once. */
export class SharedReturns implements RecordReader {
  readonly #byDigest = new Map<string, Known>();
  readonly #byBytes = new Map<string, Output>();
  readonly #patterns = new Shapes<Pattern>();
  readonly #forms = new FormReader();
  /** By peel: a return comes twice, from the bucket and in an event. */
  readonly #times = new Map<Value | undefined, Float64Array>();

  constructor(readonly keeping: Keeping = {}) {}

  /** @throws Undecodable */
  decode(bytes: Uint8Array, peel?: string): ValueMap {
    const pattern = this.#patterns.find(bytes);
    if (pattern) return this.#copyOf(pattern, bytes, peel);
    const form = this.#forms.read(bytes);
    const known = form && this.#byBytes.get(form.key);
    const record = known ? this.#forms.fields(bytes) : decodeRecord(bytes);
    const output = known ?? this.#output(record);
    const kept = this.#smaller(record, output, known ? (form as Form).times : timesOf(record));
    if (form) {
      this.#byBytes.set(form.key, output);
      const shared = new Map(kept);
      if (form.peelAt >= 0) shared.delete("peel_id");
      if (form.durationAt >= 0) shared.delete("duration");
      this.#patterns.add(bytes, form.holes, { form, output, returned: toReturn("", shared) });
    }
    return kept;
  }

  returnOf(peel: string, bytes: Uint8Array): Return | undefined {
    const pattern = this.keeping.withoutTimes ? this.#patterns.find(bytes) : undefined;
    if (!pattern) return undefined;
    const { durationAt } = pattern.form;
    const { record, ok, duration, error, unreachable } = pattern.returned;
    const own = durationAt < 0 ? duration : integer64(bytes, durationAt - 1);
    return { peel, record, ok, duration: own, error, unreachable };
  }

  keep(record: ValueMap): ValueMap {
    return this.#smaller(record, this.#output(record), timesOf(record));
  }

  /** A record that is a copy of another one but for its names and times. */
  #copyOf({ form, output, returned }: Pattern, bytes: Uint8Array, likely: string | undefined): ValueMap {
    const { peelAt, peelEnd, durationAt } = form;
    const kept = new Map(returned.record);
    if (peelAt >= 0) kept.set("peel_id", textAt(bytes, peelAt, peelEnd, likely));
    if (durationAt >= 0) kept.set("duration", integer64(bytes, durationAt - 1));
    if (this.keeping.withoutTimes) return kept;
    const times = form.times.slice();
    for (let i = 0; i < form.timesAt.length; i += 2)
      times[form.timesAt[i] as number] = numberAt(bytes, form.timesAt[i + 1] as number);
    return this.#timed(kept, output, times);
  }

  /** The output of a record: that of one that came before, where there is one. */
  #output(record: ValueMap): Output {
    const { error } = toReturn("", record);
    const whole = record.get("return_data");
    const { data, places } = this.keeping.changesOnly ? onlyChanges(whole) : { data: whole, places: undefined };
    const key = outputDigest(error, data);
    const known = this.#byDigest.get(key) ?? { error: record.get("error"), data };
    this.#byDigest.set(key, known);
    return { ...known, places };
  }

  /** The record with an output in place of its own. @param times how long all its own results took */
  #smaller(record: ValueMap, output: Output, times: Float64Array): ValueMap {
    const kept: ValueMap = new Map();
    for (const name of STORY_FIELDS) {
      const value = name === "error" ? output.error : record.get(name);
      if (value !== undefined) kept.set(name, value);
    }
    if (output.data !== undefined) kept.set("return_data", output.data);
    return this.keeping.withoutTimes ? kept : this.#timed(kept, output, times);
  }

  /** The record, with how long those of its results took that are kept. @param all how long all of them took */
  #timed(kept: ValueMap, { places }: Output, all: Float64Array): ValueMap {
    const times = places ? Float64Array.from(places, (place) => all[place] ?? Number.NaN) : all;
    const peel = kept.get("peel_id");
    const before = this.#times.get(peel);
    const same = before?.length === times.length && times.every((ns, i) => Object.is(ns, before[i]));
    if (!same) this.#times.set(peel, times);
    setOwnTimes(kept, same ? before : times);
    return kept;
  }
}
