// Canceling one job: looking first, sending, and what is seen while nothing happens.
import { PermissionDenied } from "./connection.ts";
import { formatMs } from "./duration.ts";
import { UserError } from "./errors.ts";
import { isTerminal } from "./job.ts";
import { lifeOf, Steps } from "./life.ts";
import { readJob, readReturns } from "./lookup.ts";
import { displayPeel } from "./peel.ts";
import { NoBucket, type Store } from "./store.ts";
import { plural } from "./text.ts";
import { asText } from "./value.ts";

/**
 * Makes sure that there is something to cancel.
 * @returns what to warn of, when the operator may not look
 * @throws UserError when the job is unknown or has ended
 */
async function check(store: Store, jid: string): Promise<string | undefined> {
  try {
    const status = asText((await readJob(store, jid)).get("status"));
    if (isTerminal(status))
      throw new UserError(
        `job ${jid} has already ended: ${status}. No signal was sent.`,
        `\`zester job show ${jid}\` has its returns.`,
      );
  } catch (error) {
    if (!(error instanceof NoBucket || error instanceof PermissionDenied)) throw error;
    // The operator may be allowed to cancel but not to read; stopping a job must not fail for that.
    return `could not check that job ${jid} exists and runs: ${error.message}`;
  }
  return undefined;
}

/**
 * Sends the cancel signal, after a look at the job as it is right now unless `force`.
 * @throws UserError when the job is unknown or has ended, or when the signal can't be sent
 */
export async function cancelJob(
  store: Store,
  jid: string,
  force: boolean,
  warn: (text: string) => void,
): Promise<void> {
  const unchecked = force ? undefined : await check(store, jid);
  const heard = await store.cancel(jid);
  if (unchecked !== undefined) warn(unchecked);
  if (!heard)
    warn(
      `nothing listens on zester.job.${jid}.cancel and no stream stores it: no master or peel got the signal.`,
    );
}

/** A master that was silent for longer than this, in ms, is worth a visit. */
const ALIVE_MS = 30_000;
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
      age > ALIVE_MS ? `its owner ${owner} may be gone, ${last}` : `its owner ${owner} is alive, ${last}`,
    ];
  } catch {
    return []; // not every site keeps or shows heartbeats
  }
}
