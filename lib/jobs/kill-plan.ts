// Which jobs get a cancel signal, and which need a question first.
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

const judge = ({ row, record }: Job, ask: boolean): Target | Refused =>
  isTerminal(row.status) ? refuseEnded(row) : { jid: row.jid, row, record, ask: ask || isUnknownStatus(row.status) };

const jobOf = (jid: string, record: ValueMap): Job => ({ row: jobRow(jid, record), record });

/** A text that is no ID can be a prefix, unless it is a whole JID. */
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
      // An operator can have permission to cancel, but not to read.
      const unchecked = `could not check that job ${text} exists and runs: ${error.message}`;
      return { jid: text, row: undefined, ask: false, unchecked };
    }
    if (!(error instanceof JobNotFound) || isWholeJid(text) || (await store.jobWasDeleted(text))) throw error;
    const jid = await completeJid(store, text, true);
    if (jid === undefined) throw error;
    // The job that was meant can be gone: then this is another one.
    return judge(jobOf(jid, await readJob(store, jid)), true);
  }
}

/** How long a forced signal waits for the look-up of its job. */
const FORCED_MS = 1_000;

/** True also if the look-up fails or takes long. @throws UserError for a prefix of a job */
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
 * The jobs that were named, each once. A failure of one does not affect others.
 * @param force each text is an ID, also of a job that ended, is not stored or cannot be looked up
 * @param told and `narrowing` as for resolveJob
 */
export async function planNamed(
  store: LiveStore,
  texts: readonly string[],
  force: boolean,
  told: WordTold,
  narrowing: Narrowing,
): Promise<Plan> {
  // A typo in a word such as @last, unless there is such a job.
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
    // A job that was also named in full needs no question.
    if (!before || (isTarget(before) && before.ask)) entries.set(entry.jid, entry);
  }
  return [...entries.values()];
}

/** The active jobs of a selection; and all jobs that cannot be decoded. */
export async function planSelected(
  store: LiveStore,
  selection: Selection,
): Promise<{ plan: Plan; unreadable: readonly JobRow[] }> {
  const { jobs, unreadable } = await readOpenJobs(store, selection, true);
  return { plan: Array.from(jobs, (job) => judge(job, true)), unreadable };
}
