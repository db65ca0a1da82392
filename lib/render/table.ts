// Tables with aligned columns, by display width; on a narrow terminal columns shrink, wrap or disappear. Pure.
import { edenGC } from "bun:jsc";
import { dim } from "../colors.ts";
import { cut, plural, safe, shorten, width, wrap } from "../text.ts";

/** `columns` of the terminal; undefined in a pipe, where nothing is cut. */
export interface Look {
  readonly color: boolean;
  readonly columns: number | undefined;
  /** False omits titles. */
  readonly header?: boolean;
  /** False: a row is always one line. */
  readonly wrap?: boolean;
  /** Receives the titles of columns that do not fit. */
  readonly onHidden?: ((titles: readonly string[]) => void) | undefined;
}

/** One step of a column on a narrow terminal. */
export interface Concession {
  /** Lower ranks first, across all columns. */
  readonly rank: number;
  /** Width after the step; 0: it disappears. */
  readonly to: number;
  /** Either its whole width or exactly `to`. */
  readonly only?: boolean;
}

export const shrinks = (rank: number, to: number): Concession => ({ rank, to });
export const leaves = (rank: number): Concession => ({ rank, to: 0 });

/** For long texts: they shrink first and never disappear. */
export const LONG: readonly Concession[] = [shrinks(0, 20)];

/** Minimum characters of an ID: a job that is not shown may share them. */
const SHORTEST = 8;

/** Characters of IDs that keep them distinct. */
export function tellingLength(jids: readonly string[]): number {
  const sorted = jids.toSorted();
  let length = SHORTEST;
  for (const [i, jid] of sorted.entries()) {
    const next = sorted[i + 1] ?? "";
    let same = 0;
    while (same < jid.length && jid[same] === next[same]) same++;
    length = Math.max(length, same + 1);
  }
  return length;
}

/** IDs may be cut while they stay distinct. */
export const idGives = (jids: readonly string[], rank: number): readonly Concession[] => [
  { rank, to: tellingLength(jids), only: true },
];

/** A wrapping column can become this narrow last. */
const NARROWEST = shrinks(100, 8);

type Paint = ((text: string) => string) | undefined;

export interface Column<T, L = Look> {
  readonly title: string;
  /** Right-aligned, for numbers. */
  readonly right?: boolean;
  /** Keeps columns steady between calls. */
  readonly min?: number;
  /** Steps on a narrow terminal; none: never shrinks. */
  readonly gives?: readonly Concession[] | ((rows: Rows<T>) => readonly Concession[]);
  /** Wraps long text instead of cutting it; a number: in at most that many lines. */
  readonly wraps?: boolean | number;
  /** Not yet safe. @param max columns, for a text that is not shortened by cutting its end */
  text(row: T, look: L, max: number): string;
  paint?(row: T, look: L): Paint;
  /** What the text depends on: cells with equal values are made once. */
  source?(row: T): unknown;
}

export interface Rows<T> {
  readonly length: number;
  at(place: number): T | undefined;
}

/** A safe text, not painted yet. */
interface Cell {
  readonly text: string;
  readonly width: number;
  readonly paint: Paint;
  /** Continuation lines. */
  readonly more: readonly Cell[];
}

const NO_CELLS: readonly Cell[] = [];
const EMPTY: Cell = { text: "", width: 0, paint: undefined, more: NO_CELLS };

const KEPT_CELLS = 4096;

class ColumnCells<T, L extends Look> {
  readonly #made = new Map<unknown, Cell>();

  constructor(
    readonly column: Column<T, L>,
    readonly look: L,
    readonly max = Number.POSITIVE_INFINITY,
    readonly whole?: ColumnCells<T, L>,
  ) {}

