// `watch` on a terminal: the picture of all jobs, steered by keys.
import { followAllJobs, linkNote } from "../jobs/follow.ts";
import { lookForStuck } from "../jobs/heartbeats.ts";
import { keepCounting } from "../jobs/return-counts.ts";
import type { Job, JobRow } from "../model/job.ts";
import { Board } from "../render/board.ts";
import { CALL_FIELDS } from "../render/call.ts";
import { listed, renderPicture, type Seen, START, settled, steered } from "../render/picture.ts";
import { Keyboard } from "../terminal/keyboard.ts";
import { Screen, screenSize } from "../terminal/screen.ts";
import { Dialog } from "./dialog.ts";
import { OpenedJob } from "./opened-job.ts";
import type { LiveSession } from "./session.ts";

/**
 * Shows the picture until a person quits.
 * @param leave is set to what gives the terminal back
 * @returns the exit code: that of the job that is open, when it has ended
 */
export async function watchOnScreen(
  session: LiveSession,
  matches: (row: JobRow) => boolean,
  leave: { now: () => void },
): Promise<number | undefined> {
  const { terminal } = session;
  const board = new Board(matches);
  const unreadable = new Set<string>();
  const over = Promise.withResolvers<number | undefined>();
  let note = "reading…";
  let steering = START;
  let opened: OpenedJob | undefined;
  let dialog: Dialog | undefined;
  const told = new Map<string, string>();
  let seen: Seen = { jids: [], outcomes: [], text: [], lines: 0 };
  const picture = () => {
    const size = screenSize(terminal);
    const nowMs = session.store.now().getTime();
    const jobs = listed(board, steering, nowMs);
    const jids = jobs.map(({ row }) => row.jid);
    steering = settled(steering, jids, size.rows);
    const sight = opened?.look();
    const look = { color: terminal.color, columns: size.columns - 1 };
    const text = (steering.opened?.text && opened?.text(steering.opened.text, look)) ?? [];
    const groups = typeof sight === "object" ? sight.groups : [];
    seen = { jids, outcomes: groups.map(({ peels }) => peels[0]?.peel ?? ""), text, lines: size.rows };
    const server = session.store.shown;
    dialog?.shown();
    const shown = { board, jobs, opened: sight, text, dialog, told, note, unreadable: unreadable.size, server, nowMs };
    return renderPicture(shown, steering, terminal, size);
  };
  const open = (jid: string | undefined) => {
    if (opened?.jid === jid) return;
    opened?.close();
    opened = jid === undefined ? undefined : new OpenedJob(session, jid, change, over.reject);
  };
  const change = () => screen.change();
  const keyboard = new Keyboard((key) => {
    change();
    if (dialog) {
      if (!dialog.press(key)) return;
      if (dialog.told !== undefined) told.set(dialog.jid, dialog.told);
      dialog = undefined;
      return;
    }
    const next = steered(steering, key, seen);
    if (next === "quit") return over.resolve(opened?.code());
    if ("act" in next) {
      // It stays under the cursor when it ends.
      steering = { ...steering, cursor: next.jid };
      dialog = new Dialog(session, next, change, over.reject);
      return;
    }
    steering = next;
    open(steering.opened?.jid);
  });
  const screen = new Screen(terminal, picture, over.reject, keyboard);
  const setNote = (text: string) => {
    note = text;
    screen.change();
  };
  const watcher = {
    begin: () => board.beginPicture(),
    changed(jid: string, job: Job | undefined, live: boolean) {
      const row = job?.row;
      if (row?.unreadable !== undefined) unreadable.add(jid);
      else unreadable.delete(jid);
      const known = row?.unreadable === undefined ? job : undefined;
      if (board.put(jid, known, live, session.store.now().getTime()) && live) screen.change();
    },
    whole() {
      board.endPicture();
      setNote("");
    },
    open: () => board.open(),
  };
  leave.now = () => {
    screen.close();
    const words = dialog?.interruption;
    if (words !== undefined) terminal.error(words);
  };
  screen.open();
  const rows = () => board.rows(session.store.now().getTime());
  const stops = [
    lookForStuck(session, rows, (found) => {
      board.stuck = found;
      screen.change();
    }),
    keepCounting(session, rows, (counts) => {
      board.returned = counts;
      screen.change();
    }),
  ];
  try {
    const following = followAllJobs(session, linkNote(session, "table", setNote), watcher, CALL_FIELDS);
    return await Promise.race([following.then(() => undefined), over.promise]);
  } finally {
    for (const stop of stops) stop();
    opened?.close();
    screen.close();
  }
}
