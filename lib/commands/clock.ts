// Clocks: flags that count from now count from the server's, which all operators share, and clocks that differ are told.
import { formatAge, formatMs } from "../duration.ts";
import type { JobList } from "../model/job-list.ts";
import { type Conditions, countsFromNow, parseSelection, type Selection } from "../model/selection.ts";
import { plural } from "../text.ts";
import type { Session } from "./session.ts";

/** How far two clocks may be apart, in ms, before that is worth a word. */
const TOLERANCE_MS = 5_000;

/**
 * The selection that the flags ask for, once there is a server to ask for the time. Warns when this machine's clock is
 * off and that would have mattered.
 * @throws UserError as parseSelection does, and when the server does not tell the time
 */
export async function selectionByServer(flags: Conditions, session: Session): Promise<Selection> {
  if (!countsFromNow(flags)) return parseSelection(flags, new Date());
  const { nowMs, aheadMs, doubtMs } = await session.store.clock();
  if (Math.abs(aheadMs) - doubtMs > TOLERANCE_MS)
    session.terminal.warn(
      `this machine's clock is ${formatMs(Math.abs(aheadMs))} ${aheadMs > 0 ? "behind" : "ahead of"} the server's: --since and --until count from the server's.`,
    );
  return parseSelection(flags, new Date(nowMs));
}

/** What to warn of when jobs, oldest first, were created in the future by the server's clock; undefined for none. */
export function futureWords(jobs: JobList, nowNs: bigint): string | undefined {
  const latest = nowNs + BigInt(TOLERANCE_MS) * 1_000_000n;
  let ahead = 0;
  while (ahead < jobs.length && (jobs.at(jobs.length - 1 - ahead).row.created?.ns ?? 0n) > latest) ahead++;
  if (ahead === 0) return undefined;
  const { jid, created } = jobs.at(jobs.length - 1).row;
  const furthest = formatAge((created?.ns ?? nowNs) - nowNs);
  return `${plural(ahead, "job")} created in the future (${jid} in ${furthest}): a clock is ahead of the server's, so that they pass for the newest.`;
}
