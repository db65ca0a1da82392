// The end of jobs: messages and documents. Pure.

import { mapOf, type ValueMap } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import { isPlainJid } from "../model/jid.ts";
import { type JobRow, jobDuration } from "../model/job.ts";
import { type Ending, endingCode, whyOf } from "../model/job-end.ts";
import { countStates } from "../model/peel-state.ts";
import { named } from "../program.ts";
import { paragraph, plural, safe } from "../text.ts";
import { tookOf } from "./facts.ts";
import { namedCounts } from "./peels.ts";

/** `Job 2hPx4… failed in 12s: 1 failed, 3 ok`, with a known reason. */
export function endingLine(ending: Ending, now: Date, columns: number | undefined): string {
  const took = tookOf(ending, now);
  const time = took === undefined ? "" : ` in ${formatDuration(took)}`;
  const reason = whyOf(ending);
  const counts = namedCounts(ending.story.peels) || "no peels";
  const words = `Job ${safe(ending.row.jid)} ${safe(ending.row.status ?? "-")}${time}: ${counts}`;
  return paragraph(`${words}${reason === undefined ? "" : ` (${safe(reason)})`}`, columns);
}

/** `Next: zester job retry 2hPx4… --failed` for the worst end; undefined without one, or for an ID not safe in a shell. */
export function nextLine(endings: readonly Ending[]): string | undefined {
  const bad = endings.filter(
    ({ row }) => row.status !== "complete" && row.status !== "canceled" && isPlainJid(row.jid),
  );
  const [worst] = bad.toSorted((a, b) => endingCode(b) - endingCode(a));
  if (!worst) return undefined;
  const { row, story } = worst;
  const states = new Set(story.peels.map(({ state }) => state));
  states.delete("ok");
  // Peels that did not return may have run it: look first.
  const failedOnly = states.size === 1 && states.has("failed");
  return named(`Next: zester job ${failedOnly ? `retry ${row.jid} --failed` : `show ${row.jid} --summary`}`);
}

/** With the number of peels in each state, worst first. */
export function endingDocument(ending: Ending): ValueMap {
  const { row, story } = ending;
  return mapOf({
    jid: row.jid,
    status: row.status ?? null,
    reason: whyOf(ending),
    ...Object.fromEntries(countStates(story.peels)),
  });
}

/** `waiting for 2 of 3 jobs: 2hPx4 running for 1m3s, …`. @param open active jobs; an ID if not read yet */
export function waitingText(open: readonly (JobRow | string)[], all: number, now: Date): string {
  const [first = ""] = open;
  const jid = typeof first === "string" ? first : first.jid;
  const took = typeof first === "string" ? undefined : jobDuration(first, now);
  const state = typeof first === "string" ? "" : ` ${first.status ?? "-"}`;
  const words = `${jid}${state}${took === undefined || took < 0n ? "" : ` for ${formatDuration(took)}`}`;
  const more = open.length > 1 ? ", …" : "";
  return all === 1 ? `waiting for ${words}` : `waiting for ${open.length} of ${plural(all, "job")}: ${words}${more}`;
}

/** An active job. @param row undefined when never read */
export const openDocument = (jid: string, row: JobRow | undefined): ValueMap =>
  mapOf({ jid, status: row?.status ?? null });
