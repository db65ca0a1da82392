// Searching texts line by line. Pure.
import { UserError } from "../errors.ts";
import { LinearRegex } from "./regex.ts";

/** What is searched for. */
export interface Search {
  /** Where in a line it stands first; undefined where it does not. */
  find(line: string): readonly [start: number, end: number] | undefined;
  /**
   * False for a MessagePack value that has it in none of its texts, which need not be decoded then. Undefined where that
   * can't be told from bytes.
   */
  readonly mayHold: ((bytes: Uint8Array) => boolean) | undefined;
}

/** Upper case in what is searched for means that case counts; `\W` and the like are no letters. */
const hasUpper = (text: string, isRegex: boolean) =>
  /\p{Uppercase}/u.test(isRegex ? text.replace(/\\(?:[pP]\{[^}]*\}|u\{[^}]*\}|[\s\S])/gu, "") : text);

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

/**
 * A search with smart case: without upper case in `wanted`, case does not count (as Unicode folds it).
 * @param isRegex `wanted` is a regular expression, otherwise a text as it is
 * @throws UserError when it is no regular expression, or can't be in a line
 */
export function searchFor(wanted: string, isRegex: boolean): Search {
  if (wanted === "")
    throw new UserError("there is nothing to search for.", "Give a text, or a regular expression with -e.");
  if (wanted.includes("\n"))
    throw new UserError("a text with a line end is in no line.", "Search for one of its lines.");
  const ignoreCase = !hasUpper(wanted, isRegex);
  if (isRegex) {
    const regex = new LinearRegex(wanted, ignoreCase);
    return { find: (line) => regex.find(line), mayHold: undefined };
  }
  const text = new RegExp(escaped(wanted), ignoreCase ? "iu" : "u");
  return {
    find(line) {
      const match = text.exec(line);
      return match ? [match.index, match.index + match[0].length] : undefined;
    },
    mayHold: inBytes(wanted, ignoreCase),
  };
}
