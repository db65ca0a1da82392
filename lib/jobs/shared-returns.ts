// Returns in little memory: of equal outputs the first one is kept, and stands in the others as well.
import { decodeRecord } from "../codec/decode.ts";
import type { Value, ValueMap } from "../codec/value.ts";
import { outputDigest } from "../model/output-groups.ts";
import { onlyChanges, readReturnData } from "../model/return-data.ts";
import { type Return, STORY_FIELDS, toReturn } from "../model/returns.ts";
import type { ReturnReader } from "./lookup.ts";

/** What is kept of the returns beside their outputs, and which results of these. */
export interface Keeping {
  /** Results that changed nothing and did not fail are left out. */
  readonly changesOnly?: boolean;
  /** How long each result took is not asked for. */
  readonly withoutTimes?: boolean;
}

/** Reads returns as they arrive, each output once. */
export class SharedReturns implements ReturnReader {
  readonly #outputs = new Map<string, { readonly error: Value | undefined; readonly data: Value | undefined }>();
  /** The last return of each peel: most come twice, from the bucket and in an event. */
  readonly #last = new Map<string, { readonly hash: string; readonly returned: Return }>();

  constructor(readonly keeping: Keeping = {}) {}

  /** @throws Undecodable */
  read(peel: string, bytes: Uint8Array): Return {
    const hash = Bun.CryptoHasher.hash("sha256", bytes, "base64");
    const last = this.#last.get(peel);
    if (last?.hash === hash) return last.returned;
    const returned = this.keep(peel, decodeRecord(bytes));
    this.#last.set(peel, { hash, returned });
    return returned;
  }

  keep(peel: string, record: ValueMap): Return {
    const { changesOnly, withoutTimes } = this.keeping;
    const { error } = toReturn(peel, record);
    const whole = record.get("return_data");
    const data = changesOnly ? onlyChanges(whole) : whole;
    const answer = readReturnData(data, error);
    const key = outputDigest(error, data, answer);
    const output = this.#outputs.get(key) ?? { error: record.get("error"), data };
    this.#outputs.set(key, output);
    const kept: ValueMap = new Map();
    for (const name of STORY_FIELDS) {
      const value = name === "error" ? output.error : record.get(name);
      if (value !== undefined) kept.set(name, value);
    }
    if (output.data !== undefined) kept.set("return_data", output.data);
    const returned = toReturn(peel, kept);
    return answer && !withoutTimes
      ? { ...returned, resultTimes: answer.results.map(({ duration }) => duration) }
      : returned;
  }
}
