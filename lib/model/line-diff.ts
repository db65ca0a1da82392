// Which lines differ between two texts, by the package `diff`, within bounds. Pure.
import type { StructuredPatchHunk } from "diff";

/** A stretch of lines that differ, with unchanged ones around it; each line begins with its sign. */
export type Hunk = StructuredPatchHunk;

/** More lines than this are not found one by one: the time that it takes grows with their square (1,000: 0.3 s). */
const MOST_EDITS = 1_000;
/** So much may all diffs of one answer take together, in units of edits squared. */
const BUDGET = 10 * MOST_EDITS ** 2;

/** Compares texts one pair after the other; when that has taken long enough, it gives up. */
export class LineDiffs {
  #left = BUDGET;

  /** The second text as a change of the first; undefined when too many lines differ, or too many have differed before. */
  between(before: readonly string[], after: readonly string[]): readonly Hunk[] | undefined {
    const most = Math.min(MOST_EDITS, Math.floor(Math.sqrt(this.#left)));
    // Loaded on use: few calls compare anything.
    const { structuredPatch } = require("diff") as typeof import("diff");
    const [a, b] = [before, after].map((lines) => lines.map((line) => `${line}\n`).join("")) as [string, string];
    const hunks = structuredPatch("", "", a, b, "", "", { context: 3, maxEditLength: most })?.hunks;
    this.#left -= (hunks ? changedLines(hunks).length : most) ** 2;
    return hunks;
  }
}

/** `3,7`, as unified diffs have it: a range of no lines names the one before it. */
const rangeText = (from: number, count: number) => `${count === 0 ? from - 1 : from}${count === 1 ? "" : `,${count}`}`;

/** The lines of a unified diff, without those that name the files. */
export const unifiedLines = (hunks: readonly Hunk[]): string[] =>
  hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    `@@ -${rangeText(oldStart, oldLines)} +${rangeText(newStart, newLines)} @@`,
    ...lines,
  ]);

/** The lines that differ alone, with their signs. */
export const changedLines = (hunks: readonly Hunk[]): string[] =>
  hunks.flatMap(({ lines }) => lines.filter((line) => !line.startsWith(" ")));
