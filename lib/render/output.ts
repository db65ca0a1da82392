// `show --output`: what functions printed and changed. Pure.

import { toJson } from "../codec/json.ts";
import type { Value } from "../codec/value.ts";
import { paint, paintState } from "../colors.ts";
import { formatDuration } from "../duration.ts";
import { medianTook } from "../model/durations.ts";
import { LineDiffs, unifiedLines } from "../model/line-diff.ts";
import {
  answerOfReturn,
  byName,
  changedNothing,
  hasOutput,
  type OutputGroup,
  outputGroups,
} from "../model/output-groups.ts";
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
import { count, plural, safe, width } from "../text.ts";
import { DRY_RUN } from "./facts.ts";
import { LEAST_NAMES, peelNames } from "./names.ts";
import { andMore, type Look, roomBeside, rowLimit } from "./table.ts";

const TAB = 8;
/** Longest value on the line of its name. */
const SHORT = 100;

interface OutputForm {
  readonly color: boolean;
  /** Show the duration of each result. */
  readonly times: boolean;
  /** Sort everything by name. */
  readonly compared?: boolean;
}

/** Lines that are safe for a terminal; tabs become spaces. */
function safeLines(text: string): string[] {
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

/** In a comparison even one line gets its own line, to align with longer outputs. */
const PRINTED = new Set(["stdout", "stderr"]);

/** Fits on the line of its name; a diff never does. */
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

/** A named value: text unchanged, other values as JSON. */
function block(name: string, value: Value, { color, compared }: OutputForm): string[] {
  if (isNothing(value)) return [];
  const lines = safeLines(typeof value === "string" ? value : toJson(value)).map((line) =>
    color && name === "diff" ? paintDiff(line) : line,
  );
  if (isShort(name, lines, compared)) return [`    ${safe(name)}: ${lines[0]}`];
  return [`    ${safe(name)}:`, ...lines.map((line) => (line === "" ? "" : `      ${line}`))];
}

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
    // Many functions repeat stderr as their error.
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

/** The number of results of a peel by outcome; empty if its state shows that. */
export function resultsWords({ returned }: PeelStory): string {
  const answer = returned && answerOfReturn(returned);
  return answer ? tally(answer) : "";
}

/** State, `time` and number of results, after the name. */
function outputWords(peel: PeelStory, time: string, color: boolean): string {
  const { state, returned, sinceCancel } = peel;
  const how = sinceCancel === "stopped" ? "stopped" : returned?.ok ? "ok" : "failed";
  const word = state === "late" ? `late, ${how}` : state;
  const words = [paintState(state, color)?.(word) ?? word, time, resultsWords(peel)];
  return words.filter(Boolean).join("  ");
}

/** Data without results is one value. */
export function outputLines(peel: PeelStory, form: OutputForm): string[] {
  const { returned } = peel;
  if (!returned) return [];
  const answer = answerOfReturn(returned);
  const data = returned.record.get("return_data");
  // A failed result already shows this error.
  const stated = errorOf(peel);
  const isTold = answer?.results.some(({ error }) => isSameText(error, stated)) ?? false;
  const [first = "", ...others] = stated === undefined || isTold ? [] : safeLines(stated);
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

const outputHead = (dryRun: boolean) => (dryRun ? `${DRY_RUN}\n\n` : "");

export function* renderEach(peels: readonly PeelStory[], dryRun: boolean, color: boolean): Generator<string> {
  yield outputHead(dryRun);
  for (const [i, peel] of peels.entries()) {
    const took = peel.tookNs === undefined ? "" : formatDuration(peel.tookNs);
    const head = `${safe(displayPeel(peel.peel))}  ${outputWords(peel, took, color)}`;
    yield (i === 0 ? "" : "\n") + linesText([head, ...outputLines(peel, { color, times: true })]);
  }
}

/** Lines of a group on a terminal, without --all. */
const MOST_LINES = 20;
const GROUP_GAP = "  ";

interface GroupOptions {
  readonly dryRun: boolean;
  /** Hide results without changes or failures; peels with only such results share a line. */
  readonly changes: boolean | undefined;
  readonly full: boolean | undefined;
  /** The group that others are compared with; undefined: each complete. */
  readonly base?: OutputGroup | undefined;
}

const namesIn = (peels: readonly PeelStory[], look: Look, taken: number) =>
  peelNames(peels, roomBeside(taken, look, LEAST_NAMES));

/** `web-[001-136,138]  137 peels  ok  median 1.5s` */
function headLine({ peels }: OutputGroup, look: Look): string {
  const [peel] = peels as readonly [PeelStory];
  const median = medianTook(peels);
  const took = median === undefined ? "" : formatDuration(median);
  if (peels.length === 1)
    return peelNames(peels, Number.POSITIVE_INFINITY) + GROUP_GAP + outputWords(peel, took, look.color);
  const words = outputWords(peel, took && `median ${took}`, look.color);
  const text = `${GROUP_GAP}${plural(peels.length, "peel")}${GROUP_GAP}${words}`;
  return namesIn(peels, look, width(text)) + text;
}

/** In the form for comparisons. */
export const comparedLines = ({ peels: [peel] }: OutputGroup): string[] =>
  outputLines(peel as PeelStory, { color: false, times: false, compared: true });

const paintUnified = (line: string) => (line.startsWith("@@") ? paint("active", line) : paintDiff(line));

/** Complete; a single peel has the times of its results. */
const wholeLines = ({ peels }: OutputGroup, look: Look) =>
  outputLines(peels[0] as PeelStory, { color: look.color, times: peels.length === 1 });

class Comparison {
  readonly #lines: readonly string[];
  readonly #diffs = new LineDiffs();

  constructor(
    readonly base: OutputGroup,
    readonly look: Look,
  ) {
    this.#lines = comparedLines(base);
  }

  /** The difference, or all lines of the base and of a group without output. */
  lines(group: OutputGroup): readonly string[] {
    const { base, look } = this;
    if (!hasOutput(group) || (group.output === base.output && group.state === base.state))
      return wholeLines(group, look);
    const names = (before: string, after = "") =>
      before + namesIn(base.peels, look, before.length + after.length) + after;
    const hunks = this.#diffs.between(this.#lines, comparedLines(group));
    if (!hunks)
      return [names("  no diff with ", " (too many lines differ); complete output:"), ...wholeLines(group, look)];
    if (hunks.length === 0) return [names("  same output as ")];
    const lines = unifiedLines(hunks);
    const painted = look.color ? lines.map(paintUnified) : lines;
    return [names("--- "), `+++ ${namesIn(group.peels, look, "+++ ".length)}`, ...painted];
  }
}

function limitedLines(lines: readonly string[], look: Look, { full }: GroupOptions): readonly string[] {
  const shown = lines.slice(0, rowLimit(MOST_LINES, look, full));
  const rest = lines.length - shown.length;
  return rest > 0 ? [...shown, `  ${andMore(rest, "line")}; --all shows them`] : shown;
}

export function* renderGroups(peels: readonly PeelStory[], look: Look, options: GroupOptions): Generator<string> {
  const quiet = options.changes ? peels.filter(changedNothing) : [];
  const groups = outputGroups(quiet.length > 0 ? peels.filter((peel) => !changedNothing(peel)) : peels);
  const comparison = options.base && new Comparison(options.base, look);
  yield outputHead(options.dryRun);
  for (const [i, group] of groups.entries()) {
    const lines = comparison?.lines(group) ?? wholeLines(group, look);
    yield (i === 0 ? "" : "\n") + linesText([headLine(group, look), ...limitedLines(lines, look, options)]);
  }
  if (quiet.length === 0) return;
  const words = options.dryRun ? "nothing would change" : "nothing changed";
  yield `${groups.length > 0 ? "\n" : ""}${plural(quiet.length, "peel")}: ${words}\n`;
}
