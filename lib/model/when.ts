// Times as users type them, for --since and --until. Pure; the clock is an argument.

import { asTime } from "../codec/value.ts";
import { monthHint, parseDuration } from "../duration.ts";
import { UserError } from "../errors.ts";
import { safe } from "../text.ts";
import { zoneName } from "../time.ts";

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
const ZONE = "z|utc|gmt|[+-]\\d\\d(?::?\\d\\d)?|[a-z]{2,5}";
const DATE_TIME = new RegExp(`^(\\d{4}-\\d\\d-\\d\\d)(?:(?:t| +)${TIME}(?: *(${ZONE}))?)?$`);
const CLOCK = new RegExp(`^(?:([a-z]+) +)?${TIME}$`);

/** @throws RangeError for a time that no clock shows */
function clockOf(parts: readonly (string | undefined)[]): Temporal.PlainTime {
  const [hour = 0, minute = 0, second = 0] = parts.map((part) => Number(part ?? 0));
  return Temporal.PlainTime.from({ hour, minute, second }, { overflow: "reject" });
}

/**
 * When local clocks show that time; the first of both when they show it twice. A skipped time is read as if clocks had
 * not been changed yet: 02:30 is what they show as 03:30.
 */
const atLocal = (
  day: Temporal.PlainDate,
  clock?: Temporal.PlainTime,
  disambiguation: "compatible" | "later" = "compatible",
): Temporal.ZonedDateTime => day.toPlainDateTime(clock).toZonedDateTime(Temporal.Now.timeZoneId(), { disambiguation });

/** Earliest first; twice the same unless clocks are put back. */
const timesAt = (day: Temporal.PlainDate, clock: Temporal.PlainTime) => [
  atLocal(day, clock),
  atLocal(day, clock, "later"),
];

const isAfter = (a: Temporal.ZonedDateTime, b: Temporal.ZonedDateTime) => a.epochNanoseconds > b.epochNanoseconds;

/** Days since the named day. */
function daysAgo(word: string, today: Temporal.PlainDate): number | undefined {
  if (word === "today") return 0;
  if (word === "yesterday") return 1;
  const day = word.length < 3 ? -1 : DAYS.findIndex((name) => name === word || name.slice(0, 3) === word);
  return day < 0 ? undefined : (today.dayOfWeek - day + 7) % 7;
}

/** `today`, `mon`, `15:00`, `yesterday 15:00`: no later than `now`, except for `today 23:00`. */
function parseClock(text: string, now: Temporal.ZonedDateTime): Temporal.ZonedDateTime | undefined {
  if (text === "now") return now;
  const today = now.toPlainDate();
  const days = daysAgo(text, today);
  if (days !== undefined) return atLocal(today.subtract({ days }));
  const [, word, ...parts] = CLOCK.exec(text) ?? [];
  if (parts.length === 0) return undefined;
  const clock = clockOf(parts);
  if (word === undefined) return lastAt(clock, now);
  const ago = daysAgo(word, today);
  if (ago === undefined) return undefined;
  const at = atLocal(today.subtract({ days: ago }), clock);
  if (!isAfter(at, now) || word === "today") return at;
  // A weekday's later time was a week ago; a skipped time at the end of a day is the day's end.
  return ago === 0 ? atLocal(today.subtract({ days: 7 }), clock) : atLocal(today.subtract({ days: ago - 1 }));
}

/** The last time when clocks showed `clock`. */
function lastAt(clock: Temporal.PlainTime, now: Temporal.ZonedDateTime): Temporal.ZonedDateTime | undefined {
  // Clocks put back over midnight have shown times of tomorrow.
  for (let days = -1; days < 7; days++) {
    const last = timesAt(now.toPlainDate().subtract({ days }), clock).findLast((at) => !isAfter(at, now));
    if (last) return last;
  }
  return undefined;
}

/** @throws RangeError for a date that no calendar has */
function parseDate(text: string): Temporal.ZonedDateTime | Temporal.Instant | undefined {
  const [, date, ...rest] = DATE_TIME.exec(text) ?? [];
  if (date === undefined) return undefined;
  const zone = rest.pop();
  const [day, clock] = [Temporal.PlainDate.from(date), clockOf(rest)];
  if (zone === undefined) return atLocal(day, clock);
  const isUtc = ["z", "utc", "gmt"].includes(zone);
  if (isUtc || /\d/.test(zone)) return Temporal.Instant.from(`${day.toPlainDateTime(clock)}${isUtc ? "Z" : zone}`);
  // A repeated time has two zone names; a skipped one has none.
  return timesAt(day, clock).find(
    (at) => at.toPlainTime().equals(clock) && zoneName(new Date(at.epochMilliseconds)) === zone.toUpperCase(),
  );
}

/** `1 hour ago` → `1hour`; any other text unchanged. */
function durationOf(text: string): string {
  const words = /^(.*\S) +ago$/.exec(text)?.[1];
  return words === undefined ? text : words.replace(/^an? /, "1 ").replace(/(?<!\d) +| +(?!\d)/g, "");
}

/** True when the meaning depends on the clock: `90m`, `today`, `15:00`. */
export const isRelative = (text: string) =>
  asTime(text.trim()) === undefined && !DATE_TIME.test(text.trim().toLowerCase());

/** A time in one of the forms of `WHEN`, in ns since 1970. @throws UserError for another text */
export function parseWhen(text: string, flag: string, now: Date): bigint {
  const time = asTime(text.trim());
  if (time) return time.ns;
  if (text.length <= LONGEST_TIME && monthHint(text) === undefined) {
    const typed = text.trim().toLowerCase();
    const clock = Temporal.Instant.fromEpochMilliseconds(now.getTime());
    try {
      const at = parseDate(typed) ?? parseClock(typed, clock.toZonedDateTimeISO(Temporal.Now.timeZoneId()));
      if (at) return at.epochNanoseconds;
      const ms = parseDuration(durationOf(typed), flag);
      return clock.epochNanoseconds - BigInt(Math.round(ms * 1e6));
    } catch {} // the error below names the accepted forms
  }
  throw new UserError(
    `invalid time "${safe(text)}" for ${flag}.`,
    monthHint(text) ??
      "Use 90m, 3d, '1 hour ago', today, monday, 15:00 or 2026-01-15T09:30:00Z. `zester help time` lists all forms.",
  );
}
