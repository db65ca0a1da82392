// kill --wait: how the jobs ended that got a signal.

import { Transient, UserError } from "../errors.ts";
import { endingOf, linkLines, persist, untilTerminal } from "../jobs/follow.ts";
import { readJob } from "../jobs/lookup.ts";
import { readStory } from "../jobs/story.ts";
import type { Ending } from "../model/ending.ts";
import { isSent, type Outcome } from "../model/kill.ts";
import type { Store } from "../nats/store.ts";
import { endLine, sightWords } from "../render/kill.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { type Limit, notEnded, within } from "./limit.ts";
import type { Session } from "./session.ts";

/** How long after the signal, in ms, a job that has not ended is looked at. */
const PATIENCE_MS = 5_000;

/** What can be seen of a job that a cancel signal has not ended. */
async function lookAt(store: Store, jid: string): Promise<string> {
  return sightWords(await readStory(store, jid, await readJob(store, jid), () => {}));
}

/**
 * Waits until the jobs whose signals were sent have ended; each ending is said on `out`.
 * @returns the outcomes with the endings, and what went wrong on the way: the limit came first, or a job was lost from sight
 */
export async function waitForEnds(
  outcomes: readonly Outcome[],
  session: Session,
  out: Terminal,
  limit: Limit | undefined,
): Promise<{ results: Outcome[]; failures: UserError[] }> {
  const { terminal } = session;
  const failures: UserError[] = [];
  const endings = new Map<string, Ending>();
  const open = new Set(outcomes.filter(isSent).map(({ jid }) => jid));
  const end = async (store: Store, jid: string) => {
    const record = await untilTerminal(store, jid);
    const ending = await endingOf(store, jid, record, terminal.warn);
    if (!open.delete(jid)) return;
    endings.set(jid, ending);
    if (session.format === "text") out.write(endLine(ending, out.columns));
  };
  /** What ails one job is told in the end; what ails the connection is for `persist`. */
  const keep = (error: unknown) => {
    if (error instanceof Transient || !(error instanceof UserError)) throw error;
    if (!failures.some(({ message }) => message === error.message)) failures.push(error);
  };
  const attempt = (store: Store) =>
    Promise.all(
      Array.from(open, (jid) =>
        end(store, jid).catch((error) => {
          keep(error);
          open.delete(jid);
        }),
      ),
    );
  const missed = (limit: Limit) => {
    const [first = ""] = open;
    const hint = `The signal was sent. \`zester job trace ${first}\` tells what each peel is doing.`;
    throw notEnded(open, limit, hint);
  };
  const patience = setTimeout(() => {
    for (const jid of open)
      lookAt(session.store, jid).then(
        (seen) => terminal.warn(`job ${jid} has not ended ${PATIENCE_MS / 1000}s after the signal: ${seen}.`),
        () => {}, // when the connection is lost, that is said elsewhere
      );
  }, PATIENCE_MS);
  await within(limit, persist(session, linkLines(session, terminal.say), attempt), missed).catch(keep);
  clearTimeout(patience);
  const results = outcomes.map((outcome) => ({ ...outcome, ending: endings.get(outcome.jid) }));
  return { results, failures };
}
