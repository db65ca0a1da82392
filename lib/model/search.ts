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

/** Bytes as they are, and with ASCII letters in lower case. */
const SAME = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const LOWER = SAME.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte));
/** What Unicode folds to an ASCII letter beside its capital: ſ to s, and the Kelvin sign to k. */
const FOLDED: readonly (readonly [letter: number, bytes: readonly number[]])[] = [
  [0x73, [0xc5, 0xbf]],
  [0x6b, [0xe2, 0x84, 0xaa]],
];

/** How many of `bytes` at a place fold to this letter; 0 for none. */
function foldedAt(bytes: Uint8Array, at: number, letter: number): number {
  for (const [one, other] of FOLDED)
    if (one === letter && other.every((byte, i) => bytes[at + i] === byte)) return other.length;
  return 0;
}

/** Finds the bytes of a text, or of one that differs in case, before the value is decoded. It makes nothing on the way. */
function inBytes(text: string, ignoreCase: boolean): Search["mayHold"] {
  if (ignoreCase && !/^[\x20-\x7e]*$/.test(text)) return undefined;
  const table = ignoreCase ? LOWER : SAME;
  const wanted = Uint8Array.from(Buffer.from(text), (byte) => table[byte] as number);
  const isAt = (bytes: Uint8Array, from: number) => {
    let at = from;
    for (const byte of wanted) {
      const length = table[bytes[at] as number] === byte ? 1 : ignoreCase ? foldedAt(bytes, at, byte) : 0;
      if (length === 0) return false;
      at += length;
    }
    return true;
  };
  const first = wanted[0] as number;
  return (bytes) => {
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      // The bytes of other characters are looked at in full; there are few.
      if ((table[byte] === first || (ignoreCase && byte >= 0x80)) && isAt(bytes, at)) return true;
    }
    return false;
  };
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
