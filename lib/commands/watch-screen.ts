// `watch` on a terminal: the picture of all jobs, steered by keys.
import { followAllJobs, linkNote } from "../jobs/follow.ts";
import { lookForStuck } from "../jobs/heartbeats.ts";
import { keepCounting } from "../jobs/return-counts.ts";
import type { Job, JobRow } from "../model/job.ts";
import { Board } from "../render/board.ts";
import { CALL_FIELDS } from "../render/call.ts";
import { listed, renderPicture, START, settled, steered } from "../render/picture.ts";
import { Keyboard } from "../terminal/keyboard.ts";
import { Screen, screenSize } from "../terminal/screen.ts";
import type { Session } from "./session.ts";

/** Shows the picture until a person quits. @param leave is set to what gives the terminal back */
export async function watchOnScreen(
  session: Session,
  matches: (row: JobRow) => boolean,
  leave: { now: () => void },
): Promise<void> {
  const { terminal } = session;
  const board = new Board(matches);
  const unreadable = new Set<string>();
  const over = Promise.withResolvers<void>();
  let note = "reading…";
  let steering = START;
  /** The rows of the picture that is on the screen. */
  let jids: readonly string[] = [];
  const picture = () => {
    const size = screenSize(terminal);
    const nowMs = session.store.now().getTime();
    const jobs = listed(board, steering, nowMs);
    jids = jobs.map(({ row }) => row.jid);
    steering = settled(steering, jids, size.rows);
    const shown = { board, jobs, note, unreadable: unreadable.size, server: session.store.shown, nowMs };
    return renderPicture(shown, steering, terminal, size);
  };
  const keyboard = new Keyboard((key) => {
    const next = steered(steering, key, jids, screenSize(terminal).rows);
    if (next === "quit") return over.resolve();
    steering = next;
    screen.change();
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
  leave.now = () => screen.close();
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
    await Promise.race([following, over.promise]);
  } finally {
    for (const stop of stops) stop();
    screen.close();
  }
}
