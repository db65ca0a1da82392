// Only IDs (--quiet), or only their number (--count), in every format.

import { isPlainJid } from "../model/jid.ts";
import { csvText } from "../render/csv.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { plural, safe } from "../text.ts";
import { writeDocument } from "./output.ts";
import type { Output } from "./session.ts";

export interface IdKind {
  /** True for an id that stays one word in a script. */
  readonly isPlain: (id: string) => boolean;
  /** Its name in messages. */
  readonly noun: string;
  /** The title of their column in CSV. */
  readonly title: string;
}

export const JOB_IDS: IdKind = { isPlain: isPlainJid, noun: "job id", title: "jid" };

function warnLeft(left: number, noun: string, terminal: Terminal): void {
  if (left === 0) return;
  terminal.warn(
    `${plural(left, noun)} left out: a shell or a terminal could take ${left === 1 ? "it" : "them"} for something else. \`--format json\` has all.`,
  );
}

/**
 * One ID per line. A terminal gets all, escaped; a pipe gets the plain ones, and a warning counts the rest.
 */
function writeLines(ids: Iterable<string>, { isPlain, noun }: IdKind, terminal: Terminal): void {
  let left = 0;
  const lines = function* () {
    for (const id of ids) {
      if (terminal.isTty) yield `${safe(id)}\n`;
      else if (isPlain(id)) yield `${id}\n`;
      else left++;
    }
  };
  terminal.writeAll(lines());
  warnLeft(left, noun, terminal);
}

/** Writes the plain IDs on one line, which `line` makes; a warning counts the rest. Writes nothing for none. */
export function writeIdLine(
  ids: readonly string[],
  { isPlain, noun }: IdKind,
  line: (ids: readonly string[]) => string,
  terminal: Terminal,
): void {
  const plain = ids.filter(isPlain);
  if (plain.length > 0) terminal.write(`${line(plain)}\n`);
  warnLeft(ids.length - plain.length, noun, terminal);
}

/** Writes only IDs; programs get all of them: an array, a JSON string per line, or a column. @param header of CSV */
export async function writeIds(
  ids: Iterable<string>,
  kind: IdKind,
  { terminal, format }: Output,
  header = true,
): Promise<void> {
  if (format === "text") writeLines(ids, kind, terminal);
  else if (format === "csv") {
    const rows = function* () {
      for (const id of ids) yield [id];
    };
    terminal.writeAll(csvText([kind.title], rows(), header));
  } else await writeDocument([...ids], format, terminal);
}

/** Writes only a number; in CSV a column with one row. */
export function writeCount(n: number, { terminal, format }: Output, header = true): void {
  if (format === "csv") terminal.writeAll(csvText(["count"], [[String(n)]], header));
  else terminal.write(`${n}\n`);
}
