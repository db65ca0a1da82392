// Cancels jobs: which get a signal, and which need confirmation first; the signals.
import type { ValueMap } from "../codec/value.ts";
import { describe, insteadOf, Unavailable, Unconfirmed, UserError, withWords } from "../errors.ts";
import { isWholeJid, JobNotFound, JobPrefix, quoted } from "../model/jid.ts";
import { isTerminal, isUnknownStatus, type Job, type JobRow, jobRow } from "../model/job.ts";
import { type Narrowing, noSuchReference, parseJobReference } from "../model/job-reference.ts";
import { isTarget, notSent, type Outcome, type Plan, type Refused, refuseEnded, type Target } from "../model/kill.ts";
import type { Selection } from "../model/selection.ts";
import type { LiveStore } from "../store.ts";
import { safe } from "../text.ts";
import { NEVER, type Reopenable } from "./follow.ts";
import { inTime } from "./heartbeats.ts";
import { completeJid, jobRecord, readJob, resolveJob, type WordTold } from "./lookup.ts";
import { readOpenJobs } from "./read-jobs.ts";

const judge = ({ row, record }: Job, ask: boolean): Target | Refused =>
  isTerminal(row.status) ? refuseEnded(row) : { jid: row.jid, row, record, ask: ask || isUnknownStatus(row.status) };

const jobOf = (jid: string, record: ValueMap): Job => ({ row: jobRow(jid, record), record });

/** A text that is not an ID can be a prefix, unless it is a whole JID. */
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
    // The intended job can be gone: then this is another one.
    return judge(jobOf(jid, await readJob(store, jid)), true);
  }
}

/** Why a forced signal may do nothing; unknown if the look-up fails or takes long. @throws UserError for a prefix of a job */
async function doubtAbout(store: LiveStore, text: string): Promise<string | undefined> {
  let doubt: string | undefined;
  const look = async () => {
    const bytes = await store.job(text);
    if (bytes) {
      const { status } = jobRow(text, jobRecord(text, bytes));
      if (isTerminal(status)) doubt = `job ${text} has already ended (${status})`;
      return;
    }
    doubt = `no job ${quoted(text)} is stored`;
    const jid = isWholeJid(text) ? undefined : await completeJid(store, text, true);
    if (jid !== undefined)
      throw new JobPrefix(`no job ${quoted(text)}: it is a prefix of ${safe(jid)}.`, "Use the full ID with --force.");
  };
  const prefix = look().catch((error) => {
    if (error instanceof JobPrefix) return error;
    throw error;
  });
  const found = await inTime(store, prefix);
  if (found) throw found;
  return doubt && `${doubt}: --force sends the signal all the same.`;
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
    if (isLikeWord(text)) await readJob(store, text);
    return { jid: text, row: undefined, ask: false, unchecked: await doubtAbout(store, text) };
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
    // A job that was also named in full needs no confirmation.
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

/** Why a target must not get the signal: it has changed since it was looked up. */
async function whyChanged(store: LiveStore, { jid, row }: Target): Promise<Omit<Refused, "why"> | undefined> {
  if (!row) return undefined;
  const record = await readJob(store, jid).catch(insteadOf(JobNotFound, undefined));
  const refused = (message: string, hint: string) => ({ jid, error: new UserError(message, hint) });
  if (!record)
    return refused(`job ${safe(jid)} no longer exists. No signal was sent.`, "Its record expired or was deleted.");
  const now = jobRow(jid, record);
  if (now.created?.ns !== row.created?.ns)
    return refused(
      `job ${safe(jid)} was replaced by another job (created ${now.created ?? "-"}, not ${row.created ?? "-"}). No signal was sent.`,
      `See \`zester job show ${safe(jid)}\`, then run the command again.`,
    );
  return isTerminal(now.status) ? refuseEnded(now) : undefined;
}

/** Sends one signal, unless the command has ended. Never throws: a failure must not affect the signals of other jobs. */
export async function sendSignal(session: Pick<Reopenable, "store" | "ending">, target: Target): Promise<Outcome> {
  const { store } = session;
  const { jid, unchecked } = target;
  const warnings = unchecked === undefined ? [] : [unchecked];
  try {
    const refused = await whyChanged(store, target);
    if (refused) return notSent(refused);
    if (session.ending) return await NEVER;
    const heard = await store.cancel(jid);
    if (heard === false)
      return {
        jid,
        signal: "sent, no listener",
        warnings,
        error: new UserError(
          `nothing listens on zester.job.${safe(jid)}.cancel and no stream stores it: no master or peel got the signal.`,
          "`zester config check` shows which masters run and what this user may do.",
        ),
      };
    if (heard === undefined)
      warnings.push(
        `cannot tell whether anything listens on zester.job.${jid}.cancel: no permission to subscribe to answers.`,
      );
    return { jid, signal: "sent", warnings };
  } catch (error) {
    if (error instanceof Unconfirmed)
      return {
        jid,
        signal: "unknown",
        warnings,
        error: new UserError(
          `cannot tell whether the cancel signal for job ${safe(jid)} was sent: ${error.message}`,
          `Check with \`zester job trace ${safe(jid)}\`.`,
        ),
      };
    if (error instanceof UserError) return notSent({ jid, error: withWords(error, "No signal was sent.") });
    const [message = "", hint] = describe(error).text.split("\n");
    return notSent({ jid, error: new UserError(message, hint) });
  }
}
