// Lists for spreadsheets come in pieces of whole lines, however long they are.
import { expect, test } from "bun:test";
import { jobRow } from "../../../lib/model/job.ts";
import { JobList } from "../../../lib/model/job-list.ts";
import { columnsOf } from "../../../lib/render/columns.ts";
import { csvLines } from "../../../lib/render/csv.ts";

const list = (jobs: number) =>
  JobList.of(Array.from({ length: jobs }, (_, i) => ({ row: jobRow(`job-${i}`, new Map()), record: undefined })));

test.each([
  [0, true],
  [0, false],
  [1, true],
  [499, true],
  [500, true],
  [500, false],
  [1234, true],
])("%i jobs, titles %p", (jobs, header) => {
  const pieces = [...csvLines(columnsOf(["jid", "user"]), list(jobs), new Date(0), header)];
  const rows = Array.from({ length: jobs }, (_, i) => `job-${i},\n`);
  expect(pieces.join("")).toBe([...(header ? ["jid,user\n"] : []), ...rows].join(""));
  for (const piece of pieces) {
    expect(piece).toEndWith("\n");
    expect(piece.split("\n").length).toBeLessThanOrEqual(501);
  }
});
