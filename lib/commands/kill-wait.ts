// kill --wait: how the jobs ended that got a signal.

import { Transient, UserError } from "../errors.ts";
import { Answers } from "../jobs/answers.ts";
import { linkLines, persist } from "../jobs/follow.ts";
import { readJob } from "../jobs/lookup.ts";
import { readStory } from "../jobs/story.ts";
import { turns } from "../jobs/turns.ts";
import { Waiting, type WaitTold } from "../jobs/waiting.ts";
import type { Ending } from "../model/job-end.ts";
import { isSent, type Outcome } from "../model/kill.ts";
import { endLine, sightWords } from "../render/kill.ts";
import type { Store } from "../store.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { type Limit, notEnded, within } from "./limit.ts";
import type { Session } from "./session.ts";

/** How long after the signal, in ms, a job that has not ended is looked at. */
const PATIENCE_MS = 5_000;
/** Jobs that are looked at at a time. */
const AT_ONCE = 8;

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
  const fail = (error: UserError) => {
    if (!failures.some(({ message }) => message === error.message)) failures.push(error);
  };
  const waiting = new Waiting();
  waiting.jids = outcomes.filter(isSent).map(({ jid }) => jid);
  const endings = new Map<string, Ending>();
  const answers = new Answers((ending) => {
    endings.set(ending.row.jid, ending);
    if (session.format === "text") out.write(endLine(ending, out.columns));
  });
  const told: WaitTold = { warn: terminal.warn, ended: (ending) => answers.add(ending), lost: (_, why) => fail(why) };
  const missed = (limit: Limit) => {
    const [first] = waiting.open;
    if (first === undefined) return; // all have ended, and only answers of peels are missing
    const hint = `The signal was sent. \`zester job trace ${first}\` tells what each peel is doing.`;
    throw notEnded(waiting.open, limit, hint);
  };
  const patience = setTimeout(() => {
    const inTurn = turns(AT_ONCE);
    const look = async (jid: string) => {
      if (!waiting.isOpen(jid)) return;
      const seen = await lookAt(session.store, jid);
      terminal.warn(`job ${jid} has not ended ${PATIENCE_MS / 1000}s after the signal: ${seen}.`);
    };
    // When the connection is lost, that is said elsewhere.
    for (const jid of waiting.open) inTurn(() => look(jid)).catch(() => {});
  }, PATIENCE_MS);
  const link = linkLines(session, terminal.say);
  const ended = new AbortController();
  const answering = answers.until(ended.signal, () => session.store);
  const wait = async () => {
    await waiting.run(session, link, told).finally(() => ended.abort());
    await answering;
    await persist(session, link, (store) => answers.all(store));
  };
  const keep = (error: unknown) => {
    // What ails the connection is for all of them.
    if (error instanceof Transient || !(error instanceof UserError)) throw error;
    fail(error);
  };
  await within(limit, wait(), missed)
    .catch(keep)
    .finally(() => {
      clearTimeout(patience);
      answers.close();
    });
  const results = outcomes.map((outcome) => ({ ...outcome, ending: endings.get(outcome.jid) }));
  return { results, failures };
}
