// Jobs for spreadsheets (RFC 4180, with plain newlines). Own code: quoting is a line, and no library guards against formulas.
import type { JobColumn } from "./columns.ts";
import type { JobList } from "./jobs.ts";
import { safe } from "./text.ts";

/** Spreadsheets run what begins like this, and records hold text that strangers wrote; an apostrophe makes it text. */
const FORMULA = /^[=+\-@]/;
const NUMBER = /^-?\d+(\.\d+)?$/;

function cell(text: string): string {
  const shown = safe(text);
  const inert = FORMULA.test(shown) && !NUMBER.test(shown) ? `'${shown}` : shown;
  return /[",]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
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
