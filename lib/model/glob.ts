// Patterns of names, as operators target peels. picomatch compiles regular expressions that backtrack for years on
// `*a*a*b`; Bun.Glob treats slashes, braces, backslashes and a leading `!` specially.
import { UserError } from "../errors.ts";
import { safe } from "../text.ts";

/** Splits at commas outside brackets. */
export const splitList = (values: readonly string[]) => values.flatMap((value) => value.split(/,(?![^[\]]*\])/));

/** Matches when any pattern does. @throws UserError as glob */
export function globs(patterns: readonly string[]): (text: string) => boolean {
  const tests = patterns.map(glob);
  return (text) => tests.some((test) => test(text));
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
 * Matches a whole text: `*` any text, `?` one character, `[a-z]`, `[!a-z]`. Dots and slashes are ordinary characters.
 * Each part between `*` matches at the first place after the former part, so time grows with text × pattern.
 * @throws UserError for a reversed range
 */
export function glob(pattern: string): (text: string) => boolean {
  if (!/[*?[]/.test(pattern)) return (text) => text === pattern;
  let parts: RegExp[];
  try {
    parts = partSources(pattern).map(
      (source, i, { length }) => new RegExp(`${i === 0 ? "^" : ""}${source}${i === length - 1 ? "$" : ""}`, "gsu"),
    );
  } catch {
    throw new UserError(
      `invalid pattern "${safe(pattern)}".`,
      "Use * for any text, ? for one character, [a-z] for one character of a range.",
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
