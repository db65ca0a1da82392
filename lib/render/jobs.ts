// Tables of jobs. Pure.

import { Timestamp } from "../codec/value.ts";
import type { Job, JobList } from "../model/job.ts";
import { displayState, failedOf, type JobRow } from "../model/job.ts";
import { safe, shorten } from "../text.ts";
import { paintState } from "./colors.ts";
import { type JobColumn, returnsOf, targetOf } from "./columns.ts";
import { jobDocument } from "./document.ts";
import { arranged, type Cells, type Column, type MeasuredCell, measured, renderTable, tableLines } from "./table.ts";
import { rowDocument, sheetOf, textCell, type View, type Viewer } from "./view.ts";

/** Cells that a column keeps for jobs with the same value. */
const KEPT_CELLS = 4096;

/** Cells of one column: a fleet has few functions, targets and states, so each is made once. */
class ColumnCells {
  readonly #made = new Map<unknown, MeasuredCell>();

  constructor(
    readonly column: JobColumn,
    readonly viewer: Viewer,
    readonly max = Number.POSITIVE_INFINITY,
  ) {}

  of(job: Job): MeasuredCell {
    if (!this.column.source) return this.#make(job);
    const source = this.column.source(job.row);
    let cell = this.#made.get(source);
    if (cell === undefined) {
      cell = this.#make(job);
      if (this.#made.size < KEPT_CELLS) this.#made.set(source, cell);
    }
    return cell;
  }

  #make(job: Job): MeasuredCell {
    const whole = textCell(this.column, job, this.viewer, this.max);
    const { name } = this.column;
    const text = this.max === Number.POSITIVE_INFINITY ? whole : shorten(safe(whole), this.max);
    return measured({ text, paint: paintState(text, this.viewer.color && (name === "state" || name === "status")) });
  }
}

/** Columns give way on a narrow terminal. */
export function renderJobs(shown: readonly JobColumn[], jobs: JobList, viewer: Viewer): Iterable<string> {
  const columns = shown.map(({ name, min = 0, gives = [] }): Column => ({ title: name.toUpperCase(), min, gives }));
  // Cells are requested row by row.
  let job: Job | undefined;
  let number = -1;
  const jobAt = (row: number) => {
    if (row !== number) job = jobs.at(row);
    number = row;
    return job as Job;
  };
  const cellsOf = (sources: readonly ColumnCells[]): Cells => ({
    at: (row, i) => (sources[i] as ColumnCells).of(jobAt(row)),
    width: (row, i) => (sources[i] as ColumnCells).of(jobAt(row)).width,
  });
  const whole = cellsOf(shown.map((column) => new ColumnCells(column, viewer)));
  if (viewer.columns === undefined) return tableLines(columns, jobs.length, whole, viewer);
  const needed = columns.map(() => 0);
  for (let row = 0; row < jobs.length; row++)
    for (let i = 0; i < columns.length; i++) needed[i] = Math.max(needed[i] as number, whole.width(row, i));
  const { columns: kept, most, at } = arranged(columns, needed, viewer.columns);
  const isKept = new Set(at);
  const hidden = columns.filter((_, i) => !isKept.has(i)).map(({ title }) => title);
  if (hidden.length > 0) viewer.onHidden?.(hidden);
  const sources = at.map((i, n) => new ColumnCells(shown[i] as JobColumn, viewer, most[n]));
  return tableLines(kept, jobs.length, cellsOf(sources), viewer);
}

/**
 * Documents are whole records.
 * @param byColumns documents have the columns instead
 */
export function jobsView(columns: readonly JobColumn[], jobs: JobList, byColumns: boolean): View {
  return {
    size: jobs.length,
    hasColumns: !byColumns,
    text: (viewer) => renderJobs(columns, jobs, viewer),
    *documents(now) {
      for (const job of jobs) yield byColumns ? rowDocument(columns, job, now) : jobDocument(job);
    },
    sheet: (now) => sheetOf(columns, jobs, now),
  };
}

const CHANGE_COLUMNS = [20, 27, 12, 12, 8, 7].map((min) => ({ title: "", min })).concat({ title: "", min: 0 });

/** A change of a job: time, job, function, target, state, returns, failures. */
export function changeLine(row: JobRow, now: Date): string {
  const failed = failedOf(row);
  const when = row.updated ?? new Timestamp(BigInt(Math.floor(now.getTime() / 1000)), 0);
  const texts = [
    String(when).replace(/\.\d+Z$/, "Z"),
    row.jid,
    row.fn || "-",
    targetOf(row, Number.POSITIVE_INFINITY),
    displayState(row),
    returnsOf(row),
    failed ? `${failed} failed` : "",
  ];
  return renderTable(CHANGE_COLUMNS, [texts.map((text) => ({ text }))], false);
}
