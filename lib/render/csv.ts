// Jobs for spreadsheets (RFC 4180, with plain newlines). Own code: quoting is a line, and no library guards against formulas.

import type { JobList } from "../model/job-list.ts";
import { safe } from "../text.ts";
import type { JobColumn } from "./columns.ts";

/**
 * Spreadsheets run what a cell begins with one of these, and records hold text that strangers wrote; an apostrophe makes it
 * text. The full-width, small, raised and lowered forms count: a spreadsheet, or whatever converts the file for it, folds
 * them to the plain ones. Spaces and quotes before them go first.
 * A cell may begin inside ours: where semicolons or bars divide cells, they do so whatever quotes we write.
 */
const FORMULA =
  /(^|[;|\u037e\ufe14\ufe54\uff0c\uff1b\uff5c])([\s"]*)(?=[=+\-@\ufb29\u207a-\u207c\u208a-\u208c\u2010-\u2015\u2212\ufe58\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20])/g;
const NUMBER = /^-?\d+(\.\d+)?$/;
const QUOTED = /[",;|\u037e\ufe14\ufe54\uff0c\uff1b\uff5c]/;

/** One cell; of control characters, tabs and newlines only the escapes are left. */
function cell(text: string): string {
  const inert = NUMBER.test(text) ? text : safe(text).replace(FORMULA, "$1$2'");
  return QUOTED.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

/** A line of titles, unless `header` is false, and one for each job. */
export function* csvLines(
  columns: readonly JobColumn[],
  jobs: JobList,
  now: Date,
  header: boolean,
): Generator<string> {
  const moment = { now, person: false };
  if (header) yield `${columns.map(({ name }) => cell(name)).join(",")}\n`;
  for (const job of jobs) yield `${columns.map((column) => cell(column.plain(job, moment))).join(",")}\n`;
}
