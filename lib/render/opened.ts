// One job that is open in the picture of `watch`: what keys make of it, and its lines. Pure.

import { paint } from "../colors.ts";
import { isTerminal } from "../model/job.ts";
import { whyOf } from "../model/job-end.ts";
import { type OutcomeGroup, outcomeGroups } from "../model/outcome-groups.ts";
import { stuckWords } from "../model/stuck.ts";
import { cut, safe } from "../text.ts";
import { renderFacts } from "./facts.ts";
import { renderTimeline } from "./story.ts";
import { renderOutcomes } from "./summary.ts";
import { barLine, callOnTarget, surroundingWords, type Watched } from "./watch.ts";

/** A job as it was when it was last looked at, and the outcomes of its peels. */
export interface Opened {
  readonly watched: Watched;
  readonly groups: readonly OutcomeGroup[];
}

export function openedOf(watched: Watched): Opened {
  const { peels } = watched.story;
  return { watched, groups: outcomeGroups(peels, peels) };
}

const linesOf = (text: string) => text.split("\n").slice(0, -1);

/** What is known of the job, in few lines. */
function shortFacts(watched: Watched, look: { color: boolean; utf8: boolean }): string[] {
  const { row, stuck } = watched;
  const stuckLine = stuck && safe(`Stuck: ${stuckWords(stuck)}`);
  const why = isTerminal(row.status) ? whyOf(watched) : undefined;
  return [
    ...(stuckLine === undefined ? [] : [look.color ? paint("attention", stuckLine) : stuckLine]),
    barLine(watched, look.utf8),
    ...(why === undefined ? [] : [safe(`Reason: ${why}`)]),
    surroundingWords(watched),
  ];
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
  look: { color: boolean; utf8: boolean },
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
  const outcomes = groups.length === 0 ? [] : linesOf(renderOutcomes(groups, { ...full, columns: columns - 2 }, true));
  const timeline = story.steps.length === 0 ? [] : linesOf([...renderTimeline(story, full, false)].join(""));
  // Two empty lines separate the parts.
  const room = Math.max(0, rows - facts.length - 2);
  const outcomeRows = Math.min(outcomes.length, Math.max(2, room - Math.min(timeline.length, Math.floor(room / 2))));
  const eventRows = Math.max(0, room - outcomeRows);
  // The row under the cursor is in sight.
  const first = Math.max(0, at - (outcomeRows - 2));
  const marked = outcomes.map((line, i) => `${i === at + 1 ? ">" : " "} ${line}`);
  const events = eventRows < 2 ? [] : [...timeline.slice(0, 1), ...timeline.slice(1).slice(-(eventRows - 1))];
  const parts = [facts, [...marked.slice(0, 1), ...marked.slice(1 + first, first + outcomeRows)], events];
  const lines = parts.filter((part) => part.length > 0).flatMap((part, i) => (i === 0 ? part : ["", ...part]));
  return lines.slice(0, rows).map((line) => cut(line, columns));
}
