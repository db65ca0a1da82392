// Times as users type them, for --since and --until. Pure; the clock is an argument.

import { asTime } from "../codec/value.ts";
import { parseDuration } from "../duration.ts";
import { UserError } from "../errors.ts";
import { safe } from "../text.ts";
import { atLocal, type ClockTime, clockText, type Day, zoneName } from "../time.ts";

/** Accepted forms, for help. */
export const WHEN: readonly (readonly [form: string, meaning: string])[] = [
  ["90m, 5min, 3d, 1w, 1h30m", "this long ago"],
  ["'1 hour ago'", "the same in words: seconds, minutes, hours, days, weeks"],
  ["now, today, yesterday", "days are from midnight"],
  ["monday, mon", "the last Monday: today on a Monday"],
  ["15:00, 15:00:30", "the most recent such time"],
  ["'yesterday 15:00'", "that time on that day; a weekday is the most recent one"],
  ["2026-11-24", "midnight of that day"],
  ["'2026-11-24 15:00'", "also with T between, with seconds, with a zone"],
  ["2026-11-24T15:00:00Z", "RFC 3339, as in piped output: Z is UTC"],
];

const LONGEST_TIME = 64;

const DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const TIME = "(\\d{1,2}):(\\d\\d)(?::(\\d\\d))?";
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const DATE_TIME = new RegExp(
  `^(\\d{4}-\\d\\d-\\d\\d)(?:t| +)${TIME}(?: *(z|utc|gmt|[+-]\\d\\d(?::?\\d\\d)?|[a-z]{2,5}))?$`,
);
const CLOCK = new RegExp(`^(?:([a-z]+) +)?${TIME}$`);

function clockOf(parts: readonly (string | undefined)[]): ClockTime | undefined {
  const [hour = 0, minute = 0, second = 0] = parts.map((part) => Number(part ?? 0));
  return hour < 24 && minute < 60 && second < 60 ? [hour, minute, second] : undefined;
}

