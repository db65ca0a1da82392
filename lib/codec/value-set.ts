// Distinct MessagePack values by number, each kept once as bytes: jobs share few functions, targets and states.
import { ByteSet } from "./byte-set.ts";
import { decode, ifDecodable } from "./decode.ts";
import { isAsciiText } from "./field-scan.ts";
import type { Value } from "./value.ts";

/** A smaller value takes little memory, even as a list of the shortest texts. */
const LONG_BYTES = 1 << 20;
/** Decoded values that are kept. */
const CACHED = 4096;

/** True for ASCII text, or a list of it, that can be decoded. */
function isOrdinary(bytes: Uint8Array): boolean {
  if (!isAsciiText(bytes)) return false;
  return (
    bytes.length < LONG_BYTES ||
    ifDecodable(
      () => decode(bytes),
      () => undefined,
    ) !== undefined
  );
}

export class ValueSet<T> {
  readonly #values = new ByteSet();
  /** Numbers of values that are not ordinary. */
  readonly #foreign = new Set<number>();
  readonly #decoded = new Map<number, T>();

  constructor(readonly convert: (value: Value) => T) {}

  /** The number of the value in `bytes[from..to)`; -1 for one that is not ordinary. */
  add(bytes: Uint8Array, from: number, to: number): number {
    const before = this.#values.size;
    const id = this.#values.add(bytes, from, to);
    if (id === before && !isOrdinary(this.#values.at(id))) this.#foreign.add(id);
    return this.#foreign.size > 0 && this.#foreign.has(id) ? -1 : id;
  }

  /** Mostly the same object for each call. */
  get(id: number): T {
    const known = this.#decoded.get(id);
    if (known !== undefined) return known;
    if (this.#decoded.size >= CACHED) this.#decoded.clear();
    const value = this.convert(decode(this.#values.at(id)));
    this.#decoded.set(id, value);
    return value;
  }
}
