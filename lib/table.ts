// Aligned columns, measured by display width.
import { safe, width } from "./text.ts";

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

/** Widths of texts that come again and again; a column of ids has none of those, so it stops to look after a while. */
class Measure {
  readonly #known = new Map<string, number>();

  of(text: string): number {
    if (this.#known.size > 1000) return width(safe(text));
    let wide = this.#known.get(text);
    if (wide === undefined) {
      wide = width(safe(text));
      this.#known.set(text, wide);
    }
    return wide;
  }
}

const SPACES = " ".repeat(512);
const spaces = (n: number) => (n <= SPACES.length ? SPACES.slice(0, n) : " ".repeat(n));

/**
 * A table line by line, for one that may have a million: `cellsAt` is asked twice for each row, first for the widths.
 * Lines end with a newline and have no trailing spaces. `header` false leaves the titles out.
 */
export function* tableLines(
  columns: readonly Column[],
  count: number,
  cellsAt: (row: number) => readonly Cell[],
  header = true,
): Generator<string> {
  const last = columns.length - 1;
  const widths = columns.map((column) => Math.max(column.min ?? 0, width(column.title)));
  const measures = columns.map(() => new Measure());
  for (let row = 0; row < count; row++) {
    const cells = cellsAt(row);
    for (let i = 0; i < last; i++) {
      const wide = (measures[i] as Measure).of((cells[i] as Cell).text);
      if (wide > (widths[i] as number) && wide <= WIDEST) widths[i] = wide;
    }
  }
  const line = (cells: readonly Cell[]) => {
    let out = "";
    let gap = 0;
    for (let i = 0; i <= last; i++) {
      const { text, paint } = cells[i] as Cell;
      const shown = safe(text);
      if (shown !== "") {
        out += spaces(gap) + (paint ? paint(shown) : shown);
        gap = 0;
      }
      if (i < last) gap += Math.max(0, (widths[i] as number) - (measures[i] as Measure).of(text)) + 2;
    }
    return `${out}\n`;
  };
  if (header) yield line(columns.map((column) => ({ text: column.title })));
  for (let row = 0; row < count; row++) yield line(cellsAt(row));
}

/** The same as one text. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  header = true,
): string {
  return [...tableLines(columns, rows.length, (i) => rows[i] as readonly Cell[], header)].join("");
}
