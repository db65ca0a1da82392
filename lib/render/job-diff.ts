// `job diff`: each peel in two runs, compared. Pure.

import { paintState } from "../colors.ts";
import { formatDuration } from "../duration.ts";
import { median } from "../model/durations.ts";
import { areSame, type OutputPair, type PeelDiff, transitionsOf } from "../model/job-diff.ts";
import { changedLines, LineDiffs } from "../model/line-diff.ts";
import { errorOf } from "../model/story.ts";
import { count, plural, safe, shorten, width } from "../text.ts";
import { LEAST_SHARED, namesBeside, peelNames, widest } from "./names.ts";
import { comparedLines, linesText, paintDiff } from "./output.ts";
import { andMore, type Column, GAP, type Look, renderTable, roomBeside, rowLimit } from "./table.ts";
import { type RowColumn, rowDocument, type View } from "./view.ts";

/** Groups on a terminal, and lines of each, without --all. */
const MOST_ON_TERMINAL = { groups: 20, lines: 10 } as const;
const [CHANGE_WIDTH, NAMES_WIDTH] = [17, 12] as const;
export const NO_DIFF = "(too many lines differ)";

/** Peels whose outputs differ in the same lines; undefined: too many lines. */
interface Difference {
  readonly lines: readonly string[] | undefined;
  readonly peels: PeelDiff[];
}

/** Without the indent that all lines share after their signs. */
function dedented(lines: readonly string[]): string[] {
  const indents = lines.filter((line) => line.length > 1).map((line) => line.slice(1).search(/\S|$/));
  const indent = Math.min(...indents, Number.MAX_SAFE_INTEGER);
  return lines.map((line) => (line[0] ?? "") + line.slice(1 + indent));
}

class OutputDiffs {
  readonly #diffs = new LineDiffs();
  readonly #known = new Map<string, readonly string[] | undefined>();

  /** Undefined when too many lines differ. */
  lines({ before, after }: OutputPair): readonly string[] | undefined {
    const key = `${before.output} ${after.output}`;
    if (!this.#known.has(key)) {
      const found = this.#diffs.between(comparedLines(before), comparedLines(after));
      this.#known.set(key, found && dedented(changedLines(found)));
    }
    return this.#known.get(key);
  }
}

const differs = ({ outputs }: PeelDiff) => outputs !== undefined && !areSame(outputs);

/** By different lines; most peels first. */
export function differencesOf(diffs: readonly PeelDiff[]): Difference[] {
  const outputDiffs = new OutputDiffs();
  const found = new Map<string, Difference>();
  for (const diff of diffs.filter(differs)) {
    const lines = outputDiffs.lines(diff.outputs as OutputPair);
    const key = lines ? lines.join("\n") : NO_DIFF;
    const difference = found.get(key) ?? { lines, peels: [] };
    found.set(key, difference);
    difference.peels.push(diff);
  }
  return [...found.values()].sort((a, b) => b.peels.length - a.peels.length);
}

const timesText = (before: bigint | undefined, after: bigint | undefined) =>
  `${formatDuration(before ?? 0n)} → ${formatDuration(after ?? 0n)}`;

/** `1.5s → 3m7s`; of several peels the medians and the slowest. */
function slowerWords(diffs: readonly PeelDiff[]): string {
  const [before, after] = (["before", "after"] as const).map((run) => diffs.flatMap((diff) => diff[run]?.tookNs ?? []));
  const times = timesText(median(before ?? []), median(after ?? []));
  if (diffs.length === 1) return times;
  const most = diffs.reduce((a, b) => ((b.after?.tookNs ?? 0n) > (a.after?.tookNs ?? 0n) ? b : a));
  return `median ${times}, slowest ${peelNames([most], Number.POSITIVE_INFINITY)} ${timesText(most.before?.tookNs, most.after?.tookNs)}`;
}

export function changeRows(diffs: readonly PeelDiff[]) {
  const transitions = transitionsOf(diffs).map(({ from, to, why, peels }) => ({
    change: `${from} → ${to}`,
    state: to,
    peels,
    what: safe(why),
  }));
  const slower = diffs.filter((diff) => diff.slower);
  const only = (["only in the first", "only in the second"] as const).map((change) => ({
    change,
    state: "",
    peels: diffs.filter((diff) => diff.change === change),
    what: "",
  }));
  const what = slower.length > 0 ? slowerWords(slower) : "";
  return [...transitions, { change: "slower", state: "late", peels: slower, what }, ...only].filter(
    ({ peels }) => peels.length > 0,
  );
}

function changeTable(changes: ReturnType<typeof changeRows>, look: Look): string {
  const taken = widest(
    changes.map(({ change }) => change),
    CHANGE_WIDTH,
  );
  const room = roomBeside(taken + 2 * GAP, look, LEAST_SHARED);
  const { groups, most } = namesBeside(changes, room, { what: 0, where: NAMES_WIDTH });
  const columns: readonly Column<(typeof groups)[number]>[] = [
    { title: "", min: CHANGE_WIDTH, text: ({ change }) => change, paint: ({ state }) => paintState(state, look.color) },
    { title: "", min: NAMES_WIDTH, text: ({ where }) => where },
    { title: "", text: ({ what }) => shorten(what, most) },
  ];
  return renderTable(columns, groups, { color: false, columns: undefined, header: false });
}

