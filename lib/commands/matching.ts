// Reads the jobs that flags select, with the messages about them.
import type { Read } from "../jobs/read-jobs.ts";
import { readSelected } from "../jobs/recent.ts";
import type { Conditions, Selection } from "../model/selection.ts";
import { futureWords } from "../render/time.ts";
import { progressOn } from "../terminal/progress.ts";
import { count } from "../text.ts";
import { selectionByServer, unreadableWarning } from "./selecting.ts";
import type { Session } from "./session.ts";

/** The same conditions; without a time they select the jobs of the last day. */
export const ofLastDay = <T extends Conditions>(flags: T): T =>
  flags.since === undefined && flags.until === undefined ? { ...flags, since: "24h" } : flags;

/** The number of jobs that were read, for messages about a selection that matches nothing. */
export const amongWords = ({ total, all }: Pick<Read, "total" | "all">) =>
  `of ${count(total)}${all ? "" : " that changed since"}`;

/** The jobs that match by the server's clock. */
export async function readMatching(request: Selection, session: Session) {
  const { store, terminal } = session;
  const selection = await selectionByServer(request, session);
  const read = await readSelected(store, selection, selection.matches, progressOn(terminal));
  return {
    selection,
    read,
    matchClause: `match ${selection.text} (${amongWords(read)})`,
    warnings: [futureWords(read.jobs, store.nowNs()), unreadableWarning(read.unreadable)],
  };
}
