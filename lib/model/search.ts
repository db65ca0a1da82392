// Searching texts line by line. Pure.
import { UserError } from "../errors.ts";
import { safe, shorten } from "../text.ts";

/** What is searched for. */
export interface Search {
  /** True for a line that matches. */
  matches(line: string): boolean;
  /** Where the first match in a line is; undefined without one. */
  find(line: string): readonly [start: number, end: number] | undefined;
  /**
   * False for a MessagePack value that has it in none of its texts, which need not be decoded then. Undefined where that
   * can't be told from bytes.
   */
  readonly mayHold: ((bytes: Uint8Array) => boolean) | undefined;
}

const UPPER = /\p{Uppercase}/u;

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** What Unicode folds to an ASCII letter beside its capital, as UTF-8: ſ to s, and the Kelvin sign to k. */
const FOLDED: Readonly<Record<string, string>> = { s: "\\xc5\\xbf", k: "\\xe2\\x84\\xaa" };

/** A pattern of one byte of a text in lower case, and where case does not count, of all that folds to it. */
function bytePattern(byte: number, ignoreCase: boolean): string {
  const hex = (value: number) => `\\x${value.toString(16).padStart(2, "0")}`;
  if (!ignoreCase || byte < 0x61 || byte > 0x7a) return hex(byte);
  const either = `[${hex(byte)}${hex(byte - 0x20)}]`;
  const folded = FOLDED[String.fromCharCode(byte)];
  return folded === undefined ? either : `(?:${either}|${folded})`;
}

/**
 * Finds the bytes of a text, or of one that differs in case, before the value is decoded. The bytes are searched as if each were
 * a character: that is one native call, and takes a twentieth of a loop over them.
 */
function inBytes(text: string, ignoreCase: boolean): Search["mayHold"] {
  if (ignoreCase && !/^[\x20-\x7e]*$/.test(text)) return undefined;
  if (text.includes("\ufffd")) return undefined; // it also stands for bytes that are no UTF-8
  const pattern = new RegExp(Array.from(Buffer.from(text), (byte) => bytePattern(byte, ignoreCase)).join(""));
  return (bytes) => pattern.test(Buffer.prototype.latin1Slice.call(bytes, 0, bytes.length));
}

function checkWanted(wanted: string): void {
  if (wanted === "")
    throw new UserError("there is nothing to search for.", "Give a text, or a regular expression with -e.");
  if (wanted.includes("\n"))
    throw new UserError("a text with a line end is in no line.", "Search for one of its lines.");
}

/**
 * A search for a text as it is, with smart case: without upper case in it, case does not count (as Unicode folds it).
 * @throws UserError when it cannot be in a line
 */
export function textSearch(wanted: string): Search {
  checkWanted(wanted);
  const ignoreCase = !UPPER.test(wanted);
  const text = new RegExp(escaped(wanted), ignoreCase ? "iu" : "u");
  return {
    matches: (line) => text.test(line),
    find(line) {
      const match = text.exec(line);
      return match ? [match.index, match.index + match[0].length] : undefined;
    },
    mayHold: inBytes(wanted, ignoreCase),
  };
}

/** An escape: a character by its number (hex, octal), a class or a place, or a character as it is. */
const ESCAPE = String.raw`\\x(\{[^}]*\}|..)|\\([0-7]{1,3})|\\[pP](?:\{[^}]*\}|.)|\\[AbBdDsSwWz]|\\([^Q])`;
const IN_SET = new RegExp(String.raw`${ESCAPE}|\[:\^?[a-z]+:\]`, "gsu");
const OUTSIDE_SETS = new RegExp(
  String.raw`${ESCAPE}|\\Q(.*?)(?:\\E|$)|\[\^?(\]?(?:\[:\^?[a-z]+:\]|\\.|[^\]\\])*)\]|\(\?(?:P?<[^>]*>|[a-zA-Z-]*[:)])|\{\d+(?:,\d*)?\}|[.^$|()*+?]`,
  "gsu",
);

/** The character that an escape names; nothing for a class or a place. */
function escapedChar(hex: string | undefined, octal: string | undefined, char: string | undefined): string {
  if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex.replace("{", ""), 16));
  return octal === undefined ? (char ?? "") : String.fromCodePoint(Number.parseInt(octal, 8));
}

/** The characters that a valid regular expression names: without classes, places, flags, names of groups, repetitions. */
const literalsOf = (pattern: string): string =>
  pattern.replace(OUTSIDE_SETS, (_, hex, octal, char, quoted?: string, set?: string) =>
    set === undefined
      ? (quoted ?? escapedChar(hex, octal, char))
      : set.replace(IN_SET, (_, hex, octal, char) => escapedChar(hex, octal, char)),
  );

/** Steps that a regular expression may have: in the worst case each takes time for each character. */
const MOST_STEPS = 10_000;
/** Columns in which an error shows a regular expression. */
const SHOWN = 60;

function badRegex(pattern: string, why: string): UserError {
  return new UserError(
    `invalid regular expression "${shorten(safe(pattern), SHOWN)}": ${why}.`,
    "Use the syntax of RE2, which has no look-around and no back references.",
  );
}

/** Why a regular expression is none, in the words of RE2 where they say it. */
function whyInvalid(description: string, part: string | null): string {
  if (part !== null && /^\(\?<?[=!]/.test(part)) return "look-around is not supported";
  if (part !== null && /^\\[1-9k]/.test(part)) return "back references are not supported";
  return part === null ? description : `${description} \`${shorten(safe(part), SHOWN)}\``;
}

/**
 * A search for a regular expression in the syntax of RE2, in time that grows with the text alone. It has smart case as ripgrep
 * has it: case does not count when the expression names a character and none in upper case. `\W` and `\p{Lu}` name none,
 * `\x53` names one.
 * @throws UserError when it is none, or cannot be in a line
 */
export async function regexSearch(pattern: string): Promise<Search> {
  checkWanted(pattern);
  const { RE2JS, RE2JSException, RE2JSSyntaxException } = await import("re2js");
  let regex: InstanceType<typeof RE2JS>;
  try {
    regex = RE2JS.compile(pattern);
    const literals = literalsOf(pattern);
    if (literals !== "" && !UPPER.test(literals)) regex = RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE);
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) throw badRegex(pattern, whyInvalid(error.error, error.input));
    if (error instanceof RE2JSException) throw badRegex(pattern, error.message);
    throw error;
  }
  if (regex.programSize() > MOST_STEPS) throw badRegex(pattern, "it is too large");
  return {
    matches: (line) => regex.test(line),
    find(line) {
      const match = regex.matcher(line);
      return match.find() ? [match.start(), match.end()] : undefined;
    },
    mayHold: undefined,
  };
}
