// Fields of the records of many jobs that a table shows beside its rows. Equal ones are kept once: most jobs repeat others.
import { ByteSet, grown } from "../codec/byte-set.ts";
import { decodeRecord } from "../codec/decode.ts";
import { FieldScanner } from "../codec/field-scan.ts";
import type { ValueMap } from "../codec/value.ts";

const KEPT_PARTS = 1024;
/** Heads of one byte in MessagePack, and the largest size that they can encode. */
const MAP = { head: 0x80, most: 15 } as const;
const TEXT = { head: 0xa0, most: 31 } as const;

export class RecordParts {
  readonly #keys: readonly Uint8Array[];
  readonly #scanner: FieldScanner;
  readonly #parts = new ByteSet();
  readonly #decoded = new Map<number, ValueMap>();
  /** The number of the part of each job, + 1; 0 for none. */
  #ids = new Int32Array();
  #buffer = new Uint8Array(1024);

  private constructor(fields: readonly string[]) {
    this.#scanner = new FieldScanner(fields);
    this.#keys = fields.map((name) => {
      const bytes = Buffer.from(name);
      return Uint8Array.from([TEXT.head | bytes.length, ...bytes]);
    });
  }

  /** Undefined for fields that need a decoded record. */
  static of(fields: readonly string[]): RecordParts | undefined {
    const isShort = (name: string) => name !== "" && Buffer.byteLength(name) <= TEXT.most;
    if (fields.length > MAP.most || !fields.every(isShort) || !FieldScanner.canFind(fields)) return undefined;
    return new RecordParts(fields);
  }

  /** Keeps the fields of job `n`; false when its record must be kept as a whole. */
  put(n: number, bytes: Uint8Array): boolean {
    if (n >= this.#ids.length) this.#ids = grown(this.#ids, Math.max(n + 1, 1024));
    this.#ids[n] = 0;
    if (!this.#scanner.scan(bytes)) return false;
    const { starts, ends } = this.#scanner;
    this.#buffer = grown(this.#buffer, bytes.length + 1);
    const part = this.#buffer;
    let at = 1;
    let count = 0;
    for (const [i, key] of this.#keys.entries()) {
      const start = starts[i] as number;
      if (start < 0) continue;
      part.set(key, at);
      part.set(bytes.subarray(start, ends[i]), at + key.length);
      at += key.length + (ends[i] as number) - start;
      count++;
    }
    part[0] = MAP.head | count;
    this.#ids[n] = this.#parts.add(part, 0, at) + 1;
    return true;
  }

  /** A record of these fields; undefined for a job that is not kept here. @throws Undecodable */
  get(n: number): ValueMap | undefined {
    const id = (this.#ids[n] ?? 0) - 1;
    if (id < 0) return undefined;
    const known = this.#decoded.get(id);
    if (known) return known;
    const record = decodeRecord(this.#parts.at(id));
    if (this.#decoded.size < KEPT_PARTS) this.#decoded.set(id, record);
    return record;
  }
}
