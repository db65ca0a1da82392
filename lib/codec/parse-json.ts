// JSON → Value. JSON.parse rounds integers, reorders numeric keys, drops repeated keys, and takes 100 times the bytes of a long
// `[[[…` before it fails.
import { Allowance, COST, Entries, Undecodable } from "./undecodable.ts";
import { NumberText, type Value, type ValueMap } from "./value.ts";

const JSON_NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORDS = [
  ["true", true],
  ["false", false],
  ["null", null],
] as const;
/** Integers with more digits than twice 64 bits stay text: conversion takes time. */
const WHOLE_NUMBER = /^-?\d{1,40}$/;

function exactNumber(text: string): Value {
  const number = Number(text);
  if (String(number) === text) return number;
  return WHOLE_NUMBER.test(text) && number !== 0 ? BigInt(text) : new NumberText(text);
}

class JsonReader {
  #at = 0;

  constructor(
    readonly text: string,
    readonly allowance: Allowance,
  ) {}

  whole(): Value {
    const value = this.#value(0);
    this.#space();
    return this.#at === this.text.length ? value : this.#unexpected();
  }

  #unexpected(): never {
    const rest = this.text.codePointAt(this.#at);
    const what = rest === undefined ? "it ends too early" : `unexpected ${JSON.stringify(String.fromCodePoint(rest))}`;
    throw new Undecodable(`begins like JSON, but is not: ${what}${rest === undefined ? "" : ` at ${this.#at}`}`);
  }

  #space(): void {
    for (;;) {
      const c = this.text.charCodeAt(this.#at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
      this.#at++;
    }
  }

  /** Skips `c` if it is next. */
  #next(c: string): boolean {
    this.#space();
    if (this.text[this.#at] !== c) return false;
    this.#at++;
    return true;
  }

  #value(depth: number): Value {
    if (this.#next("{")) return this.#object(depth);
    if (this.#next("[")) return this.#array(depth);
    if (this.text[this.#at] === '"') return this.#string();
    for (const [word, value] of WORDS) {
      if (!this.text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      this.allowance.spend(COST.scalar);
      return value;
    }
    JSON_NUMBER.lastIndex = this.#at;
    const number = JSON_NUMBER.exec(this.text)?.[0];
    if (number === undefined) return this.#unexpected();
    this.#at += number.length;
    const value = exactNumber(number);
    this.allowance.spend(typeof value === "number" ? COST.scalar : COST.wide + number.length);
    return value;
  }

  #array(depth: number): Value[] {
    this.allowance.open(depth, COST.list);
    const list: Value[] = [];
    if (this.#next("]")) return list;
    do list.push(this.#value(depth + 1));
    while (this.#next(","));
    return this.#next("]") ? list : this.#unexpected();
  }

  #object(depth: number): ValueMap {
    this.allowance.open(depth, COST.map);
    const entries = new Entries(this.allowance);
    if (this.#next("}")) return entries.map();
    let count = 0;
    do {
      this.#space();
      this.allowance.entry(count++);
      const key = this.#string();
      if (!this.#next(":")) this.#unexpected();
      entries.add(key, this.#value(depth + 1));
    } while (this.#next(","));
    return this.#next("}") ? entries.map() : this.#unexpected();
  }

  #string(): string {
    const text = this.text;
    const start = this.#at;
    if (text[start] !== '"') this.#unexpected();
    let escaped = false;
    for (this.#at++; ; this.#at++) {
      const c = text.charCodeAt(this.#at);
      if (c === 0x22) break;
      if (c === 0x5c) {
        escaped = true;
        this.#at++;
      } else if (!(c >= 0x20)) this.#unexpected(); // a control character, or the end
    }
    this.#at++;
    this.allowance.spend(COST.text + (this.#at - start));
    if (!escaped) return text.slice(start + 1, this.#at - 1);
    try {
      // An escape can be a lone surrogate, which readers of our output reject.
      return JSON.parse(text.slice(start, this.#at)).toWellFormed();
    } catch {
      this.#at = start;
      return this.#unexpected();
    }
  }
}

/** @throws Undecodable */
export function parseJson(bytes: Uint8Array): Value {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Undecodable("begins like JSON, but is not: it has bytes that are not UTF-8");
  }
  return new JsonReader(text, new Allowance(bytes.length)).whole();
}
