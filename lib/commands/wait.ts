import { linkLines, persist } from "../jobs/follow.ts";
import { resolveJob } from "../jobs/lookup.ts";
import { readOpenJobs } from "../jobs/read-jobs.ts";
import { Waiting } from "../jobs/waiting.ts";
import type { JobRow } from "../model/job.ts";
import { endingCode, worstCode } from "../model/job-end.ts";
import { stuckHint, stuckWords } from "../model/stuck.ts";
import { endingDocument, endingLine, openDocument, waitingText } from "../render/ending.ts";
import type { Store } from "../store.ts";
import { statusOn } from "../terminal/progress.ts";
import { type Terminal, withoutReader } from "../terminal/terminal.ts";
import { reportNone, tellNext, writeReport } from "./answer.ts";
import { notEnded, unknownFault, waitLimitOrTimeout, warnOfStuck, warnOfUnknown, within } from "./following.ts";
import { noteReference, parseJobs, selectionByServer, warnUnreadable } from "./selecting.ts";
import { type LiveSession, liveCommand, type WaitLimit } from "./session.ts";
import { conditions, globals, jids, limited, scripted } from "./shared.ts";

/** The time between two updates of the line on stderr, in ms. */
const STATUS_MS = 250;

/**
 * Waits for jobs to end, and shows a person which.
 * @param find finds the jobs; its warnings and notes appear above the line on stderr
 * @param limit without one, jobs in unknown states are not waited for: they may have ended
 * @returns the limit, if it expired first
 */
export async function waitFor(
  waiting: Waiting,
  session: LiveSession,
  find: (store: Store, terminal: Terminal) => Promise<readonly string[]>,
  limit: WaitLimit | undefined,
): Promise<WaitLimit | undefined> {
  const { rows } = waiting;
  const { terminal, set, end } = statusOn(session.terminal);
  const { canTell, warn } = terminal;
  session.interruption.clear = end;
  const link = linkLines(session, terminal.say);
  const stops: (() => void)[] = [end];
  const tick = () => {
    const open = waiting.open.map((jid) => rows.get(jid) ?? jid);
    if (open.length === 0) set("waiting for peels to answer the cancel signal");
    else set(waitingText(open, waiting.jids.length, session.store.now()));
  };
  const tellUnknown = warnOfUnknown(terminal);
  const unknown = (row: JobRow) => {
    if (limit) tellUnknown([row]);
    return !limit;
  };
  const wait = async () => {
    waiting.jids = [...new Set(await persist(session, link, (store) => find(store, terminal)))];
    if (canTell && waiting.open.length > 0) {
      const ticking = setInterval(tick, STATUS_MS);
      const words = (stuck: Parameters<typeof stuckWords>[0]) => `${stuckWords(stuck)}. ${stuckHint(stuck)}`;
      stops.push(
        () => clearInterval(ticking),
        warnOfStuck(terminal, session, () => [...rows.values()], words),
      );
    }
    await waiting.run(session, link, { warn, unknown });
    return undefined;
  };
  try {
    // All can have ended: then only answers of peels to a cancel signal are missing.
    const isOver = () => waiting.jids.length > 0 && waiting.open.length === 0;
    return await within<WaitLimit | undefined>(limit, wait(), (limit) => (isOver() ? undefined : limit));
  } finally {
    for (const stop of stops) stop();
  }
}

/** Writes how jobs ended; for programs also the state of active ones. */
async function report({ jids, rows, endings, ended }: Waiting, session: LiveSession): Promise<void> {
  const { terminal, store } = session;
  const now = store.now();
  const text = ended.map((ending) => endingLine(ending, now, terminal.columns)).join("");
  const document = jids.map((jid) => {
    const ending = endings.get(jid);
    return ending ? endingDocument(ending) : openDocument(jid, rows.get(jid));
  });
  await writeReport({ text, document }, session, withoutReader(terminal));
}

export default liveCommand({
  meta: {
    description: "wait for jobs to end",
    group: "Follow",
    details:
      'Prints how each job ended when all have ended; a terminal also warns of stuck jobs. Without <jid>, at least one flag of "Select jobs" is required: waits for the matching jobs that are active now. After a cancel signal it also waits for peels that have not returned, for up to 10 seconds.',
    exitCodes:
      "0 complete, or no job matches; 1 error, 2 a peel failed, 3 a peel was unreachable or did not return, 4 both, 5 canceled, 124 if --for expires; with several jobs: the highest code",
    example: "zester job wait 20260115-001 --for 10m",
  },
  args: {
    ...globals,
    jid: { ...jids, required: false },
    ...conditions,
    ...limited,
    ...scripted("no job matches"),
  },
  parse: (flags, now) => ({
    ...parseJobs(flags, "wait", now),
    waitLimit: waitLimitOrTimeout(flags),
    failIfEmpty: flags["fail-if-empty"] === true,
  }),
  waitLimit: ({ waitLimit }) => waitLimit,
  async run({ jobs: texts, narrowing, selection, waitLimit, failIfEmpty }, session) {
    const waiting = new Waiting();
    const find = async (store: Store, terminal: Terminal) => {
      const note = noteReference(terminal);
      if (texts.length > 0)
        return Promise.all(texts.map(async (text) => (await resolveJob(store, text, note, narrowing)).jid));
      const { jobs, unreadable } = await readOpenJobs(store, await selectionByServer(selection, session), false);
      warnUnreadable(unreadable, session.terminal);
      return Array.from(jobs, ({ row }) => row.jid);
    };
    const missed = await waitFor(waiting, session, find, waitLimit);
    const none = `No active job matches ${selection.text}.${selection.hint}`;
    if (!missed && waiting.jids.length === 0) {
      // The document is empty; a script that checks only the exit code would conclude that jobs ended.
      await reportNone(none, failIfEmpty, { document: [], note: `n${none.slice(1)}` }, session);
      return undefined;
    }
    await report(waiting, session);
    if (missed) throw await notEnded(session, waiting.open, missed);
    const fault = unknownFault(waiting.unknown.values());
    if (fault) throw fault;
    tellNext(waiting.ended, session);
    return worstCode(waiting.ended.map(endingCode));
  },
});
