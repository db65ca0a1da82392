// Shared by commands that wait for jobs: the limit of --for, jobs that are stuck or in unknown states.
import { parseDuration } from "../duration.ts";
import { EXIT, UserError } from "../errors.ts";
import { inTime, lookForStuck } from "../jobs/heartbeats.ts";
import { readJob } from "../jobs/lookup.ts";
import { readStory } from "../jobs/story.ts";
import { unlessLate } from "../jobs/turns.ts";
import { isUnknownStatus, type JobRow, unknownStateWords } from "../model/job.ts";
import type { Stuck } from "../model/stuck.ts";
import { doneWords, waitingWords } from "../render/facts.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { firstOf, plural, safe } from "../text.ts";
import type { Session, WaitLimit } from "./session.ts";

type WithLimit = { readonly [name in "for" | "timeout"]?: string | undefined };

/** The limit of --for; undefined without it. @throws UserError for an invalid duration */
export function waitLimitOf({ for: text }: Pick<WithLimit, "for">): WaitLimit | undefined {
  return text === undefined ? undefined : { ms: parseDuration(text, "--for"), text, byTimeout: false };
}

/** The same for commands whose --timeout limited the wait before --for existed. Without --for it still does. */
export function waitLimitOrTimeout(flags: WithLimit): WaitLimit | undefined {
  const { timeout } = flags;
  if (flags.for !== undefined || timeout === undefined) return waitLimitOf(flags);
  return { ms: parseDuration(timeout, "--timeout"), text: timeout, byTimeout: true };
}

/** The result of `work`, or of `missed` when `work` takes longer than the limit. */
export async function within<T>(
  limit: WaitLimit | undefined,
  work: Promise<T>,
  missed: (limit: WaitLimit) => T | Promise<T>,
): Promise<T> {
  if (!limit) return work;
  // The rest of the work fails when the connection closes: the command already has its result.
  work.catch(() => {});
  return unlessLate(limit.ms, work, () => missed(limit));
}

const MOST_NAMED_JOBS = 5;

const LONGER = "Wait longer with --for; `zester job trace <jid>` shows what a job waits for.";

/** ` (3 of 10 peels done; 7 executing: db-[1-7])`; empty if that cannot be read within a second. */
async function howFar({ store }: Session, jid: string, isNamed: boolean): Promise<string> {
  const reading = await inTime(
    store,
    readJob(store, jid).then((job) => readStory(store, jid, job, () => {})),
  );
  if (!reading) return "";
  const words = [doneWords(reading), isNamed && waitingWords(reading.story)];
  return ` (${words.filter(Boolean).join("; ")})`;
}

/** The error for jobs that had not ended within the limit. */
export async function notEnded(
  session: Session,
  open: Iterable<string>,
  { text }: WaitLimit,
  hint = LONGER,
): Promise<UserError> {
  const jids = [...open];
  const far = await Promise.all(jids.slice(0, MOST_NAMED_JOBS).map((jid) => howFar(session, jid, jids.length === 1)));
  const named = jids.map((jid, i) => `${jid}${far[i] ?? ""}`);
  const what =
    jids.length === 0
      ? `timed out after ${text}: the jobs were not read yet.`
      : `timed out after ${text}: ${plural(jids.length, "job")} had not ended: ${safe(firstOf(named, MOST_NAMED_JOBS))}.`;
  return new UserError(what, hint, EXIT.timedOut);
}

/** Warns once of each job in an unknown state, which may have ended, and again if it recovered in between. */
export function warnOfUnknown({ warn }: Pick<Terminal, "warn">): (rows: readonly JobRow[]) => void {
  const known = new Set<string>();
  return (rows) => {
    const fresh = rows.filter(({ jid, status }) => isUnknownStatus(status) && !known.has(jid));
    for (const { jid, status } of rows) known[isUnknownStatus(status) ? "add" : "delete"](jid);
    const words = unknownStateWords(fresh);
    if (words !== undefined) warn(`${words}.`);
  };
}

/** The error for jobs in unknown states, which are not waited for; undefined when there are none. */
export function unknownFault(rows: Iterable<JobRow>): UserError | undefined {
  const words = unknownStateWords([...rows]);
  return words === undefined ? undefined : new UserError(`${words}.`, "Use --for to wait anyway.");
}

/** Warns of each stuck job, and again if it recovered in between. @returns the function that stops it */
export function warnOfStuck(
  { warn }: Pick<Terminal, "warn">,
  session: Session,
  rows: () => readonly JobRow[],
  words: (stuck: Stuck) => string,
): () => void {
  let known: ReadonlyMap<string, Stuck> = new Map();
  return lookForStuck(session, rows, (found) => {
    for (const [jid, stuck] of found) if (!known.has(jid)) warn(`job ${jid} is stuck: ${words(stuck)}`);
    known = found;
  });
}
