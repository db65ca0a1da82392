// Lists of ids alone (--quiet).

import type { Terminal } from "../terminal/terminal.ts";
import { plural, safe } from "../text.ts";

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
