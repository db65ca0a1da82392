// `watch <jid>`: the first line and, on a terminal, the live picture below the printed lines. Pure.

import type { ValueMap } from "../codec/value.ts";
import { paint } from "../colors.ts";
import { formatAge, formatDuration } from "../duration.ts";
import type { JobRow } from "../model/job.ts";
import { displayPeel } from "../model/peel.ts";
import { hasNotReturned, type PeelState } from "../model/peel-state.ts";
import { countReturned } from "../model/returns.ts";
import type { PeelStory } from "../model/story.ts";
import { isMasterGone, type MasterSign, stuckWords } from "../model/stuck.ts";
import { bar, count, cut, plural, safe } from "../text.ts";
import { callOf } from "./call.ts";
import { paintState } from "./colors.ts";
import { targetOf } from "./columns.ts";
import { type Telling, tookOf } from "./facts.ts";
import { peelNames } from "./names.ts";
import { longest, namedCounts, peelCounts } from "./peels.ts";
import { andMore, type Cell, renderTable } from "./table.ts";

export interface Watched extends Telling {
  readonly sign: MasterSign;
  readonly nowNs: bigint;
}

/** Lines about peels that have not returned, and columns of the names of those that share one. */
const [OPEN_PEELS, NAMES] = [10, 32] as const;
/** Other lines of the picture, plus one printed line above it. */
const AROUND = 5;
const BAR_COLUMNS = 20;

const TARGET = 60;

/** `pkg.installed nginx on web*` */
export const callOnTarget = (job: ValueMap, row: JobRow) => `${callOf(job, row)} on ${targetOf(row, TARGET)}`;

/** `Job 2hPx2 pkg.installed nginx on web*: 2 of 5 peels returned` */
export function watchLine({ row, job, story: { peels } }: Omit<Telling, "stuck">): string {
  return `Job ${safe(row.jid)} ${callOnTarget(job, row)}: ${count(countReturned(peels))} of ${plural(peels.length, "peel")} returned\n`;
}

/** States without an ack: the job has waited for these peels since its dispatch. */
const NEVER_ACCEPTED: ReadonlySet<PeelState> = new Set(["offline", "silent", "missing"]);

/** A peel that the job waits for, and for how long, in ns; undefined when unknown. */
interface Open {
  readonly peel: PeelStory;
  readonly ns: bigint | undefined;
}

/** The peels that the job waits for, longest wait first. */
function waitedFor({ story: { peels, steps, whole }, nowNs }: Watched): Open[] {
  const start = whole ? steps[0]?.storedNs : undefined;
  const sinceDispatch = start !== undefined && nowNs > start ? nowNs - start : undefined;
  return peels
    .filter(({ state }) => hasNotReturned(state))
    .map((peel) => ({ peel, ns: NEVER_ACCEPTED.has(peel.state) ? sinceDispatch : peel.soFarNs }))
    .sort((a, b) => Number((b.ns ?? 0n) - (a.ns ?? 0n)));
}

/** @param open those that share a line, longest wait first */
function openCells(open: readonly Open[], color: boolean): Cell[] {
  const { peel, ns } = open[0] as Open;
  const { state, behind } = peel;
  const words = NEVER_ACCEPTED.has(state) ? "without an ack" : "so far";
  const peels = open.map((one) => one.peel);
  const [names, number] =
    peels.length > 1 ? [peelNames(peels, NAMES), `${count(peels.length)} `] : [displayPeel(peel.peel), ""];
  return [
    { text: `  ${names}` },
    { text: number + state, paint: paintState(state, color) },
    { text: ns === undefined ? "" : `${longest(open.map(({ ns }) => ns))} ${words}` },
    { text: behind === undefined ? "" : `waiting for job ${behind}` },
  ];
}

function openLines(watched: Watched, color: boolean, most: number): string[] {
  const open = waitedFor(watched);
  const alike = Map.groupBy(open, ({ peel: { state, behind = "" } }) => `${state} ${behind}`);
  const lines = open.length > most ? [...alike.values()] : open.map((one) => [one]);
  const shown = lines.length > most ? lines.slice(0, Math.max(0, most - 1)) : lines;
  const rest = lines.slice(shown.length).flatMap((one) => one.map(({ peel }) => peel));
  const columns = [{ title: "" }, { title: "", min: 9 }, { title: "" }, { title: "" }];
  const rows = shown.map((one) => openCells(one, color));
  const table = renderTable(columns, rows, false).split("\n").slice(0, -1);
  return rest.length === 0 ? table : [...table, `  ${andMore(rest.length, "peel")}: ${namedCounts(rest, true)}`];
}

/** `by root  master-2hPwZ9 alive  3m57s left` */
export function surroundingWords({ row, sign, nowNs }: Watched): string {
  const life = sign === undefined ? "" : isMasterGone(sign) ? " gone" : " alive";
  const left = row.deadline && row.deadline.ns - nowNs;
  const words = [
    row.user && `by ${row.user}`,
    row.owner ? `${row.owner}${life}` : "no owner",
    left === undefined ? "" : left >= 0n ? `${formatAge(left)} left` : `${formatAge(-left)} overdue`,
  ];
  return safe(words.filter(Boolean).join("  "));
}

/** `██████░░░░ 2/5  running  1m3s  1 failed, 1 ok` */
export function barLine(watched: Watched, utf8: boolean): string {
  const { row, story, nowNs } = watched;
  // A peel that was given up does not count as returned; the words mention it.
  const returned = countReturned(story.peels);
  const settled = story.peels.filter((peel) => peel.returned);
  const took = tookOf(watched, new Date(Number(nowNs / 1_000_000n)));
  const words = [
    `${bar(returned, story.peels.length, BAR_COLUMNS, utf8)} ${returned}/${story.peels.length}`,
    safe(row.status ?? "-"),
    took === undefined ? "" : formatDuration(took < 0n ? 0n : took),
    peelCounts(settled),
  ];
  return words.filter(Boolean).join("  ");
}

/**
 * The live picture of a running job, in lines that fit `size`: what runs where, for whom, the time left, whether it is stuck,
 * what it waits for, and its progress.
 */
export function renderWatch(
  watched: Watched,
  look: { color: boolean; utf8: boolean },
  size: { columns: number; rows: number },
): string[] {
  const { row, job, stuck } = watched;
  const room = Math.min(OPEN_PEELS, Math.max(0, size.rows - AROUND));
  const stuckLine = stuck && safe(`Stuck: ${stuckWords(stuck)}`);
  const lines = [
    `${safe(row.jid)}  ${callOnTarget(job, row)}`,
    surroundingWords(watched),
    ...(stuckLine === undefined ? [] : [look.color ? paint("attention", stuckLine) : stuckLine]),
    ...openLines(watched, look.color, room),
    barLine(watched, look.utf8),
  ];
  return lines.slice(-size.rows).map((line) => cut(line, size.columns - 1));
}
