// Tables with aligned columns, by display width. Pure.
import { dim } from "../colors.ts";
import { cut, isPlain, plural, safe, shorten, width, wrap } from "../text.ts";
import { type Concession, fitted, GAP } from "./fit.ts";

/** `columns` of the terminal; undefined in a pipe, where nothing is cut. */
export interface Look {
  readonly color: boolean;
  readonly columns: number | undefined;
  /** False omits titles. */
  readonly header?: boolean;
  /** False: a row is always one line. */
  readonly wrap?: boolean;
  /** Gets the titles of columns that do not fit. */
  readonly onHidden?: (titles: readonly string[]) => void;
}

export interface Column {
  readonly title: string;
  /** Right-aligned, for numbers. */
  readonly right?: boolean;
  /** Keeps columns steady between calls. */
  readonly min?: number;
  /** Steps on a narrow terminal; none: never shrinks. */
  readonly gives?: readonly Concession[];
  /** Wraps long text instead of cutting it; a number: in at most so many lines. */
  readonly wraps?: boolean | number;
}

/** Text, not yet safe; `paint` is applied after measuring. */
export interface Cell {
  readonly text: string;
  readonly paint?: ((text: string) => string) | undefined;
  /** A shorter text, where cutting the end is not enough. */
  readonly fit?: ((max: number) => string) | undefined;
}

/** As written, with its width. */
export interface MeasuredCell {
  readonly shown: string;
  readonly width: number;
}

/** Cells of a large table, made on demand. */
export interface Cells {
  at(row: number, column: number): MeasuredCell;
  /** Cheaper than `at`. */
  width(row: number, column: number): number;
}

export function measured({ text, paint }: Cell): MeasuredCell {
  const plain = isPlain(text);
  const shown = plain ? text : safe(text);
  return { shown: paint && shown !== "" ? paint(shown) : shown, width: plain ? text.length : width(shown) };
}

function narrowed(cell: Cell, max: number): Cell {
  const text = safe(cell.text);
  if (width(text) <= max) return cell;
  return { ...cell, text: shorten(cell.fit ? safe(cell.fit(max)) : text, max) };
}

/** A wider cell does not widen its column: one job with 10,000 targets must not move the others. */
const WIDEST_CELL = 120;

const SPACES = Array.from({ length: 64 }, (_, n) => " ".repeat(n));
const spaces = (n: number) => SPACES[n] ?? " ".repeat(n);

/** Size of a piece. */
const PIECE_CHARACTERS = 64 << 10;

/** A table in pieces of whole lines, for up to a million rows. Each cell is requested twice, first for its width. */
export function* tableLines(
  columns: readonly Column[],
  count: number,
  cells: Cells,
  { header = true, color = false, columns: room = Number.POSITIVE_INFINITY }: Partial<Look>,
): Generator<string> {
  const last = columns.length - 1;
  const widths = columns.map((column) => Math.max(column.min ?? 0, width(column.title)));
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < last; i++) {
      const wide = cells.width(row, i);
      if (wide > (widths[i] as number) && wide <= WIDEST_CELL) widths[i] = wide;
    }
  }
  const line = (cell: (column: number) => MeasuredCell) => {
    let out = "";
    let gap = 0;
    let used = 0;
    for (let i = 0; i <= last; i++) {
      const { shown, width } = cell(i);
      if (shown !== "") {
        out += gap > 0 ? spaces(gap) + shown : shown;
        used += gap + width;
        gap = 0;
      }
      if (i < last) gap += Math.max(0, (widths[i] as number) - width) + GAP;
    }
    return `${used > room ? cut(out, room) : out}\n`;
  };
  const titles = columns.map((column) => measured({ text: column.title, paint: color ? dim : undefined }));
  let piece = header ? line((i) => titles[i] as MeasuredCell) : "";
  for (let row = 0; row < count; row++) {
    piece += line((i) => cells.at(row, i));
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}

/** Rows are made when written: they may not fit in memory. */
export function* renderRows(
  columns: readonly Column[],
  count: number,
  rowAt: (row: number) => readonly Cell[],
  look: Omit<Look, "columns">,
): Generator<string> {
  let last: { readonly row: number; readonly cells: readonly MeasuredCell[] } | undefined;
  const at = (row: number, i: number) => {
    if (last?.row !== row) last = { row, cells: rowAt(row).map(measured) };
    return last.cells[i] as MeasuredCell;
  };
  yield* tableLines(columns, count, { at, width: (row, i) => at(row, i).width }, look);
}

/** A wrapping column can become this narrow last. */
const NARROWEST: Concession = { rank: 100, to: 8 };

/** Widest character. */
const SIGN = 2;

/**
 * Shown columns and their widths in `room`. Least widths are dropped first.
 * @param needed widths of the cells
 * @returns `at`: indexes of the shown columns
 */
