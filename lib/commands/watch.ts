// zester job watch

import type { ArgsDef } from "citty";
import { defineCommand, type Flags } from "../cli/command.ts";
import { EXIT } from "../errors.ts";
import { followAllJobs, linkLines, type Watcher } from "../jobs/follow.ts";
import { lookForStuck } from "../jobs/heartbeats.ts";
import { resolveJob } from "../jobs/lookup.ts";
import { parseJid } from "../model/jid.ts";
import { isTerminal, type JobRow } from "../model/job.ts";
import type { Narrowing } from "../model/job-reference.ts";
import { parseSelection, type Selection } from "../model/selection.ts";
import { type Stuck, stuckWords } from "../model/stuck.ts";
import { Board } from "../render/board.ts";
import { jobLine } from "../render/document.ts";
import { changeLine } from "../render/jobs.ts";
import { withoutReader } from "../terminal/terminal.ts";
import { selectionByServer } from "./clock.ts";
import { narrowingOf, warnReference } from "./job-reference.ts";
import { type Limit, LONGER, limitOf, notEnded, within } from "./limit.ts";
import { unknownTold, warnUnreadable } from "./output.ts";
import { type LiveSession, withSession } from "./session.ts";
import { conditions, formats, type GlobalArgs, globals, jid, limited } from "./shared.ts";
import { watchJob } from "./watch-job.ts";

const { state, function: fn, target, user, owner, source, since } = conditions;

const args = {
  ...globals,
  jid: { ...jid, required: false },
  state,
  function: fn,
  target,
  user,
  owner,
  source,
  since,
  format: formats("text|json|jsonl"),
  ...limited,
} as const satisfies ArgsDef;

type WatchArgs = Flags<typeof args>;

/** The conditions that select the jobs of the table. */
const WATCHED = ["state", "function", "target", "user", "owner", "source", "since"] as const;

/** One line a change; at the start a line for each active job. */
async function printChanges(session: LiveSession, matches: (row: JobRow) => boolean): Promise<void> {
  const { terminal, format } = session;
  const board = new Board(matches);
  /** The line of each active job, when it was printed last. */
  const printed = new Map<string, string>();
  /** What a whole picture has, before it is printed. */
  const picture = new Map<string, { readonly row: JobRow; readonly text: string }>();
  const unreadable = new Map<string, JobRow>();
  const print = (row: JobRow, text: string) => {
    if (isTerminal(row.status)) printed.delete(row.jid);
    else printed.set(row.jid, text);
    terminal.write(text);
  };
  const tellUnknown = unknownTold(terminal);
  const watcher: Watcher = {
    begin: () => board.beginPicture(),
    changed(jid, job, live) {
      const now = session.store.now();
      if (job?.row.unreadable !== undefined) unreadable.set(jid, job.row);
      if (board.put(jid, job, live, now.getTime()) && job)
        picture.set(jid, { row: job.row, text: format === "text" ? changeLine(job.row, now) : jobLine(job) });
      if (live) flush(() => true);
    },
    whole() {
      board.endPicture();
      // Again after a lost connection: only what differs from what was printed before.
      flush((jid, text) => printed.get(jid) !== text);
    },
    open: () => board.open(),
  };
  const flush = (isNews: (jid: string, text: string) => boolean) => {
    warnUnreadable([...unreadable.values()], terminal);
    tellUnknown(Array.from(picture.values(), ({ row }) => row));
    for (const [jid, { row, text }] of picture) if (isNews(jid, text)) print(row, text);
    unreadable.clear();
    picture.clear();
  };
  let told: ReadonlyMap<string, Stuck> = new Map();
  const rows = () => board.rows(session.store.now().getTime());
  const stop = lookForStuck(session, rows, (found) => {
    for (const [jid, stuck] of found) if (!told.has(jid)) terminal.warn(`job ${jid} is stuck: ${stuckWords(stuck)}.`);
    told = found;
  });
  try {
    await followAllJobs(session, linkLines(session, terminal.say), watcher, format === "text" ? [] : undefined);
  } finally {
    stop();
  }
}

interface WatchRequest {
  /** The one job to watch; undefined: those of the selection. */
  readonly job: string | undefined;
  /** Which jobs a word such as @last may stand for. */
  readonly narrowing: Narrowing;
  /** By this machine's clock. */
  readonly selection: Selection;
  readonly limit: Limit | undefined;
}

function parse(flags: WatchArgs): WatchRequest {
  const job = flags.jid === undefined ? undefined : parseJid(flags.jid);
  const selection = parseSelection(flags, new Date());
  const given = WATCHED.filter((name) => flags[name] !== undefined);
  const narrowing = narrowingOf(job === undefined ? [] : [job], flags, given);
  return { job, narrowing, selection, limit: limitOf(flags) };
}

async function run(args: GlobalArgs, { job, narrowing, selection, limit }: WatchRequest): Promise<number | undefined> {
  const leave = { now: () => {} };
  const work = async (session: LiveSession) => {
    const { terminal, format, store } = session;
    if (terminal.isTty && format === "text") {
      // The picture shows which job a word stands for.
      const [{ matches }, first] = await Promise.all([
        selectionByServer(selection, session),
        job === undefined ? undefined : resolveJob(store, job, warnReference(terminal), narrowing),
      ]);
      // Loaded on use: lines need neither keys nor a picture.
      const { watchOnScreen } = await import("./watch-screen.ts");
      return await watchOnScreen(session, { matches, first, limit }, leave);
    }
    if (job !== undefined) {
      const open = new Set<string>();
      const own = Object.create(session, { terminal: { value: withoutReader(terminal) } });
      return await within(limit, watchJob(own, job, narrowing, limit, open), (limit) => {
        throw notEnded(open, limit, LONGER);
      });
    }
    const { matches } = await selectionByServer(selection, session);
    const printing = printChanges(session, matches);
    return await within<number | undefined>(
      limit,
      printing.then(() => undefined),
      () => EXIT.timedOut,
    );
  };
  // A stream has no end that could close an array: json is a line each as well.
  return await withSession(args, work, { isDrawn: true, limit, onSignal: () => leave.now() });
}

export default defineCommand({
  meta: {
    description: "watch active jobs, or one job until it ends",
    group: "Follow",
    details:
      "On a terminal: an interactive screen (`?` lists the keys, `q` quits). In a pipe: one line per change, or per return with <jid>. With <jid>, the screen shows that job and stays open after it ends. In a script use `zester job wait`.",
    exitCodes: "if the open job ended: as `zester job wait`; 124 if --for expires",
    example: "zester job watch --target 'db*'",
  },
  args,
  run: ({ args }) => run(args, parse(args)),
});
