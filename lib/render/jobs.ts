// Tables of jobs. Pure.

import { Timestamp } from "../codec/value.ts";
import { displayState, failedOf, type JobList, type JobRow } from "../model/job.ts";
import { type JobColumn, returnsOf, targetOf } from "./columns.ts";
import { jobDocument } from "./document.ts";
import { type Column, renderTable } from "./table.ts";
import { rowDocument, sheetOf, tableOf, type View } from "./view.ts";

/**
 * Documents are whole records.
 * @param byColumns documents have the columns instead
 */
export function jobsView(columns: readonly JobColumn[], jobs: JobList, byColumns: boolean): View {
  return {
    size: jobs.length,
    hasColumns: !byColumns,
    text: (viewer) => tableOf(columns, jobs, viewer),
    *documents(now) {
      for (const job of jobs) yield byColumns ? rowDocument(columns, job, now) : jobDocument(job);
    },
    sheet: (now) => sheetOf(columns, jobs, now),
  };
}

/** Least widths of a change's time, job, function, target, state, returns, failures. */
const CHANGE_COLUMNS = [20, 27, 12, 12, 8, 7, 0].map(
  (min, i): Column<readonly string[]> => ({ title: "", min, text: (texts) => texts[i] as string }),
);

/** A change of a job. */
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
  return renderTable(CHANGE_COLUMNS, [texts], { color: false, columns: undefined, header: false });
}
