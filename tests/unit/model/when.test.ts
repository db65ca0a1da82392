// Times as the flags of a selection take them, and as terminals show them, in several zones.
import { afterEach, describe, expect, test } from "bun:test";
import { isRelative, parseWhen, WHEN } from "../../../lib/model/when.ts";
import { clockText, localTime } from "../../../lib/time.ts";
import { draws, some, times } from "../../support/length.ts";
import { randomFrom, SEED } from "../../support/random.ts";

const ZONE = process.env.TZ;
afterEach(() => {
  process.env.TZ = ZONE ?? "UTC";
});
/** In Berlin clocks go from 02:00 to 03:00 on 2026-03-29, and from 03:00 to 02:00 on 2026-10-25. */
const berlin = () => {
  process.env.TZ = "Europe/Berlin";
};
const when = (text: string, now: string) =>
  new Date(Number(parseWhen(text, "--since", new Date(now)) / 1_000_000n)).toISOString().replace(".000", "");

/** A Tuesday, 16:40:22 in Berlin. */
const NOW = "2026-11-24T15:40:22Z";

test.each([
  ["90m", "2026-11-24T14:10:22Z"],
  ["3d", "2026-11-21T15:40:22Z"],
  ["1w", "2026-11-17T15:40:22Z"],
  ["1w2d", "2026-11-15T15:40:22Z"],
  ["1 hour ago", "2026-11-24T14:40:22Z"],
  ["an hour ago", "2026-11-24T14:40:22Z"],
  ["1hour", "2026-11-24T14:40:22Z"],
  ["5min", "2026-11-24T15:35:22Z"],
  ["1day", "2026-11-23T15:40:22Z"],
  ["90m ago", "2026-11-24T14:10:22Z"],
  ["1 hour 30 min ago", "2026-11-24T14:10:22Z"],
  ["2 Weeks ago", "2026-11-10T15:40:22Z"],
  ["now", NOW],
  ["today", "2026-11-23T23:00:00Z"],
  ["yesterday", "2026-11-22T23:00:00Z"],
  ["tuesday", "2026-11-23T23:00:00Z"],
  ["mon", "2026-11-22T23:00:00Z"],
  ["Wednesday", "2026-11-17T23:00:00Z"],
  ["15:00", "2026-11-24T14:00:00Z"],
  ["16:40:22", NOW],
  ["16:40:23", "2026-11-23T15:40:23Z"],
  ["17:00", "2026-11-23T16:00:00Z"],
  ["9:05", "2026-11-24T08:05:00Z"],
  ["yesterday 15:00", "2026-11-23T14:00:00Z"],
  ["sat 23:59", "2026-11-21T22:59:00Z"],
  ["tue 16:40", "2026-11-24T15:40:00Z"],
  ["tue 16:41", "2026-11-17T15:41:00Z"],
  ["today 17:00", "2026-11-24T16:00:00Z"],
  ["2026-07-10", "2026-07-09T22:00:00Z"],
  ["2026-11-24 15:00", "2026-11-24T14:00:00Z"],
  ["2026-11-24T15:00:30", "2026-11-24T14:00:30Z"],
  ["2026-11-24 15:00 CET", "2026-11-24T14:00:00Z"],
  ["2026-11-24 15:00 UTC", "2026-11-24T15:00:00Z"],
  ["2026-11-24 15:00 -03:00", "2026-11-24T18:00:00Z"],
  ["2026-11-24T15:00:00+0000", "2026-11-24T15:00:00Z"],
  ["2026-11-24 15:00 -0330", "2026-11-24T18:30:00Z"],
  ["2026-11-24 15:00 +02", "2026-11-24T13:00:00Z"],
  ["2026-01-10T10:00:00+02:00", "2026-01-10T08:00:00Z"],
  ["0050-01-01T00:00:00Z", "0050-01-01T00:00:00Z"],
  // Put forward: 02:30 is skipped. Put back: the first of the two, unless the zone says otherwise.
  ["2026-03-29 02:30", "2026-03-29T01:30:00Z"],
  ["2026-10-25 02:30", "2026-10-25T00:30:00Z"],
  ["2026-10-25 02:30:00 CEST", "2026-10-25T00:30:00Z"],
  ["2026-10-25 02:30:00 CET", "2026-10-25T01:30:00Z"],
  ["2026-10-26", "2026-10-25T23:00:00Z"],
])("in Berlin, %s", (text, expected) => {
  berlin();
  expect(when(text, NOW)).toBe(expected);
});

