// Durations as users type and read them.
import { UserError } from "./errors.ts";
import { safe } from "./text.ts";

const UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const PARTS =
  /(\d+(?:\.\d+)?)(ms|s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?|w(?:eeks?)?)(?![a-z])/g;

/** What to do about `1M`, which is a month for some and a minute for others; undefined for other text. */
export const monthHint = (text: string) =>
  /\d *M(?![A-Za-z])/.test(text) ? "Use 1m for a minute, 30d for a month." : undefined;

/** A duration such as `500ms`, `1m30s` or `5min` in ms. @throws UserError when it is invalid, zero or longer than a year */
export function parseDuration(text: string, flag: string): number {
  let ms = 0;
  const rest = text.replace(PARTS, (_, n: string, unit: string) => {
    ms += Number(n) * (unit === "ms" ? 1 : (UNIT_MS[unit.charAt(0)] as number));
    return "";
  });
  if (text === "" || rest !== "" || !(ms >= 1) || ms > 366 * 86_400_000) {
    throw new UserError(
      `invalid duration "${safe(text)}" for ${flag}.`,
      monthHint(text) ?? "Use a form like 500ms, 5s, 1m30s, 2h, 3d or 1w.",
    );
  }
  return ms;
}

/**
 * A duration for people: `313d`, `3d4h`, `2h5m`, `1m3s`, `12s`, `1.2s`, `0.8s`, and below 100 ms `42ms`, `250µs`, `42ns`. Always
 * rounded down: a peel that took 59.9 s did not take a minute.
 */
export function formatDuration(ns: bigint): string {
  if (ns < 0n) return `-${formatDuration(-ns)}`;
  if (ns < 1_000n) return ns === 0n ? "0s" : `${ns}ns`;
  if (ns < 1_000_000n) return `${ns / 1_000n}µs`;
  if (ns < 100_000_000n) return `${ns / 1_000_000n}ms`;
  const tenths = ns / 100_000_000n;
  if (tenths < 100n) return `${tenths / 10n}.${tenths % 10n}s`;
  const s = tenths / 10n;
  if (s < 60n) return `${s}s`;
  if (s < 3600n) return s % 60n ? `${s / 60n}m${s % 60n}s` : `${s / 60n}m`;
  const [days, hours] = [s / 86_400n, (s % 86_400n) / 3600n];
  if (days >= 2n) return days < 10n && hours ? `${days}d${hours}h` : `${days}d`;
  const minutes = (s % 3600n) / 60n;
  return minutes ? `${s / 3600n}h${minutes}m` : `${s / 3600n}h`;
}

export const formatMs = (ms: number) => formatDuration(BigInt(Math.round(ms * 1e6)));

/** An age at a glance, in its largest unit; from one to ten hours with minutes (`37m`, `1h29m`, `1d`). */
export function formatAgo(ns: bigint): string {
  const s = ns / 1_000_000_000n;
  if (s < 60n) return formatDuration(ns);
  if (s < 3600n) return `${s / 60n}m`;
  if (s < 36_000n) return formatDuration(ns);
  return s < 86_400n ? `${s / 3600n}h` : `${s / 86_400n}d`;
}

const TWO_DAYS = 2n * 86_400n * 1_000_000_000n;

/** An age: as formatDuration, from two days on in whole days (`312d`). */
export const formatAge = (ns: bigint) => (ns >= TWO_DAYS ? `${(2n * ns) / TWO_DAYS}d` : formatDuration(ns));
