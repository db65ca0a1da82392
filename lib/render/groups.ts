// `show --output`: groups of peels with the same output. Pure.
import { formatDuration } from "../duration.ts";
import { changedNothing, type OutputGroup, outputGroups } from "../model/outputs.ts";
import { medianTook, type PeelStory } from "../model/story.ts";
import { plural, width } from "../text.ts";
import { peelNames } from "./names.ts";
import { linesText, outputHead, outputLines, outputWords } from "./output.ts";
import { andMore, type Look } from "./table.ts";

/** Lines of a group that a person reads on a terminal; piped, and with --full, there is no limit. */
const MOST_LINES = 20;
/** Names take at least so many columns, however narrow the terminal. */
const NAMES = 20;
const GAP = "  ";

export interface GroupOptions {
  readonly dryRun: boolean;
  /** Results that changed nothing and did not fail were left out. */
  readonly changes: boolean;
  /** All lines on a terminal, however many. */
  readonly full: boolean;
}

/** `web-[001-136,138]  137 peels  ok  median 1.5s`, on a terminal in its width. */
function headLine({ peels }: OutputGroup, look: Look): string {
  const [peel] = peels as readonly [PeelStory];
  const many = peels.length > 1;
  const median = medianTook(peels);
  const time = median === undefined ? "" : `${many ? "median " : ""}${formatDuration(median)}`;
  const words = [many ? plural(peels.length, "peel") : "", outputWords(peel, time, look.color)];
  const text = words.filter(Boolean).join(GAP);
  const room = !many || look.columns === undefined ? Number.POSITIVE_INFINITY : look.columns - width(text) - GAP.length;
  return peelNames(peels, Math.max(NAMES, room)) + GAP + text;
}

/** The lines that there is room for, and how many more there are. */
function limited(lines: readonly string[], look: Look, { full }: GroupOptions): readonly string[] {
  const rest = lines.length - MOST_LINES;
  if (look.columns === undefined || full || rest <= 0) return lines;
  return [...lines.slice(0, MOST_LINES), `  ${andMore(rest, "line")} (--full shows them)`];
}

/** The groups of peels, worst first, with an empty line in between. */
export function* renderGroups(peels: readonly PeelStory[], look: Look, options: GroupOptions): Generator<string> {
  const quiet = options.changes ? peels.filter(changedNothing) : [];
  const groups = outputGroups(quiet.length > 0 ? peels.filter((peel) => !changedNothing(peel)) : peels);
  yield outputHead(options.dryRun);
  for (const [i, group] of groups.entries()) {
    const [peel] = group.peels as readonly [PeelStory];
    const lines = outputLines(peel, { color: look.color, times: group.peels.length === 1 });
    yield (i === 0 ? "" : "\n") + linesText([headLine(group, look), ...limited(lines, look, options)]);
  }
  if (quiet.length === 0) return;
  const words = options.dryRun ? "nothing would change" : "nothing changed";
  yield `${groups.length > 0 ? "\n" : ""}${plural(quiet.length, "peel")}: ${words}\n`;
}
