// Times and durations as text, and warnings about clocks that differ. Pure.
import { NS_PER_SECOND, type Timestamp } from "../codec/value.ts";
import { formatAge, formatAgo, formatMs } from "../duration.ts";
import type { JobList } from "../model/job.ts";
import { plural } from "../text.ts";
import { localTime } from "../time.ts";

/** `2026-11-24 16:40:22 CET` for a person, else RFC 3339 in UTC, as stored. */
export const timeText = (time: Timestamp, person: boolean): string =>
  (person ? localTime(new Date(Number(time.ns / 1_000_000n))) : undefined) ?? String(time);

/** `2m ago`, `in 5s`. @param past the word after a time in the past */
export function ageText(time: Timestamp, nowNs: bigint, past = "ago"): string {
  const distance = nowNs - time.ns;
  return distance >= 0n ? `${formatAgo(distance)} ${past}` : `in ${formatAgo(-distance)}`;
}

/** In seconds, with every digit, for CSV and metrics. */
export function seconds(ns: bigint | undefined): string {
  if (ns === undefined) return "";
  const part = String((ns < 0n ? -ns : ns) % NS_PER_SECOND)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${ns / NS_PER_SECOND}${part && `.${part}`}`;
}

/** Tolerated difference of clocks, in ms. */
const TOLERANCE_MS = 5_000;

/** Undefined: no warning. @param aheadMs how far the server's clock is ahead, plus or minus `doubtMs` */
export function clockWords(aheadMs: number, doubtMs: number): string | undefined {
  if (Math.abs(aheadMs) - doubtMs <= TOLERANCE_MS) return undefined;
  return `this machine's clock is ${formatMs(Math.abs(aheadMs))} ${aheadMs > 0 ? "behind" : "ahead of"} the server's; --since and --until use the server's clock.`;
}

/** Undefined when no job was created in the future. @param jobs oldest first */
export function futureWords(jobs: JobList, nowNs: bigint): string | undefined {
  const latest = nowNs + BigInt(TOLERANCE_MS) * 1_000_000n;
  let ahead = 0;
  while (ahead < jobs.length && (jobs.at(jobs.length - 1 - ahead).row.created?.ns ?? 0n) > latest) ahead++;
  if (ahead === 0) return undefined;
  const { jid, created } = jobs.at(jobs.length - 1).row;
  const furthest = formatAge((created?.ns ?? nowNs) - nowNs);
  return `${plural(ahead, "job")} created in the future (${jid} in ${furthest}): a clock is ahead of the server's. These jobs are sorted as the newest.`;
}
