// Distinct MessagePack values by number, each kept once as bytes: jobs share few functions, targets and states.
import { ByteSet } from "./byte-set.ts";
import { decode, ifDecodable } from "./decode.ts";
import type { Value } from "./value.ts";

/** Decoded values that are kept. */
const CACHED = 4096;

export class ValueSet<T> {
  readonly #values = new ByteSet();
  /** Numbers of values that cannot be decoded. */
  readonly #broken = new Set<number>();
  readonly #decoded = new Map<number, T>();

  constructor(readonly convert: (value: Value) => T) {}

  /** The number of the value in `bytes[from..to)`; -1 if it cannot be decoded. */
  add(bytes: Uint8Array, from: number, to: number): number {
    const before = this.#values.size;
    const id = this.#values.add(bytes, from, to);
    if (id === before)
      ifDecodable(
        () => decode(this.#values.at(id)),
        () => this.#broken.add(id),
      );
    return this.#broken.size > 0 && this.#broken.has(id) ? -1 : id;
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
