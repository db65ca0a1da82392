// One job in the screen of `watch`: open, below the list, or as a line. Pure.

import { inverse, paint, paintState } from "../colors.ts";
import { formatAge, formatDuration } from "../duration.ts";
import { isTerminal, type JobRow } from "../model/job.ts";
import { doneOf, whyOf } from "../model/job-end.ts";
import { type OutcomeGroup, outcomeGroups } from "../model/outcome-groups.ts";
import { hasOutput, type OutputGroup, outputGroups, usualGroup } from "../model/output-groups.ts";
import { sortedByPeel } from "../model/peel.ts";
import type { PeelStory } from "../model/story.ts";
import { isMasterGone, type MasterSign, stuckWords } from "../model/stuck.ts";
import { bar, cut, safe, width } from "../text.ts";
import { nsOf } from "../time.ts";
import { callOf } from "./call.ts";
import { targetOf } from "./columns.ts";
import { doneWords, renderFacts, type Telling, tookOf, wasDryRun } from "./facts.ts";
import { renderGroups } from "./output.ts";
import { peelCounts } from "./peels.ts";
import { renderTimeline } from "./story.ts";
import { moreOutcomes, renderOutcomes } from "./summary.ts";
import type { Look } from "./table.ts";
import { timeText } from "./time.ts";

