// A page as a value: what it says, in order. report-html.ts and report-markdown.ts make texts of it.
import type { Timeline } from "./timeline.ts";

/**
 * Words of ours; `data`: a text that has something from records in it, safe for a terminal; `prose`: it is a sentence, not a value;
 * `to`: the section that it leads to.
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
  readonly sign?: "+" | "-";
}

/** `wide`: columns of long texts, which share the width. */
export interface PageColumn {
  readonly title: string;
  readonly right?: true;
  readonly wide?: true;
}

/** The first cell of a row is its title. */
export interface PageTable {
  readonly columns: readonly PageColumn[];
  readonly rows: readonly (readonly Words[])[];
}

export type Block =
  | { readonly kind: "text" | "note"; readonly words: Words }
  | { readonly kind: "facts"; readonly facts: readonly (readonly [name: string, value: Words])[] }
  | { readonly kind: "table"; readonly table: PageTable }
  | { readonly kind: "lines"; readonly lines: readonly Line[]; readonly isDiff?: boolean }
  | { readonly kind: "timeline"; readonly timeline: Timeline }
  | { readonly kind: "commands"; readonly commands: readonly (readonly [command: string, what: string])[] }
  | { readonly kind: "details"; readonly title: Words; readonly open: boolean; readonly blocks: readonly Block[] }
  | Section;

export interface Section {
  readonly kind: "section";
  /** Unique in the page, of letters, digits and `-`. */
  readonly id: string;
  readonly title: Words;
  readonly blocks: readonly Block[];
}

export interface Page {
  readonly title: Words;
  readonly lead: Words;
  readonly blocks: readonly Block[];
  readonly foot: readonly Words[];
}

/** The words as text alone. */
export const plainWords = (words: Words) =>
  words
    .map((word) =>
      typeof word === "string" ? word : "data" in word ? word.data : "state" in word ? word.state : word.command,
    )
    .join("");
