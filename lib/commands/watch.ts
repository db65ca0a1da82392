import type { ArgsDef } from "citty";
import type { Flags } from "../cli/command.ts";
import { EXIT } from "../errors.ts";
import { followAllJobs, linkLines, type Watcher } from "../jobs/follow.ts";
import { resolveJob } from "../jobs/lookup.ts";
import { countReturns } from "../jobs/return-counts.ts";
import { parseJid } from "../model/jid.ts";
import { isActive, isPastClaimed, isTerminal, type Job, type JobRow, type ReturnCounts } from "../model/job.ts";
import { parseSelection } from "../model/selection.ts";
import { stuckWords } from "../model/stuck.ts";
import { Board } from "../render/board.ts";
import { changeLine } from "../render/columns.ts";
import { jobLine } from "../render/document.ts";
import type { Store } from "../store.ts";
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

/** How many peels have returned, before a line about these jobs is written. */
async function countsOf(store: Store, rows: readonly JobRow[]): Promise<ReturnCounts> {
  const unsent = rows.filter(({ status }) => isActive(status) && !isPastClaimed(status));
  const counts = await countReturns(
    store,
    rows.filter(({ status }) => isPastClaimed(status)),
  );
  return new Map([...unsent.map(({ jid }) => [jid, 0] as const), ...counts]);
}

/** A line per change; at the start a line per active job. */
async function printChanges(session: LiveSession, matches: (row: JobRow) => boolean): Promise<void> {
  const { terminal, isText } = session;
  const board = new Board(matches);
  const rows = () => board.rows(session.store.now().getTime());
  /** The last printed line of each active job. */
  const printed = new Map<string, string>();
  const unreadable = new Map<string, JobRow>();
  const tellUnknown = warnOfUnknown(terminal);
  const failure = Promise.withResolvers<never>();
  /** Changes without a line yet, in order: their returns are counted first. */
  const changes: { readonly job: Job; readonly live: boolean }[] = [];
  let isPrinting = false;
  const printAll = async () => {
    if (isPrinting) return;
    isPrinting = true;
    for (let some = changes.splice(0); some.length > 0; some = changes.splice(0)) {
      const rows = some.map(({ job }) => job.row);
      const counts = isText ? await countsOf(session.store, rows) : undefined;
      for (const { job, live } of some) print(job, live, counts);
    }
    isPrinting = false;
  };
  const print = (job: Job, live: boolean, counts: ReturnCounts | undefined) => {
    const { jid, status } = job.row;
    const text = isText ? changeLine(job.row, session.store.now(), counts) : jobLine(job);
    // Called again after a lost connection: prints only lines that differ from the printed ones.
    if (live || printed.get(jid) !== text) terminal.write(text);
    if (isTerminal(status)) printed.delete(jid);
    else printed.set(jid, text);
  };
  const watcher: Watcher = {
    begin: () => board.beginPicture(),
    changed(jid, job, live) {
      if (job?.row.unreadable !== undefined && live) warnUnreadable([job.row], terminal);
      else if (job?.row.unreadable !== undefined) unreadable.set(jid, job.row);
      if (!board.put(jid, job, live, session.store.now().getTime()) || !job) return;
      if (live) tellUnknown([job.row]);
      changes.push({ job, live });
      if (live) printAll().catch(failure.reject);
    },
    whole() {
      board.endPicture();
      warnUnreadable([...unreadable.values()], terminal);
      unreadable.clear();
      tellUnknown(rows());
      printAll().catch(failure.reject);
    },
    open: () => board.open(),
  };
  const stop = warnOfStuck(terminal, session, rows, (stuck) => `${stuckWords(stuck)}.`);
  const following = followAllJobs(session, linkLines(session, terminal.say), watcher, isText ? [] : undefined);
  await Promise.race([following, failure.promise]).finally(stop);
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
    return within(waitLimit, watchJob(own, job, narrowing, waitLimit, open), async (limit) => {
      throw await notEnded(session, open, limit);
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
