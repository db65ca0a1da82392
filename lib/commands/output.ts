// Documents and warnings of several commands.
import { toJsonLine } from "../codec/json.ts";
import type { Value } from "../codec/value.ts";
import type { UserError } from "../errors.ts";
import type { Read } from "../jobs/read-jobs.ts";
import { isUnknownStatus, type JobRow, unknownStateWords, unreadableWords } from "../model/job.ts";
import { documentText, jsonDocuments, type LongDocument, wholeDocument } from "../render/document.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { count } from "../text.ts";
import type { Output } from "./session.ts";
import type { Format } from "./surroundings.ts";

type Structured = Exclude<Format, "text">;

export function* valueLines(values: Iterable<Value>): Generator<string> {
  for (const value of values) yield `${toJsonLine(value)}\n`;
}

/** Writes a document; as jsonl each element of a list on a line of its own, and as YAML where there is no CSV of it. */
export async function writeDocument(value: Value, format: Structured, terminal: Terminal): Promise<void> {
  if (format === "jsonl") terminal.writeAll(valueLines(Array.isArray(value) ? value : [value]));
  else terminal.write(await documentText(value, format === "json" ? "json" : "yaml"));
}

/** Writes documents with long lists: one, or several as a list. */
export async function writeLongDocuments(
  documents: readonly LongDocument[],
  several: boolean,
  format: Structured,
  terminal: Terminal,
): Promise<void> {
  if (format === "json") return terminal.writeAll(jsonDocuments(documents, several));
  const whole = documents.map(wholeDocument);
  await writeDocument(several ? whole : (whole[0] as Value), format, terminal);
}

/** What is written: warnings, then a text or a document, errors that end nothing, and after a text a last line on stderr. */
interface Report {
  readonly warnings?: readonly string[];
  readonly text?: string | undefined;
  readonly document?: Value;
  readonly errors?: readonly UserError[];
  readonly say?: string | undefined;
}

export async function writeReport(
  { warnings = [], text, document, errors = [], say }: Report,
  { terminal, format }: Output,
  out = terminal,
): Promise<void> {
  const isText = format === "text";
  warnings.forEach(terminal.warn);
  if (isText && text !== undefined) out.write(text);
  if (!isText && document !== undefined) await writeDocument(document, format, out);
  for (const message of new Set(errors.map(({ message }) => message))) terminal.error(message);
  if (isText && say !== undefined) terminal.say(say);
}

/** How many jobs a selection was made from, for messages about one that matches nothing. */
export const amongWords = ({ total, all }: Pick<Read, "total" | "all">) =>
  `of ${count(total)}${all ? "" : " that changed since"}`;

/** One warning for all values that can't be decoded. */
export const unreadableWarning = (rows: readonly JobRow[]) => (rows.length > 0 ? unreadableWords(rows) : undefined);

export function warnUnreadable(rows: readonly JobRow[], terminal: Terminal): void {
  const words = unreadableWarning(rows);
  if (words !== undefined) terminal.warn(words);
}

/** What warns of jobs whose state does not tell whether they have ended: once of each while it stays so. */
export function unknownTold({ warn }: Pick<Terminal, "warn">): (rows: readonly JobRow[]) => void {
  const told = new Set<string>();
  return (rows) => {
    const fresh = rows.filter(({ jid, status }) => isUnknownStatus(status) && !told.has(jid));
    for (const { jid, status } of rows) {
      if (isUnknownStatus(status)) told.add(jid);
      else told.delete(jid);
    }
    const words = unknownStateWords(fresh);
    if (words !== undefined) warn(`${words}.`);
  };
}
