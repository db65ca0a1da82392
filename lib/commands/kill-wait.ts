// kill --wait: how the jobs ended that got a signal.

import { EXIT, Transient, UserError } from "../errors.ts";
import { isSent, type Outcome, whyNotEnded } from "../jobs/cancel.ts";
import { endingOf, linkWarnings, persist, untilTerminal } from "../jobs/follow.ts";
import type { Ending } from "../model/ending.ts";
import type { Store } from "../nats/store.ts";
import { peelCounts } from "../render/peels.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { count, plural, safe } from "../text.ts";
import { within } from "./limit.ts";
import type { Session } from "./session.ts";

/** A signal's outcome, and how the job ended after it. */
export type Result = Outcome & { readonly ending?: Ending };

export const statusOf = ({ row }: Ending) => row.status ?? "-";

/** After this long without an end, what can be seen of the job is said. */
const PATIENCE_MS = 5_000;

/** How a job ended that was to be canceled, and how far it had come. */
function endWords(ending: Ending): string {
  const { peels } = ending;
  const status = statusOf(ending);
  if (status !== "canceled") return `${safe(status)} before the signal took effect: ${peelCounts(peels)}`;
  const returned = peels.filter((peel) => peel.returned && !peel.returned.unreachable).length;
  return `canceled, ${count(returned)} of ${plural(peels.length, "peel")} had returned`;
}

const NAMED = 5;

/**
 * Waits until the jobs whose signals were sent have ended; each ending is added to its result, and said on `out`.
 * @returns what went wrong on the way: the limit came first, or a job was lost from sight
 */
export async function waitForEnds(
  results: Result[],
  session: Session,
  out: Terminal,
  limitMs: number | undefined,
  limit: string | undefined,
): Promise<UserError[]> {
  const { terminal } = session;
  const failures: UserError[] = [];
  const open = new Map(results.flatMap((result, i) => (isSent(result) ? [[result.jid, i] as const] : [])));
  const end = async (store: Store, jid: string, i: number) => {
    const record = await untilTerminal(store, jid);
    const ending = await endingOf(store, jid, record, terminal.warn);
    if (!open.delete(jid)) return;
    results[i] = { ...(results[i] as Result), ending };
    if (session.format === "text") out.write(`Job ${safe(jid)} ${endWords(ending)}\n`);
  };
  /** What ails one job is told in the end; what ails the connection is for `persist`. */
  const keep = (error: unknown) => {
    if (error instanceof Transient || !(error instanceof UserError)) throw error;
    if (!failures.some(({ message }) => message === error.message)) failures.push(error);
  };
  const attempt = (store: Store) =>
    Promise.all(
      Array.from(open, ([jid, i]) =>
        end(store, jid, i).catch((error) => {
          keep(error);
          open.delete(jid);
        }),
      ),
    );
  const missed = () => {
    const [first = ""] = open.keys();
    const named = [...open.keys()].slice(0, NAMED).join(", ");
    return new UserError(
      `after ${limit}, ${plural(open.size, "job")} had not ended: ${safe(named)}.`,
      `The signal was sent. \`zester job trace ${first}\` tells what each peel is doing.`,
      EXIT.timedOut,
    );
  };
  const patience = setTimeout(() => {
    for (const jid of open.keys())
      whyNotEnded(session.store, jid).then(
        (seen) => terminal.warn(`job ${jid} has not ended ${PATIENCE_MS / 1000}s after the signal: ${seen}.`),
        () => {}, // when the connection is lost, that is said elsewhere
      );
  }, PATIENCE_MS);
  await within(limitMs, persist(session, linkWarnings(session, terminal.warn), attempt), missed).catch(keep);
  clearTimeout(patience);
  return failures;
}
