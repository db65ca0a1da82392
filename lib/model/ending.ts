// How jobs ended, as words and exit codes. Pure.

import type { Value, ValueMap } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import type { Ending } from "../jobs/follow.ts";
import { count, safe } from "../text.ts";
import { jobRow } from "./job.ts";
import { countStates, type Peel } from "./returns.ts";
import { jobDuration } from "./selection.ts";

const CODE = { complete: 0, failed: 2, away: 3, both: 4, canceled: 5 } as const;

/**
 * The exit code of one ending: 0 complete, 2 some peel returned a failure, 3 some peel unreachable or missing, 4 both,
 * 5 canceled. What the record says counts also where the returns are gone.
 */
export function endingCode({ jid, record, peels }: Ending): number {
  const { status } = jobRow(jid, record);
  if (status === "canceled") return CODE.canceled;
  if (status === "complete") return CODE.complete;
  const has = (...states: string[]) => peels.some((peel) => states.includes(peel.state));
  const away = has("unreachable", "missing") || status === "partial" || status === "timeout";
  const failed = has("failed", "unreadable") || !away;
  return failed && away ? CODE.both : failed ? CODE.failed : CODE.away;
}

/** The exit code of several endings: the highest; failures in one and absences in another are both. */
export function worstCode(codes: readonly number[]): number {
  const worst = Math.max(...codes);
  return worst === CODE.away && codes.includes(CODE.failed) ? CODE.both : worst;
}

/** `2 ok, 1 failed`: what became of the peels, without states that none is in. */
export function peelCounts(peels: readonly Peel[]): string {
  const counts = countStates(peels)
    .filter(([, n]) => n > 0)
    .map(([state, n]) => `${count(n)} ${state}`);
  return counts.reverse().join(", ");
}

/** `complete after 12s: 3 ok` */
export function endingText({ jid, record, peels }: Ending): string {
  const row = jobRow(jid, record);
  const took = jobDuration(row, new Date());
  const after = took === undefined ? "" : ` after ${formatDuration(took)}`;
  return `${safe(row.status ?? "-")}${after}: ${peelCounts(peels) || "no peels"}`;
}

/** The same for programs. */
export function endingDocument({ jid, record, peels }: Ending): ValueMap {
  const counts = countStates(peels).map(([state, n]) => [state, n] as [string, Value]);
  return new Map<string, Value>([
    ["jid", jid],
    ["status", jobRow(jid, record).status ?? null],
    ...counts.reverse(),
  ]);
}
