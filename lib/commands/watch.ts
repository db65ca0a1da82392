import type { ArgsDef } from "citty";
import type { Flags } from "../cli/command.ts";
import { EXIT } from "../errors.ts";
import { followAllJobs, linkLines, type Watcher } from "../jobs/follow.ts";
import { resolveJob } from "../jobs/lookup.ts";
import { parseJid } from "../model/jid.ts";
import { isTerminal, type JobRow } from "../model/job.ts";
import { parseSelection } from "../model/selection.ts";
import { stuckWords } from "../model/stuck.ts";
import { Board } from "../render/board.ts";
import { changeLine } from "../render/columns.ts";
import { jobLine } from "../render/document.ts";
import { withoutReader } from "../terminal/terminal.ts";
import { notEnded, waitLimitOf, warnOfStuck, warnOfUnknown, within } from "./following.ts";
import { type JobsRequest, narrowingOf, selectionByServer, warnReference, warnUnreadable } from "./selecting.ts";
import { type LiveSession, liveCommand, type WaitLimit } from "./session.ts";
import { conditions, formats, globals, jid, limited } from "./shared.ts";
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

const UPDATES = ["Omit it: the screen updates by itself."];

/** A line per change; at the start a line per active job. */
async function printChanges(session: LiveSession, matches: (row: JobRow) => boolean): Promise<void> {
  const { terminal, isText } = session;
  const board = new Board(matches);
  const rows = () => board.rows(session.store.now().getTime());
  /** The last printed line of each active job. */
  const printed = new Map<string, string>();
  const unreadable = new Map<string, JobRow>();
  const tellUnknown = warnOfUnknown(terminal);
  const watcher: Watcher = {
    begin: () => board.beginPicture(),
    changed(jid, job, live) {
      const now = session.store.now();
      if (job?.row.unreadable !== undefined && live) warnUnreadable([job.row], terminal);
      else if (job?.row.unreadable !== undefined) unreadable.set(jid, job.row);
      if (!board.put(jid, job, live, now.getTime()) || !job) return;
      if (live) tellUnknown([job.row]);
      const text = isText ? changeLine(job.row, now) : jobLine(job);
      // Called again after a lost connection: prints only lines that differ from the printed ones.
      if (live || printed.get(jid) !== text) terminal.write(text);
      if (isTerminal(job.row.status)) printed.delete(jid);
      else printed.set(jid, text);
    },
    whole() {
      board.endPicture();
      warnUnreadable([...unreadable.values()], terminal);
      unreadable.clear();
      tellUnknown(rows());
    },
    open: () => board.open(),
  };
  const stop = warnOfStuck(terminal, session, rows, (stuck) => `${stuckWords(stuck)}.`);
  try {
    await followAllJobs(session, linkLines(session, terminal.say), watcher, isText ? [] : undefined);
  } finally {
    stop();
  }
}

interface WatchRequest extends Omit<JobsRequest, "jobs"> {
  /** The one job to watch; undefined: those of the selection. */
  readonly job: string | undefined;
  readonly waitLimit: WaitLimit | undefined;
}

function parse(flags: Flags<typeof args>, now: Date): WatchRequest {
  const job = flags.jid === undefined ? undefined : parseJid(flags.jid);
  const selection = parseSelection(flags, now);
  const narrowing = narrowingOf(job === undefined ? [] : [job], flags);
  return { job, narrowing, selection, waitLimit: waitLimitOf(flags) };
}

async function watch(request: WatchRequest, session: LiveSession): Promise<number | undefined> {
  const { job, narrowing, selection, waitLimit } = request;
  const { terminal, isText, store } = session;
  if (terminal.isTty && isText) {
    // The screen shows which job a word names.
    const [selected, first] = await Promise.all([
      selectionByServer(selection, session),
      job === undefined ? undefined : resolveJob(store, job, warnReference(terminal), narrowing),
    ]);
    // Loaded on use: lines need neither keys nor a screen.
    const { watchOnScreen } = await import("./watch-screen.ts");
    return watchOnScreen(session, { selection: selected, first, waitLimit });
  }
  if (job !== undefined) {
    const open = new Set<string>();
    const own = Object.create(session, { terminal: { value: withoutReader(terminal) } });
    return within(waitLimit, watchJob(own, job, narrowing, waitLimit, open), (limit) => {
      throw notEnded(open, limit);
    });
  }
  const { matches } = await selectionByServer(selection, session);
  const printing = printChanges(session, matches).then(() => undefined);
  return within<number | undefined>(waitLimit, printing, ({ text }) => {
    terminal.say(`timed out after ${text}.`);
    return EXIT.timedOut;
  });
}

export default liveCommand({
  meta: {
    description: "watch active jobs, or one job until it ends",
    group: "Follow",
    details:
      "On a terminal: an interactive screen (`?` lists the keys, `q` quits). In a pipe: one line per change, or per return with <jid>. With <jid>, the screen shows that job and stays open after it ends. After a cancel signal it also follows peels that have not returned, for up to 10 seconds. In a script use `zester job wait`.",
    flagsElsewhere: { f: UPDATES, follow: UPDATES, n: UPDATES, interval: UPDATES },
    exitCodes: "if the open job ended: as `zester job wait`; 124 if --for expires",
    example: "zester job watch --target 'db*'",
  },
  args,
  // A stream has no end that could close an array: json also has one document per line.
  isDrawn: true,
  parse,
  waitLimit: ({ waitLimit }) => waitLimit,
  run: watch,
});
