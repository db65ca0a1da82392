// --for: how long a command may wait in all.

import { parseDuration } from "../duration.ts";
import { EXIT, UserError } from "../errors.ts";
import { plural, safe } from "../text.ts";
import type { GlobalArgs } from "./shared.ts";

export interface Limit {
  readonly ms: number;
  readonly text: string;
  /** A warning, if the limit was given by --timeout. */
  readonly note?: string;
}

type WithLimit = GlobalArgs & { readonly for?: string | undefined };

/** The limit of --for; undefined without it. @throws UserError for an invalid duration */
export function limitOf({ for: text }: WithLimit): Limit | undefined {
  return text === undefined ? undefined : { ms: parseDuration(text, "--for"), text };
}

/**
 * The same for commands whose --timeout limited the wait before --for existed: alone, it still does, and is no setting of the
 * connection.
 */
export function waitLimit(flags: WithLimit): Limit | undefined {
  const { timeout } = flags;
  if (flags.for !== undefined || timeout === undefined) return limitOf(flags);
  const note = "--timeout limits the wait here; use --for.";
  return { ms: parseDuration(timeout, "--timeout"), text: timeout, note };
}

/** The result of `work`, or of `missed` when `work` takes longer than the limit. */
export async function within<T>(limit: Limit | undefined, work: Promise<T>, missed: (limit: Limit) => T): Promise<T> {
  if (!limit) return work;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((done) => {
    timer = setTimeout(done, limit.ms);
  }).then(() => missed(limit));
  // Work under way fails when the connection closes: the command has its result by then.
  work.catch(() => {});
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

const NAMED_JOBS = 5;

export const LONGER = "Wait longer with --for; `zester job trace <jid>` shows what a job waits for.";

/** The error for jobs that had not ended within the limit. */
export function notEnded(open: Iterable<string>, { text }: Limit, hint: string): UserError {
  const jids = [...open];
  const named = jids.slice(0, NAMED_JOBS).join(", ") + (jids.length > NAMED_JOBS ? ", …" : "");
  const what =
    jids.length === 0
      ? `timed out after ${text}: the jobs were not read yet.`
      : `timed out after ${text}: ${plural(jids.length, "job")} had not ended: ${safe(named)}.`;
  return new UserError(what, hint, EXIT.timedOut);
}
