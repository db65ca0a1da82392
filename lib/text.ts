// Text from records and arguments, made safe for a terminal and measured for it.
import { hideSecrets } from "./secrets.ts";

// C0, DEL, C1, line and paragraph separators, zero-width and bidi controls, BOM, interlinear and tag characters, lone surrogates,
// noncharacters: everything that can move the cursor, reorder or hide text. ZWJ (U+200D) too: joined emoji separate.
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff]|[\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

/** Text that needs no escaping and has one column per character. Nearly all text does, so this is tested first. */
const ASCII = /^[\x20-\x7e]*$/;

export const isPlain = (text: string) => ASCII.test(text);

const ESCAPES: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

const hex = (n: number, digits: number) => n.toString(16).padStart(digits, "0");

/** `text` on one line, with every character that could act on a terminal shown as an escape (`\n`, `\x1b`, `\u202e`). */
export function safe(text: string): string {
  if (ASCII.test(text)) return text;
  return text.replace(UNSAFE, (c) => {
    const code = c.codePointAt(0) as number;
    return (
      ESCAPES[c] ??
      (code < 0x100 ? `\\x${hex(code, 2)}` : code < 0x10000 ? `\\u${hex(code, 4)}` : `\\u{${hex(code, 1)}}`)
    );
  });
}

/** Characters of a message that are shown: its beginning, and its end, which has the reason. */
const MESSAGE = { head: 1200, tail: 400 } as const;

/** A message on one line, without secrets, and cut in the middle when it is very long. All messages pass through here. */
export function oneLine(message: string): string {
  const text = hideSecrets(message);
  if (text.length <= MESSAGE.head + MESSAGE.tail) return safe(text);
  return `${safe(text.slice(0, MESSAGE.head))} … ${safe(text.slice(-MESSAGE.tail))}`;
}

/** Unsafe characters as escapes of JSON strings: UTF-16, so those above U+FFFF are pairs. */
export function escapeUnsafe(quoted: string): string {
  return quoted.replace(UNSAFE, (c) => {
    let out = "";
    for (let i = 0; i < c.length; i++) out += `\\u${hex(c.charCodeAt(i), 4)}`;
    return out;
  });
}

/** Unsafe characters as escapes of double-quoted YAML strings, which have no pairs. */
export function escapeUnsafeYaml(quoted: string): string {
  return quoted.replace(UNSAFE, (c) => {
    const code = c.codePointAt(0) as number;
    return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
  });
}

/** Columns that `text` takes on a terminal (East Asian width, emoji, combining marks: Bun's own tables). */
export function width(text: string): number {
  return ASCII.test(text) ? text.length : Bun.stringWidth(text);
}

/** `text` cut to at most `max` columns, with `…` at the cut, never inside a grapheme. */
export function shorten(text: string, max: number): string {
  if (width(text) <= max) return text;
  if (max < 1) return "";
  let out = "";
  let used = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    const w = width(segment);
    if (used + w > max - 1) break;
    out += segment;
    used += w;
  }
  return `${out.trimEnd()}…`;
}

/** The most characters to search for the end of a shortened text: a record may have megabytes. */
const LAST = 4_000;

/** `text` cut to at most `max` columns, with `…` in the middle: the end of a path or a command matters more. */
export function shortenMiddle(text: string, max: number): string {
  if (width(text) <= max) return text;
  const tail = Math.floor((max - 1) / 3);
  const segments = [...new Intl.Segmenter().segment(text.slice(-LAST))].map(({ segment }) => segment);
  let end = "";
  for (let used = 0, at = segments.length - 1; at >= 0; at--) {
    const segment = segments[at] as string;
    used += width(segment);
    if (used > tail) break;
    end = segment + end;
  }
  return shorten(text, max - width(end)) + end.trimStart();
}

/** A safe line, which may have colors, cut to at most `max` columns. */
export function cut(line: string, max: number): string {
  if (width(line) <= max) return line;
  const out = Bun.sliceAnsi(line, 0, max, "…");
  // It counts a few rare characters differently than `width`.
  return width(out) <= max ? out : shorten(Bun.stripANSI(line), max);
}

/** `word` in pieces of at most `max` columns, at least one character; in one pass, since an error may have megabytes. */
function wordPieces(word: string, max: number): string[] {
  const out: string[] = [];
  if (ASCII.test(word)) {
    for (let at = 0; at < word.length; at += max) out.push(word.slice(at, at + max));
    return out;
  }
  let from = 0;
  let used = 0;
  for (const { segment, index } of new Intl.Segmenter().segment(word)) {
    const wide = width(segment);
    if (index > from && used + wide > max) {
      out.push(word.slice(from, index));
      [from, used] = [index, 0];
    }
    used += wide;
  }
  return [...out, word.slice(from)];
}

/** `text` in lines of at most `max` columns, broken at spaces and line ends; a wider word is broken as well. */
export function wrap(text: string, max: number): string[] {
  const lines: string[] = [];
  let line = "";
  let used = 0;
  for (const word of text.split(/[ \n]/).filter(Boolean)) {
    const wide = width(word);
    if (line !== "" && used + 1 + wide <= max) {
      line += ` ${word}`;
      used += 1 + wide;
      continue;
    }
    if (line !== "") lines.push(line);
    if (wide <= max) [line, used] = [word, wide];
    else {
      const parts = wordPieces(word, Math.max(1, max));
      line = parts.pop() as string;
      used = width(line);
      for (const part of parts) lines.push(part);
    }
  }
  return line === "" && lines.length > 0 ? lines : [...lines, line];
}

/** A no-break space. */
const FIRM = "\u00a0";

/** As `wrap`, for our own texts: a command in back quotes stays on one line where possible, so that it can be copied. */
export function wrapWords(text: string, max: number): string[] {
  const firm = text.replace(/`[^`]+`/g, (code) => (width(code) <= max ? code.replaceAll(" ", FIRM) : code));
  return wrap(firm, max).map((line) => line.replaceAll(FIRM, " "));
}

/** Safe text, wrapped to `columns` of a terminal; for a pipe (undefined) one line. */
export const paragraph = (text: string, columns: number | undefined): string =>
  `${columns === undefined || width(text) <= columns ? text : wrapWords(text, columns).join("\n")}\n`;

/** A count with thousands separators: 12431 → `12,431`. */
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 job`, `2 jobs`. */
export function plural(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/** `████░░` for `part` of `whole`, `cells` columns wide; `####..` where the locale is not UTF-8. */
export function bar(part: number, whole: number, cells: number, utf8: boolean): string {
  // Counts are from records, which may contain anything.
  const full = whole > 0 ? Math.max(0, Math.min(cells, Math.floor((part / whole) * cells))) : 0;
  return (utf8 ? "█" : "#").repeat(full) + (utf8 ? "░" : ".").repeat(cells - full);
}

/** `a, b, …`: the first `most`. */
export const firstOf = (names: readonly string[], most: number) =>
  names.slice(0, most).join(", ") + (names.length > most ? ", …" : "");

const NAMED_REASONS = 5;

/** Reasons for a message: `a; b; c`; the first five and a count: `…; and 3 more`. */
export function firstFew(reasons: readonly string[]): string {
  const rest = reasons.length > NAMED_REASONS ? `; and ${reasons.length - NAMED_REASONS} more` : "";
  return reasons.slice(0, NAMED_REASONS).join("; ") + rest;
}
