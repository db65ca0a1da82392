// Aligned columns, measured by display width.
import { isPlain, safe, width } from "./text.ts";

export interface Column {
  readonly title: string;
  /** The least width, so that columns don't jump between calls. */
  readonly min?: number;
}

/** A cell: text, not yet made safe; `paint` colours it after it was measured. */
export interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

/** A cell that is wider stands out of its column: one job with 10,000 targets must not push all others apart. */
const WIDEST = 120;

const SPACES = Array.from({ length: 64 }, (_, n) => " ".repeat(n));
const spaces = (n: number) => SPACES[n] ?? " ".repeat(n);

/** Lines are handed over in pieces of about this many characters. */
const PIECE = 64 << 10;

/**
 * A table in pieces of whole lines, for one that may have a million: `cellsAt` is asked twice for each row, first for the
 * widths. Lines end with a newline and have no trailing spaces. `header` false leaves the titles out.
 */
export function* tableLines(
  columns: readonly Column[],
  count: number,
  cellsAt: (row: number) => readonly Cell[],
  header = true,
): Generator<string> {
  const last = columns.length - 1;
  const widths = columns.map((column) => Math.max(column.min ?? 0, width(column.title)));
  for (let row = 0; row < count; row++) {
    const cells = cellsAt(row);
    for (let i = 0; i < last; i++) {
      const { text } = cells[i] as Cell;
      const wide = isPlain(text) ? text.length : width(safe(text));
      if (wide > (widths[i] as number) && wide <= WIDEST) widths[i] = wide;
    }
  }
  const line = (cells: readonly Cell[]) => {
    let out = "";
    let gap = 0;
    for (let i = 0; i <= last; i++) {
      const { text, paint } = cells[i] as Cell;
      const plain = isPlain(text);
      const shown = plain ? text : safe(text);
      if (shown !== "") {
        out += spaces(gap) + (paint ? paint(shown) : shown);
        gap = 0;
      }
      if (i < last) gap += Math.max(0, (widths[i] as number) - (plain ? text.length : width(shown))) + 2;
    }
    return `${out}\n`;
  };
  let piece = header ? line(columns.map((column) => ({ text: column.title }))) : "";
  for (let row = 0; row < count; row++) {
    piece += line(cellsAt(row));
    if (piece.length < PIECE) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}

/** The same as one text. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  header = true,
): string {
  return [...tableLines(columns, rows.length, (i) => rows[i] as readonly Cell[], header)].join("");
}
