// Points in time as users type them: what --since and --until take. Pure; the clock is an argument.

import { asTime } from "../codec/value.ts";
import { parseDuration } from "../duration.ts";
import { UserError } from "../errors.ts";
import { safe } from "../text.ts";
import { atLocal, type Clock, clockText, type Day, zoneName } from "../time.ts";

/** What is accepted, and what it means, for help. */
export const WHEN: readonly (readonly [form: string, meaning: string])[] = [
  ["90m, 3d, 1w, 1h30m", "so long ago"],
  ["'1 hour ago'", "the same in words: seconds, minutes, hours, days, weeks"],
  ["now, today, yesterday", "days are from midnight"],
  ["monday, mon", "the last Monday: today on a Monday"],
  ["15:00, 15:00:30", "the last time that clocks showed that"],
  ["'yesterday 15:00'", "that time on such a day, also of the week"],
  ["2026-11-24", "midnight of that day"],
  ["'2026-11-24 15:00'", "also with a T in between, with seconds, with a zone"],
  ["2026-11-24T15:00:00Z", "RFC 3339, as in piped output: Z is UTC"],
];

/** Longer texts are no points in time. */
const LONGEST = 64;

const DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const TIME = "(\\d{1,2}):(\\d\\d)(?::(\\d\\d))?";
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const DATE_TIME = new RegExp(
  `^(\\d{4}-\\d\\d-\\d\\d)(?:t| +)${TIME}(?: *(z|utc|gmt|[+-]\\d\\d(?::?\\d\\d)?|[a-z]{2,5}))?$`,
);
const CLOCK = new RegExp(`^(?:([a-z]+) +)?${TIME}$`);

function clockOf(parts: readonly (string | undefined)[]): Clock | undefined {
  const [hour = 0, minute = 0, second = 0] = parts.map((part) => Number(part ?? 0));
  return hour < 24 && minute < 60 && second < 60 ? [hour, minute, second] : undefined;
}

const dayBefore = (now: Date, days: number): Day => {
  const date = new Date(now.getFullYear(), now.getMonth(), now.getDate() - days);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()];
};

/** How many days ago the day was that `word` names. */
function daysAgo(word: string, now: Date): number | undefined {
  if (word === "today") return 0;
  if (word === "yesterday") return 1;
  const day = word.length < 3 ? -1 : DAYS.findIndex((name) => name === word || name.slice(0, 3) === word);
  return day < 0 ? undefined : (now.getDay() - day + 7) % 7;
}

/** `today`, `mon`, `15:00`, `yesterday 15:00` */
function parseClock(text: string, now: Date): Date | undefined {
  if (text === "now") return now;
  const days = daysAgo(text, now);
  if (days !== undefined) return atLocal(dayBefore(now, days));
  const [, word, ...parts] = CLOCK.exec(text) ?? [];
  const clock = parts.length === 0 ? undefined : clockOf(parts);
  if (!clock) return undefined;
  if (word !== undefined) {
    const ago = daysAgo(word, now);
    return ago === undefined ? undefined : atLocal(dayBefore(now, ago), clock);
  }
  const today = lastAt(dayBefore(now, 0), clock, now);
  return today && today <= now ? today : lastAt(dayBefore(now, 1), clock, now);
}

/** How many minutes clocks are put back by, the usual ones first. */
const PUT_BACK = [60, 30, 120];

/** The last time until `now` at which clocks showed that on a day; the first one when all are in the future. */
function lastAt(day: Day, clock: Clock, now: Date): Date | undefined {
  const first = atLocal(day, clock);
  if (!first) return undefined;
  const later = PUT_BACK.map((minutes) => new Date(first.getTime() + minutes * 60_000));
  const isSame = (at: Date) => clockText(at) === clockText(first) && at.getDate() === first.getDate();
  return later.find((at) => isSame(at) && at <= now) ?? first;
}

const dayOf = (text: string | undefined): Day | undefined => {
  const match = DATE.exec(text ?? "");
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined;
};

/** `2026-11-24`, `2026-11-24 15:00`, also with seconds and a zone. */
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
  // A time that comes twice has two names: the second is up to an hour later.
  const later = [0, 30, 60].map((minutes) => new Date(local.getTime() + minutes * 60_000));
  const same = (at: Date) => at.getHours() === clock[0] && at.getMinutes() === clock[1];
  return later.find((at) => same(at) && zoneName(at) === zone);
}

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/^(s|secs?|seconds?)$/, "s"],
  [/^(m|mins?|minutes?)$/, "m"],
  [/^(h|hrs?|hours?)$/, "h"],
  [/^(d|days?)$/, "d"],
  [/^(w|weeks?)$/, "w"],
];

/** `1 hour ago` → `1h`; undefined for what is no distance in words. */
function durationOf(text: string): string | undefined {
  const [, words] = /^(.*\S) +ago$/.exec(text) ?? [];
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

/** True when what `text` means depends on the time at which it is read: `90m`, `today`, `15:00`. */
export const isRelative = (text: string) =>
  asTime(text.trim()) === undefined && (text.length > LONGEST || parseDate(text.trim().toLowerCase()) === undefined);

/**
 * A point in time as users type it, in ns since 1970: one of `WHEN`.
 * @param flag the flag that it was given to, for messages
 * @throws UserError when it is none of these
 */
export function parseWhen(text: string, flag: string, now: Date): bigint {
  const time = asTime(text.trim());
  if (time) return time.ns;
  if (text.length <= LONGEST) {
    const typed = text.trim().toLowerCase();
    const date = parseDate(typed) ?? parseClock(typed, now);
    if (date) return BigInt(date.getTime()) * 1_000_000n;
    try {
      const ms = parseDuration(durationOf(typed) ?? typed, flag);
      return BigInt(now.getTime()) * 1_000_000n - BigInt(Math.round(ms * 1e6));
    } catch {} // what follows says what can be written
  }
  throw new UserError(
    `${flag}: "${safe(text)}" is no point in time.`,
    "Write it like 90m, 3d, '1 hour ago', today, monday, 15:00 or 2026-01-15T09:30:00Z; `zester help time` has all.",
  );
}
