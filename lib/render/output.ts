// `show --output`: what each peel's functions printed and changed, as people read it. Pure.

import { toJson } from "../codec/json.ts";
import { asInteger, asText, type Value, type ValueMap } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import { displayPeel } from "../model/peel.ts";
import type { Peel } from "../model/returns.ts";
import { plural, safe } from "../text.ts";
import { paint, paintState } from "./colors.ts";

const TAB = 8;

/** Lines of a text, each safe for a terminal: line ends stay line ends, tabs become spaces, all else is shown escaped. */
function linesOf(text: string): string[] {
  const lines = text.replace(/\r\n/g, "\n").replace(/\n+$/, "").split("\n");
  return lines.map((line) => {
    let out = "";
    for (const [i, part] of line.split("\t").entries())
      out += (i === 0 ? "" : " ".repeat(TAB - (out.length % TAB))) + safe(part);
    return out;
  });
}

function paintDiff(line: string): string {
  return line.startsWith("+") ? paint("green", line) : line.startsWith("-") ? paint("red", line) : line;
}

/** A named value under a result: text as its lines, anything else as JSON. */
function block(name: string, value: Value, color: boolean): string {
  const text = typeof value === "string" ? value : toJson(value);
  if (text === "" || text === "{}" || text === "[]" || value === null) return "";
  const lines = linesOf(text).map((line) => (color && name === "diff" ? paintDiff(line) : line));
  return `    ${safe(name)}:\n${lines.map((line) => (line === "" ? "\n" : `      ${line}\n`)).join("")}`;
}

/** One result: its name, what became of it, how long it took; then all that it holds beside that. */
function resultText(result: ValueMap, color: boolean): string {
  const error = asText(result.get("error"));
  const skipped = result.get("skipped");
  const isSkipped = skipped !== undefined && skipped !== null && skipped !== false && skipped !== "";
  const word = error
    ? "failed"
    : isSkipped
      ? "skipped"
      : result.get("changed") === true
        ? "changed"
        : "unchanged";
  const duration = asInteger(result.get("duration"));
  const head = [
    safe(asText(result.get("name")) ?? "-"),
    paintState(word, color)?.(word) ?? word,
    duration === undefined ? "" : formatDuration(duration),
    isSkipped && typeof skipped === "string" ? safe(skipped) : "",
  ];
  let out = `  ${head.filter(Boolean).join("  ")}\n`;
  if (error) out += block("error", error, color);
  const details = result.get("details");
  if (details instanceof Map) for (const [name, value] of details) out += block(name, value, color);
  else if (details !== undefined) out += block("details", details, color);
  for (const [name, value] of result)
    if (!["name", "changed", "duration", "error", "skipped", "details"].includes(name))
      out += block(name, value, color);
  return out;
}

/** The results of one return; data of another shape is shown as it is. */
function dataText(data: Value | undefined, color: boolean): string {
  if (data === undefined || data === null) return "";
  const results = data instanceof Map ? data.get("results") : undefined;
  if (!(data instanceof Map) || !Array.isArray(results)) return block("data", data, color);
  let out = "";
  for (const result of results)
    out += result instanceof Map ? resultText(result, color) : block("result", result, color);
  for (const [name, value] of data)
    if (name !== "results" && name !== "success") out += block(name, value, color);
  return out;
}

/** How many results a return has, and how many of them changed something. */
function tally(data: Value | undefined): string {
  const results = data instanceof Map ? data.get("results") : undefined;
  if (!Array.isArray(results) || results.length < 2) return "";
  const changed = results.filter((result) => result instanceof Map && result.get("changed") === true);
  return `${plural(results.length, "result")}, ${changed.length} changed`;
}

/** Peel after peel, with an empty line in between. */
export function* renderOutput(peels: readonly Peel[], color: boolean): Generator<string> {
  for (const [i, { peel, state, returned }] of peels.entries()) {
    const duration = returned?.duration;
    const data = returned?.record.get("return_data");
    const head = [
      safe(displayPeel(peel)),
      paintState(state, color)?.(state) ?? state,
      duration === undefined ? "" : formatDuration(duration),
      tally(data),
    ];
    const error =
      returned?.error === undefined ? "" : `  error: ${linesOf(returned.error).join("\n         ")}\n`;
    yield `${i === 0 ? "" : "\n"}${head.filter(Boolean).join("  ")}\n${error}${dataText(data, color)}`;
  }
}
