// `show --output`: groups of peels with equal output, complete or as differences. Pure.
import { paint } from "../colors.ts";
import { formatDuration } from "../duration.ts";
import { medianTook } from "../model/durations.ts";
import { LineDiffs, unifiedLines } from "../model/line-diff.ts";
import { changedNothing, hasOutput, type OutputGroup, outputGroups } from "../model/output-groups.ts";
import type { PeelStory } from "../model/story.ts";
import { plural, width } from "../text.ts";
import { LEAST_NAMES, peelNames } from "./names.ts";
import { linesText, outputHead, outputLines, outputWords, paintDiff } from "./output.ts";
import { andMore, type Look, limitOf, roomBeside } from "./table.ts";

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

/** @param taken columns in use */
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
  const shown = lines.slice(0, limitOf(MOST_LINES, look, full));
  const rest = lines.length - shown.length;
  return rest > 0 ? [...shown, `  ${andMore(rest, "line")}; --all shows them`] : shown;
}

/** Worst first, separated by empty lines. */
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
