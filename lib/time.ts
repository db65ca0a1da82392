// Times in the time zone of the process, which $TZ sets (and --utc sets that).

/** Locales that have the usual abbreviations of zones. */
const LOCALES = ["en-US", "en-GB", "en-AU", "en-IN", "en-ZA", "ja-JP"];

const two = (n: number) => String(n).padStart(2, "0");

function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** Cache: finding a name takes milliseconds, and each row of a table needs one. */
const zoneNames = new Map<string, string>();

/** The name of the zone at that time: `CET`, `CEST`; its offset (`-03:00`) where no abbreviation is known. */
export function zoneName(date: Date): string {
  // `GMT+0100 (Central European Standard Time)`
  const key = date.toTimeString().slice(9);
  let name = zoneNames.get(key);
  if (name === undefined) {
    for (const locale of LOCALES) {
      const parts = new Intl.DateTimeFormat(locale, { timeZoneName: "short" }).formatToParts(date);
      const short = parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
      if (/^[A-Z]{2,5}$/.test(short)) {
        name = short;
        break;
      }
    }
    name ??= offsetText(-date.getTimezoneOffset());
    zoneNames.set(key, name);
  }
  return name;
}

/** `2026-11-24 16:40:22 CET`; undefined outside the years 1 to 9999. */
export function localTime(date: Date): string | undefined {
  const year = date.getFullYear();
  if (!(year >= 1 && year <= 9999)) return undefined;
  const day = `${String(year).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zoneName(date)}`;
}

/** In ns since 1970. */
export const nsOf = (date: Date): bigint => BigInt(date.getTime()) * 1_000_000n;

export const clockText = (date: Date): string => date.toTimeString().slice(0, 8);