export function arranged(
  columns: readonly Column[],
  needed: readonly number[],
  room: number,
): { columns: Column[]; most: number[]; at: number[] } {
  const wide = columns.map(({ title }, i) => Math.max(needed[i] as number, width(title)));
  // The last column needs no padding.
  const steady = columns.map(({ min = 0 }, i) => Math.max(wide[i] as number, i < columns.length - 1 ? min : 0));
  const fits = steady.reduce((sum, width) => sum + width + GAP, -GAP) <= room;
  const least = columns.map(({ title, gives = [], wraps = false }) => ({
    title,
    gives: [...gives, ...(wraps ? [NARROWEST] : [])].map((step) =>
      step.to === 0 ? step : { ...step, to: Math.max(step.to, width(title), SIGN) },
    ),
  }));
  const most = fits ? steady : fitted(least, wide, room);
  const at = [...columns.keys()].filter((i) => (most[i] as number) > 0);
  const shown = at.map((i) => ({ ...(columns[i] as Column), ...(fits ? {} : { min: 0 }) }));
  return { columns: shown, most: at.map((i) => most[i] as number), at };
}

/** A row and its continuation lines. */
function folded(row: readonly Cell[], columns: readonly Column[], widths: readonly number[], wraps: boolean): Cell[][] {
  const parts = row.map((cell, i) => {
    const max = widths[i] as number;
    const text = safe(cell.text);
    const most = columns[i]?.wraps;
    if (!wraps || !most || width(text) <= max) return [narrowed(cell, max)];
    const all = wrap(text, max);
    const last = (most === true ? all.length : Math.min(most, all.length)) - 1;
    const lines = [...all.slice(0, last), shorten(all.slice(last).join(" "), max)];
    return lines.map((text) => ({ ...cell, text }));
  });
  const lines = Math.max(1, ...parts.map((part) => part.length));
  return Array.from({ length: lines }, (_, n) => parts.map((part) => part[n] ?? { text: "" }));
}

/** Pads right-aligned columns. */
function aligned(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): [columns: readonly Column[], rows: readonly (readonly Cell[])[]] {
  if (!columns.some(({ right }) => right)) return [columns, rows];
  const widths = columns.map(({ title, right }, i) =>
    right ? rows.reduce((most, row) => Math.max(most, width((row[i] as Cell).text)), title.length) : 0,
  );
  const moved = (text: string, i: number) => " ".repeat(Math.max(0, (widths[i] as number) - width(text))) + text;
  return [
    columns.map((column, i) => ({ ...column, title: moved(column.title, i) })),
    rows.map((row) => row.map((cell, i) => ({ ...cell, text: moved(cell.text, i) }))),
  ];
}

/** @param look `columns`: no line is wider; undefined: nothing is cut */
export function renderTable(
  all: readonly Column[],
  allRows: readonly (readonly Cell[])[],
  header = true,
  look: Omit<Partial<Look>, "header"> = {},
): string {
  const [columns, rows] = aligned(all, allRows);
  const room = look.columns;
  const lines = (shown: readonly Column[], cells: readonly (readonly Cell[])[]) => {
    const at = (row: number, i: number) => measured(cells[row]?.[i] as Cell);
    const width = (row: number, i: number) => at(row, i).width;
    return [...tableLines(shown, cells.length, { at, width }, { ...look, columns: room, header })].join("");
  };
  if (room === undefined) return lines(columns, rows);
  const needed = columns.map((_, i) => rows.reduce((most, row) => Math.max(most, measured(row[i] as Cell).width), 0));
  const { columns: shown, most, at } = arranged(columns, needed, room);
  const isShown = new Set(at);
  const hidden = columns.filter((_, i) => !isShown.has(i)).map(({ title }) => title.trim());
  if (header && hidden.length > 0) look.onHidden?.(hidden);
  const kept = rows.map((row) => at.map((i) => row[i] as Cell));
  return lines(
    shown,
    kept.flatMap((row) => folded(row, shown, most, look.wrap !== false)),
  );
}

/** Columns that are left, at least `least`; no limit in a pipe. @param taken columns in use */
export const roomBeside = (taken: number, { columns }: Pick<Look, "columns">, least: number) =>
  columns === undefined ? Number.POSITIVE_INFINITY : Math.max(least, columns - taken);

/** Rows, lines or groups to show: at most `most` on a terminal, unless `all`; everything in a pipe. */
export const limitOf = (most: number, { columns }: Pick<Look, "columns">, all: boolean | undefined = false) =>
  all || columns === undefined ? Number.POSITIVE_INFINITY : most;

/** The line for rows that are not shown: `… and 5 more jobs`. */
export const andMore = (rows: number, noun: string) => `… and ${plural(rows, `more ${noun}`)}`;
