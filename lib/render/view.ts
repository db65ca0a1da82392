// Answers in every format: a column is described once, for tables, CSV and documents. Pure.
import { Timestamp, type Value, type ValueMap } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import { count } from "../text.ts";
import { nsOf } from "../time.ts";
import type { LongDocument } from "./document.ts";
import { type Column, idGives, type Look, type Rows, tableLines } from "./table.ts";
import { ageText, seconds, timeText } from "./time.ts";

export interface Viewer extends Look {
  /** False if the locale lacks block characters. */
  readonly utf8?: boolean;
  /** By the server's clock. */
  readonly now: Date;
  readonly warn?: (text: string) => void;
}

/** Its name is the field of documents and the title of CSV. */
export interface RowColumn<T> extends Omit<Column<T, Viewer>, "title" | "text"> {
  readonly name: string;
  /** Title in tables; default: the name in capitals. */
  readonly title?: string;
  /** For documents: durations in ns, null for nothing, undefined for no such field. */
  value(row: T, now: Date): Value | undefined;
  /** For CSV, if it differs from the value. */
  plain?(row: T, now: Date): string;
  /** For tables, if it differs from the value. */
  text?(row: T, viewer: Viewer, max: number): string;
}

/** Column names of each form, separated by spaces. */
export interface Forms {
  readonly table: string;
  readonly sheet: string;
  readonly document: string;
}

interface Sheet {
  readonly titles: string[];
  readonly rows: Iterable<string[]>;
}

export interface View {
  /** 0: a message replaces the view. */
  readonly size: number;
  /** One document, not a list. */
  readonly isOne?: boolean;
  text(viewer: Viewer): Iterable<string>;
  documents(now: Date): Iterable<Value>;
  /** The same for lists that may not fit in memory. */
  readonly long?: () => LongDocument;
  /** Undefined if CSV is not available. */
  sheet?(now: Date): Sheet;
  /** --columns can select others. */
  readonly hasColumns?: boolean;
}

/** For CSV: durations in seconds, lists with spaces. */
function sheetText(value: Value | undefined): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "bigint") return seconds(value);
  return Array.isArray(value) ? value.join(" ") : String(value);
}

/** For people: separators, units, ages on a terminal; `-` for nothing. */
function valueText(value: Value | undefined, viewer: Viewer): string {
  if (value === undefined || value === null || value === "") return "-";
  if (typeof value === "number") return count(value);
  if (typeof value === "bigint") return formatDuration(value);
  if (!(value instanceof Timestamp)) return String(value);
  return viewer.columns === undefined ? timeText(value, false) : ageText(value, nsOf(viewer.now));
}

/** A column of job IDs, cut on a narrow terminal as long as they stay distinct. @param rank when it is cut */
export const jidColumn = <T>(jidOf: (row: T) => string, rank: number): RowColumn<T> => ({
  name: "jid",
  gives: (rows) =>
    idGives(
      Array.from({ length: rows.length }, (_, place) => jidOf(rows.at(place) as T)),
      rank,
    ),
  value: jidOf,
  text: (row, _, max) => jidOf(row).slice(0, max),
});

export function rowDocument<T>(columns: readonly RowColumn<T>[], row: T, now: Date): ValueMap {
  const document: ValueMap = new Map();
  for (const column of columns) {
    const value = column.value(row, now);
    if (value !== undefined) document.set(column.name, value);
  }
  return document;
}

/** Rows are made when written. */
export function sheetOf<T>(columns: readonly RowColumn<T>[], rows: Iterable<T>, now: Date): Sheet {
  const cells = function* () {
    for (const row of rows)
      yield columns.map((column) => (column.plain ? column.plain(row, now) : sheetText(column.value(row, now))));
  };
  return { titles: columns.map(({ name }) => name), rows: cells() };
}

export function tableOf<T>(columns: readonly RowColumn<T>[], rows: Rows<T>, viewer: Viewer): Iterable<string> {
  const inTable = (column: RowColumn<T>): Column<T, Viewer> => {
    const { title = column.name.toUpperCase() } = column;
    const text = (row: T) => valueText(column.value(row, viewer.now), viewer);
    return { text, ...column, title };
  };
  return tableLines(columns.map(inTable), rows, viewer);
}

export function pick<T>(columns: readonly RowColumn<T>[], names: string): RowColumn<T>[] {
  return names.split(" ").map((wanted) => {
    const found = columns.find(({ name }) => name === wanted);
    if (!found) throw new Error(`no column ${wanted}`);
    return found;
  });
}

export function rowsView<T>(
  columns: readonly RowColumn<T>[],
  { table, sheet, document }: Forms,
  rows: readonly T[],
  own: Partial<View> = {},
): View {
  return {
    size: rows.length,
    text: (viewer) => tableOf(pick(columns, table), rows, viewer),
    *documents(now) {
      const fields = pick(columns, document);
      for (const row of rows) yield rowDocument(fields, row, now);
    },
    sheet: (now) => sheetOf(pick(columns, sheet), rows, now),
    ...own,
  };
}