test("a time alone is the last that clocks showed, of two the second, as soon as that has been", () => {
  berlin();
  expect(when("2:15", "2026-10-25T12:00:00Z")).toBe("2026-10-25T01:15:00Z");
  expect(when("2:15", "2026-10-25T01:15:00Z")).toBe("2026-10-25T01:15:00Z");
  expect(when("2:15", "2026-10-25T01:14:59Z")).toBe("2026-10-25T00:15:00Z");
  expect(when("2:15", "2026-10-26T01:00:00Z")).toBe("2026-10-25T01:15:00Z");
  expect(when("3:00", "2026-10-25T12:00:00Z")).toBe("2026-10-25T02:00:00Z");
  process.env.TZ = "Australia/Lord_Howe"; // put back by half an hour, from 02:00 to 01:30 on 2026-04-05
  expect(when("1:45", "2026-04-05T12:00:00Z")).toBe("2026-04-04T15:15:00Z");
});

test("a day with 25 hours begins at its midnight", () => {
  berlin();
  expect(when("yesterday", "2026-10-26T12:00:00Z")).toBe("2026-10-24T22:00:00Z");
  expect(when("2:30", "2026-03-29T01:10:00Z")).toBe("2026-03-28T01:30:00Z");
});

test("a time is never in the future: the end of a day that is skipped, a day that is skipped, a day's end that comes twice", () => {
  process.env.TZ = "America/Nuuk"; // from 23:00 on 2026-03-28 to midnight
  expect(when("23:30", "2026-03-29T01:10:00Z")).toBe("2026-03-28T01:30:00Z");
  expect(when("23:30", "2026-03-29T12:00:00Z")).toBe("2026-03-29T01:30:00Z");
  expect(when("yesterday 23:30", "2026-03-29T01:10:00Z")).toBe("2026-03-29T01:00:00Z");
  expect(when("saturday 23:30", "2026-03-29T01:10:00Z")).toBe("2026-03-29T01:00:00Z");
  process.env.TZ = "Pacific/Apia"; // 2011-12-30 is skipped
  expect(when("15:00", "2011-12-30T20:00:00Z")).toBe("2011-12-30T01:00:00Z");
  expect(when("yesterday", "2011-12-30T20:00:00Z")).toBe("2011-12-30T10:00:00Z");
  process.env.TZ = "America/St_Johns"; // from 00:01 on 2010-11-07 to 23:01 the day before
  expect(when("0:00", "2010-11-07T03:00:00Z")).toBe("2010-11-07T02:30:00Z");
});

/** The minutes at which clocks are changed in a year. */
function changesIn(year: number): number[] {
  const offsetAt = (ms: number) => new Date(ms).getTimezoneOffset();
  const days = Array.from({ length: 366 }, (_, day) => Date.UTC(year, 0, 1 + day));
  return days
    .filter((ms) => offsetAt(ms) !== offsetAt(ms + 24 * HOUR))
    .map((from) => {
      const minutes = Array.from({ length: 24 * 60 }, (_, i) => from + (i + 1) * MINUTE);
      return minutes.find((ms) => offsetAt(ms) !== offsetAt(from)) as number;
    });
}
const [HOUR, MINUTE] = [3_600_000, 60_000];

test(
  `in every zone, around every change of the clocks: the last time that they showed that (seed ${SEED})`,
  () => {
    const random = randomFrom(SEED);
    const minutes = (most: number) => Math.floor(random() * most) * MINUTE;
    let tried = 0;
    for (const zone of some(Intl.supportedValuesOf("timeZone"), 20, SEED)) {
      process.env.TZ = zone;
      for (const year of [2010, 2011, 2022, 2026]) {
        for (const change of changesIn(year)) {
          for (let i = 0; i < 20; i++) {
            const now = change - 2 * HOUR + minutes(27 * 60);
            const typed = clockText(new Date(change - 2 * HOUR + minutes(4 * 60)));
            const found = Date.parse(when(typed, new Date(now).toISOString()));
            let last = now;
            while (clockText(new Date(last)) !== typed) last -= MINUTE;
            // A time that is skipped is read as if clocks had not been changed: then it is later, and shown otherwise.
            const isShown = clockText(new Date(found)) === typed;
            expect([zone, now, typed, found <= now, isShown ? found === last : found > last]).toEqual([
              zone,
              now,
              typed,
              true,
              true,
            ]);
            for (const word of ["yesterday", "sunday", "mon"])
              for (const text of [word, `${word} ${typed}`])
                expect([zone, now, text, Date.parse(when(text, new Date(now).toISOString())) <= now]).toEqual([
                  zone,
                  now,
                  text,
                  true,
                ]);
            tried++;
          }
        }
      }
    }
    expect(tried).toBeGreaterThan(100);
  },
  times(60_000, 600_000),
);

