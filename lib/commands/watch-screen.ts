// `watch` and `trace --follow` on a terminal: a screen of all jobs, or of one, controlled by keys.
import type { ValueMap } from "../codec/value.ts";
import { EXIT } from "../errors.ts";
import { followAllJobs, type Link, linkNote, type Watcher } from "../jobs/follow.ts";
import { lookForStuck } from "../jobs/heartbeats.ts";
import { keepCounting } from "../jobs/return-counts.ts";
import { endingCode } from "../model/job-end.ts";
import { countDone } from "../model/returns.ts";
import type { Selection } from "../model/selection.ts";
import { Board } from "../render/board.ts";
import { CALL_FIELDS } from "../render/call.ts";
import { endingLine } from "../render/ending.ts";
import { listed, opening, previewRoom, rowOf, type Seen, START, settled, steered } from "../render/keys.ts";
import { renderPicture } from "../render/picture.ts";
import { Keyboard } from "../terminal/keyboard.ts";
import { Screen, screenSize } from "../terminal/screen.ts";
import { tellNext } from "./answer.ts";
import { Dialog } from "./dialog.ts";
import { notEnded, within } from "./following.ts";
import { OpenedJob } from "./opened-job.ts";
import type { LiveSession, WaitLimit } from "./session.ts";

/** How long the cursor stays on a job before its outcomes are read, in ms. */
const REST_MS = 300;

interface Wanted {
  /** The jobs of the list. */
  readonly selection: Pick<Selection, "matches" | "text">;
  /** The job to open first; the list is read when it is closed. */
  readonly first: { readonly jid: string; readonly job: ValueMap } | undefined;
  readonly waitLimit: WaitLimit | undefined;
}

/**
 * Shows the screen until a person quits.
 * @returns the exit code: that of the open job, if it has ended
 */
export async function watchOnScreen(
  session: LiveSession,
  { selection, first, waitLimit }: Wanted,
): Promise<number | undefined> {
  const { terminal } = session;
  const board = new Board(selection.matches);
  const unreadable = new Set<string>();
  const over = Promise.withResolvers<"quit">();
  const names = [selection.text || undefined, session.context, session.store.shown];
  const places = names.filter((name) => name !== undefined);
  let note = "";
  let isListed = false;
  let isWhole = false;
  let steering = first ? opening(START, first.jid) : START;
  let opened: OpenedJob | undefined;
  let resting: { jid: string | undefined; timer?: ReturnType<typeof setTimeout> } = { jid: undefined };
  let dialog: Dialog | undefined;
  const told = new Map<string, string>();
  /** What was sent, which is printed again after the screen closes. */
  const sent: string[] = [];
  let seen: Seen = { jobs: [], opened: undefined, text: undefined, size: screenSize(terminal) };
  const picture = () => {
    const size = screenSize(terminal);
    const now = session.store.now();
    const jobs = isWhole ? listed(board, steering, now.getTime()) : [];
    const sight = opened?.look();
    // Its returns are known before all are counted again.
    if (opened && typeof sight === "object")
      board.returned = new Map(board.returned).set(opened.jid, countDone(sight.story.peels));
    steering = settled(steering, { jobs, opened: sight, size });
    const selected = jobs[steering.place]?.row.jid;
    if (!steering.opened) rest(previewRoom(size.rows) > 0 ? selected : undefined);
    const isSeen = opened?.jid === (steering.opened?.jid ?? selected);
    const look = { color: terminal.color, columns: size.columns - 1 };
    const text = steering.opened?.text && opened?.text(steering.opened.text, look);
    seen = { jobs, opened: isSeen ? sight : undefined, text, size };
    dialog?.shown(rowOf(steering, seen));
    const shown = { ...seen, isWhole, board, unreadable: unreadable.size, told, note, places, dialog, now };
    return renderPicture(shown, steering, terminal);
  };
  const open = (jid: string | undefined, job?: ValueMap) => {
    clearTimeout(resting.timer);
    resting = { jid };
    if (opened?.jid === jid) return;
    opened?.close();
    opened = jid === undefined ? undefined : new OpenedJob(session, jid, job, linkOfJob, change, over.reject);
    change();
  };
  /** Reads the job under the cursor after the cursor has stayed there. */
  const rest = (jid: string | undefined) => {
    if (jid === resting.jid) return;
    clearTimeout(resting.timer);
    resting = { jid, timer: setTimeout(open, REST_MS, jid) };
  };
  const change = () => screen.change();
  const answer = (asked: Dialog, key: string) => {
    if (!asked.press(key)) return;
    told.set(asked.jid, asked.told);
    dialog = undefined;
    if (asked.dispatched === undefined) return;
    steering = opening(steering, asked.dispatched);
    open(asked.dispatched);
  };
  const keyboard = new Keyboard((key) => {
    change();
    if (dialog) return answer(dialog, key);
    const next = steered(steering, key, seen);
    if (next === "quit") return over.resolve(next);
    if ("act" in next) {
      // It stays under the cursor when it ends.
      steering = { ...steering, cursor: next.jid };
      dialog = new Dialog(session, next, change, over.reject, (line) => sent.push(line));
      return;
    }
    steering = next;
    if (steering.opened) open(steering.opened.jid);
    else list();
  });
  const screen = new Screen(terminal, picture, over.reject, keyboard);
  const setNote = (text: string) => {
    note = text;
    change();
  };
  const link = linkNote(session, setNote);
  // While the list is followed, it reports the connection.
  const linkOfJob: Link = {
    lost: (why) => void (isListed || link.lost(why)),
    back: () => void (isListed || link.back()),
  };
  const watcher: Watcher = {
    begin: () => board.beginPicture(),
    changed(jid, job, live) {
      const isReadable = job?.row.unreadable === undefined;
      if (isReadable) unreadable.delete(jid);
      else unreadable.add(jid);
      if (board.put(jid, isReadable ? job : undefined, live, session.store.now().getTime()) && live) change();
    },
    whole() {
      board.endPicture();
      isWhole = true;
      setNote("");
    },
    open: () => board.open(),
  };
  const list = () => {
    if (isListed) return;
    isListed = true;
    setNote("reading…");
    followAllJobs(session, link, watcher, CALL_FIELDS).catch(over.reject);
  };
  const close = () => {
    screen.close();
    sent.splice(0).forEach(terminal.say);
    const { unanswered, interruption: words } = dialog ?? {};
    dialog = undefined;
    if (unanswered !== undefined) terminal.say(unanswered);
    if (words !== undefined) terminal.error(words);
  };
  session.interruption.clear = close;
  screen.open();
  const rows = () => board.rows(session.store.now().getTime());
  const stops = [
    lookForStuck(session, rows, (found) => {
      board.stuck = found;
      change();
    }),
    keepCounting(session, rows, (counts) => {
      board.returned = counts;
      change();
    }),
  ];
  try {
    if (first) open(first.jid, first.job);
    else list();
    const how = await within<"quit" | WaitLimit>(waitLimit, over.promise, (limit) => limit);
    const jid = steering.opened?.jid;
    const last = jid === undefined ? undefined : await opened?.end();
    close();
    if (last) {
      terminal.write(endingLine(last, session.store.now(), terminal.columns));
      tellNext([last], session);
      return endingCode(last);
    }
    if (how === "quit") return undefined;
    if (jid !== undefined) throw await notEnded(session, [jid], how);
    return EXIT.timedOut;
  } finally {
    for (const stop of stops) stop();
    clearTimeout(resting.timer);
    opened?.close();
    close();
  }
}
