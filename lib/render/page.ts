// A page as a value: its content in order. report-html.ts and report-markdown.ts convert it to text.
import type { Timeline } from "./timeline.ts";

/** Our words; `data`: safe text from records; `prose`: a sentence, not a value; `to`: the section that it links to. */
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
export type PageRow = readonly Words[];

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