/** `utf8` false where the locale has no blocks. */
export interface PictureLook {
  readonly color: boolean;
  readonly utf8: boolean;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** The last state that was read of a job, and the outcomes of its peels. */
export interface Opened extends Telling {
  readonly sign: MasterSign;
  readonly groups: readonly OutcomeGroup[];
}

export const openedOf = (sight: Omit<Opened, "groups">): Opened => ({
  ...sight,
  groups: outcomeGroups(sight.story.peels, sight.story.peels),
});

/** Identifies an outcome while its peels change. */
export const outcomeName = ({ state, note }: OutcomeGroup) => `${state} ${note}`;

export const hasPeel = ({ peels }: OutcomeGroup, peel: string | undefined) => peels.some((one) => one.peel === peel);

/** A text about the job that is shown instead of its outcomes. */
export interface TextView {
  readonly what: "output" | "events";
  /** Output: of the outcome that has this peel; undefined: of all peels. */
  readonly peel: string | undefined;
  /** Other outputs are shown as differences from the usual one. */
  readonly diff: boolean;
  /** The first line that is shown; more than there are: the last ones. */
  readonly top: number;
}

export interface JobText {
  /** None is wider than the terminal. */
  readonly lines: readonly string[];
  /** The peels whose output is the base of comparisons; undefined without a comparison. */
  readonly against: readonly PeelStory[] | undefined;
}

const linesOf = (text: string) => text.split("\n").slice(0, -1);

/** Lines that are safe already, none wider than `columns`. */
export const wrapLines = (lines: readonly string[], columns: number): string[] =>
  lines.flatMap((line) =>
    width(line) <= columns ? [line] : Bun.wrapAnsi(line, columns, { hard: true, trim: false }).split("\n"),
  );

export function textOf({ story, groups }: Opened, view: Omit<TextView, "top">, look: Look): JobText {
  const made = (pieces: Iterable<string>) => wrapLines(linesOf([...pieces].join("")), look.columns ?? 0);
  if (view.what === "events") return { lines: made(renderTimeline(story, look, false)), against: undefined };
  const peels = sortedByPeel(groups.find((group) => hasPeel(group, view.peel))?.peels ?? story.peels);
  const usual = usualGroup(outputGroups(sortedByPeel(story.peels)));
  const differs = (group: OutputGroup) => hasOutput(group) && group.output !== usual?.output;
  const base = outputGroups(peels).some(differs) ? usual : undefined;
  const options = { dryRun: wasDryRun(story), changes: false, full: true, base: view.diff ? base : undefined };
  return { lines: made(renderGroups(peels, look, options)), against: base?.peels };
}

/** A line of a list; the one under the cursor is highlighted in all of its `columns`. */
export function marked(line: string, isSelected: boolean, color: boolean, columns: number): string {
  if (!isSelected) return `  ${line}`;
  return color ? inverse(`> ${line}${" ".repeat(Math.max(0, columns - 2 - width(line)))}`) : `> ${line}`;
}

const TARGET_COLUMNS = 60;

/** `pkg.installed nginx on web*` */
const callOnTarget = ({ row, job }: Pick<Telling, "row" | "job">) =>
  `${callOf(job, row)} on ${targetOf(row, TARGET_COLUMNS)}`;

/** `Job 2hPx2 pkg.installed nginx on web*: 2 of 5 peels done` */
export function watchLine(telling: Omit<Telling, "stuck">): string {
  return `Job ${safe(telling.row.jid)} ${callOnTarget(telling)}: ${doneWords(telling)}\n`;
}

/** `3m57s left`, `12s overdue`; undefined without a deadline. @param word after a time before the deadline */
export function leftWords({ deadline }: JobRow, now: Date, word = " left"): string | undefined {
  if (!deadline) return undefined;
  const rest = deadline.ns - nsOf(now);
  return rest >= 0n ? formatAge(rest) + word : `${formatAge(-rest)} overdue`;
}

/** A duration of a job by two clocks, which may differ. */
export const elapsedText = (ns: bigint) => formatDuration(ns < 0n ? 0n : ns);

const BAR_COLUMNS = 20;

/** `██████░░░░ 2/5  running  1m3s  1 failed, 1 ok` */
function barLine(job: Opened, now: Date, { color, utf8 }: PictureLook): string {
  const { row, story } = job;
  const done = doneOf(job);
  const took = tookOf(job, now);
  const status = safe(row.status ?? "-");
  const words = [
    `${bar(done, story.peels.length, BAR_COLUMNS, utf8)} ${done}/${story.peels.length}`,
    paintState(row.status ?? "-", color)?.(status) ?? status,
    took !== undefined && elapsedText(took),
    peelCounts(isTerminal(row.status) ? story.peels : story.peels.filter((peel) => peel.returned)),
  ];
  return words.filter(Boolean).join("  ");
}

/** `by root  master-2hPwZ9 alive  3m57s left`; of a job that has ended, when it was created. */
function surroundingWords({ row, sign }: Opened, now: Date): string {
  const { user, owner, created } = row;
  const life = isMasterGone(sign) ? " gone" : " alive";
  const words = [
    user && `by ${user}`,
    owner ? `${owner}${sign === undefined ? "" : life}` : "no owner",
    isTerminal(row.status) ? created && `created ${timeText(created, true)}` : leftWords(row, now),
  ];
  return safe(words.filter(Boolean).join("  "));
}

function shortFacts(job: Opened, now: Date, look: PictureLook): string[] {
  const { row, stuck } = job;
  const stuckLine = stuck && safe(`Stuck: ${stuckWords(stuck)}`);
  const why = isTerminal(row.status) ? whyOf(job) : undefined;
  return [
    safe(`${row.jid}  ${callOnTarget(job)}`),
    stuckLine && look.color ? paint("attention", stuckLine) : stuckLine,
    barLine(job, now, look),
    why && safe(`Reason: ${why}`),
    surroundingWords(job, now),
  ].filter((line) => line !== undefined);
}

/** A line for each outcome, worst first, below the titles. */
const outcomeLines = (groups: readonly OutcomeGroup[], { color }: PictureLook, columns: number) =>
  linesOf(renderOutcomes(groups, { color, columns, wrap: false }, true, true));

/** The outcomes in at most `rows` lines without titles. */
export function previewLines({ groups }: Opened, look: PictureLook, columns: number, rows: number): string[] {
  const shown = groups.length > rows ? groups.slice(0, rows - 1) : groups;
  const rest = groups.slice(shown.length);
  const lines = outcomeLines(shown, look, columns).slice(1);
  if (rest.length === 0) return lines;
  return [...lines, moreOutcomes(rest)];
}

/** Lines of a terminal from which on each fact has its own line. */
const TALL = 30;

/** The job in at most `size.rows` lines: facts, outcomes, worst first, newest events. @param place of the cursor */
export function renderOpened(job: Opened, place: number, now: Date, look: PictureLook, size: Size): string[] {
  const { columns, rows } = size;
  const { groups, story } = job;
  const at = Math.min(place, groups.length - 1);
  const full = { color: look.color, columns, wrap: false };
  const facts = rows < TALL ? shortFacts(job, now, look) : linesOf(renderFacts(job, full, now));
  const outcomes = groups.length === 0 ? [] : outcomeLines(groups, look, columns - 2);
  const timeline = story.steps.length === 0 ? [] : linesOf([...renderTimeline(story, full, false)].join(""));
  // Two empty lines separate the parts.
  const room = Math.max(0, rows - facts.length - 2);
  const outcomeRows = Math.min(outcomes.length, Math.max(2, room - Math.min(timeline.length, Math.floor(room / 2))));
  const eventRows = Math.max(0, room - outcomeRows);
  // The row under the cursor is visible.
  const first = Math.max(0, at - (outcomeRows - 2));
  const list = outcomes.map((line, i) => marked(line, i === at + 1, look.color, columns));
  const events = eventRows < 2 ? [] : [...timeline.slice(0, 1), ...timeline.slice(1).slice(-(eventRows - 1))];
  const parts = [facts, [...list.slice(0, 1), ...list.slice(1 + first, first + outcomeRows)], events];
  const lines = parts.filter((part) => part.length > 0).flatMap((part, i) => (i === 0 ? part : ["", ...part]));
  return lines.slice(0, rows).map((line) => cut(line, columns));
}
