// `show --output` as text: what the functions of peels printed and changed. Pure.

import { toJson } from "../codec/json.ts";
import type { Value } from "../codec/value.ts";
import { paint } from "../colors.ts";
import { formatDuration } from "../duration.ts";
import { answerOfReturn, byName } from "../model/output-groups.ts";
import { displayPeel } from "../model/peel.ts";
import {
  countOutcomes,
  isNothing,
  isSameText,
  type Result,
  type ReturnData,
  shownText,
  withSortedKeys,
} from "../model/return-data.ts";
import { errorOf, type PeelStory } from "../model/story.ts";
import { count, plural, safe } from "../text.ts";
import { paintState } from "./colors.ts";
import { DRY_RUN } from "./facts.ts";

const TAB = 8;
/** Longest value that shares a line with its name. */
const SHORT = 100;

interface OutputForm {
  readonly color: boolean;
  /** False omits the duration of each result. */
  readonly times: boolean;
  /** True sorts everything by name, for a comparison. */
  readonly compared?: boolean;
}

/** Splits a text into lines that are safe for a terminal: tabs become spaces, other control characters are escaped. */
function linesOf(text: string): string[] {
  const lines = shownText(text).split("\n");
  return lines.map((line) => {
    let out = "";
    for (const [i, part] of line.split("\t").entries())
      out += (i === 0 ? "" : " ".repeat(TAB - (out.length % TAB))) + safe(part);
    return out;
  });
}

export function paintDiff(line: string): string {
  return line.startsWith("+") ? paint("good", line) : line.startsWith("-") ? paint("bad", line) : line;
}

/** Printed line by line. In a comparison a single line still gets its own line, so that it aligns with longer outputs. */
const PRINTED = new Set(["stdout", "stderr"]);

/** True for a value that fits on one line with its name; never for a diff. */
function isShort(name: string, lines: readonly string[], compared = false): boolean {
  const [line = ""] = lines;
  return (
    lines.length === 1 &&
    name !== "diff" &&
    !(compared && PRINTED.has(name)) &&
    line.length <= SHORT &&
    !/^\s/.test(line)
  );
}

/** The lines of a named value under a result: text unchanged, anything else as JSON. */
function block(name: string, value: Value, { color, compared }: OutputForm): string[] {
  if (isNothing(value)) return [];
  const lines = linesOf(typeof value === "string" ? value : toJson(value)).map((line) =>
    color && name === "diff" ? paintDiff(line) : line,
  );
  if (isShort(name, lines, compared)) return [`    ${safe(name)}: ${lines[0]}`];
  return [`    ${safe(name)}:`, ...lines.map((line) => (line === "" ? "" : `      ${line}`))];
}

/** The lines of one result: name, outcome and duration, then all other parts. */
function resultLines(result: Result, form: OutputForm): string[] {
  const { color, times } = form;
  const { name, outcome, duration, error, skipReason, parts } = result;
  const head = [
    safe(name),
    paintState(outcome, color)?.(outcome) ?? outcome,
    duration === undefined || !times ? "" : formatDuration(duration),
    skipReason === undefined ? "" : safe(skipReason),
  ];
  return [
    `  ${head.filter(Boolean).join("  ")}`,
    ...(error === undefined ? [] : block("error", error, form)),
    // Many functions repeat what they printed as their error.
    ...parts.flatMap(([part, value]) =>
      part === "stderr" && isSameText(value, error) ? [] : block(part, value, form),
    ),
  ];
}

/** `3 results: 1 failed`; empty for a single result that did not fail. */
function tally({ results }: ReturnData): string {
  const counts = countOutcomes(results).filter(([outcome]) => outcome !== "unchanged");
  const words = counts.map(([outcome, n]) => `${count(n)} ${outcome}`).join(", ");
  const failed = counts.some(([outcome]) => outcome === "failed");
  if (results.length < 2 && !failed) return "";
  return `${plural(results.length, "result")}${words && `: ${words}`}`;
}

/** How many results a peel returned, and what came of them; empty where its state says that. */
export function resultsWords({ returned }: PeelStory): string {
  const answer = returned && answerOfReturn(returned);
  return answer ? tally(answer) : "";
}

/** The state of a peel, `time`, and its number of results, to follow its name. */
export function outputWords(peel: PeelStory, time: string, color: boolean): string {
  const { state, returned } = peel;
  const word = state === "late" ? `late, ${returned?.ok ? "ok" : "failed"}` : state;
  const words = [paintState(state, color)?.(word) ?? word, time, resultsWords(peel)];
  return words.filter(Boolean).join("  ");
}

/** The lines of a peel's return. Data without results is shown as one value. */
export function outputLines(peel: PeelStory, form: OutputForm): string[] {
  const { returned } = peel;
  if (!returned) return [];
  const answer = answerOfReturn(returned);
  const data = returned.record.get("return_data");
  // A result that failed with this error already shows it.
  const stated = errorOf(peel);
  const isTold = answer?.results.some(({ error }) => isSameText(error, stated)) ?? false;
  const [first = "", ...others] = stated === undefined || isTold ? [] : linesOf(stated);
  return [
    ...(first === "" && others.length === 0 ? [] : [`  error: ${first}`, ...others.map((line) => `         ${line}`)]),
    ...(answer
      ? [
          ...(form.compared ? byName(answer.results) : answer.results).flatMap((result) => resultLines(result, form)),
          ...answer.parts.flatMap(([name, value]) => block(name, value, form)),
        ]
      : data === undefined
        ? []
        : block("data", form.compared ? withSortedKeys(data) : data, form)),
  ];
}

export const linesText = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join("");

export const outputHead = (dryRun: boolean) => (dryRun ? `${DRY_RUN}\n\n` : "");

/** The output of each peel in the given order, separated by empty lines. */
export function* renderEach(peels: readonly PeelStory[], dryRun: boolean, color: boolean): Generator<string> {
  yield outputHead(dryRun);
  for (const [i, peel] of peels.entries()) {
    const took = peel.tookNs === undefined ? "" : formatDuration(peel.tookNs);
    const head = `${safe(displayPeel(peel.peel))}  ${outputWords(peel, took, color)}`;
    yield (i === 0 ? "" : "\n") + linesText([head, ...outputLines(peel, { color, times: true })]);
  }
}
