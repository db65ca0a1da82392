// What `stats` counted, as each output takes it.
import type { ValueMap } from "../codec/value.ts";
import { compareText, displayPeel } from "../model/peel.ts";
import type { Schedule } from "../model/schedule.ts";
import { type By, hasFailed, isTrouble, type JobTally, type LastResult, type PeelStats } from "../model/stats.ts";
import type { Span } from "../model/trend.ts";
import { renderJobStats, renderPeelStats, renderSchedules, type StatsLook } from "../render/stats.ts";
import {
  jobStatsDocument,
  jobStatsSheet,
  peelStatsDocument,
  peelStatsSheet,
  scheduleDocument,
  scheduleSheet,
} from "../render/stats-document.ts";

export interface View {
  /** How many rows there are. */
  readonly size: number;
  /** Something is overdue, had no run, or failed last: what --check tells by the exit code. */
  readonly trouble: boolean;
  text(look: StatsLook): string;
  documents(): ValueMap[];
  /** The titles and the rows for a spreadsheet. */
  sheet(): [titles: string[], rows: string[][]];
}

export const jobView = (tallies: readonly JobTally[], by: By, span: Span): View => ({
  size: tallies.length,
  trouble: tallies.some(({ last }) => last !== undefined && hasFailed(last)),
  text: (look) => renderJobStats(tallies, by, span, look),
  documents: () => tallies.map((tally) => jobStatsDocument(tally, by, span)),
  sheet: () => jobStatsSheet(tallies, by),
});

/** What needs attention stands on top. */
const rank = (last: LastResult) => (last === "no run" ? 0 : isTrouble(last) ? 1 : 2);

export function peelView(stats: readonly PeelStats[], span: Span, now: Date): View {
  const keyed = stats.map((one) => ({ one, rank: rank(one.tally.last), name: displayPeel(one.tally.peel) }));
  keyed.sort((a, b) => a.rank - b.rank || compareText(a.name, b.name));
  const sorted = keyed.map(({ one }) => one);
  return {
    size: sorted.length,
    trouble: sorted.some(({ tally }) => isTrouble(tally.last)),
    text: (look) => renderPeelStats(sorted, span, look, now),
    documents: () => sorted.map((one) => peelStatsDocument(one, span)),
    sheet: () => peelStatsSheet(sorted),
  };
}

export const scheduleView = (schedules: readonly Schedule[], now: Date): View => ({
  size: schedules.length,
  trouble: schedules.some(({ peels }) => peels.some(({ overdue, failed }) => overdue || failed)),
  text: (look) => renderSchedules(schedules, look, now),
  documents: () => schedules.map(scheduleDocument),
  sheet: () => scheduleSheet(schedules),
});
