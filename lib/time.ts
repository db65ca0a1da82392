// Points in time in the zone of this machine: as people read them, and what its clocks say. The zone is the one of the
// process, which $TZ sets (--utc sets that).

/** Where the names of zones are known by the abbreviations that people there use. */
const LOCALES = ["en-US", "en-GB", "en-AU", "en-IN", "en-ZA", "ja-JP"];

const two = (n: number) => String(n).padStart(2, "0");

/** `+09:00` */
function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** Making the names takes milliseconds, and a table asks for the same one in each row. */
const names = new Map<string, string>();

/** What the zone is called at that time: `CET`, `CEST`; its distance from UTC (`-03:00`) where no abbreviation is known. */
export function zoneName(date: Date): string {
  // `GMT+0100 (Central European Standard Time)`
  const key = date.toTimeString().slice(9);
  let name = names.get(key);
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
    names.set(key, name);
  }
  return name;
}

/** `2026-11-24 16:40:22 CET`; undefined outside the years 1 to 9999, which have no such form. */
export function localTime(date: Date): string | undefined {
  const year = date.getFullYear();
  if (!(year >= 1 && year <= 9999)) return undefined;
  const day = `${String(year).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zoneName(date)}`;
}

/** `16:40:22` */
export const clockText = (date: Date): string => date.toTimeString().slice(0, 8);
