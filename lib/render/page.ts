// A page as a value: its content in order, within limits. report-html.ts and report-markdown.ts convert it to text.
import { count, plural, safe, shorten, shortenMiddle } from "../text.ts";
import { peelNames } from "./names.ts";
import type { Timeline } from "./timeline.ts";

/**
 * Words of ours; `data`: text from records, safe for a terminal; `prose`: a sentence, not a value; `to`: the section that it
 * links to.
 */
export type Word =
  | string
  | { readonly data: string; readonly prose?: true; readonly to?: string }
  | { readonly state: string }
  | { readonly command: string };
export type Words = readonly Word[];

/** A line of an output; `sign`: it was added or removed. */
export interface Line {
  readonly text: string;
  readonly sign?: string;
}

/** `wide`: columns of long texts, which share the width. */
export interface PageColumn {
  readonly title: string;
  readonly right?: true;
  readonly wide?: true;
}

/** The first cell of a row is its title. */
type PageRow = readonly Words[];

export type Block =
  | { readonly kind: "text" | "note"; readonly words: Words }
  | { readonly kind: "facts"; readonly facts: readonly (readonly [name: string, value: Words])[] }
  | { readonly kind: "table"; readonly columns: readonly PageColumn[]; readonly rows: readonly PageRow[] }
  | { readonly kind: "lines"; readonly lines: readonly Line[]; readonly isDiff: boolean }
  | { readonly kind: "timeline"; readonly timeline: Timeline }
  | { readonly kind: "commands"; readonly commands: readonly (readonly [command: string, what: string])[] }
  | { readonly kind: "details"; readonly title: Words; readonly open: boolean; readonly blocks: readonly Block[] }
  | { readonly kind: "section"; readonly id: string; readonly title: Words; readonly blocks: readonly Block[] };

export interface Page {
  readonly title: Words;
  readonly lead: Words;
  readonly blocks: readonly Block[];
  readonly foot: readonly Words[];
}

/** Bytes of outputs in a page, and those of one group, as HTML; the same for differences. */
const BYTES = { all: 500_000, group: 24_000 } as const;
/** Groups of outputs, rows of tables and changes in one, and columns of names and other texts. */
export const MOST_SHOWN = {
  groups: 150,
  rows: 100,
  changes: 10,
  names: 300,
  cell: 500,
  text: 1_500,
  line: 4_000,
  state: 30,
} as const;

export const data = (text: string, most: number = MOST_SHOWN.text): Word => ({ data: shortenMiddle(safe(text), most) });
export const prose = (text: string): Word => ({ data: shortenMiddle(safe(text), MOST_SHOWN.text), prose: true });
export const cell = (text: string): Words => (text === "" ? [] : [data(text, MOST_SHOWN.cell)]);
export const names = (peels: readonly { readonly peel: string }[], most: number = MOST_SHOWN.names): Word => ({
  data: peelNames(peels, most),
});
/** A state, which may be any text. */
export const stateWord = (state: string): Word => ({ state: shorten(safe(state), MOST_SHOWN.state) });

export const text = (...words: Word[]): Block => ({ kind: "text", words });
export const note = (...words: Word[]): Block => ({ kind: "note", words });
export const details = (title: Words, blocks: readonly Block[], open = false): Block => ({
  kind: "details",
  title,
  open,
  blocks,
});
/** @param id unique in the page, of letters, digits and `-`; without blocks there is no section */
export const section = (id: string, title: Words, blocks: readonly Block[]): Block[] =>
  blocks.length === 0 ? [] : [{ kind: "section", id, title, blocks }];

/** A table, and the number of omitted rows. @param noun of a row @param all the command that shows all */
export function cutTable(columns: readonly PageColumn[], rows: readonly PageRow[], noun: string, all: Words): Block[] {
  const rest = rows.length - MOST_SHOWN.rows;
  const table: Block = { kind: "table", columns, rows: rows.slice(0, MOST_SHOWN.rows) };
  return rest <= 0 ? [table] : [table, text(`${count(rest)} more ${noun}${rest === 1 ? "" : "s"}`, ...all)];
}

/** The bytes for each of `groups` groups of lines. @param share 2: half of the page is for others */
export const bytesOfEach = (groups: number, share: number) =>
  Math.min(BYTES.group, BYTES.all / share / Math.min(MOST_SHOWN.groups, Math.max(1, groups)));

/** The lines that fit into `bytes`, and a line about the others. @param all the command that shows all */
export function cutLines(lines: readonly Line[], bytes: number, all: Words, isDiff: boolean): Block[] {
  const shown: Line[] = [];
  let left = bytes;
  for (const line of lines) {
    const short = { ...line, text: shorten(line.text, MOST_SHOWN.line) };
    left -= Buffer.byteLength(Bun.escapeHTML(short.text)) + 1;
    if (left < 0) break;
    shown.push(short);
  }
  const rest = lines.length - shown.length;
  const isCut = shown.some(({ text }, i) => text !== lines[i]?.text);
  const words = [rest > 0 && plural(rest, "more line"), isCut && "long lines are cut"].filter(Boolean);
  return [{ kind: "lines", lines: shown, isDiff }, ...(words.length > 0 ? [text(words.join("; "), ...all)] : [])];
}
