// Values that are the same bytes but for a few places, such as the returns of a job on many peels: told by comparing them,
// without looking at what they hold.

/** Values of one length that are remembered: a job has few outcomes. */
const ALIKE = 8;
/** All of them, and their bytes. */
const MOST = { values: 64, bytes: 4 << 20 } as const;

/** One value that others are compared with. */
interface Shape<T> {
  /** Its bytes, those in the holes as zeros. */
  readonly bytes: Buffer;
  /** Where each hole starts and ends, one after the other. */
  readonly holes: readonly number[];
  readonly about: T;
}

/** What is known of values by their bytes outside some holes. */
export class Shapes<T> {
  readonly #byLength = new Map<number, Shape<T>[]>();
  #values = 0;
  #bytes = 0;
  #copy = Buffer.alloc(0);

  /** What `add` was told of a value with the same bytes outside its holes; undefined for none. */
  find(bytes: Uint8Array): T | undefined {
    const alike = this.#byLength.get(bytes.length);
    if (!alike) return undefined;
    if (this.#copy.length < bytes.length) this.#copy = Buffer.alloc(2 * bytes.length);
    const copy = this.#copy;
    for (const { bytes: known, holes, about } of alike) {
      copy.set(bytes);
      empty(copy, holes);
      if (known.compare(copy, 0, bytes.length) === 0) return about;
    }
    return undefined;
  }

  /**
   * Remembers a value, and forgets others when they get too many.
   * @param holes where in it other values may have other bytes: the content of texts and numbers, but not what says of which
   *   type and how long they are, so that all else means the same
   */
  add(bytes: Uint8Array, holes: readonly number[], about: T): void {
    this.#values++;
    this.#bytes += bytes.length;
    if (this.#values > MOST.values || this.#bytes > MOST.bytes) {
      this.#byLength.clear();
      this.#values = 1;
      this.#bytes = bytes.length;
    }
    const shape = { bytes: Buffer.from(bytes), holes, about };
    empty(shape.bytes, holes);
    this.#byLength.set(bytes.length, [shape, ...(this.#byLength.get(bytes.length) ?? [])].slice(0, ALIKE));
  }
}

/** Writes zeros into holes. */
function empty(bytes: Uint8Array, holes: readonly number[]): void {
  for (let i = 0; i < holes.length; i += 2)
    for (let at = holes[i] as number, end = holes[i + 1] as number; at < end; at++) bytes[at] = 0;
}
