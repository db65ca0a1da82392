// One job that is open in the picture of `watch`: its lines. Pure.

import { inverse, paint } from "../colors.ts";
import { isTerminal } from "../model/job.ts";
import { whyOf } from "../model/job-end.ts";
import { type OutcomeGroup, outcomeGroups } from "../model/outcome-groups.ts";
import { hasOutput, type OutputGroup, outputGroups, usualGroup } from "../model/output-groups.ts";
import { sortedByPeel } from "../model/peel.ts";
import { stuckWords } from "../model/stuck.ts";
import { cut, safe, width } from "../text.ts";
import { renderFacts, wasDryRun } from "./facts.ts";
import { renderGroups } from "./groups.ts";
import type { JobText, TextView } from "./keys.ts";
import { peelCounts } from "./peels.ts";
import { renderTimeline } from "./story.ts";
import { renderOutcomes } from "./summary.ts";
import { andMore, type Look } from "./table.ts";
import { barLine, callOnTarget, surroundingWords, type Watched } from "./watch.ts";

/** `utf8` false where the locale has no blocks. */
export interface PictureLook {
  readonly color: boolean;
  readonly utf8: boolean;
}

/** A job as it was when it was last looked at, and the outcomes of its peels. */
export interface Opened {
  readonly watched: Watched;
  readonly groups: readonly OutcomeGroup[];
}

export function openedOf(watched: Watched): Opened {
  const { peels } = watched.story;
  return { watched, groups: outcomeGroups(peels, peels) };
}

/** What tells an outcome from others while peels come and go. */
export const outcomeName = ({ state, note }: OutcomeGroup) => `${state} ${note}`;

/** True for the outcome of this peel. */
export const hasPeel = ({ peels }: OutcomeGroup, peel: string | undefined) => peels.some((one) => one.peel === peel);

/** A line of a list; the one under the cursor stands out in all of its `columns`. */
export function marked(line: string, isSelected: boolean, color: boolean, columns: number): string {
  if (!isSelected) return `  ${line}`;
  return color ? inverse(`> ${line}${" ".repeat(Math.max(0, columns - 2 - width(line)))}`) : `> ${line}`;
}

const linesOf = (text: string) => text.split("\n").slice(0, -1);

/** Lines that are safe already, none wider than `columns`. */
export const wrapped = (lines: readonly string[], columns: number): string[] =>
  lines.flatMap((line) =>
    width(line) <= columns ? [line] : Bun.wrapAnsi(line, columns, { hard: true, trim: false }).split("\n"),
  );

/** The text that `view` is about. */
export function textOf({ watched: { story }, groups }: Opened, view: TextView, look: Look): JobText {
  const made = (pieces: Iterable<string>) => wrapped(linesOf([...pieces].join("")), look.columns ?? 0);
  if (view.what === "events") return { lines: made(renderTimeline(story, look, false)), against: undefined };
  const peels = sortedByPeel(groups.find((group) => hasPeel(group, view.peel))?.peels ?? story.peels);
  const usual = usualGroup(outputGroups(sortedByPeel(story.peels)));
  const differs = (group: OutputGroup) => hasOutput(group) && group.output !== usual?.output;
  const base = outputGroups(peels).some(differs) ? usual : undefined;
  const options = { dryRun: wasDryRun(story), changes: false, full: true, base: view.diff ? base : undefined };
  return { lines: made(renderGroups(peels, look, options)), against: base?.peels };
}

/** What is known of the job, in few lines. */
function shortFacts(watched: Watched, look: PictureLook): string[] {
  const { row, stuck } = watched;
  const stuckLine = stuck && safe(`Stuck: ${stuckWords(stuck)}`);
  const why = isTerminal(row.status) ? whyOf(watched) : undefined;
  return [
    ...(stuckLine === undefined ? [] : [look.color ? paint("attention", stuckLine) : stuckLine]),
    barLine(watched, look),
    ...(why === undefined ? [] : [safe(`Reason: ${why}`)]),
    surroundingWords(watched),
  ];
}

/** The outcomes, worst first, in at most `rows` lines without titles. */
export function previewLines({ groups }: Opened, { color }: PictureLook, columns: number, rows: number): string[] {
  const shown = groups.length > rows ? groups.slice(0, rows - 1) : groups;
  const rest = groups.slice(shown.length);
  const lines = linesOf(renderOutcomes(shown, { color, columns, wrap: false }, true, true)).slice(1);
  const words = () => `${andMore(rest.length, "outcome")}: ${peelCounts(rest.flatMap(({ peels }) => peels))}`;
  return rest.length === 0 ? lines : [...lines, words()];
}

/** Least lines of a terminal for facts a line each. */
const TALL = 30;

/**
 * The job in at most `size.rows` lines: its facts, its outcomes, worst first, and its newest events.
 * @param place the outcome under the cursor
 */
export function renderOpened(
  { watched, groups }: Opened,
  place: number,
  look: PictureLook,
  size: { columns: number; rows: number },
): string[] {
  const { columns, rows } = size;
  const { row, job, story, nowNs } = watched;
  const at = Math.min(place, groups.length - 1);
  const full = { color: look.color, columns, wrap: false };
  const now = new Date(Number(nowNs / 1_000_000n));
  const facts =
    rows < TALL
      ? [safe(`${row.jid}  ${callOnTarget(job, row)}`), ...shortFacts(watched, look)]
      : linesOf(renderFacts(watched, full, now));
  const outcomes =
    groups.length === 0 ? [] : linesOf(renderOutcomes(groups, { ...full, columns: columns - 2 }, true, true));
  const timeline = story.steps.length === 0 ? [] : linesOf([...renderTimeline(story, full, false)].join(""));
  // Two empty lines separate the parts.
  const room = Math.max(0, rows - facts.length - 2);
  const outcomeRows = Math.min(outcomes.length, Math.max(2, room - Math.min(timeline.length, Math.floor(room / 2))));
  const eventRows = Math.max(0, room - outcomeRows);
  // The row under the cursor is in sight.
  const first = Math.max(0, at - (outcomeRows - 2));
  const list = outcomes.map((line, i) => marked(line, i === at + 1, look.color, columns));
  const events = eventRows < 2 ? [] : [...timeline.slice(0, 1), ...timeline.slice(1).slice(-(eventRows - 1))];
  const parts = [facts, [...list.slice(0, 1), ...list.slice(1 + first, first + outcomeRows)], events];
  const lines = parts.filter((part) => part.length > 0).flatMap((part, i) => (i === 0 ? part : ["", ...part]));
  return lines.slice(0, rows).map((line) => cut(line, columns));
}
