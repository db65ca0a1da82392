// The job that a word such as `@last` names.
import { UserError } from "../errors.ts";
import { displayState, type JobRow } from "../model/job.ts";
import type { JobReference, Narrowing } from "../model/job-reference.ts";
import { parseSelection, STATE_GROUPS } from "../model/selection.ts";
import { nextCommand } from "../program.ts";
import type { Store } from "../store.ts";
import { count, plural } from "../text.ts";
import type { Read } from "./read-jobs.ts";
import { readSelected } from "./recent.ts";

/** No condition of a word depends on the clock. */
const ANY_TIME = new Date(0);

/**
 * @param narrowing conditions of the jobs
 * @returns the JID, and the jobs that cannot be decoded: any of them can be newer
 * @throws UserError when there are fewer jobs than the word needs
 */
export async function findByReference(
  store: Store,
  { text, bad, back }: JobReference,
  narrowing: Narrowing,
): Promise<{ readonly jid: string; readonly unreadable: Read["unreadable"] }> {
  const selection = parseSelection({ ...narrowing, limit: String(back + 1) }, ANY_TIME);
  const keep = (row: JobRow) =>
    (!bad || STATE_GROUPS.bad?.includes(displayState(row)) === true) && selection.matches(row);
  const read = await readSelected(store, selection, keep, undefined);
  const at = read.jobs.length - 1 - back;
  if (at >= 0) return { jid: read.jobs.at(at).row.jid, unreadable: read.unreadable };
  const such = [bad && "ended badly", selection.text && `match ${selection.text}`].filter(Boolean).join(" and ");
  throw new UserError(
    `no job "${text}": ${such && `${count(read.jobs.length)} of `}${plural(read.total, "job")} ${such || "in all"}.`,
    `\`${nextCommand("zester job list")}\` lists all jobs.`,
  );
}
