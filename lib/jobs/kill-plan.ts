// Which jobs a cancel signal is for, and whom to ask first: decided before anything is sent.

import { UserError } from "../errors.ts";
import { isWholeJid, JobNotFound } from "../model/jid.ts";
import { isTerminal, isUnknownStatus, type JobRow, jobRow, stateOf } from "../model/job.ts";
import type { Selection } from "../model/selection.ts";
import { PermissionDenied } from "../nats/connection.ts";
import { NoBucket, type Store } from "../nats/store.ts";
import { plural, safe } from "../text.ts";
import { completeJid, readJob } from "./lookup.ts";
import { readJobs } from "./read-jobs.ts";

/** A job that is to get the signal: the one under this key, and no other that may stand there later. */
export interface Target {
  readonly jid: string;
  /** What its record said; undefined when nobody looked, or nobody may. */
  readonly row: JobRow | undefined;
  /** Somebody has to agree first: the job was not named in full, or its status tells nothing. */
  readonly ask: boolean;
  /** What could not be checked, and why. */
  readonly unchecked?: string;
}

/** What was named, and why it gets no signal. */
export interface Refused {
  readonly jid: string;
  readonly error: UserError;
}

/** In the order in which jobs were named, or of the selection. */
export type Plan = readonly (Target | Refused)[];

export const isTarget = (entry: Target | Refused): entry is Target => !("error" in entry);

/** A job that can't be canceled any more. */
export class JobEnded extends UserError {
  constructor({ jid, status }: JobRow) {
    super(
      `job ${safe(jid)} has already ended: ${status}. No signal was sent.`,
      `\`zester job show ${safe(jid)}\` has its returns.`,
    );
  }
}

/** The target that a record makes. @throws JobEnded */
function target(row: JobRow, ask: boolean): Target {
  if (isTerminal(row.status)) throw new JobEnded(row);
  return { jid: row.jid, row, ask: ask || isUnknownStatus(row.status) };
}

/** One job that was named. A text that is no key may be the beginning of one, but not when it is known to be whole. */
async function namedTarget(store: Store, text: string): Promise<Target> {
  try {
    return target(jobRow(text, await readJob(store, text)), false);
  } catch (error) {
    if (error instanceof NoBucket || error instanceof PermissionDenied) {
      // The operator may be allowed to cancel but not to read; stopping a job must not fail for that.
      const unchecked = `could not check that job ${text} exists and runs: ${error.message}`;
      return { jid: text, row: undefined, ask: false, unchecked };
    }
    if (!(error instanceof JobNotFound) || isWholeJid(text) || (await store.jobWasDeleted(text))) throw error;
    const jid = await completeJid(store, text);
    if (jid === undefined) throw error;
    // The job that was meant may be gone, and the one that is left may only look like it.
    return target(jobRow(jid, await readJob(store, jid)), true);
  }
}

/**
 * The jobs that were named, each once. What keeps one from being canceled keeps no other.
 * @param force nothing is looked up: each text is a key
 */
export async function planNamed(store: Store, texts: readonly string[], force: boolean): Promise<Plan> {
  const entries = new Map<string, Target | Refused>();
  const look = async (text: string): Promise<Target | Refused> => {
    if (force) return { jid: text, row: undefined, ask: false };
    return namedTarget(store, text).catch((error) => {
      if (error instanceof UserError) return { jid: text, error };
      throw error;
    });
  };
  for (const entry of await Promise.all([...new Set(texts)].map(look))) {
    const before = entries.get(entry.jid);
    // Named in full beside a shortened form of the same id: then that is no question any more.
    if (!before || (isTarget(before) && before.ask)) entries.set(entry.jid, entry);
  }
  return [...entries.values()];
}

/**
 * The jobs that a selection finds, of those that have not ended; and all jobs that can't be decoded, which nobody can tell
 * whether it means.
 */
export async function planSelected(
  store: Store,
  selection: Selection,
): Promise<{ plan: Plan; unreadable: readonly JobRow[] }> {
  const keep = (row: JobRow) =>
    row.unreadable === undefined && !isTerminal(row.status) && selection.matches(row);
  const read = await readJobs(store, keep, false);
  const plan = Array.from(selection.arrange(read.jobs), ({ row }) => target(row, true));
  return { plan, unreadable: read.unreadable };
}

const NAMED = 5;

/** What to say of jobs whose status is not known; undefined when there are none. */
export function oddWords(targets: readonly Target[]): string | undefined {
  const odd = targets.flatMap(({ row }) => (row && isUnknownStatus(row.status) ? [row] : []));
  if (odd.length === 0) return undefined;
  const named = odd.slice(0, NAMED).map((row) => `${row.jid}: ${stateOf(row)}`);
  const rest = odd.length > NAMED ? `; and ${odd.length - NAMED} more` : "";
  return `whether ${plural(odd.length, "job")} ended is not known, by the status: ${named.join("; ")}${rest}`;
}
