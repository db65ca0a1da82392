// How jobs end: messages, and documents for programs. Pure.

import type { Value, ValueMap } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import { isPlainJid } from "../model/jid.ts";
import { type JobRow, jobDuration } from "../model/job.ts";
import { type Ending, endingCode, whyOf } from "../model/job-end.ts";
import { countStates } from "../model/peel-state.ts";
import { named } from "../program.ts";
import { paragraph, plural, safe } from "../text.ts";
import { tookOf } from "./facts.ts";
import { namedCounts } from "./peels.ts";

/**
 * `Job 2hPx4… failed in 12s: 1 failed, 3 ok`, with the names of many peels, and the reason when it is known.
 * @param columns of the terminal; undefined for a pipe
 */
export function endingLine(ending: Ending, now: Date, columns: number | undefined): string {
  const took = tookOf(ending, now);
  const time = took === undefined ? "" : ` in ${formatDuration(took)}`;
  const reason = whyOf(ending);
  const counts = namedCounts(ending.story.peels) || "no peels";
  const words = `Job ${safe(ending.row.jid)} ${safe(ending.row.status ?? "-")}${time}: ${counts}`;
  return paragraph(`${words}${reason === undefined ? "" : ` (${safe(reason)})`}`, columns);
}

/**
 * `Next: zester job retry 2hPx4… --failed`, of the job that ended worst; undefined when none ended badly, or when its ID is not
 * for a shell.
 */
export function nextLine(endings: readonly Ending[]): string | undefined {
  const bad = endings.filter(
    ({ row }) => row.status !== "complete" && row.status !== "canceled" && isPlainJid(row.jid),
  );
  const [worst] = bad.toSorted((a, b) => endingCode(b) - endingCode(a));
  if (!worst) return undefined;
  const { row, story } = worst;
  const states = new Set(story.peels.map(({ state }) => state));
  states.delete("ok");
  // Peels that did not return may have run it: that is looked at first.
  const failedOnly = states.size === 1 && states.has("failed");
  return named(`Next: zester job ${failedOnly ? `retry ${row.jid} --failed` : `show ${row.jid} --summary`}`);
}

/** The end of a job for programs, with the number of peels in each state, worst first. */
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

/**
 * `waiting for 2 of 3 jobs: 2hPx4 running for 1m3s, …`; for one job only that job.
 * @param open jobs that have not ended: a row, or the ID of a job that was not read yet
 * @param all number of jobs
 */
export function waitingText(open: readonly (JobRow | string)[], all: number, now: Date): string {
  const [first = ""] = open;
  const jid = typeof first === "string" ? first : first.jid;
  const took = typeof first === "string" ? undefined : jobDuration(first, now);
  const state = typeof first === "string" ? "" : ` ${first.status ?? "-"}`;
  const words = `${jid}${state}${took === undefined || took < 0n ? "" : ` for ${formatDuration(took)}`}`;
  const more = open.length > 1 ? ", …" : "";
  return all === 1 ? `waiting for ${words}` : `waiting for ${open.length} of ${plural(all, "job")}: ${words}${more}`;
}

/** A job that has not ended, for programs. @param row as last read; undefined when it was never read */
export const openDocument = (jid: string, row: JobRow | undefined): ValueMap =>
  new Map<string, Value>([
    ["jid", jid],
    ["status", row?.status ?? null],
  ]);
