// How jobs ended, and the exit codes that tell it. Pure.

import type { ValueMap } from "../codec/value.ts";
import type { JobRow } from "./job.ts";
import { hasNotReturned } from "./peel-state.ts";
import type { Story } from "./story.ts";

/** How a job ended. */
export interface Ending {
  readonly row: JobRow;
  readonly job: ValueMap;
  readonly story: Story;
}

const CODE = { complete: 0, failed: 2, away: 3, both: 4, canceled: 5 } as const;

/**
 * The exit code of one ending: 0 complete, 2 some peel returned a failure, 3 some peel was given up or has not returned, 4
 * both, 5 canceled. What the record says counts also where the returns are gone. A late return changes nothing about the
 * job, which its master has given a state by then; but a late failure is one.
 */
export function endingCode({ row: { status }, story: { peels } }: Ending): number {
  if (status === "canceled") return CODE.canceled;
  if (status === "complete") return CODE.complete;
  const isAway = peels.some(({ state }) => state === "unreachable" || state === "late" || hasNotReturned(state));
  const hasFailed = peels.some(
    ({ state, returned }) => state === "failed" || state === "unreadable" || (state === "late" && !returned?.ok),
  );
  const away = isAway || status === "partial" || status === "timeout";
  const failed = hasFailed || !away;
  return failed && away ? CODE.both : failed ? CODE.failed : CODE.away;
}

/** The exit code of several endings: the highest; failures in one and absences in another are both. */
export function worstCode(codes: readonly number[]): number {
  const worst = Math.max(...codes);
  return worst === CODE.away && codes.includes(CODE.failed) ? CODE.both : worst;
}
