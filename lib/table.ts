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

/** Lines of text, each ended by a newline, without trailing spaces. `header` false leaves the titles out. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  header = true,
): string {
  const last = columns.length - 1;
  const widths = columns.map((column) => Math.max(column.min ?? 0, width(column.title)));
  const texts = rows.map((row) => row.map((cell) => safe(cell.text)));
  for (const row of texts) {
    for (let i = 0; i < last; i++) widths[i] = Math.max(widths[i] as number, width(row[i] as string));
  }
  const line = (cells: readonly string[], paint: (i: number) => Cell["paint"]) => {
    let out = "";
    let gap = 0;
    cells.forEach((cell, i) => {
      if (cell !== "") {
        out += " ".repeat(gap) + (paint(i)?.(cell) ?? cell);
        gap = 0;
      }
      gap += (widths[i] as number) - width(cell) + 2;
    });
    return `${out}\n`;
  };
  const titles = columns.map((column) => column.title);
  let out = header ? line(titles, () => undefined) : "";
  texts.forEach((cells, r) => {
    out += line(cells, (i) => rows[r]?.[i]?.paint);
  });
  return out;
}
