// Warnings about clocks that differ. Pure.

import { formatAge, formatMs } from "../duration.ts";
import type { JobList } from "../model/job.ts";
import { plural } from "../text.ts";

/** How far two clocks may be apart, in ms, before there is a warning. */
const TOLERANCE_MS = 5_000;

/**
 * What to warn of when this machine's clock and the server's differ; undefined when they do not.
 * @param aheadMs how far the server's clock is ahead, give or take `doubtMs`
 */
export function clockWords(aheadMs: number, doubtMs: number): string | undefined {
  if (Math.abs(aheadMs) - doubtMs <= TOLERANCE_MS) return undefined;
  return `this machine's clock is ${formatMs(Math.abs(aheadMs))} ${aheadMs > 0 ? "behind" : "ahead of"} the server's: --since and --until count from the server's.`;
}

/** What to warn of when jobs, oldest first, were created in the future by the server's clock; undefined for none. */
export function futureWords(jobs: JobList, nowNs: bigint): string | undefined {
  const latest = nowNs + BigInt(TOLERANCE_MS) * 1_000_000n;
  let ahead = 0;
  while (ahead < jobs.length && (jobs.at(jobs.length - 1 - ahead).row.created?.ns ?? 0n) > latest) ahead++;
  if (ahead === 0) return undefined;
  const { jid, created } = jobs.at(jobs.length - 1).row;
  const furthest = formatAge((created?.ns ?? nowNs) - nowNs);
  return `${plural(ahead, "job")} created in the future (${jid} in ${furthest}): a clock is ahead of the server's, so that they pass for the newest.`;
}
