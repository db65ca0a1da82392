// Writing documents and warnings that several commands have.
import type { Value } from "../codec/value.ts";
import { type JobRow, unreadableWords } from "../model/job.ts";
import type { JobList } from "../model/job-list.ts";
import { documentText, jobArray, jobDocument } from "../render/document.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { Format } from "./surroundings.ts";

type Structured = Exclude<Format, "text">;

/** Writes a document as JSON; in any other format than that as YAML. */
export async function writeDocument(value: Value, format: Structured, terminal: Terminal): Promise<void> {
  terminal.write(await documentText(value, format === "json" ? "json" : "yaml"));
}

/** Writes whole records as one array. */
export async function writeRecords(jobs: JobList, format: Structured, terminal: Terminal): Promise<void> {
  if (format === "json") terminal.writeAll(jobArray(jobs));
  else await writeDocument(Array.from(jobs, jobDocument), format, terminal);
}

/** One warning for all values that can't be decoded. */
export function warnUnreadable(rows: readonly JobRow[], terminal: Terminal): void {
  if (rows.length > 0) terminal.warn(unreadableWords(rows));
}
