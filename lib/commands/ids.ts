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

/** The plain ones; a warning counts the rest. */
function* plainOnes(ids: Iterable<string>, { isPlain, noun }: IdKind, terminal: Terminal): Generator<string> {
  let left = 0;
  for (const id of ids) {
    if (isPlain(id)) yield id;
    else left++;
  }
  if (left > 0)
    terminal.warn(
      `${plural(left, noun)} left out: a shell or a terminal could take ${left === 1 ? "it" : "them"} for something else. \`--format json\` has all.`,
    );
}

/** Writes the plain IDs on one line, which `line` makes. Writes nothing for none. */
export function writeIdLine(
  ids: readonly string[],
  kind: IdKind,
  line: (ids: readonly string[]) => string,
  terminal: Terminal,
): void {
  const plain = [...plainOnes(ids, kind, terminal)];
  if (plain.length > 0) terminal.write(`${line(plain)}\n`);
}

/**
 * Writes only IDs, one per line: a terminal gets all, escaped, and a pipe the plain ones. Programs get all: an array, a JSON
 * string per line, or a column. @param header of CSV
 */
export async function writeIds(
  ids: Iterable<string>,
  kind: IdKind,
  { terminal, format }: Output,
  header = true,
): Promise<void> {
  const all = Iterator.from(ids);
  if (format === "csv")
    terminal.writeAll(
      csvText(
        [kind.title],
        all.map((id) => [id]),
        header,
      ),
    );
  else if (format !== "text") await writeDocument([...all], format, terminal);
  else {
    const shown = terminal.isTty ? all.map((id) => safe(id)) : plainOnes(all, kind, terminal);
    terminal.writeAll(shown.map((id) => `${id}\n`));
  }
}

/** Writes only a number; in CSV a column with one row. */
export function writeCount(n: number, { terminal, format }: Output, header = true): void {
  if (format === "csv") terminal.writeAll(csvText(["count"], [[String(n)]], header));
  else terminal.write(`${n}\n`);
}
