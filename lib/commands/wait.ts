// zester job wait

import type { ArgsDef } from "citty";
import { defineCommand, type Flags } from "../cli/command.ts";
import { linkLines, persist } from "../jobs/follow.ts";
import { findStuck } from "../jobs/heartbeats.ts";
import { resolveJob } from "../jobs/lookup.ts";
import { readOpenJobs } from "../jobs/read-jobs.ts";
import { Waiting } from "../jobs/waiting.ts";
import type { JobRow } from "../model/job.ts";
import { endingCode, worstCode } from "../model/job-end.ts";
import { type Stuck, stuckHint, stuckWords } from "../model/stuck.ts";
import { endingDocument, endingLine, openDocument, waitingText } from "../render/ending.ts";
import type { Store } from "../store.ts";
import { type Status, statusOn } from "../terminal/progress.ts";
import { type Terminal, withoutReader } from "../terminal/terminal.ts";
import { selectionByServer } from "./clock.ts";
import { type JobsRequest, noteReference, parseJobs } from "./job-reference.ts";
import { type Limit, LONGER, notEnded, waitLimit, within } from "./limit.ts";
import { tellNext } from "./next.ts";
import { unknownFault, unknownTold, warnUnreadable } from "./output.ts";
import { type LiveSession, withSession } from "./session.ts";
import { conditions, type GlobalArgs, globals, jids, limited, scripted } from "./shared.ts";
import { reportNone, writeReport } from "./write-answer.ts";

const args = {
  ...globals,
  jid: { ...jids, required: false },
  ...conditions,
  ...limited,
  ...scripted("no job matches"),
} as const satisfies ArgsDef;

type WaitArgs = Flags<typeof args>;

/** Between two looks for stuck jobs. */
const LOOK_MS = 1_500;

/** Warns once of each stuck job, and again if it recovered in between. @returns what ends that */
function tellStuck(session: LiveSession, terminal: Terminal, rows: ReadonlyMap<string, JobRow>): () => void {
  let told: ReadonlyMap<string, Stuck> = new Map();
  const look = async () => {
    const found = await findStuck(session.store, [...rows.values()]);
    for (const [jid, stuck] of found)
      if (!told.has(jid)) terminal.warn(`job ${jid} is stuck: ${stuckWords(stuck)}. ${stuckHint(stuck)}`);
    told = found;
  };
  // A lost connection is reported elsewhere.
  const timer = setInterval(() => void look().catch(() => {}), LOOK_MS);
  return () => clearInterval(timer);
}

/** Between two updates of the line on stderr. */
const STATUS_MS = 250;

/**
 * Waits for jobs until they have ended, and shows a person what for.
 * @param find the jobs that are meant
 * @param limit without one, no job is waited for whose state does not tell whether it has ended
 */
export async function waitFor(
  waiting: Waiting,
  session: LiveSession,
  { terminal, set, end }: Status,
  find: (store: Store) => Promise<readonly string[]>,
  limit: Limit | undefined,
): Promise<void> {
  const { rows } = waiting;
  const { canTell, warn } = terminal;
  const link = linkLines(session, terminal.say);
  waiting.jids = [...new Set(await persist(session, link, find))];
  const quiet = canTell ? tellStuck(session, terminal, rows) : () => {};
  const tick = () =>
    set(
      waitingText(
        waiting.open.map((jid) => rows.get(jid) ?? jid),
        waiting.jids.length,
        session.store.now(),
      ),
    );
  const ticking = waiting.open.length > 0 && canTell ? setInterval(tick, STATUS_MS) : undefined;
  const tellUnknown = unknownTold(terminal);
  const unknown = (row: JobRow) => {
    if (limit) tellUnknown([row]);
    return !limit;
  };
  await waiting.run(session, link, { warn, unknown }).finally(() => {
    clearInterval(ticking);
    quiet();
    end();
  });
}

/** Writes how jobs ended; for programs also the state of those that have not. */
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

interface WaitRequest extends JobsRequest {
  readonly limit: Limit | undefined;
  readonly failIfEmpty: boolean;
}

const parse = (flags: WaitArgs): WaitRequest => ({
  ...parseJobs(flags, "wait"),
  limit: waitLimit(flags),
  failIfEmpty: flags["fail-if-empty"] === true,
});

async function run(args: GlobalArgs, request: WaitRequest): Promise<number | undefined> {
  const { jobs: texts, narrowing, selection, limit } = request;
  const work = async (session: LiveSession) => {
    const waiting = new Waiting();
    const status = statusOn(session.terminal);
    const note = noteReference(status.terminal);
    const named = (store: Store) =>
      Promise.all(texts.map(async (text) => (await resolveJob(store, text, note, narrowing)).jid));
    const selected = async (store: Store) => {
      const { jobs, unreadable } = await readOpenJobs(store, await selectionByServer(selection, session), false);
      warnUnreadable(unreadable, session.terminal);
      return Array.from(jobs, ({ row }) => row.jid);
    };
    const find = texts.length > 0 ? named : selected;
    const missed = await within<Limit | undefined>(
      limit,
      waitFor(waiting, session, status, find, limit).then(() => undefined),
      (limit) => limit,
    );
    status.end();
    await report(waiting, session);
    if (missed) throw notEnded(waiting.open, missed, LONGER);
    const fault = unknownFault([...waiting.unknown.values()]);
    if (fault) throw fault;
    if (waiting.jids.length === 0) {
      const none = `No active job matches ${selection.text}.`;
      await reportNone(none, request.failIfEmpty, session);
      // A document is empty; a script that looks at the exit code alone would take this for an end.
      if (session.format !== "text") session.terminal.note(`n${none.slice(1)}`);
      return undefined;
    }
    tellNext(waiting.ended, session);
    return worstCode(waiting.ended.map(endingCode));
  };
  return await withSession(args, work, { limit });
}

export default defineCommand({
  meta: {
    description: "wait for jobs to end",
    group: "Follow",
    details:
      'Prints how each job ended when all have ended; a terminal also warns of stuck jobs. Without <jid>, at least one flag of "Select jobs" is required: waits for the matching jobs that are active now.',
    exitCodes:
      "0 complete, 1 error, 2 a peel failed, 3 a peel was unreachable or did not return, 4 both, 5 canceled, 124 if --for expires; with several jobs: the highest code",
    example: "zester job wait 20260115-001 --for 10m",
  },
  args,
  run: ({ args }) => run(args, parse(args)),
});