test.each(
  [
    ["", "in", "24:00", "15:60", "1:2", "yesterday 25:00", "nextday 15:00", "mo", "2026-13-01", "2026-02-29"],
    ["2026-11-24 15:00 EST", "2026-11-24 15:00 CEST", "2026-11-24 15", "hour ago", "1 month ago", "ago", "0s ago"],
    [
      "-1h",
      "400d",
      "60 weeks ago",
      "tomorrow",
      `${"1 hour ".repeat(20)}ago`,
      "1 hour",
      "９:00",
      "2026-11-24 15:00 +9:00",
    ],
  ].flat(),
)("%j is no point in time", (text) => {
  berlin();
  expect(() => when(text, NOW)).toThrow(/invalid time/);
});

test("every form that help has is one", () => {
  for (const [forms] of WHEN) {
    const each = forms.includes("'") ? [forms] : forms.split(", ");
    for (const form of each) expect(() => when(form.replaceAll("'", ""), NOW)).not.toThrow();
  }
});

test.each([
  ["90m", true],
  ["15:00", true],
  ["monday", true],
  ["yesterday 15:00", true],
  ["2026-11-24", false],
  ["2026-11-24 15:00", false],
  ["2026-11-24T15:00:00Z", false],
])("%s depends on the time of day: %p", (text, relative) => expect(isRelative(text)).toBe(relative));

test.each([
  ["Europe/Berlin", "2026-11-24 16:40:22 CET"],
  ["Europe/London", "2026-11-24 15:40:22 GMT"],
  ["America/New_York", "2026-11-24 10:40:22 EST"],
  ["Asia/Tokyo", "2026-11-25 00:40:22 JST"],
  ["Asia/Kolkata", "2026-11-24 21:10:22 IST"],
  ["America/Sao_Paulo", "2026-11-24 12:40:22 -03:00"],
  ["UTC", "2026-11-24 15:40:22 UTC"],
])("%s reads %s, and takes it back", (zone, text) => {
  process.env.TZ = zone;
  expect(localTime(new Date(NOW))).toBe(text);
  expect(when(text, "2026-12-01T00:00:00Z")).toBe(NOW);
});

describe("what is shown can be typed", () => {
  const ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "UTC",
  ];
  test.each(ZONES)(`in %s (seed ${SEED})`, (zone) => {
    process.env.TZ = zone;
    const random = randomFrom(SEED);
    // Near the hours at which clocks are changed, in all years that have such hours.
    const changes = Array.from({ length: 366 * 24 }, (_, hour) => Date.UTC(2026, 0, 1) + hour * 3_600_000).filter(
      (ms) => new Date(ms).getTimezoneOffset() !== new Date(ms + 3_600_000).getTimezoneOffset(),
    );
    for (let i = 0; i < draws(200, 5_000); i++) {
      const near = changes[i % Math.max(1, changes.length * 2)];
      const ms = near === undefined ? random() * 4e12 : near + (random() - 0.5) * 4 * 3_600_000;
      const at = new Date(Math.floor(ms / 1000) * 1000);
      const shown = localTime(at) as string;
      expect([shown, when(shown, NOW)]).toEqual([shown, at.toISOString().replace(".000", "")]);
      // Without its zone it is the same reading of the clocks, at that time or earlier.
      const bare = shown.slice(0, 19);
      const read = new Date(when(bare, NOW));
      expect([localTime(read)?.slice(0, 19), read <= at]).toEqual([bare, true]);
      // The last time at which clocks showed that is less than a day and an hour ago.
      const last = new Date(when(bare.slice(11), at.toISOString()));
      expect(last <= at && at.getTime() - last.getTime() <= 3_600_000).toBe(true);
    }
  });
});
