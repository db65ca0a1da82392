// Searches for a text or a regular expression in the lines of returns. Pure.

import type { Value } from "../codec/value.ts";
import { UserError } from "../errors.ts";
import { safe, shorten } from "../text.ts";
import { readReturnData } from "./return-data.ts";
import type { Return } from "./returns.ts";

export interface Search {
  matches(line: string): boolean;
  find(line: string): readonly [start: number, end: number] | undefined;
  /** False when no text of an encoded value matches; undefined when bytes cannot show that. */
  readonly mayHold: ((bytes: Uint8Array) => boolean) | undefined;
}

const UPPER = /\p{Uppercase}/u;

/** Characters that Unicode folds to an ASCII letter, as UTF-8: ſ (s), the Kelvin sign (k). */
const FOLDED = new Map([
  ["s", "(?:s|\\xc5\\xbf)"],
  ["k", "(?:k|\\xe2\\x84\\xaa)"],
]);

/** Searches encoded values: bytes are matched as Latin-1 characters, one native call, 20 times faster than a loop. */
function inBytes(text: string, ignoreCase: boolean): Search["mayHold"] {
  if (ignoreCase && !/^[\x20-\x7e]*$/.test(text)) return undefined;
  if (text.includes("\ufffd")) return undefined; // it also replaces bytes that are not UTF-8
  const source = Array.from(
    Buffer.from(text).toString("latin1"),
    (char) => (ignoreCase && FOLDED.get(char)) || RegExp.escape(char),
  );
  const pattern = new RegExp(source.join(""), ignoreCase ? "i" : "");
  return (bytes) => pattern.test(Buffer.prototype.latin1Slice.call(bytes, 0, bytes.length));
}

function checkWanted(wanted: string): void {
  if (wanted === "") throw new UserError("the search text is empty.", "Use a text, or a regular expression with -e.");
  if (wanted.includes("\n")) throw new UserError("the search text has a line end.", "Search for one of its lines.");
}

/** Smart case: case counts only when the text has upper case. @throws UserError for an empty text or a line end */
export function textSearch(wanted: string): Search {
  checkWanted(wanted);
  const ignoreCase = !UPPER.test(wanted);
  const text = new RegExp(RegExp.escape(wanted), ignoreCase ? "iu" : "u");
  return {
    matches: (line) => text.test(line),
    find(line) {
      const match = text.exec(line);
      return match ? [match.index, match.index + match[0].length] : undefined;
    },
    mayHold: inBytes(wanted, ignoreCase),
  };
}

/** An escape: a character by number, a class, a position, or a literal. */
const REGEX_ESCAPE = String.raw`\\x(\{[^}]*\}|..)|\\([0-7]{1,3})|\\[pP](?:\{[^}]*\}|.)|\\[AbBdDsSwWz]|\\([^Q])`;
const IN_SET = new RegExp(String.raw`${REGEX_ESCAPE}|\[:\^?[a-z]+:\]`, "gsu");
const OUTSIDE_SETS = new RegExp(
  String.raw`${REGEX_ESCAPE}|\\Q(.*?)(?:\\E|$)|\[\^?(\]?(?:\[:\^?[a-z]+:\]|\\.|[^\]\\])*)\]|\(\?(?:P?<[^>]*>|[a-zA-Z-]*[:)])|\{\d+(?:,\d*)?\}|[.^$|()*+?]`,
  "gsu",
);

/** Empty for a class or a position. */
function escapedChar(hex: string | undefined, octal: string | undefined, char: string | undefined): string {
  if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex.replace("{", ""), 16));
  return octal === undefined ? (char ?? "") : String.fromCodePoint(Number.parseInt(octal, 8));
}

/** Literal characters of a valid expression. */
const literalsOf = (pattern: string): string =>
  pattern.replace(OUTSIDE_SETS, (_, hex, octal, char, quoted?: string, set?: string) =>
    set === undefined
      ? (quoted ?? escapedChar(hex, octal, char))
      : set.replace(IN_SET, (_, hex, octal, char) => escapedChar(hex, octal, char)),
  );

/** Each step can cost time for each character. */
const MOST_STEPS = 10_000;
const SHOWN_COLUMNS = 60;

function badRegex(pattern: string, why: string): UserError {
  return new UserError(
    `invalid regular expression "${shorten(safe(pattern), SHOWN_COLUMNS)}": ${why}.`,
    "Use RE2 syntax: no look-around, no back references.",
  );
}

/** In the words of RE2 where possible. */
function whyInvalid(description: string, part: string | null): string {
  if (part !== null && /^\(\?<?[=!]/.test(part)) return "look-around is not supported";
  if (part !== null && /^\\[1-9k]/.test(part)) return "back references are not supported";
  return part === null ? description : `${description} \`${shorten(safe(part), SHOWN_COLUMNS)}\``;
}

/**
 * RE2 syntax, linear time. Smart case as ripgrep's: case counts only when the expression names an upper-case character
 * (`\x53` does, `\W` and `\p{Lu}` do not).
 * @throws UserError for an invalid expression
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

export interface Hit {
  readonly peel: string;
  /** `error`, `stdout`, `diff` … */
  readonly field: string;
  /** The result; undefined for the return itself. */
  readonly result: string | undefined;
  readonly line: number;
  readonly text: string;
}

type OnText = (field: string, text: string, result: string | undefined) => void;

function textsIn(field: string, value: Value | undefined, result: string | undefined, onText: OnText): void {
  if (typeof value === "string") onText(field, value, result);
  else if (Array.isArray(value)) for (const item of value) textsIn(field, item, result, onText);
  else if (value instanceof Map) for (const [key, item] of value) textsIn(`${field}.${key}`, item, result, onText);
}

/** Error, results with their details, and all other data of a return. */
function textsOf(item: Return, onText: OnText): void {
  const { record, error } = item;
  if (error !== undefined) onText("error", error, undefined);
  const data = record.get("return_data");
  const answer = readReturnData(data, error);
  if (!answer) textsIn("return", data, undefined, onText);
  for (const [name, value] of answer?.parts ?? []) textsIn(name, value, undefined, onText);
  for (const { name, error: failed, skipReason, parts } of answer?.results ?? []) {
    if (name !== "-") onText("name", name, name); // `-` means none
    if (failed !== undefined) onText("error", failed, name);
    if (skipReason !== undefined) onText("skip_reason", skipReason, name);
    for (const [part, value] of parts) textsIn(part, value, name, onText);
  }
}

/** In the order of the answer. */
export function hitsIn(item: Return, search: Search, onHit: (hit: Hit) => void): void {
  if (item.unreadable !== undefined || item.record.size === 0) return;
  textsOf(item, (field, text, result) => {
    const lines = text.split(/\r?\n/);
    // A final line end is not followed by an empty line.
    if (lines.at(-1) === "") lines.pop();
    for (const [i, line] of lines.entries())
      if (search.matches(line)) onHit({ peel: item.peel, field, result, line: i + 1, text: line });
  });
}
