// The tables of jobs, as text. Pure: rows in, lines out.

import { Timestamp } from "../codec/value.ts";
import { failedOf, type JobRow, stateOf } from "../model/job.ts";
import type { Job, JobList } from "../model/job-list.ts";
import { paintState } from "./colors.ts";
import { type JobColumn, type Moment, returnsOf, targetOf } from "./columns.ts";
import { type Cells, type Column, type Look, type MeasuredCell, measured, renderTable, tableLines } from "./table.ts";

/** The widest cell of a column, its title included. */
function widest(column: Column, count: number, width: (row: number) => number): number {
  let most = Math.max(column.min ?? 0, column.title.length);
  for (let row = 0; row < count; row++) most = Math.max(most, width(row));
  return most;
}

/** How many cells of a column are kept for the next job that has the same value. */
const KEPT = 4096;

/** The cells of one column: a fleet has few functions, targets and states, and each is made and measured once. */
class ColumnCells {
  readonly #made = new Map<unknown, MeasuredCell>();

  constructor(
    readonly column: JobColumn,
    readonly moment: Moment,
    readonly color: boolean,
    /** The most columns that a cell may take. */
    readonly max = Number.POSITIVE_INFINITY,
  ) {}

  of(job: Job): MeasuredCell {
    if (!this.column.source) return this.#make(job);
    const source = this.column.source(job.row);
    let cell = this.#made.get(source);
    if (cell === undefined) {
      cell = this.#make(job);
      if (this.#made.size < KEPT) this.#made.set(source, cell);
    }
    return cell;
  }

  #make(job: Job): MeasuredCell {
    const text = this.column.text(job, this.moment, this.max);
    const { name } = this.column;
    return measured({ text, paint: paintState(text, this.color && (name === "state" || name === "status")) });
  }
}

/** A table of jobs. On a terminal that is too narrow, the column that can be shortened is. */
export function renderJobs(shown: readonly JobColumn[], jobs: JobList, look: Look, now: Date): Iterable<string> {
  const moment = { now, person: look.columns !== undefined };
  const columns = shown.map(({ name, min }) => ({ title: name.toUpperCase(), min: min ?? 0 }));
  const sources = shown.map((column) => new ColumnCells(column, moment, look.color));
  // The cells of a job are asked for one after the other.
  let job: Job | undefined;
  let number = -1;
  const jobAt = (row: number) => {
    if (row !== number) job = jobs.at(row);
    number = row;
    return job as Job;
  };
  const cells: Cells = {
    at: (row, i) => (sources[i] as ColumnCells).of(jobAt(row)),
    width: (row, i) => (sources[i] as ColumnCells).of(jobAt(row)).width,
  };
  const at = shown.findIndex(({ shrinks }) => shrinks);
  if (look.columns === undefined || at < 0) return tableLines(columns, jobs.length, cells, look.header);
  let room = look.columns;
  columns.forEach((column, i) => {
    if (i !== at) room -= 2 + widest(column, jobs.length, (row) => cells.width(row, i));
  });
  const max = Math.max((columns[at] as Column).title.length, room);
  sources[at] = new ColumnCells(shown[at] as JobColumn, moment, look.color, max);
  // The least width only keeps columns steady; a terminal that is too narrow for it needs the room more.
  const narrow = columns.map((column, i) => (i === at ? { ...column, min: Math.min(column.min, max) } : column));
  return tableLines(narrow, jobs.length, cells, look.header);
}

const CHANGE_COLUMNS = [20, 27, 12, 12, 8, 7].map((min) => ({ title: "", min })).concat({ title: "", min: 0 });

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
