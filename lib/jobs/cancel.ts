// Sending cancel signals, and what is seen of a job while nothing happens.

import { asText } from "../codec/value.ts";
import type { Session } from "../commands/session.ts";
import { formatMs } from "../duration.ts";
import { describe, UserError } from "../errors.ts";
import { JobNotFound } from "../model/jid.ts";
import { isTerminal, jobRow } from "../model/job.ts";
import { lifeOf, Steps } from "../model/life.ts";
import { HEARTBEAT_LIFE_MS } from "../model/master.ts";
import { displayPeel } from "../model/peel.ts";
import { PermissionDenied, Unconfirmed } from "../nats/connection.ts";
import { NoBucket, type Store } from "../nats/store.ts";
import { plural, safe } from "../text.ts";
import { JobEnded, type Target } from "./kill-plan.ts";
import { readJob, readReturns } from "./lookup.ts";

/** What became of a signal, as programs read it. `unknown`: it was handed over, and the connection failed before the answer. */
export const SIGNALS = ["sent", "sent, but nobody listens", "unknown", "not sent"] as const;

/** What became of one job's signal. */
export interface Outcome {
  readonly jid: string;
  readonly signal: (typeof SIGNALS)[number];
  /** Why it is not simply sent. */
  readonly error?: UserError;
  /** What is not known of a signal that may have been sent. */
  readonly warnings: readonly string[];
}

/** True for a signal that was taken, and that somebody hears. */
export const isSent = ({ signal }: Outcome) => signal === "sent";

/**
 * Makes sure that a target still is what it was when it was chosen; one that nobody looked at passes.
 * @throws UserError when it is gone, has ended, or when another job stands under its key
 */
async function checkSame(store: Store, { jid, row }: Target): Promise<void> {
  if (!row) return;
  const now = await readJob(store, jid).catch((error) => {
    if (!(error instanceof JobNotFound)) throw error;
    throw new UserError(
      `job ${safe(jid)} is gone since it was looked up. No signal was sent.`,
      "Its record expired or was deleted.",
    );
  });
  const { created, status } = jobRow(jid, now);
  if (created?.ns !== row.created?.ns)
    throw new UserError(
      `job ${safe(jid)} is another job since it was looked up (created ${created ?? "-"}, not ${row.created ?? "-"}). No signal was sent.`,
      "Look at it with `zester job show`, and run the command again if it is meant.",
    );
  if (isTerminal(status)) throw new JobEnded(jobRow(jid, now));
}

/** Never comes: for what must not go on while the process ends. */
const NEVER = new Promise<never>(() => {});

/**
 * Sends one signal, unless the command is over by then. Never throws: what goes wrong with one job must not keep others
 * from getting theirs.
 */
export async function sendSignal(
  session: Pick<Session, "store" | "ending">,
  target: Target,
): Promise<Outcome> {
  const { store } = session;
  const { jid, unchecked } = target;
  const warnings = unchecked === undefined ? [] : [unchecked];
  try {
    await checkSame(store, target);
    if (session.ending) return await NEVER;
    const heard = await store.cancel(jid);
    if (heard === false)
      return {
        jid,
        signal: "sent, but nobody listens",
        warnings,
        error: new UserError(
          `nothing listens on zester.job.${safe(jid)}.cancel and no stream stores it: no master or peel got the signal.`,
          "`zester config check` tells whether a master runs, and what this user may do.",
        ),
      };
    if (heard === undefined)
      warnings.push(
        `whether anybody listens on zester.job.${jid}.cancel is not known: no permission to subscribe to answers.`,
      );
    return { jid, signal: "sent", warnings };
  } catch (error) {
    if (error instanceof Unconfirmed)
      return {
        jid,
        signal: "unknown",
        warnings,
        error: new UserError(
          `whether the cancel signal for job ${safe(jid)} was sent is not known: ${error.message}`,
          `Look with \`zester job trace ${safe(jid)}\` whether it arrived.`,
        ),
      };
    if (error instanceof UserError) return { jid, signal: "not sent", error, warnings: [] };
    const [message = "", hint] = describe(error).text.split("\n");
    return { jid, signal: "not sent", error: new UserError(message, hint), warnings: [] };
  }
}

const NAMED = 3;

/** What can be seen of a job that a cancel signal has not ended: is its master alive, and which peels still execute? */
export async function whyNotEnded(store: Store, jid: string): Promise<string> {
  const words: string[] = [];
  const job = await readJob(store, jid);
  const owner = asText(job.get("owner"));
  if (owner) words.push(...(await ownerWords(store, owner)));
  const steps = new Steps();
  try {
    const [returns] = await Promise.all([
      readReturns(store, jid, () => {}),
      store.events(jid, (event) => void steps.add(event)),
    ]);
    const { peels } = lifeOf(jid, job, returns, steps, store.nowNs());
    const busy = peels.filter((peel) => peel.state === "executing").map((peel) => displayPeel(peel.peel));
    const named = busy.slice(0, NAMED).join(", ") + (busy.length > NAMED ? ", …" : "");
    words.push(
      busy.length === 0 ? "no peel executes it" : `${plural(busy.length, "peel")} still executing: ${named}`,
    );
  } catch (error) {
    if (!(error instanceof NoBucket || error instanceof PermissionDenied)) throw error;
  }
  return words.join("; ");
}

async function ownerWords(store: Store, owner: string): Promise<string[]> {
  try {
    const age = await store.heartbeatAge(owner);
    if (age === undefined) return [`its owner ${owner} has no heartbeat: that master may be gone`];
    const last = `last heartbeat ${formatMs(Math.max(0, age))} ago`;
    return [
      age > HEARTBEAT_LIFE_MS
        ? `its owner ${owner} may be gone, ${last}`
        : `its owner ${owner} is alive, ${last}`,
    ];
  } catch {
    return []; // not every site keeps or shows heartbeats
  }
}
