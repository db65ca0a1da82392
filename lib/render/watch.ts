// What the pictures and lines of one job share: what runs where, for whom, and how far it is. Pure.

import type { ValueMap } from "../codec/value.ts";
import { formatAge, formatDuration } from "../duration.ts";
import { isTerminal, type JobRow } from "../model/job.ts";
import { countDone } from "../model/returns.ts";
import { isMasterGone, type MasterSign } from "../model/stuck.ts";
import { bar, count, plural, safe } from "../text.ts";
import { callOf } from "./call.ts";
import { paintState } from "./colors.ts";
import { targetOf } from "./columns.ts";
import { type Telling, tookOf } from "./facts.ts";
import { peelCounts } from "./peels.ts";
import { timeText } from "./time.ts";

export interface Watched extends Telling {
  readonly sign: MasterSign;
  readonly nowNs: bigint;
}

const BAR_WIDTH = 20;

const TARGET = 60;

/** `pkg.installed nginx on web*` */
export const callOnTarget = (job: ValueMap, row: JobRow) => `${callOf(job, row)} on ${targetOf(row, TARGET)}`;

/** `Job 2hPx2 pkg.installed nginx on web*: 2 of 5 peels done` */
export function watchLine({ row, job, story: { peels } }: Omit<Telling, "stuck">): string {
  return `Job ${safe(row.jid)} ${callOnTarget(job, row)}: ${count(countDone(peels))} of ${plural(peels.length, "peel")} done\n`;
}

/** The time before the deadline: `3m57s left`, `12s overdue`; of a job that has ended, when it was created. */
function timeWords({ status, created, deadline }: JobRow, nowNs: bigint): string {
  if (isTerminal(status)) return created ? `created ${timeText(created, true)}` : "";
  const left = deadline && deadline.ns - nowNs;
  return left === undefined ? "" : left >= 0n ? `${formatAge(left)} left` : `${formatAge(-left)} overdue`;
}

/** `by root  master-2hPwZ9 alive  3m57s left` */
export function surroundingWords({ row, sign, nowNs }: Watched): string {
  const life = sign === undefined ? "" : isMasterGone(sign) ? " gone" : " alive";
  const words = [row.user && `by ${row.user}`, row.owner ? `${row.owner}${life}` : "no owner", timeWords(row, nowNs)];
  return safe(words.filter(Boolean).join("  "));
}

/** `██████░░░░ 2/5  running  1m3s  1 failed, 1 ok` */
export function barLine(watched: Watched, look: { color: boolean; utf8: boolean }): string {
  const { row, story, nowNs } = watched;
  const done = countDone(story.peels);
  const settled = story.peels.filter((peel) => peel.returned);
  const took = tookOf(watched, new Date(Number(nowNs / 1_000_000n)));
  const status = row.status ?? "-";
  const paint = paintState(status, look.color) ?? ((text) => text);
  const words = [
    `${bar(done, story.peels.length, BAR_WIDTH, look.utf8)} ${done}/${story.peels.length}`,
    paint(safe(status)),
    took === undefined ? "" : formatDuration(took < 0n ? 0n : took),
    peelCounts(settled),
  ];
  return words.filter(Boolean).join("  ");
}