/** In UTC, which has every day: a zone can skip one. */
const dayBefore = (now: Date, days: number): Day => {
  const date = new Date(Date.UTC(now.getFullYear(), now.getMonth(), now.getDate() - days));
  return [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
};

/** Days since the named day. */
function daysAgo(word: string, now: Date): number | undefined {
  if (word === "today") return 0;
  if (word === "yesterday") return 1;
  const day = word.length < 3 ? -1 : DAYS.findIndex((name) => name === word || name.slice(0, 3) === word);
  return day < 0 ? undefined : (now.getDay() - day + 7) % 7;
}

/** `today`, `mon`, `15:00`, `yesterday 15:00`: no later than `now`, except for `today 23:00`. */
function parseClock(text: string, now: Date): Date | undefined {
  if (text === "now") return now;
  const days = daysAgo(text, now);
  if (days !== undefined) return atLocal(dayBefore(now, days));
  const [, word, ...parts] = CLOCK.exec(text) ?? [];
  const clock = parts.length === 0 ? undefined : clockOf(parts);
  if (!clock) return undefined;
  if (word === undefined) return lastAt(clock, now);
  const ago = daysAgo(word, now);
  const at = ago === undefined ? undefined : atLocal(dayBefore(now, ago), clock);
  if (ago === undefined || !at || at <= now || word === "today") return at;
  // A weekday's later time was a week ago; a skipped time at the end of a day is the day's end.
  return ago === 0 ? atLocal(dayBefore(now, 7), clock) : atLocal(dayBefore(now, ago - 1));
}

/** The last time when clocks showed `clock`. */
function lastAt(clock: ClockTime, now: Date): Date | undefined {
  // Clocks put back over midnight have shown times of tomorrow.
  for (let days = -1; days < 7; days++) {
    const last = timesAt(dayBefore(now, days), clock).findLast((at) => at <= now);
    if (last) return last;
  }
  return undefined;
}

const DAY_MS = 86_400_000;

/** Earliest first; two when clocks are put back. */
function timesAt(day: Day, clock: ClockTime): Date[] {
  const first = atLocal(day, clock);
  if (!first) return [];
  const dayLater = new Date(first.getTime() + DAY_MS);
  const putBack = dayLater.getTimezoneOffset() - first.getTimezoneOffset();
  const second = new Date(first.getTime() + putBack * 60_000);
  return putBack > 0 && clockText(second) === clockText(first) ? [first, second] : [first];
}

const dayOf = (text: string | undefined): Day | undefined => {
  const match = DATE.exec(text ?? "");
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined;
};

function parseDate(text: string): Date | undefined {
  const day = dayOf(text);
  if (day) return atLocal(day);
  const [, date, ...rest] = DATE_TIME.exec(text) ?? [];
  const zone = rest.pop()?.toUpperCase();
  const clock = clockOf(rest);
  const on = dayOf(date);
  const local = on && clock && atLocal(on, clock);
  if (!local || zone === undefined) return local || undefined;
  const iso = `${date}T${clock.map((part) => String(part).padStart(2, "0")).join(":")}`;
  const [, hours, minutes = "00"] = /^([+-]\d\d):?(\d\d)?$/.exec(zone) ?? [];
  const distance = hours !== undefined ? `${hours}:${minutes}` : /^(Z|UTC|GMT)$/.test(zone) ? "Z" : undefined;
  if (distance !== undefined) {
    const ms = Date.parse(iso + distance);
    return Number.isNaN(ms) ? undefined : new Date(ms);
  }
  // A repeated time has two zone names.
  const isShown = (at: Date) => at.getHours() === clock[0] && at.getMinutes() === clock[1];
  return timesAt(on, clock).find((at) => isShown(at) && zoneName(at) === zone);
}

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/^(s|secs?|seconds?)$/, "s"],
  [/^(m|mins?|minutes?)$/, "m"],
  [/^(h|hrs?|hours?)$/, "h"],
  [/^(d|days?)$/, "d"],
  [/^(w|weeks?)$/, "w"],
];

/** `1 hour ago`, `5min` → `1h`, `5m`; undefined for anything else. */
function durationOf(text: string): string | undefined {
  const words = text.includes(" ") ? /^(.*\S) +ago$/.exec(text)?.[1] : text;
  if (words === undefined) return undefined;
  const parts = words.replace(/^an? /, "1 ").matchAll(/(\d+(?:\.\d+)?) *([a-z]+)|\S/g);
  let out = "";
  for (const [, n, word = ""] of parts) {
    const unit = UNITS.find(([names]) => names.test(word))?.[1];
    if (n === undefined || unit === undefined) return undefined;
    else out += n + unit;
  }
  return out;
}

/** True when the meaning depends on the clock: `90m`, `today`, `15:00`. */
export const isRelative = (text: string) =>
  asTime(text.trim()) === undefined &&
  (text.length > LONGEST_TIME || parseDate(text.trim().toLowerCase()) === undefined);

/**
 * In ns since 1970: one of `WHEN`.
 * @throws UserError for another text
 */
export function parseWhen(text: string, flag: string, now: Date): bigint {
  const time = asTime(text.trim());
  if (time) return time.ns;
  if (text.length <= LONGEST_TIME) {
    const typed = text.trim().toLowerCase();
    const date = parseDate(typed) ?? parseClock(typed, now);
    if (date) return BigInt(date.getTime()) * 1_000_000n;
    try {
      const ms = parseDuration(durationOf(typed) ?? typed, flag);
      return BigInt(now.getTime()) * 1_000_000n - BigInt(Math.round(ms * 1e6));
    } catch {} // what follows says what can be written
  }
  throw new UserError(
    `invalid time "${safe(text)}" for ${flag}.`,
    "Use 90m, 3d, '1 hour ago', today, monday, 15:00 or 2026-01-15T09:30:00Z. `zester help time` lists all forms.",
  );
}
