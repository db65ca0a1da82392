// What an answer shows, in every form: a column is described once, and tables, spreadsheets and documents are made of it. Pure.
import { Timestamp, type Value, type ValueMap } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import { count } from "../text.ts";
import type { LongDocument } from "./document.ts";
import type { Concession } from "./fit.ts";
import { type Cell, type Look, renderTable, type Column as TableColumn } from "./table.ts";
import { seconds, whenText } from "./time.ts";

/** Who reads a text: `columns` is undefined where it is piped. */
export interface Viewer extends Look {
  /** False where the locale has no blocks. */
  readonly utf8?: boolean;
  /** By the server's clock. */
  readonly now: Date;
}

/** What a column gives up on a narrow terminal; made of the rows only where a table is. */
type Gives<T> = readonly Concession[] | ((rows: readonly T[]) => readonly Concession[]);

/** A column of rows: its name is that of the field in documents, and the title in spreadsheets. */
export interface RowColumn<T> extends Omit<TableColumn, "title" | "gives"> {
  readonly name: string;
  /** In tables; the name in capitals when not given. */
  readonly title?: string;
  readonly gives?: Gives<T>;
  /** For programs: durations in ns, null for nothing. Undefined: the row has no such field. */
  value(row: T, now: Date): Value | undefined;
  /** For spreadsheets, where that does not follow from the value. */
  plain?(row: T, now: Date): string;
  /** For people, where that does not follow from the value; `max` is the most columns that it can take. */
  text?(row: T, viewer: Viewer, max: number): string;
  /** The colour of the text. */
  paint?(row: T, viewer: Viewer): Cell["paint"];
}

/** The names of the columns of each form, in their order, with spaces between them. */
export interface Forms {
  readonly table: string;
  readonly sheet: string;
  readonly document: string;
}

export interface Sheet {
  readonly titles: string[];
  readonly rows: Iterable<string[]>;
}

/** An answer as each format takes it. */
export interface View {
  /** How much there is to show; 0: a text says that there is nothing. */
  readonly size: number;
  /** For programs it is one document, not a list of them. */
  readonly isOne?: boolean;
  text(viewer: Viewer): Iterable<string>;
  documents(now: Date): Iterable<Value>;
  /** The same with lists that can be too long for the memory. */
  readonly long?: () => LongDocument;
  /** For spreadsheets; undefined where there is no such form. */
  sheet?(now: Date): Sheet;
  /** What is said after the text was written: columns that had no room. */
  aside?(): string | undefined;
}

/** A value for a spreadsheet: durations in seconds, nothing is empty, lists have spaces. */
function sheetText(value: Value | undefined): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "bigint") return seconds(value);
  return Array.isArray(value) ? value.join(" ") : String(value);
}

/** A value for people: numbers with separators, durations with units, ages on a terminal; `-` for nothing. */
function valueText(value: Value | undefined, viewer: Viewer): string {
  if (value === undefined || value === null || value === "") return "-";
  if (typeof value === "number") return count(value);
  if (typeof value === "bigint") return formatDuration(value);
  return value instanceof Timestamp ? whenText(value, viewer, viewer.now) : String(value);
}

/** What a spreadsheet has in a column of a row. */
export const plainCell = <T>(column: RowColumn<T>, row: T, now: Date): string =>
  column.plain ? column.plain(row, now) : sheetText(column.value(row, now));

/** What a person reads in a column of a row. */
export const textCell = <T>(column: RowColumn<T>, row: T, viewer: Viewer, max = Number.POSITIVE_INFINITY): string =>
  column.text ? column.text(row, viewer, max) : valueText(column.value(row, viewer.now), viewer);

/** A row for programs. */
export function rowDocument<T>(columns: readonly RowColumn<T>[], row: T, now: Date): ValueMap {
  const document: ValueMap = new Map();
  for (const column of columns) {
    const value = column.value(row, now);
    if (value !== undefined) document.set(column.name, value);
  }
  return document;
}

/** Rows for spreadsheets, each made when it is its turn. */
export function sheetOf<T>(columns: readonly RowColumn<T>[], rows: Iterable<T>, now: Date): Sheet {
  const cells = function* () {
    for (const row of rows) yield columns.map((column) => plainCell(column, row, now));
  };
  return { titles: columns.map(({ name }) => name), rows: cells() };
}

/** Rows as a table. */
export function tableOf<T>(columns: readonly RowColumn<T>[], rows: readonly T[], viewer: Viewer): string {
  const tableColumns = columns.map(
    ({ name, title = name.toUpperCase(), right, min, wraps, gives }): TableColumn => ({
      title,
      ...(right && { right }),
      ...(min !== undefined && { min }),
      ...(wraps && { wraps }),
      gives: typeof gives === "function" ? gives(rows) : (gives ?? []),
    }),
  );
  const cells = rows.map((row) =>
    columns.map((column): Cell => {
      const text = (max?: number) => textCell(column, row, viewer, max);
      return { text: text(), fit: column.text && text, paint: column.paint?.(row, viewer) };
    }),
  );
  return renderTable(tableColumns, cells, viewer.header, viewer);
}

/** The columns of these names. */
export function pick<T>(columns: readonly RowColumn<T>[], names: string): RowColumn<T>[] {
  return names.split(" ").map((wanted) => {
    const found = columns.find(({ name }) => name === wanted);
    if (!found) throw new Error(`no column ${wanted}`);
    return found;
  });
}

/** The view of rows. @param own what it shows in a way of its own */
export function viewOf<T>(
  columns: readonly RowColumn<T>[],
  { table, sheet, document }: Forms,
  rows: readonly T[],
  own: Partial<View> = {},
): View {
  return {
    size: rows.length,
    text: (viewer) => [tableOf(pick(columns, table), rows, viewer)],
    *documents(now) {
      const fields = pick(columns, document);
      for (const row of rows) yield rowDocument(fields, row, now);
    },
    sheet: (now) => sheetOf(pick(columns, sheet), rows, now),
    ...own,
  };
}
