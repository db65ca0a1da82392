// Patterns of names, as operators target peels. picomatch compiles regular expressions that backtrack for years on
// `*a*a*b`; Bun.Glob treats slashes, braces, backslashes and a leading `!` specially.
import { UserError } from "../errors.ts";
import { safe } from "../text.ts";

/** Splits at commas outside brackets. */
export const splitList = (values: readonly string[]) => values.flatMap((value) => value.split(/,(?![^[\]]*\])/));

const isExact = (pattern: string) => !/[*?[]/.test(pattern);

/** Matches when any pattern does. @throws UserError as glob */
export function globs(patterns: readonly string[]): (text: string) => boolean {
  const exact = new Set(patterns.filter(isExact));
  const tests = patterns.filter((pattern) => !exact.has(pattern)).map(glob);
  return (text) => exact.has(text) || tests.some((test) => test(text));
}

/** Tests for names as `fold` writes them: `web-[01-03,12]`; undefined for any other pattern. */
function foldTest(pattern: string): ((text: string) => boolean) | undefined {
  // `[67]` is a set of digits: one number has no brackets.
  const [, head, list, tail] = /^([^*?[\]]*)\[(\d[\d,-]*[,-]\d+)\]([^*?[\]]*)$/.exec(pattern) ?? [];
  if (head === undefined || list === undefined || tail === undefined) return undefined;
  const ranges = list.split(",").map((range) => range.split("-"));
  const width = ranges[0]?.[0]?.length ?? 0;
  const isRange = ([first = "", last = first, ...more]: string[]) =>
    first.length === width && last.length === width && first <= last && more.length === 0;
  // A set of single digits means the same in both notations, and `[67]` is one.
  if (width < 2 || list.length === width || !ranges.every(isRange)) return undefined;
  return (text) => {
    const number = text.slice(head.length, head.length + width);
    const isIn = ranges.some(([first = "", last = first]) => first <= number && number <= last);
    return isIn && number.length === width && /^\d+$/.test(number) && text === head + number + tail;
  };
}

/** The parts of a pattern between its `*`, as regular expressions. */
function partSources(pattern: string): string[] {
  const parts = [""];
  for (const [char, not, set] of pattern.matchAll(/\[(!?)([^\]]+)\]|./gsu)) {
    if (char === "*") parts.push("");
    else if (set !== undefined) parts.push(`${parts.pop()}[${not ? "^" : ""}${set.replace(/[\\^]/g, "\\$&")}]`);
    else parts.push(parts.pop() + (char === "?" ? "." : RegExp.escape(char)));
  }
  return parts;
}

/**
 * Matches a whole text: `*` any text, `?` one character, `[a-z]`, `[!a-z]`, and folded names: `web-[01-12]`. Dots and slashes are
 * ordinary characters.
 * Each part between `*` matches at the first place after the former part, so time grows with text × pattern.
 * @throws UserError for a reversed range
 */
export function glob(pattern: string): (text: string) => boolean {
  if (isExact(pattern)) return (text) => text === pattern;
  const folded = foldTest(pattern);
  if (folded) return folded;
  let parts: RegExp[];
  try {
    parts = partSources(pattern).map(
      (source, i, { length }) => new RegExp(`${i === 0 ? "^" : ""}${source}${i === length - 1 ? "$" : ""}`, "gsu"),
    );
  } catch {
    throw new UserError(
      `invalid pattern "${safe(pattern)}".`,
      "Use * for any text, ? for one character, [a-z] for one character of a range, [08-12] for numbers of equal length.",
    );
  }
  return (text) => {
    let at = 0;
    return parts.every((part) => {
      part.lastIndex = at;
      const matches = part.test(text);
      at = part.lastIndex;
      return matches;
    });
  };
}
