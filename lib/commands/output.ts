// Words and warnings of several commands.
import { UserError } from "../errors.ts";
import type { Read } from "../jobs/read-jobs.ts";
import { isUnknownStatus, type JobRow, unknownStateWords, unreadableWords } from "../model/job.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { count } from "../text.ts";

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

/** The error for jobs that are not waited for, since their states are unknown; undefined when there is none. */
export function unknownFault(rows: readonly JobRow[]): UserError | undefined {
  const words = unknownStateWords(rows);
  return words === undefined ? undefined : new UserError(`${words}.`, "Use --for to wait anyway.");
}
