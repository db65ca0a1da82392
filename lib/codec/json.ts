// Values as JSON. JSON.stringify has no 64-bit integers, does not keep the order of numeric keys, and gives each element of a short
// array its own line.
import { escapeUnsafe, width } from "../text.ts";
import { Extension, NumberText, Timestamp, type Value } from "./value.ts";

const LINE = 100;
/** Most columns of indentation: a long list in 400 others would have a thousand times its size in spaces. */
const INDENTED_COLUMNS = 40;

/** Text without escapes in JSON: nearly all. */
const VERBATIM = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

export function quote(text: string): string {
  if (VERBATIM.test(text)) return `"${text}"`;
  return escapeUnsafe(JSON.stringify(text.toWellFormed()));
}

/** A reader keeps the sign of a negative zero only in the form of a float. */
function numeral(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? "-0.0" : String(value);
}

/** Integers with every digit, times as RFC 3339, bytes as base64, NaN and infinities as text. */
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
 * With an indent of two. An array of scalars is on one line if that fits in 100 columns; so is a value deeper than 20 levels.
 * @param indent columns before the closing bracket @param before and after: columns around the value on its first line
 * @param fill columns to fill with a longer array of scalars; 0 for a line per element
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
