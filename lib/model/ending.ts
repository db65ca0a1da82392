// How jobs ended, and the exit codes that tell it. Pure.

import type { JobRow } from "./job.ts";
import type { Peel } from "./returns.ts";

/** How a job ended. */
export interface Ending {
  readonly row: JobRow;
  /** All its peels, sorted by peel. */
  readonly peels: readonly Peel[];
}

const CODE = { complete: 0, failed: 2, away: 3, both: 4, canceled: 5 } as const;

/**
 * The exit code of one ending: 0 complete, 2 some peel returned a failure, 3 some peel unreachable or missing, 4 both,
 * 5 canceled. What the record says counts also where the returns are gone.
 */
export function endingCode({ row: { status }, peels }: Ending): number {
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
