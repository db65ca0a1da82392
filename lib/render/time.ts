// Times and durations as text. Pure.
import { NS_PER_SECOND, type Timestamp } from "../codec/value.ts";
import { formatAgo } from "../duration.ts";
import { localTime } from "../time.ts";

/** `2026-11-24 16:40:22 CET` for a person, else RFC 3339 in UTC, as stored. */
export const timeText = (time: Timestamp, person: boolean): string =>
  (person ? localTime(new Date(Number(time.ns / 1_000_000n))) : undefined) ?? String(time);

/**
 * `2m ago`, `in 5s`.
 * @param past the word after a time in the past
 */
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
