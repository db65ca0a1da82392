// Patterns of names, as operators target peels. picomatch compiles regular expressions that backtrack for years on
// `*a*a*b`; Bun.Glob treats slashes, braces, backslashes and a leading `!` specially.
import { UserError } from "../errors.ts";
import { safe } from "../text.ts";

const STAR = Symbol("any text");
const ANY = Symbol("any character");
/** `[a-z]`: pairs of code points; `among` is false for `[!a-z]`. */
interface Choice {
  readonly ranges: readonly (readonly [number, number])[];
  readonly among: boolean;
}
type GlobPart = typeof STAR | typeof ANY | Choice | number;

const codeOf = (character: string) => character.codePointAt(0) as number;

/** @returns undefined for a reversed range */
function parseChoice(text: string, among: boolean): Choice | undefined {
  const codes = Array.from(text, codeOf);
  const ranges: [number, number][] = [];
  while (codes.length > 0) {
    const isRange = codes[1] === codeOf("-") && codes.length > 2;
    const [first, , last] = codes.splice(0, isRange ? 3 : 1) as [number, number, number];
    ranges.push([first, isRange ? last : first]);
  }
  return ranges.every(([first, last]) => first <= last) ? { ranges, among } : undefined;
}

function parsePattern(pattern: string): GlobPart[] {
  return Array.from(pattern.matchAll(/\[(!?)([^\]]+)\]|./gsu), ([text, not, set]): GlobPart => {
    if (set !== undefined) {
      const choice = parseChoice(set, not === "");
      if (choice) return choice;
      throw new UserError(
        `invalid pattern "${safe(pattern)}".`,
        "Use * for any text, ? for one character, [a-z] for one character of a range.",
      );
    }
    return text === "*" ? STAR : text === "?" ? ANY : codeOf(text);
  });
}

function fits(part: GlobPart | undefined, code: number): boolean {
  if (typeof part === "number") return part === code;
  if (typeof part !== "object") return part === ANY;
  return part.ranges.some(([first, last]) => code >= first && code <= last) === part.among;
}

/** Splits at commas outside brackets. */
export const splitList = (values: readonly string[]) => values.flatMap((value) => value.split(/,(?![^[\]]*\])/));

/**
 * Matches when any pattern does.
 * @throws UserError as glob
 */
export function globs(patterns: readonly string[]): (text: string) => boolean {
  const tests = patterns.map(glob);
  return (text) => tests.some((test) => test(text));
}

/**
 * Matches a whole text: `*` any text, `?` one character, `[a-z]`, `[!a-z]`. Dots and slashes are ordinary characters.
 * Only the last `*` is retried, so time grows with text × pattern.
 * @throws UserError for a reversed range
 */
export function glob(pattern: string): (text: string) => boolean {
  const parts = parsePattern(pattern);
  const literal = parts.every((part) => typeof part === "number");
  if (literal) return (text) => text === pattern;
  return (text) => {
    let at = 0;
    let next = 0;
    /** Index of the part after the last `*`, and where it was tried. */
    let after = -1;
    let tried = 0;
    while (at < text.length) {
      const code = text.codePointAt(at) as number;
      if (parts[next] === STAR) {
        after = ++next;
        tried = at;
        if (after === parts.length) return true;
      } else if (fits(parts[next], code)) {
        next++;
        at += code > 0xffff ? 2 : 1;
      } else if (after >= 0) {
        tried += (text.codePointAt(tried) as number) > 0xffff ? 2 : 1;
        at = tried;
        next = after;
      } else return false;
    }
    while (parts[next] === STAR) next++;
    return next === parts.length;
  };
}
