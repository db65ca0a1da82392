// The tables of jobs and returns, as text. Pure: rows in, lines out.
import { paintState } from "./colors.ts";
import { type JobColumn, returnsOf, targetOf } from "./columns.ts";
import { formatDuration } from "./duration.ts";
import { failedOf, type JobRow, type Return, stateOf } from "./job.ts";
import type { JobList } from "./jobs.ts";
import { displayPeel } from "./peel.ts";
import { type Cell, type Column, renderTable, tableLines } from "./table.ts";
import { safe, width } from "./text.ts";
import { Timestamp } from "./value.ts";

/** How a table is shown: coloured or not, and the terminal's width (undefined: piped, never shortened). */
export interface Look {
  readonly color: boolean;
  readonly columns: number | undefined;
  /** False leaves the titles out. */
  readonly header?: boolean;
}

const measure = (text: string) => width(safe(text));

/** Columns left for column `at` when all others are shown whole; at least its title. */
function room(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  at: number,
  terminal: number,
): number {
  let used = 0;
  columns.forEach((column, i) => {
    if (i !== at)
      used +=
        2 +
        rows.reduce(
          (most, row) => Math.max(most, measure(row[i]?.text ?? "")),
          Math.max(column.min ?? 0, column.title.length),
        );
  });
  return Math.max((columns[at] as Column).title.length, terminal - used);
}

/** A table of jobs. On a terminal that is too narrow, the column that can be shortened is. */
export function renderJobs(
  shown: readonly JobColumn[],
  jobs: JobList,
  look: Look,
  now: Date,
): Iterable<string> {
  const moment = { now, person: look.columns !== undefined };
  const columns = shown.map(({ name, min }) => ({ title: name.toUpperCase(), min: min ?? 0 }));
  const cellsAt = (i: number): Cell[] => {
    const job = jobs.at(i);
    return shown.map((column) => {
      const text = column.text(job, moment, Number.POSITIVE_INFINITY);
      const paint = look.color
        ? paintState(text, column.name === "state" || column.name === "status")
        : undefined;
      return paint ? { text, paint } : { text };
    });
  };
  const at = shown.findIndex(({ shrinks }) => shrinks);
  if (look.columns === undefined || at < 0) return tableLines(columns, jobs.length, cellsAt, look.header);
  const cells = Array.from(jobs.numbers, (_, i) => cellsAt(i));
  const max = room(columns, cells, at, look.columns);
  cells.forEach((row, i) => {
    if (measure(row[at]?.text ?? "") > max)
      row[at] = { text: (shown[at] as JobColumn).text(jobs.at(i), moment, max) };
  });
  // The least width only keeps columns steady; a terminal that is too narrow for it needs the room more.
  const narrow = columns.map((column, i) =>
    i === at ? { ...column, min: Math.min(column.min, max) } : column,
  );
  return tableLines(narrow, cells.length, (i) => cells[i] as Cell[], look.header);
}

/** The table of returns; a fourth column ERROR when any peel failed with an error or was unreachable. */
export function renderReturns(returns: readonly Return[], look: Look): string {
  const troubled = returns.some((item) => item.error !== undefined || item.unreachable);
  const columns: Column[] = [{ title: "PEEL", min: 8 }, { title: "SUCCESS", min: 7 }, { title: "DURATION" }];
  if (troubled) columns.push({ title: "ERROR" });
  const rows = returns.map((item): Cell[] => {
    const paint = paintState(item.ok ? "complete" : "failed", look.color);
    const success = item.unreadable === undefined ? String(item.ok) : "-";
    const row: Cell[] = [
      { text: displayPeel(item.peel) },
      paint ? { text: success, paint } : { text: success },
      { text: item.duration === undefined ? "-" : formatDuration(item.duration) },
    ];
    if (troubled) row.push({ text: item.error ?? (item.unreachable ? "unreachable" : "") });
    return row;
  });
  return renderTable(columns, rows);
}

const CHANGE_COLUMNS = [20, 27, 12, 12, 8, 7]
  .map((min) => ({ title: "", min }))
  .concat({ title: "", min: 0 });

/** One change of a job on one line: when, job, function, target, state, returns, failures. */
export function changeLine(row: JobRow, now: Date): string {
  const failed = failedOf(row);
  const when = row.updated ?? new Timestamp(BigInt(Math.floor(now.getTime() / 1000)), 0);
  const texts = [
    String(when).replace(/\.\d+Z$/, "Z"),
    row.jid,
    row.fn || "-",
    targetOf(row, Number.POSITIVE_INFINITY),
    stateOf(row),
    returnsOf(row),
    failed ? `${failed} failed` : "",
  ];
  return renderTable(CHANGE_COLUMNS, [texts.map((text) => ({ text }))], false);
}
