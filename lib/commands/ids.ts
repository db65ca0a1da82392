// Lists of ids alone (--quiet), and their number alone (--count), in every format.

import { isPlainJid } from "../model/jid.ts";
import { csvText } from "../render/csv.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { plural, safe } from "../text.ts";
import { writeDocument } from "./output.ts";
import type { Session } from "./session.ts";

/** What kind of ids there are. */
export interface IdKind {
  /** True for an id that stays one word in a script. */
  readonly isPlain: (id: string) => boolean;
  /** What one of them is called in messages. */
  readonly noun: string;
  /** The title of their column in CSV. */
  readonly title: string;
}

/** Those of jobs. */
export const JOB_IDS: IdKind = { isPlain: isPlainJid, noun: "job id", title: "jid" };

type Output = Pick<Session, "terminal" | "format">;

function warnLeft(left: number, noun: string, terminal: Terminal): void {
  if (left === 0) return;
  terminal.warn(
    `${plural(left, noun)} left out: a shell or a terminal could take ${left === 1 ? "it" : "them"} for something else. \`--format json\` has all.`,
  );
}

/**
 * One id a line. A terminal gets all of them, escaped; a pipe gets those that are plain, and the rest is counted.
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

/** Writes those ids that are plain on one line, as `line` makes it, and counts the rest; nothing for none. */
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

/** Writes ids alone; for programs all of them: as an array, a JSON string a line, or a column. @param header of CSV */
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

/** Writes a number alone; a column of one in CSV. */
export function writeCount(n: number, { terminal, format }: Output, header = true): void {
  if (format === "csv") terminal.writeAll(csvText(["count"], [[String(n)]], header));
  else terminal.write(`${n}\n`);
}
