// Returns in little memory: of equal outputs the first one is kept, and stands in the others as well.
import { decodeRecord } from "../codec/decode.ts";
import { mapOf, type ValueMap } from "../codec/value.ts";
import { contentDigest } from "../model/output-groups.ts";
import { onlyChanges, readReturnData } from "../model/return-data.ts";
import { type Return, toReturn } from "../model/returns.ts";
import type { ReturnReader } from "./lookup.ts";
import { EVERY_WHOLE, sweeper } from "./sweep.ts";

/** What is kept of the returns beside their outputs, and which results of these. */
export interface Keeping {
  /** Results that changed nothing and did not fail are left out. */
  readonly changesOnly?: boolean;
  /** How long each result took is not asked for. */
  readonly withoutTimes?: boolean;
}

/** An output as it is kept, in a record of its own. */
interface Output {
  readonly error: string | undefined;
  readonly record: ValueMap;
}

/** Reads returns as they arrive, each output once. Of their records nothing else is kept. */
export class SharedReturns implements ReturnReader {
  readonly #outputs = new Map<string, Output>();
  /** Returns that came once, by their bytes: most come twice, from the bucket and in an event. */
  readonly #once = new Map<string, Return>();
  readonly #sweep = sweeper(EVERY_WHOLE);

  constructor(readonly keeping: Keeping = {}) {}

  /** @throws Undecodable */
  read(peel: string, bytes: Uint8Array): Return {
    this.#sweep(bytes);
    const hash = Bun.CryptoHasher.hash("sha256", bytes, "base64");
    const known = this.#once.get(hash);
    if (known?.peel === peel) {
      this.#once.delete(hash);
      return known;
    }
    const returned = this.keep(peel, decodeRecord(bytes));
    this.#once.set(hash, returned);
    return returned;
  }

  keep(peel: string, whole: ValueMap): Return {
    const { changesOnly, withoutTimes } = this.keeping;
    const returned = toReturn(peel, whole);
    const all = whole.get("return_data");
    const data = changesOnly ? onlyChanges(all) : all;
    const key = contentDigest(returned.error, data);
    const output = this.#outputs.get(key) ?? { error: returned.error, record: mapOf([["return_data", data]]) };
    this.#outputs.set(key, output);
    if (withoutTimes) return { ...returned, ...output };
    const resultTimes = readReturnData(data, returned.error)?.results.map(({ duration }) => duration);
    return { ...returned, ...output, ...(resultTimes && { resultTimes }) };
  }
}
