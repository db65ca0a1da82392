// Which jobs a cancel signal is for, and which need a question first: decided before anything is sent.
import type { ValueMap } from "../codec/value.ts";
import { Unavailable, UserError } from "../errors.ts";
import { isWholeJid, JobNotFound, JobPrefix, quoted } from "../model/jid.ts";
import { isTerminal, isUnknownStatus, type Job, type JobRow, jobRow } from "../model/job.ts";
import { type Narrowing, noSuchReference, parseJobReference } from "../model/job-reference.ts";
import { isTarget, type Plan, type Refused, refuseEnded, type Target } from "../model/kill.ts";
import type { Selection } from "../model/selection.ts";
import type { LiveStore } from "../store.ts";
import { safe } from "../text.ts";
import { completeJid, readJob, resolveJob, type WordTold } from "./lookup.ts";
import { readOpenJobs } from "./read-jobs.ts";

/** What a job's state makes of it. */
const judge = ({ row, record }: Job, ask: boolean): Target | Refused =>
  isTerminal(row.status) ? refuseEnded(row) : { jid: row.jid, row, record, ask: ask || isUnknownStatus(row.status) };

const jobOf = (jid: string, record: ValueMap): Job => ({ row: jobRow(jid, record), record });

/** One job that was named. A text that is no key may be the beginning of one, but not when it is known to be whole. */
async function targetNamed(
  store: LiveStore,
  text: string,
  told: WordTold,
  narrowing: Narrowing,
): Promise<Target | Refused> {
  const isWord = parseJobReference(text) !== undefined;
  try {
    if (isWord) {
      const { jid, job, by } = await resolveJob(store, text, told, narrowing);
      return judge(jobOf(jid, job), by === "word");
    }
    return judge(jobOf(text, await readJob(store, text)), false);
  } catch (error) {
    if (isWord) throw error;
    if (error instanceof Unavailable) {
      // The operator may be allowed to cancel but not to read; stopping a job must not fail for that.
      const unchecked = `could not check that job ${text} exists and runs: ${error.message}`;
      return { jid: text, row: undefined, ask: false, unchecked };
    }
    if (!(error instanceof JobNotFound) || isWholeJid(text) || (await store.jobWasDeleted(text))) throw error;
    const jid = await completeJid(store, text, true);
    if (jid === undefined) throw error;
    // The job that was meant may be gone, and the one that is left may only look like it.
    return judge(jobOf(jid, await readJob(store, jid)), true);
  }
}

/** How long, in ms, a forced signal waits for the look-up of its job. */
const FORCED_MS = 1_000;

/** True also where that cannot be looked up, or not soon. @throws UserError for a prefix of jobs */
async function isStored(store: LiveStore, text: string): Promise<boolean> {
  const late = Promise.withResolvers<true>();
  const timer = setTimeout(late.resolve, FORCED_MS, true);
  try {
    if (await Promise.race([store.job(text), late.promise])) return true;
    const jid = isWholeJid(text) ? undefined : await completeJid(store, text, true);
    if (jid === undefined) return false;
    throw new JobPrefix(`no job ${quoted(text)}: it is a prefix of ${safe(jid)}.`, "Use the full ID with --force.");
  } catch (error) {
    if (!(error instanceof UserError) || error instanceof JobPrefix) throw error;
    return true;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The jobs that were named, each once. What keeps one from being canceled keeps no other.
 * @param force each text is a key, also of a job that ended, is not stored or cannot be looked up; a prefix of others is refused
 * @param told and `narrowing` as for resolveJob; the job that a word stands for is asked about
 */
export async function planNamed(
  store: LiveStore,
  texts: readonly string[],
  force: boolean,
  told: WordTold,
  narrowing: Narrowing,
): Promise<Plan> {
  // A slip in a word such as @last is no job's id, unless there is such a job.
  const isLikeWord = (text: string) => text.startsWith("@");
  const forced = async (text: string): Promise<Target> => {
    const target = { jid: text, row: undefined, ask: false };
    if (isLikeWord(text)) await readJob(store, text);
    if (await isStored(store, text)) return target;
    return { ...target, unchecked: `no job ${quoted(text)} is stored: --force sends the signal all the same.` };
  };
  const look = (text: string): Promise<Target | Refused> =>
    (force ? forced(text) : targetNamed(store, text, told, narrowing)).catch((error) => {
      if (!(error instanceof UserError)) throw error;
      const isSlip = error instanceof JobNotFound && isLikeWord(text);
      return { jid: text, why: "not found", error: isSlip ? noSuchReference(text) : error };
    });
  const entries = new Map<string, Target | Refused>();
  for (const entry of await Promise.all([...new Set(texts)].map(look))) {
    const before = entries.get(entry.jid);
    // Named in full beside a shortened form of the same id: then that is no question any more.
    if (!before || (isTarget(before) && before.ask)) entries.set(entry.jid, entry);
  }
  return [...entries.values()];
}

/** The jobs that a selection finds, of those that have not ended; and all jobs that can't be decoded. */
export async function planSelected(
  store: LiveStore,
  selection: Selection,
): Promise<{ plan: Plan; unreadable: readonly JobRow[] }> {
  const { jobs, unreadable } = await readOpenJobs(store, selection, true);
  return { plan: Array.from(jobs, (job) => judge(job, true)), unreadable };
}