  of(row: T, place: number): Cell {
    const key = this.column.source ? this.column.source(row) : place;
    if (typeof key === "number" && key >= KEPT_CELLS) return this.#make(row, place); // cheaper than a look-up
    let cell = this.#made.get(key);
    if (cell === undefined) {
      cell = this.#make(row, place);
      if (this.#made.size < KEPT_CELLS) this.#made.set(key, cell);
    }
    return cell;
  }

  #make(row: T, place: number): Cell {
    const { column, look, max } = this;
    const whole = this.whole?.of(row, place) ?? this.#cell(row, column.text(row, look, Number.POSITIVE_INFINITY));
    if (whole.width <= max) return whole;
    const { wraps } = column;
    if (!wraps || look.wrap === false) return this.#cell(row, shorten(safe(column.text(row, look, max)), max));
    const lines = wrap(whole.text, max);
    const last = (wraps === true ? lines.length : Math.min(wraps, lines.length)) - 1;
    const [first = "", ...more] = [...lines.slice(0, last), shorten(lines.slice(last).join(" "), max)];
    return { ...this.#cell(row, first), more: more.map((line) => this.#cell(row, line)) };
  }

  #cell(row: T, unsafe: string): Cell {
    const text = safe(unsafe);
    return { text, width: width(text), paint: this.column.paint?.(row, this.look), more: NO_CELLS };
  }
}

export const GAP = 2;

/** Width of a row; a column of width 0 is hidden. */
function total(widths: readonly number[]): number {
  const shown = widths.filter((width) => width > 0);
  return shown.reduce((sum, width) => sum + width + GAP, -GAP);
}

/** Widths of columns that need `needed`, in `room`; 0: hidden. Too wide if the steps in `gives` do not suffice. */
export function fitted(gives: readonly (readonly Concession[])[], needed: readonly number[], room: number): number[] {
  const widths = needed.map((width) => Math.max(1, width));
  const steps = gives.flatMap((each, i) => each.map((step) => ({ ...step, i })));
  steps.sort((a, b) => a.rank - b.rank);
  const single = new Set<number>();
  for (const { i, to, only } of steps) {
    if (total(widths) <= room) break;
    if (to >= (widths[i] as number)) continue;
    widths[i] = to;
    if (only) single.add(i);
  }
  // Space to spare goes back, first to the columns that shrank last.
  for (const { i } of steps.reverse()) {
    const [width, wanted] = [widths[i] as number, needed[i] as number];
    const spare = room - total(widths);
    if (width === 0 || width >= wanted || spare <= 0) continue;
    if (!single.has(i)) widths[i] = Math.min(wanted, width + spare);
    else if (wanted - width <= spare) widths[i] = wanted;
  }
  return widths;
}

/** Widest character. */
const SIGN = 2;

const titleWidth = ({ title }: { readonly title: string }) => width(safe(title));

/** The columns that fit into `room`. */
function arranged<T, L extends Look>(
  columns: readonly Column<T, L>[],
  rows: Rows<T>,
  look: L,
  room: number,
): ColumnCells<T, L>[] {
  const whole = columns.map((column) => new ColumnCells(column, look));
  const needed = columns.map(titleWidth);
  for (let place = 0; place < rows.length; place++) {
    const row = rows.at(place) as T;
    for (const [i, cells] of whole.entries()) needed[i] = Math.max(needed[i] as number, cells.of(row, place).width);
  }
  // The last column needs no padding.
  const steady = columns.map(({ min = 0 }, i) => Math.max(needed[i] as number, i < columns.length - 1 ? min : 0));
  if (steady.reduce((sum, width) => sum + width + GAP, -GAP) <= room) return whole.filter((_, i) => steady[i] !== 0);
  const gives = columns.map((column) => {
    const { gives = [], wraps = false } = column;
    const steps = typeof gives === "function" ? gives(rows) : gives;
    return [...steps, ...(wraps ? [NARROWEST] : [])].map((step) =>
      step.to === 0 ? step : { ...step, to: Math.max(step.to, titleWidth(column), SIGN) },
    );
  });
  const most = fitted(gives, needed, room);
  const hidden = columns.filter((_, i) => most[i] === 0).map(({ title }) => title);
  if (hidden.length > 0) look.onHidden?.(hidden);
  return columns.flatMap((column, i) =>
    most[i] === 0 ? [] : new ColumnCells({ ...column, min: 0 }, look, most[i], whole[i]),
  );
}

