// Aligned columns, measured by display width.
import { isPlain, plural, safe, width } from "../text.ts";

/** How a table is shown: coloured or not, and the terminal's width (undefined: piped, never shortened). */
export interface Look {
  readonly color: boolean;
  readonly columns: number | undefined;
  /** False omits the titles. */
  readonly header?: boolean;
}

export interface Column {
  readonly title: string;
  /** The least width, so that columns don't jump between calls. */
  readonly min?: number;
}

/** A cell: text, not yet made safe; `paint` colours it after it was measured. */
export interface Cell {
  readonly text: string;
  readonly paint?: ((text: string) => string) | undefined;
}

/** A cell as it is written, and the columns that it takes. */
export interface MeasuredCell {
  readonly shown: string;
  readonly width: number;
}

/** The cells of a large table, each made when it is asked for. */
export interface Cells {
  at(row: number, column: number): MeasuredCell;
  /** The width alone, where that is cheaper. */
  width(row: number, column: number): number;
}

/** Makes a cell safe, measures and colours it. */
export function measured({ text, paint }: Cell): MeasuredCell {
  const plain = isPlain(text);
  const shown = plain ? text : safe(text);
  return { shown: paint && shown !== "" ? paint(shown) : shown, width: plain ? text.length : width(shown) };
}

/** A cell that is wider stands out of its column: one job with 10,000 targets must not push all others apart. */
const WIDEST = 120;

const SPACES = Array.from({ length: 64 }, (_, n) => " ".repeat(n));
const spaces = (n: number) => SPACES[n] ?? " ".repeat(n);

/** Lines are handed over in pieces of about this many characters. */
const PIECE = 64 << 10;

/**
 * A table in pieces of whole lines, for one that may have a million: each cell is asked for twice, row by row, first for
 * its width. Lines end with a newline and have no trailing spaces. `header` false omits the titles.
 */
export function* tableLines(columns: readonly Column[], count: number, cells: Cells, header = true): Generator<string> {
  const last = columns.length - 1;
  const widths = columns.map((column) => Math.max(column.min ?? 0, width(column.title)));
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < last; i++) {
      const wide = cells.width(row, i);
      if (wide > (widths[i] as number) && wide <= WIDEST) widths[i] = wide;
    }
  }
  const line = (cell: (column: number) => MeasuredCell) => {
    let out = "";
    let gap = 0;
    for (let i = 0; i <= last; i++) {
      const { shown, width } = cell(i);
      if (shown !== "") {
        out += gap > 0 ? spaces(gap) + shown : shown;
        gap = 0;
      }
      if (i < last) gap += Math.max(0, (widths[i] as number) - width) + 2;
    }
    return `${out}\n`;
  };
  const titles = columns.map((column) => measured({ text: column.title }));
  let piece = header ? line((i) => titles[i] as MeasuredCell) : "";
  for (let row = 0; row < count; row++) {
    piece += line((i) => cells.at(row, i));
    if (piece.length < PIECE) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}

/** The same as one text. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly Cell[])[], header = true): string {
  const made = rows.map((row) => row.map(measured));
  const at = (row: number, i: number) => made[row]?.[i] as MeasuredCell;
  const cells = { at, width: (row: number, i: number) => at(row, i).width };
  return [...tableLines(columns, rows.length, cells, header)].join("");
}

/** The words for rows that a table has no room for: `… and 5 jobs more`. */
export const andMore = (rows: number, noun: string) => `… and ${plural(rows, noun)} more`;
