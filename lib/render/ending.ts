// How jobs ended, as words and for programs. Pure.

import type { Value, ValueMap } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import { type JobRow, jobDuration } from "../model/job.ts";
import { type Ending, whyOf } from "../model/job-end.ts";
import { countStates } from "../model/peel-state.ts";
import { paragraph, plural, safe } from "../text.ts";
import { tookOf } from "./facts.ts";
import { namedCounts } from "./peels.ts";

/**
 * `Job 2hPx4… ended failed after 12s: 1 failed, 3 ok`, of many peels with names, and why where that is known.
 * @param columns of the terminal, if it is for one
 */
export function endingLine(ending: Ending, now: Date, columns: number | undefined): string {
  const took = tookOf(ending, now);
  const after = took === undefined ? "" : ` after ${formatDuration(took)}`;
  const reason = whyOf(ending);
  const counts = namedCounts(ending.story.peels) || "no peels";
  const words = `Job ${safe(ending.row.jid)} ended ${safe(ending.row.status ?? "-")}${after}: ${counts}`;
  return paragraph(`${words}${reason === undefined ? "" : ` (${safe(reason)})`}`, columns);
}

/** The same for programs: the number of peels in each state, worst first. */
export function endingDocument(ending: Ending): ValueMap {
  const { row, story } = ending;
  const reason = whyOf(ending);
  return new Map<string, Value>([
    ["jid", row.jid],
    ["status", row.status ?? null],
    ...(reason === undefined ? [] : [["reason", reason] as const]),
    ...countStates(story.peels),
  ]);
}

/** `waiting for 2 of 3 jobs: 2hPx4 running for 1m3s, …`; of one job its id alone. `open` are those that have not ended. */
export function waitingText(open: readonly (JobRow | string)[], all: number, now: Date): string {
  const [first = ""] = open;
  const jid = typeof first === "string" ? first : first.jid;
  const took = typeof first === "string" ? undefined : jobDuration(first, now);
  const state = typeof first === "string" ? "" : ` ${first.status ?? "-"}`;
  const words = `${jid}${state}${took === undefined || took < 0n ? "" : ` for ${formatDuration(took)}`}`;
  const more = open.length > 1 ? ", …" : "";
  return all === 1 ? `waiting for ${words}` : `waiting for ${open.length} of ${plural(all, "job")}: ${words}${more}`;
}

/** A job that has not ended, for programs, as it was last seen; not at all when `row` is undefined. */
export const openDocument = (jid: string, row: JobRow | undefined): ValueMap =>
  new Map<string, Value>([
    ["jid", jid],
    ["status", row?.status ?? null],
  ]);