/**
 * `output differs on 397 of 400 peels; same on 1; 2 peels have no output`; empty when no peel has two outputs. Peels without an
 * output in a run are counted only where no row above shows their change.
 */
export function outputLine(diffs: readonly PeelDiff[]): string {
  const both = diffs.filter(({ before, after }) => before && after);
  const different = both.filter(differs).length;
  const same = both.filter(({ outputs }) => outputs).length - different;
  const without = both.filter(({ outputs, change }) => !outputs && change === "same").length;
  const of = ` of ${plural(both.length, "peel")}`;
  const parts = [
    different > 0 && `output differs on ${count(different)}${of}`,
    same > 0 && (different > 0 ? `same on ${count(same)}` : `same output on ${count(same)}${of}`),
    without > 0 &&
      `${different + same > 0 ? plural(without, "peel") : count(without) + of} ${without === 1 ? "has" : "have"} no output`,
  ];
  const line = parts.filter(Boolean).join("; ");
  return line && `${line}\n`;
}

/** Number and names of peels, and their lines, aligned with the table above. */
function differenceLines({ lines, peels }: Difference, look: Look, countWidth: number, full: boolean): string[] {
  const head = `  ${count(peels.length).padStart(countWidth)}  `;
  const least = Math.max(CHANGE_WIDTH + GAP - head.length - GAP, 0);
  const room = roomBeside(head.length + GAP, look, LEAST_SHARED);
  const names = peelNames(peels, Math.max(least, Math.floor(room / 2)));
  const indent = head.length + Math.max(least, width(names)) + GAP;
  const limit = rowLimit(MOST_ON_TERMINAL.lines, look, full);
  const shown = (lines ?? [NO_DIFF]).slice(0, limit);
  const rest = (lines?.length ?? 1) - shown.length;
  const most = roomBeside(indent, look, LEAST_SHARED);
  const texts = [
    ...shown.map((line) => {
      const text = full || most === Number.POSITIVE_INFINITY ? line : shorten(line, most);
      return look.color ? paintDiff(text) : text;
    }),
    ...(rest > 0 ? [`${andMore(rest, "line")}; --all shows them`] : []),
  ];
  return texts.map((text, i) => (i === 0 ? `${(head + names).padEnd(indent)}${text}` : " ".repeat(indent) + text));
}

function differencesText(diffs: readonly PeelDiff[], look: Look, full: boolean): string {
  const differences = differencesOf(diffs);
  const limit = rowLimit(MOST_ON_TERMINAL.groups, look, full);
  const shown = differences.slice(0, limit);
  const rest = differences.length - shown.length;
  const countWidth = count(shown[0]?.peels.length ?? 0).length;
  const more = rest > 0 ? [`  ${andMore(rest, "group")}; --all shows them`] : [];
  return linesText([...shown.flatMap((one) => differenceLines(one, look, countWidth, full)), ...more]);
}

const DIFF_COLUMNS: readonly RowColumn<{ readonly diff: PeelDiff; readonly lines: readonly string[] | undefined }>[] = [
  { name: "peel_id", value: ({ diff }) => diff.peel },
  { name: "change", value: ({ diff }) => diff.change },
  { name: "before", value: ({ diff }) => diff.before?.state },
  { name: "after", value: ({ diff }) => diff.after?.state },
  { name: "slower", value: ({ diff }) => diff.slower },
  { name: "took_before", value: ({ diff }) => diff.before?.tookNs },
  { name: "took_after", value: ({ diff }) => diff.after?.tookNs },
  { name: "error_before", value: ({ diff: { before } }) => before && errorOf(before) },
  { name: "error_after", value: ({ diff: { after } }) => after && errorOf(after) },
  {
    name: "output",
    value: ({ diff: { outputs } }) => (outputs ? (areSame(outputs) ? "same" : "differs") : "not compared"),
  },
  { name: "diff", value: ({ lines }) => lines?.join("\n") },
];

/** @param full all that differs on a terminal, however much */
export const jobDiffView = (diffs: readonly PeelDiff[], full: boolean): View => ({
  size: diffs.length,
  text(viewer) {
    if (diffs.length === 0) return ["No peel differs.\n"];
    const rows = changeRows(diffs);
    const changes = rows.length > 0 ? changeTable(rows, viewer) : "No peel changed its state.\n";
    return [changes + outputLine(diffs) + differencesText(diffs, viewer, full)];
  },
  *documents(now) {
    const outputDiffs = new OutputDiffs();
    for (const diff of diffs) {
      const lines = differs(diff) ? outputDiffs.lines(diff.outputs as OutputPair) : undefined;
      yield rowDocument(DIFF_COLUMNS, { diff, lines }, now);
    }
  },
});
