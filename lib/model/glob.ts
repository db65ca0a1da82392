// Patterns of names, as operators target peels. Own code: picomatch makes regular expressions of them, which take years for
// `*a*a*b` on many an `a`; for Bun.Glob a slash ends what `*` matches, and braces, backslashes and a leading `!` are special.
import { UserError } from "../errors.ts";
import { safe } from "../text.ts";

const STAR = Symbol("any text");
const ANY = Symbol("any character");
/** `[a-z]`: pairs of a first and a last code point, and whether one of them has to hold the character, or none. */
interface Choice {
  readonly ranges: readonly (readonly [number, number])[];
  readonly among: boolean;
}
type GlobPart = typeof STAR | typeof ANY | Choice | number;

const codeOf = (character: string) => character.codePointAt(0) as number;

/** @returns undefined for a range that ends before it begins */
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

/** The patterns of a list: a comma separates two of them where no bracket holds it. */
export const listed = (values: readonly string[]) => values.flatMap((value) => value.split(/,(?![^[\]]*\])/));

/** A test of a whole text by several patterns: one has to fit. @throws as glob */
export function globs(patterns: readonly string[]): (text: string) => boolean {
  const tests = patterns.map(glob);
  return (text) => tests.some((test) => test(text));
}

/**
 * A test of a whole text: `*` for anything, `?` for one character, `[a-z]` for one of several, `[!a-z]` for none of them.
 * Nothing is special about dots and slashes. Only the last `*` is ever tried again, since what fits before it may as well
 * come early: that takes at most as many steps as text and pattern have characters, multiplied.
 * @throws UserError for a range that ends before it begins
 */
export function glob(pattern: string): (text: string) => boolean {
  const parts = parsePattern(pattern);
  const literal = parts.every((part) => typeof part === "number");
  if (literal) return (text) => text === pattern;
  return (text) => {
    let at = 0;
    let next = 0;
    /** The part after the last `*`, and the place in the text that it was tried at. */
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
