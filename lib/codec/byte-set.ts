// Byte strings by number, each distinct one once, in one growing array. A million JIDs take 150 bytes each as strings in a Map,
// and time of the garbage collector; here they take their length and 12 bytes.

/** The array, or a copy with at least `size` places. */
export function grown<T extends Int32Array | Uint32Array | Uint8Array | BigInt64Array | Float64Array>(
  array: T,
  size: number,
): T {
  if (size <= array.length) return array;
  const larger = new (array.constructor as new (n: number) => T)(Math.max(size, Math.ceil(array.length * 1.5)));
  larger.set(array as never);
  return larger;
}

export class ByteSet {
  #bytes = new Uint8Array(1 << 14);
  #texts = Buffer.from(this.#bytes.buffer);
  #starts = new Int32Array(1 << 10);
  /**
   * Open addressing, at most half full. The lower bits of a slot are the number of an entry + 1, 0 for a free slot; the upper
   * bits are those of its hash: with a million entries, each comparison of bytes is slow.
   */
  #slots = new Int32Array(1 << 11);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @param length bytes of an entry, about */
  reserve(entries: number, length: number): void {
    this.#starts = grown(this.#starts, entries + 1);
    this.#setBytes(grown(this.#bytes, entries * length));
    let slots = this.#slots.length;
    while (slots < entries * 2) slots *= 2;
    if (slots > this.#slots.length) this.#rehash(slots);
  }

  /** The number of `bytes[from..to)`; the next one, from 0 on, for a new entry. */
  add(bytes: Uint8Array, from: number, to: number): number {
    const hash = hashOf(bytes, from, to);
    const at = this.#slotOf(hash, bytes, from, to);
    const entry = this.#entryIn(at);
    return entry < 0 ? this.#append(at, hash, bytes, from, to) : entry;
  }

  /** The number of `bytes[from..to)`; -1 without such an entry. */
  find(bytes: Uint8Array, from = 0, to = bytes.length): number {
    return this.#entryIn(this.#slotOf(hashOf(bytes, from, to), bytes, from, to));
  }

  /** The slot of these bytes, or the free one for them. */
  #slotOf(hash: number, bytes: Uint8Array, from: number, to: number): number {
    const mask = this.#slots.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = this.#slots[at] as number;
      const entry = (slot & mask) - 1;
      if (entry < 0 || (((slot ^ hash) & ~mask) === 0 && this.isAt(entry, bytes, from, to))) return at;
    }
  }

  #entryIn(slot: number): number {
    return ((this.#slots[slot] as number) & (this.#slots.length - 1)) - 1;
  }

  /** A view that is valid until the next `add`. */
  at(n: number): Uint8Array {
    return this.#bytes.subarray(this.#starts[n], this.#starts[n + 1]);
  }

  text(n: number): string {
    return this.#texts.toString("utf8", this.#starts[n], this.#starts[n + 1]);
  }

  isAt(n: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = this.#starts[n] as number;
    if ((this.#starts[n + 1] as number) - start !== to - from) return false;
    const own = this.#bytes;
    for (let i = from, j = start; i < to; i++, j++) if (bytes[i] !== own[j]) return false;
    return true;
  }

  #append(slot: number, hash: number, bytes: Uint8Array, from: number, to: number): number {
    const n = this.#size++;
    const start = this.#starts[n] as number;
    const end = start + to - from;
    if (end > this.#bytes.length) this.#setBytes(grown(this.#bytes, end));
    const own = this.#bytes;
    for (let i = from, j = start; i < to; i++, j++) own[j] = bytes[i] as number;
    this.#starts = grown(this.#starts, n + 2);
    this.#starts[n + 1] = end;
    this.#slots[slot] = (hash & ~(this.#slots.length - 1)) | (n + 1);
    if (this.#size * 2 > this.#slots.length) this.#rehash(this.#slots.length * 2);
    return n;
  }

  #setBytes(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#texts = Buffer.from(bytes.buffer);
  }

  /** @param size a power of two */
  #rehash(size: number): void {
    const mask = size - 1;
    const slots = new Int32Array(mask + 1);
    for (let n = 0; n < this.#size; n++) {
      const hash = hashOf(this.#bytes, this.#starts[n] as number, this.#starts[n + 1] as number);
      let slot = hash & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = (hash & ~mask) | (n + 1);
    }
    this.#slots = slots;
  }
}

export function beginsWith(bytes: Uint8Array, from: number, start: Uint8Array): boolean {
  for (let i = 0; i < start.length; i++) if (bytes[from + i] !== start[i]) return false;
  return true;
}

/** FNV-1a, 32 bits, with the upper bits folded into the lower ones. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return hash ^ (hash >>> 15);
}
