// `show --output`: what each peel's functions printed and changed, as people read it. Pure.

import { toJson } from "../codec/json.ts";
import type { Value } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import { type Answer, answerOf, countOutcomes, type Result } from "../model/answer.ts";
import { displayPeel } from "../model/peel.ts";
import type { PeelStory } from "../model/story.ts";
import { count, plural, safe } from "../text.ts";
import { paint, paintState } from "./colors.ts";
import { DRY_RUN } from "./facts.ts";

const TAB = 8;
/** Columns of a value that stands on one line with its name. */
const SHORT = 100;

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

/** A value of one line that fits beside its name; a diff is never one. */
function isShort(name: string, lines: readonly string[]): boolean {
  const [line = ""] = lines;
  return lines.length === 1 && name !== "diff" && line.length <= SHORT && !/^\s/.test(line);
}

/** A named value under a result: text as its lines, anything else as JSON. */
function block(name: string, value: Value, color: boolean): string {
  const text = typeof value === "string" ? value : toJson(value);
  if (text === "" || text === "{}" || text === "[]" || value === null) return "";
  const lines = linesOf(text).map((line) => (color && name === "diff" ? paintDiff(line) : line));
  if (isShort(name, lines)) return `    ${safe(name)}: ${lines[0]}\n`;
  return `    ${safe(name)}:\n${lines.map((line) => (line === "" ? "\n" : `      ${line}\n`)).join("")}`;
}

/** One result: its name, what became of it, how long it took; then all that it holds beside that. */
function resultText(result: Result, color: boolean): string {
  const { name, outcome, duration, error, skipReason, parts } = result;
  const head = [
    safe(name),
    paintState(outcome, color)?.(outcome) ?? outcome,
    duration === undefined ? "" : formatDuration(duration),
    skipReason === undefined ? "" : safe(skipReason),
  ];
  const blocks = parts.map(([part, value]) => block(part, value, color));
  const errorBlock = error === undefined ? "" : block("error", error, color);
  return `  ${head.filter(Boolean).join("  ")}\n${errorBlock}${blocks.join("")}`;
}

/** How many results an answer has, and what became of them. */
function tally({ results }: Answer): string {
  const counts = countOutcomes(results).filter(([outcome]) => outcome !== "unchanged");
  const words = counts.map(([outcome, n]) => `${count(n)} ${outcome}`).join(", ");
  const failed = counts.some(([outcome]) => outcome === "failed");
  if (results.length < 2 && !failed) return "";
  return `${plural(results.length, "result")}${words && `: ${words}`}`;
}

/** What a peel returned: a line on how it is, and its answer; data of another shape is shown as it is. */
function peelText({ peel, state, returned, tookNs }: PeelStory, color: boolean): string {
  const data = returned?.record.get("return_data");
  const answer = answerOf(data, returned?.error);
  const word = state === "late" ? `late, ${returned?.ok ? "ok" : "failed"}` : state;
  const head = [
    safe(displayPeel(peel)),
    paintState(state, color)?.(word) ?? word,
    tookNs === undefined ? "" : formatDuration(tookNs),
    answer ? tally(answer) : "",
  ];
  // Where a result failed with it, the error stands there.
  const isTold = answer?.results.some(({ error }) => error === returned?.error) ?? false;
  const error =
    returned?.error === undefined || isTold ? "" : `  error: ${linesOf(returned.error).join("\n         ")}\n`;
  const blocks = answer
    ? [
        ...answer.results.map((result) => resultText(result, color)),
        ...answer.parts.map(([name, value]) => block(name, value, color)),
      ]
    : [data === undefined ? "" : block("data", data, color)];
  return `${head.filter(Boolean).join("  ")}\n${error}${blocks.join("")}`;
}

/** Peel after peel, with an empty line in between. */
export function* renderOutput(peels: readonly PeelStory[], dryRun: boolean, color: boolean): Generator<string> {
  if (dryRun) yield `${DRY_RUN}\n\n`;
  for (const [i, peel] of peels.entries()) yield (i === 0 ? "" : "\n") + peelText(peel, color);
}
