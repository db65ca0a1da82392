// Lists of ids alone (--quiet). Ids come from keys and records, which anyone may have written, and the lists go into
// `xargs zester job kill`: there an id must stay one word, the same word, and no flag.
import { parseJid } from "../model/jid.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { plural, safe } from "../text.ts";

/** Letters and digits of any script, and signs that no shell, and not `xargs`, takes for anything but themselves. */
const JID = /^[\p{L}\p{N}_@%+:,/][\p{L}\p{N}\p{M}_@%+:,/=#~-]*$/u;
/** The same for a peel id as shown, without what targets have a meaning for: `@` and the comma. */
const PEEL = /^[\p{L}\p{N}_][\p{L}\p{N}\p{M}_.:+%=-]*$/u;

const isSafe = (text: string) => safe(text) === text;

/** True for a job id that a script can hand on to `zester job kill`. */
export function isPlainJid(text: string): boolean {
  if (!JID.test(text) || !isSafe(text)) return false;
  try {
    return parseJid(text) === text;
  } catch {
    return false;
  }
}

/** True for a peel id, as shown, that a script can target again. */
export const isPlainPeel = (text: string) => PEEL.test(text) && isSafe(text);

/** Writes one id a line. A terminal gets all of them, escaped; a pipe gets those that are plain, and the rest is counted. */
export function writeIds(
  ids: Iterable<string>,
  isPlain: (id: string) => boolean,
  noun: string,
  terminal: Terminal,
): void {
  let left = 0;
  const lines = function* () {
    for (const id of ids) {
      if (terminal.isTty) yield `${safe(id)}\n`;
      else if (isPlain(id)) yield `${id}\n`;
      else left++;
    }
  };
  terminal.writeAll(lines());
  if (left === 0) return;
  terminal.warn(
    `${plural(left, noun)} left out: a shell or a terminal could take ${left === 1 ? "it" : "them"} for something else. \`--format json\` has all.`,
  );
}
