// What every reader of stored values keeps to, whatever the format: who stores a value decides what it costs to read,
// so that is bounded, and no entry of it may be lost.
import type { Value, ValueMap } from "./value.ts";

/** A value that is neither MessagePack nor JSON, or too much of either; the message says why, for people. */
export class Undecodable extends Error {}

const MAX_DEPTH = 500;
/** A value may take so many times its own bytes, once decoded, and any value may take so much. */
const GROWTH = 20;
const ALWAYS = 64 << 20;

/** Bytes of memory that values take once decoded, what they leave behind for the collector included: all as measured. */
export const COST = { scalar: 16, wide: 72, text: 72, foreign: 48, bytes: 190, time: 140, list: 96 } as const;
const MAP_COST = { empty: 80, small: 240, grown: 600, entry: 100, repeated: 60 } as const;
const ROOM = 4;

/** Counts what one value takes, and how deep it is, before it is made. */
export class Allowance {
  #left: number;

  /** @param size of the encoded value, in bytes */
  constructor(size: number) {
    this.#left = Math.max(ALWAYS, size * GROWTH);
  }

  /** @throws Undecodable when the value takes more than it may */
  spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw new Undecodable(`it would take more than ${GROWTH} times its size in memory`);
  }

  /** Counts a list inside `depth` lists and maps. @throws Undecodable when that is too deep */
  list(depth: number): void {
    this.#open(depth, COST.list);
  }

  /** Counts a map inside `depth` lists and maps. @throws Undecodable when that is too deep */
  map(depth: number): void {
    this.#open(depth, MAP_COST.empty);
  }

  /** Counts the next entry of a map that has `before` entries. */
  entry(before: number): void {
    if (before === 0) this.spend(MAP_COST.small);
    else if (before >= ROOM) this.spend(before === ROOM ? MAP_COST.grown : MAP_COST.entry);
  }

  #open(depth: number, cost: number): void {
    if (depth >= MAX_DEPTH) throw new Undecodable(`nested deeper than ${MAX_DEPTH} levels`);
    this.spend(cost);
  }
}

/** Maps with a repeated key. */
const mapsWithRepeats = new WeakSet<ValueMap>();

/** True for a decoded map with a repeated key: some of its keys are names that were made up here. */
export const hasRepeatedKeys = (map: ValueMap): boolean => mapsWithRepeats.has(map);

/**
 * The entries of one map as they come. JSON and MessagePack let a key stand twice, and MessagePack's 1 and "1" are one
 * text. The last of them keeps the key, as in readers that keep but one; those before it are `key (1)`, `key (2)` …
 */
export class Entries {
  #map: ValueMap = new Map();
  /** All of them in order, once a key came again. */
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