/** A wider cell does not widen its column: one job with 10,000 targets must not move the others. */
const WIDEST_CELL = 120;

/** `repeat` is slow. */
const SPACES = Array.from({ length: 64 }, (_, n) => " ".repeat(n));
const spaces = (n: number) => SPACES[n] ?? " ".repeat(n);

/** Rows between two garbage collections: each row leaves cells that nothing keeps. */
const SWEPT_ROWS = 1 << 14;

const PIECE_CHARACTERS = 64 << 10;

/** A table in pieces of whole lines, made when written: up to a million rows. No line is wider than `look.columns`. */
export function* tableLines<T, L extends Look>(
  columns: readonly Column<T, L>[],
  rows: Rows<T>,
  look: L,
): Generator<string> {
  const { header = true, color, columns: room = Number.POSITIVE_INFINITY } = look;
  const shown =
    look.columns === undefined
      ? columns.map((column) => new ColumnCells(column, look))
      : arranged(columns, rows, look, look.columns);
  const paint = color ? dim : undefined;
  const titles = shown.map(({ column }) => ({
    text: safe(column.title),
    width: titleWidth(column),
    paint,
    more: NO_CELLS,
  }));
  const last = shown.length - 1;
  const widths = shown.map(({ column }) => Math.max(column.min ?? 0, titleWidth(column)));
  const widen = (i: number, { width, more }: Cell) => {
    if (width > (widths[i] as number) && width <= WIDEST_CELL) widths[i] = width;
    for (const line of more) widen(i, line);
  };
  for (let place = 0; place < rows.length; place++) {
    if (place % SWEPT_ROWS === SWEPT_ROWS - 1) edenGC();
    const row = rows.at(place) as T;
    for (let i = 0; i <= last; i++) {
      const cells = shown[i] as ColumnCells<T, L>;
      if (i < last || cells.column.right) widen(i, cells.of(row, place));
    }
  }
  const line = (cells: readonly Cell[]) => {
    let out = "";
    let gap = 0;
    let used = 0;
    for (let i = 0; i <= last; i++) {
      const { text, width, paint } = cells[i] as Cell;
      const pad = Math.max(0, (widths[i] as number) - width);
      const before = width > 0 && shown[i]?.column.right ? pad : 0;
      if (text !== "") {
        const padded = before > 0 ? spaces(before) + text : text;
        if (gap > 0) out += spaces(gap);
        out += paint ? paint(padded) : padded;
        used += gap + before + width;
        gap = 0;
      }
      gap += pad - before + GAP;
    }
    return `${used > room ? cut(out, room) : out}\n`;
  };
  let piece = header ? line(titles) : "";
  for (let place = 0; place < rows.length; place++) {
    const row = rows.at(place) as T;
    const cells = shown.map((each) => each.of(row, place));
    piece += line(cells);
    const further = cells.reduce((most, { more }) => Math.max(most, more.length), 0);
    for (let n = 0; n < further; n++) piece += line(cells.map(({ more }) => more[n] ?? EMPTY));
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}

export const renderTable = <T, L extends Look>(columns: readonly Column<T, L>[], rows: Rows<T>, look: L): string =>
  [...tableLines(columns, rows, look)].join("");

/** Columns that are free, at least `least`; no limit in a pipe. @param taken columns in use */
export const roomBeside = (taken: number, { columns }: Pick<Look, "columns">, least: number) =>
  columns === undefined ? Number.POSITIVE_INFINITY : Math.max(least, columns - taken);

/** Rows, lines or groups to show: at most `most` on a terminal, unless `all`; everything in a pipe. */
export const rowLimit = (most: number, { columns }: Pick<Look, "columns">, all: boolean | undefined = false) =>
  all || columns === undefined ? Number.POSITIVE_INFINITY : most;

/** The line for rows that are not shown: `… and 5 more jobs`. */
export const andMore = (rows: number, noun: string) => `… and ${plural(rows, `more ${noun}`)}`;
