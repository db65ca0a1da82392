// Warnings about clocks that differ. Pure.

import { formatAge, formatMs } from "../duration.ts";
import type { JobList } from "../model/job.ts";
import { plural } from "../text.ts";

/** Clocks may differ by this many ms without a warning. */
const TOLERANCE_MS = 5_000;

/**
 * The warning for a clock of this machine that differs from the server's; undefined for none.
 * @param aheadMs how far the server's clock is ahead, plus or minus `doubtMs`
 */
export function clockWords(aheadMs: number, doubtMs: number): string | undefined {
  if (Math.abs(aheadMs) - doubtMs <= TOLERANCE_MS) return undefined;
  return `this machine's clock is ${formatMs(Math.abs(aheadMs))} ${aheadMs > 0 ? "behind" : "ahead of"} the server's; --since and --until use the server's clock.`;
}

/** The warning for jobs created in the future by the server's clock; undefined for none. @param jobs oldest first */
export function futureWords(jobs: JobList, nowNs: bigint): string | undefined {
  const latest = nowNs + BigInt(TOLERANCE_MS) * 1_000_000n;
  let ahead = 0;
  while (ahead < jobs.length && (jobs.at(jobs.length - 1 - ahead).row.created?.ns ?? 0n) > latest) ahead++;
  if (ahead === 0) return undefined;
  const { jid, created } = jobs.at(jobs.length - 1).row;
  const furthest = formatAge((created?.ns ?? nowNs) - nowNs);
  return `${plural(ahead, "job")} created in the future (${jid} in ${furthest}): a clock is ahead of the server's. These jobs are sorted as the newest.`;
}
