// Differences of texts by lines, with the package `diff`, within bounds. Pure.
import type { StructuredPatchHunk } from "diff";

/** Lines with their signs, and unchanged ones around them. */
type Hunk = StructuredPatchHunk;

/** Time grows with the square of the edits (1,000: 0.3 s). */
const MOST_EDITS = 1_000;
/** Limit of all diffs of one answer, in edits squared. */
const BUDGET = 10 * MOST_EDITS ** 2;

/** Compares pairs of texts until the budget is used. */
export class LineDiffs {
  #left = BUDGET;

  /** Undefined when too many lines differ, here or before. */
  between(before: readonly string[], after: readonly string[]): readonly Hunk[] | undefined {
    const most = Math.min(MOST_EDITS, Math.floor(Math.sqrt(this.#left)));
    const { structuredPatch } = require("diff") as typeof import("diff");
    const [a, b] = [before, after].map((lines) => lines.map((line) => `${line}\n`).join("")) as [string, string];
    const hunks = structuredPatch("", "", a, b, "", "", { context: 3, maxEditLength: most })?.hunks;
    this.#left -= (hunks ? changedLines(hunks).length : most) ** 2;
    return hunks;
  }
}

/** `3,7` in a unified diff; an empty range names the line before it. */
const rangeText = (from: number, count: number) => `${count === 0 ? from - 1 : from}${count === 1 ? "" : `,${count}`}`;

export const unifiedLines = (hunks: readonly Hunk[]): string[] =>
  hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    `@@ -${rangeText(oldStart, oldLines)} +${rangeText(newStart, newLines)} @@`,
    ...lines,
  ]);

export const changedLines = (hunks: readonly Hunk[]): string[] =>
  hunks.flatMap(({ lines }) => lines.filter((line) => !line.startsWith(" ")));
