// zester job kill
import { PermissionDenied } from "../connection.ts";
import { UserError } from "../errors.ts";
import { parseJid } from "../jid.ts";
import { isTerminal } from "../job.ts";
import { writeDocument } from "../jobs.ts";
import { type GlobalFlags, withSession } from "../session.ts";
import { NoBucket, type Store } from "../store.ts";
import { safe } from "../text.ts";
import { asText } from "../value.ts";
import { readJob } from "./show.ts";

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

export async function run(flags: GlobalFlags & { jid: string; force?: boolean }): Promise<void> {
  const jid = parseJid(flags.jid);
  await withSession(flags, async ({ store, terminal, format }) => {
    const unchecked = flags.force ? undefined : await check(store, jid);
    const heard = await store.cancel(jid);
    if (format === "text") terminal.write(`Cancel signal sent for job ${safe(jid)}\n`);
    else
      await writeDocument(
        new Map([
          ["jid", jid],
          ["signal", "sent"],
        ]),
        format,
        terminal,
      );
    if (unchecked !== undefined) terminal.warn(unchecked);
    if (!heard)
      terminal.warn(
        `nothing listens on zester.job.${jid}.cancel and no stream stores it: no master or peel got the signal.`,
      );
  });
}
