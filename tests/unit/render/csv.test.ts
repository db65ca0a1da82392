// Lists for spreadsheets come in pieces of whole lines, however long they are.
import { expect, test } from "bun:test";
import { JobList, jobRow } from "../../../lib/model/job.ts";
import { columnsOf } from "../../../lib/render/columns.ts";
import { csvText } from "../../../lib/render/csv.ts";
import { sheetOf } from "../../../lib/render/view.ts";

const list = (jobs: number) =>
  JobList.of(Array.from({ length: jobs }, (_, i) => ({ row: jobRow(`job-${i}`, new Map()), record: undefined })));

function csvOf(jobs: JobList, header: boolean): Iterable<string> {
  const { titles, rows } = sheetOf(columnsOf(["jid", "user"]), jobs, new Date(0));
  return csvText(titles, rows, header);
}

test.each([
  [0, true],
  [0, false],
  [1, true],
  [499, true],
  [500, true],
  [500, false],
  [1234, true],
])("%i jobs, titles %p", (jobs, header) => {
  const pieces = [...csvOf(list(jobs), header)];
  const rows = Array.from({ length: jobs }, (_, i) => `job-${i},\n`);
  expect(pieces.join("")).toBe([...(header ? ["jid,user\n"] : []), ...rows].join(""));
  for (const piece of pieces) {
    expect(piece).toEndWith("\n");
    expect(piece.split("\n").length).toBeLessThanOrEqual(501);
  }
});
