// Sending cancel signals.
import { describe, insteadOf, Unconfirmed, UserError, withWords } from "../errors.ts";
import { JobNotFound } from "../model/jid.ts";
import { isTerminal, jobRow } from "../model/job.ts";
import { notSent, type Outcome, type Refused, refuseEnded, type Target } from "../model/kill.ts";
import type { LiveStore } from "../store.ts";
import { safe } from "../text.ts";
import { NEVER, type Reopenable } from "./follow.ts";
import { readJob } from "./lookup.ts";

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

/** Sends one signal, unless the command is over. Never throws: a failure must not affect the signals of other jobs. */
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
