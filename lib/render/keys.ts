// What keys do in the picture of `watch`: filter, sort, move the cursor, open a job, ask for an action. Pure.

import {
  byCreation,
  countTargets,
  displayState,
  failedOf,
  isTerminal,
  isUnknownStatus,
  type JobRow,
  type ReturnCounts,
  returnedNow,
} from "../model/job.ts";
import type { PeelStory } from "../model/story.ts";
import type { Board, BoardJob } from "./board.ts";

export const SORTS = ["state", "age", "progress", "failures"] as const;

/** Which jobs each order has first. */
export const FIRST = { state: "stuck", age: "oldest", progress: "least", failures: "most" } as const;

/** What keys have chosen. */
export interface Steering {
  /** The job under the cursor; undefined: the first row, whichever job that is. */
  readonly cursor: string | undefined;
  /** Its row among all rows, and the first row that is shown, when the picture was last drawn. */
  readonly place: number;
  readonly top: number;
  readonly filter: string;
  /** The filter is being typed. */
  readonly typing: boolean;
  readonly sort: (typeof SORTS)[number];
  /** Jobs that ended are shown too. */
  readonly ended: boolean;
  readonly help: boolean;
  readonly opened: OpenState | undefined;
}

export const START: Steering = {
  cursor: undefined,
  place: 0,
  top: 0,
  filter: "",
  typing: false,
  sort: "state",
  ended: false,
  help: false,
  opened: undefined,
};

/** A text about the job that is read instead of its outcomes. */
export interface TextView {
  readonly what: "output" | "events";
  /** Output: of the outcome that has this peel; undefined: of all peels. */
  readonly peel: string | undefined;
  /** Other outputs are shown as differences from the usual one. */
  readonly diff: boolean;
  /** The first line that is shown; more than there are: the last ones. */
  readonly top: number;
}

/** The lines of it. */
export interface JobText {
  /** None is wider than the terminal. */
  readonly lines: readonly string[];
  /** The peels whose output others are compared with; undefined when there is nothing to compare. */
  readonly against: readonly PeelStory[] | undefined;
}

/** What keys have chosen of the job that is open. */
export interface OpenState {
  readonly jid: string;
  /** The outcome under the cursor; undefined: the first row, whichever outcome that is. */
  readonly cursor: string | undefined;
  /** Its row when the picture was last drawn. */
  readonly place: number;
  readonly text: TextView | undefined;
}

const OUTPUT: TextView = { what: "output", peel: undefined, diff: false, top: 0 };
/** The newest events are the last ones. */
const EVENTS: TextView = { ...OUTPUT, what: "events", top: Number.MAX_SAFE_INTEGER };

/** A job that is opened by a key of the list; undefined for any other key. */
function openedBy(key: string, jid: string): OpenState | undefined {
  const open: OpenState = { jid, cursor: undefined, place: 0, text: undefined };
  if (key === "return") return open;
  if (key === "o") return { ...open, text: OUTPUT };
  return key === "e" ? { ...open, text: EVENTS } : undefined;
}

/** The picture with a job open. */
export const startingWith = (jid: string): Steering => ({ ...START, cursor: jid, opened: openedBy("return", jid) });

const within = (place: number, rows: number) => Math.max(0, Math.min(rows - 1, place));

/**
 * What a key does to the job that is open.
 * @param by how many lines the key moves; undefined for a key that does not
 * @returns undefined when it is closed
 */
function steeredOpen(
  state: OpenState,
  key: string,
  by: number | undefined,
  { outcomes, text: shown, lines }: Seen,
): OpenState | undefined {
  const { place, text } = state;
  if (key === "escape") return text && { ...state, text: undefined };
  if (key === "e") return { ...state, text: EVENTS };
  if (text) {
    const last = Math.max(0, (shown?.lines.length ?? 0) - openRoom(lines));
    if (by !== undefined) return { ...state, text: { ...text, top: within(Math.min(text.top, last) + by, last + 1) } };
    return key === "d" && shown?.against ? { ...state, text: { ...text, diff: !text.diff, top: 0 } } : state;
  }
  if (by !== undefined) {
    const to = within(place + by, outcomes.length);
    return { ...state, place: to, cursor: outcomes[to]?.name };
  }
  const peel = outcomes[place]?.peel;
  return key === "return" || key === "o" ? { ...state, text: { ...OUTPUT, peel } } : state;
}

