// Distinct MessagePack values by number, each kept once as its bytes: a fleet's jobs share few functions, targets and states.
import { ByteSet } from "./byte-set.ts";
import { decode, Undecodable } from "./decode.ts";
import { isAsciiText } from "./field-scan.ts";
import type { Value } from "./value.ts";

/** Bytes of a value up to which it takes little memory, even as a list of the shortest texts. */
const LONG_BYTES = 1 << 20;
/** How many decoded values are kept for the next one who asks for the same. */
const CACHED = 4096;

/** True for ASCII text, or a list of such, that can be decoded on its own. */
function isOrdinary(bytes: Uint8Array): boolean {
  if (!isAsciiText(bytes)) return false;
  if (bytes.length < LONG_BYTES) return true;
  try {
    decode(bytes);
    return true;
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return false;
  }
}

export class ValueSet<T> {
  readonly #values = new ByteSet();
  /** The numbers of those that are not ordinary. */
  readonly #foreign = new Set<number>();
  readonly #decoded = new Map<number, T>();

  constructor(readonly convert: (value: Value) => T) {}

  /**
   * The number of the value in `bytes[from..to)`; -1 for one that is left to the decoder of whole records: a list that holds
   * more than text, text beyond ASCII, and what takes more memory than a value may.
   */
  add(bytes: Uint8Array, from: number, to: number): number {
    const before = this.#values.size;
    const id = this.#values.add(bytes, from, to);
    if (id === before && !isOrdinary(this.#values.at(id))) this.#foreign.add(id);
    return this.#foreign.size > 0 && this.#foreign.has(id) ? -1 : id;
  }

  /** The value of that number: the same object for each call, as a rule. */
  get(id: number): T {
    const known = this.#decoded.get(id);
    if (known !== undefined) return known;
    if (this.#decoded.size >= CACHED) this.#decoded.clear();
    const value = this.convert(decode(this.#values.at(id)));
    this.#decoded.set(id, value);
    return value;
  }
}
