// Rules of both readers: the memory that a value takes is bounded, since anyone can store one; and no entry of a map is lost.
import type { Value, ValueMap } from "./value.ts";

/** The message gives the reason. */
export class Undecodable extends Error {}

/** What `read` returns, or `otherwise` for bytes that cannot be decoded. */
export function ifDecodable<T, U>(read: () => T, otherwise: (reason: string) => U): T | U {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return otherwise(error.message);
  }
}

const MAX_DEPTH = 500;
/** A decoded value can take this many times its bytes; any value can take ALWAYS. */
const GROWTH = 20;
const ALWAYS = 64 << 20;

/** Measured bytes of memory of decoded values, with their garbage. */
export const COST = { scalar: 16, wide: 72, text: 72, foreign: 48, bytes: 190, time: 140, list: 96, map: 80 } as const;
const MAP_COST = { small: 240, grown: 600, entry: 100, repeated: 60 } as const;
const ROOM = 4;

/** Counts the memory and the depth of one value before it is made. */
export class Allowance {
  #left: number;

  /** @param size in bytes, encoded */
  constructor(size: number) {
    this.#left = Math.max(ALWAYS, size * GROWTH);
  }

  /** @throws Undecodable for too much memory */
  spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw new Undecodable(`it would take more than ${GROWTH} times its size in memory`);
  }

  /** For a list or a map. @param depth number of lists and maps around it @throws Undecodable when it is too deep */
  open(depth: number, cost: number): void {
    if (depth >= MAX_DEPTH) throw new Undecodable(`nested deeper than ${MAX_DEPTH} levels`);
    this.spend(cost);
  }

  /** @param before number of entries that the map has */
  entry(before: number): void {
    if (before === 0) this.spend(MAP_COST.small);
    else if (before >= ROOM) this.spend(before === ROOM ? MAP_COST.grown : MAP_COST.entry);
  }
}

const mapsWithRepeats = new WeakSet<ValueMap>();

/** True for a decoded map with a repeated key: `Entries` made up names for some keys. */
export const hasRepeatedKeys = (map: ValueMap): boolean => mapsWithRepeats.has(map);

/** One map. Keys may repeat, and 1 and "1" are the same text: the last one keeps its key, those before are `key (1)`, … */
export class Entries {
  #map: ValueMap = new Map();
  /** All of them in order, since a key was repeated. */
  #all: [string, Value][] | undefined;

  constructor(readonly allowance: Allowance) {}

  add(key: string, value: Value): void {
    if (!this.#all && this.#map.has(key)) {
      this.#all = [...this.#map];
      this.allowance.spend(MAP_COST.repeated * this.#all.length);
    }
    if (this.#all) {
      this.allowance.spend(MAP_COST.repeated);
      this.#all.push([key, value]);
    } else this.#map.set(key, value);
  }

  map(): ValueMap {
    if (!this.#all) return this.#map;
    const lastAt = new Map(this.#all.map(([key], i) => [key, i]));
    const numbers = new Map<string, number>();
    const free = (key: string) => {
      let name: string;
      do {
        const number = (numbers.get(key) ?? 0) + 1;
        numbers.set(key, number);
        name = `${key} (${number})`;
      } while (lastAt.has(name));
      return name;
    };
    const map: ValueMap = new Map(this.#all.map(([key, value], i) => [lastAt.get(key) === i ? key : free(key), value]));
    mapsWithRepeats.add(map);
    return map;
  }
}