/** Lines of the picture that are no rows: head, note, titles, details, hints. */
const AROUND = 5;

/** Lines about the outcomes of the job under the cursor, in a picture of so many. */
export const previewRoom = (lines: number) => (lines < 20 ? 0 : Math.min(8, Math.floor(lines / 6)));
/** Rows of jobs. */
export const roomOf = (lines: number) => Math.max(1, lines - AROUND - previewRoom(lines));
/** Lines of a job that is open: all but head, note and hints. */
export const openRoom = (lines: number) => Math.max(1, lines - 3);

const isText = (key: string) => key !== "" && !/^[a-z0-9-]{2,}$/.test(key);

/** A job that no longer matches leaves the cursor to the first one that does. */
const filtered = (steering: Steering, filter: string): Steering => ({ ...steering, filter, place: 0, top: 0 });

function typed(steering: Steering, key: string, rows: readonly JobRow[]): Steering {
  const { filter } = steering;
  // The job that was looked for stays under the cursor when the filter goes.
  if (key === "return" || key === "enter") return { ...steering, typing: false, cursor: rows[steering.place]?.jid };
  if (key === "escape") return { ...steering, typing: false, filter: "" };
  if (key === "ctrl-u") return filtered(steering, "");
  if (key === "backspace") return filtered(steering, [...filter].slice(0, -1).join(""));
  return isText(key) ? filtered(steering, filter + key) : steering;
}

/** How many rows a key moves the cursor; undefined for any other key. */
function moved(key: string, page: number): number | undefined {
  if (key === "up" || key === "k") return -1;
  if (key === "down" || key === "j") return 1;
  if (key === "pageup") return -page;
  if (key === "pagedown" || key === " ") return page;
  if (key === "ctrl-u") return -Math.ceil(page / 2);
  if (key === "ctrl-d") return Math.ceil(page / 2);
  if (key === "home" || key === "g") return Number.NEGATIVE_INFINITY;
  return key === "end" || key === "G" ? Number.POSITIVE_INFINITY : undefined;
}

/** What was on the screen when a key was pressed. */
export interface Seen {
  /** The jobs of the list. */
  readonly rows: readonly JobRow[];
  /** The job that is open; undefined before it has been read. */
  readonly openedRow: JobRow | undefined;
  /** The outcomes of the job that is open, each with its first peel, and the text about it. */
  readonly outcomes: readonly { readonly name: string; readonly peel: string }[];
  readonly text: JobText | undefined;
  /** Of the terminal. */
  readonly lines: number;
}

/** What is to be done with a job, after a question. */
export interface Act {
  readonly act: "kill" | "retry";
  readonly jid: string;
}

/** The key of what can be done with a job in its state. */
export const actKey = ({ status }: JobRow) => (isTerminal(status) ? "r" : "x");

/** What a key does. @returns "quit" to end it */
export function steered(steering: Steering, key: string, seen: Seen): Steering | Act | "quit" {
  const { rows, lines } = seen;
  const { opened } = steering;
  if (steering.typing) return typed(steering, key, rows);
  if (steering.help) return { ...steering, help: false };
  if (key === "q") return "quit";
  if (key === "?") return { ...steering, help: true };
  const row = opened ? seen.openedRow : rows[steering.place];
  if (row && key === actKey(row)) return { act: key === "x" ? "kill" : "retry", jid: row.jid };
  const by = moved(key, opened ? openRoom(lines) : roomOf(lines));
  if (opened) return { ...steering, opened: steeredOpen(opened, key, by, seen) };
  if (by !== undefined) {
    const place = within(steering.place + by, rows.length);
    return { ...steering, place, cursor: rows[place]?.jid };
  }
  const open = row && openedBy(key, row.jid);
  // It is the job under the cursor from now on.
  if (open) return { ...steering, cursor: open.jid, opened: open };
  switch (key) {
    case "/":
      return { ...steering, typing: true };
    case "escape":
      return { ...steering, filter: "" };
    case "t":
      return { ...steering, ended: !steering.ended };
    case "s":
      return { ...steering, sort: SORTS[(SORTS.indexOf(steering.sort) + 1) % SORTS.length] as Steering["sort"] };
  }
  return steering;
}

