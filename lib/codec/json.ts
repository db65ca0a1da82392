// Values as JSON. Own code because JSON.stringify knows no 64-bit integers, no stored order of numeric keys, and no
// layout that keeps short arrays on a line.
import { escapeUnsafe, width } from "../text.ts";
import { Extension, NumberText, Timestamp, type Value } from "./value.ts";

const LINE = 100;
/** Columns that values are indented at most, or a long list in 400 others is a thousand times its size in spaces. */
const INDENTED_COLUMNS = 40;

/** Text that JSON writes as it is; nearly all is, so this is looked at first. */
const VERBATIM = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

export function quote(text: string): string {
  if (VERBATIM.test(text)) return `"${text}"`;
  return escapeUnsafe(JSON.stringify(text.toWellFormed()));
}

/** A number as JSON; the sign of a negative zero needs the form of a float, or a reader drops it. */
function numeral(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? "-0.0" : String(value);
}

/** Scalars: integers with every digit, times as RFC 3339, bytes as base64, NaN and infinities as text. */
export function scalar(value: Value): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number") return numeral(value);
  if (value === null || typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (value instanceof NumberText) return value.text;
  if (value instanceof Timestamp) return `"${value}"`;
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString("base64")}"`;
  if (value instanceof Extension)
    return `{"ext": ${value.type}, "data": "${Buffer.from(value.data).toString("base64")}"}`;
  throw new TypeError("not a scalar");
}

const isContainer = (value: Value) => Array.isArray(value) || value instanceof Map;

/** List items in lines of at most `columns`. */
function filled(items: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const item of items) {
    const line = lines.at(-1);
    if (line === undefined || width(line) + 1 + width(item) > columns) lines.push(item);
    else lines[lines.length - 1] = `${line} ${item}`;
  }
  return lines;
}

/**
 * `value` as JSON with two-space indent. An array of scalars stands on one line when that line fits in 100 columns, and
 * what is nested deeper than 20 levels does in any case.
 * @param indent columns before the value's closing bracket
 * @param before columns that stand on the value's first line before it
 * @param after columns that follow it on its line (a comma)
 * @param fill columns that a longer array of scalars fills; 0: each element has its own line
 */
export function toJson(value: Value, indent = 0, before = 0, after = 0, fill = 0): string {
  if (indent >= INDENTED_COLUMNS && isContainer(value)) return toJsonLine(value);
  const pad = " ".repeat(indent + 2);
  const end = `\n${" ".repeat(indent)}`;
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    const isFlat = !value.some(isContainer);
    // Each element takes at least three columns, so a long array needs no attempt.
    if (value.length * 3 <= LINE && isFlat) {
      const line = `[${value.map(scalar).join(", ")}]`;
      if (before + width(line) + after <= LINE) return line;
    }
    const last = value.length - 1;
    const comma = (i: number) => (i < last ? "," : "");
    const items = value.map((item, i) => toJson(item, indent + 2, indent + 2, comma(i).length, fill) + comma(i));
    const lines = isFlat && fill > 0 ? filled(items, fill - pad.length) : items;
    return `[\n${lines.map((line) => pad + line).join("\n")}${end}]`;
  }
  if (value instanceof Map) {
    if (value.size === 0) return "{}";
    const lines: string[] = [];
    for (const [key, item] of value) {
      const name = `${pad}${quote(key)}: `;
      lines.push(name + toJson(item, indent + 2, width(name), lines.length < value.size - 1 ? 1 : 0, fill));
    }
    return `{\n${lines.join(",\n")}${end}}`;
  }
  return scalar(value);
}

export function toJsonLine(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(toJsonLine).join(",")}]`;
  if (value instanceof Map)
    return `{${Array.from(value, ([key, item]) => `${quote(key)}:${toJsonLine(item)}`).join(",")}}`;
  return scalar(value);
}