/** Finds the cursors among what is there now: that of the list stays on its job, and on its line where there is room. */
export function settled(
  steering: Steering,
  { rows, outcomes, lines }: Pick<Seen, "rows" | "outcomes" | "lines">,
): Steering {
  const room = roomOf(lines);
  const { cursor, opened } = steering;
  const found = cursor === undefined ? 0 : rows.findIndex(({ jid }) => jid === cursor);
  const place = found < 0 ? within(steering.place, rows.length) : found;
  const kept = Math.max(place - room + 1, Math.min(place, steering.top + place - steering.place));
  const top = Math.max(0, Math.min(rows.length - room, kept));
  const next = { ...steering, place, top };
  // A job that was just dispatched may come to the list later.
  if (opened) return { ...next, opened: settledOpen(opened, outcomes) };
  return { ...next, cursor: found < 0 ? (rows[place]?.jid ?? cursor) : cursor };
}

function settledOpen(open: OpenState, outcomes: Seen["outcomes"]): OpenState {
  const found = outcomes.findIndex(({ name }) => name === open.cursor);
  return { ...open, place: open.cursor === undefined ? 0 : found < 0 ? within(open.place, outcomes.length) : found };
}

/** Numbers by which rows are sorted, least first. */
const KEYS: Readonly<Record<Steering["sort"], (row: JobRow, isStuck: boolean, counts: ReturnCounts) => number>> = {
  state: (row, isStuck) => (isStuck ? -2 : isUnknownStatus(row.status) ? -1 : 0),
  age: () => 0,
  progress: (row, _, counts) => Number(returnedNow(row, counts) ?? 0) / Math.max(1, countTargets(row.targets ?? [])),
  failures: (row) => -Number(failedOf(row) ?? 0n),
};

/** What a filter looks at, but the ID. */
function filteredText({ row, what }: BoardJob, isStuck: boolean): string {
  const target = row.targetExpr ?? row.targets?.join(" ");
  return [what, target, row.user, displayState(row), isStuck && "stuck"].join(" ").toLowerCase();
}

/** In ns since 1970. */
const endedAt = ({ updated, created }: JobRow) => (updated ?? created)?.ns ?? 0n;

/** The jobs of the picture in their order: active ones first. Each of them has each word of the filter. */
export function listed(board: Board, { filter, sort, ended, cursor }: Steering, nowMs: number): BoardJob[] {
  const words = filter.toLowerCase().split(" ").filter(Boolean);
  const isStuck = ({ row }: BoardJob) => board.stuck.has(row.jid);
  const shown = new Map(board.jobs(nowMs).map((job) => [job.row.jid, job]));
  // The job under the cursor stays when it ends.
  for (const job of board.ended(nowMs)) if (ended || job.row.jid === cursor) shown.set(job.row.jid, job);
  const jobs = [...shown.values()].filter((job) => {
    if (words.length === 0) return true;
    const text = filteredText(job, isStuck(job));
    // An ID is random: it may contain any short word.
    const jid = job.row.jid.toLowerCase();
    return words.every((word) => text.includes(word) || jid.startsWith(word));
  });
  const key = (job: BoardJob) => KEYS[sort](job.row, isStuck(job), board.returned);
  return jobs
    .map((job) => ({ job, over: isTerminal(job.row.status), key: key(job) }))
    .sort((a, b) => {
      if (a.over !== b.over) return a.over ? 1 : -1;
      if (a.key !== b.key) return a.key - b.key;
      // Of those that are active the oldest first, of the others the last that ended.
      return a.over ? Number(endedAt(b.job.row) - endedAt(a.job.row)) : byCreation(a.job.row, b.job.row);
    })
    .map(({ job }) => job);
}
