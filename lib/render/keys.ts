// The keys of the `watch` screen: filter, sort, move the cursor, open a job, start an action. Pure.

import {
  badOf,
  byCreation,
  countTargets,
  displayState,
  isActive,
  isTerminal,
  isUnknownStatus,
  type JobRow,
  returnedNow,
} from "../model/job.ts";
import type { Board, BoardJob } from "./board.ts";
import { type JobText, type Opened, outcomeName, type Size, type TextView } from "./opened.ts";

interface Order {
  /** Sort keys of jobs: the smallest is first. */
  readonly first: string;
  key(job: BoardJob, board: Board): number;
}

export const SORTS = {
  state: {
    first: "stuck",
    key: ({ row }, { stuck }) => (stuck.has(row.jid) ? -2 : -Number(isUnknownStatus(row.status))),
  },
  age: { first: "oldest", key: ({ row }) => Number(row.created?.ns ?? 0n) },
  progress: {
    first: "least",
    key: ({ row }, { returned }) =>
      Number(returnedNow(row, returned) ?? 0) / Math.max(1, countTargets(row.targets ?? [])),
  },
  "bad peels": { first: "most", key: ({ row }) => -Number(badOf(row) ?? 0n) },
} as const satisfies Record<string, Order>;

type ListSort = keyof typeof SORTS;
export const SORT_NAMES = Object.keys(SORTS) as ListSort[];

/** The view of the open job, as chosen by keys. */
export interface OpenState {
  readonly jid: string;
  /** The outcome under the cursor; undefined: always the first row. */
  readonly cursor: string | undefined;
  /** Its row when the screen was last drawn. */
  readonly place: number;
  readonly text: TextView | undefined;
}

export interface Steering {
  /** The job under the cursor; undefined: always the first row. */
  readonly cursor: string | undefined;
  /** Its row among all rows, and the first row that is shown, when the screen was last drawn. */
  readonly place: number;
  readonly top: number;
  readonly filter: string;
  readonly typing: boolean;
  readonly sort: ListSort;
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

/** The content of the screen when a key is pressed. */
export interface Seen {
  readonly jobs: readonly BoardJob[];
  /** The open job, or the one under the cursor, or why it cannot be shown; undefined before it was read. */
  readonly opened: Opened | string | undefined;
  readonly text: JobText | undefined;
  readonly size: Size;
}

const OUTPUT: TextView = { what: "output", peel: undefined, diff: false, top: 0 };
/** The newest events are the last ones. */
const EVENTS: TextView = { ...OUTPUT, what: "events", top: Number.MAX_SAFE_INTEGER };
/** The keys that open a job of the list, and the text that each shows. */
const OPENS = new Map([
  ["return", undefined],
  ["o", OUTPUT],
  ["e", EVENTS],
]);

export const opening = (steering: Steering, jid: string, text?: TextView): Steering => ({
  ...steering,
  cursor: jid,
  opened: { jid, cursor: undefined, place: 0, text },
});

/** Lines of the screen that are not rows: head, note, titles, details, hints. */
const AROUND = 5;
/** Lines for the outcomes of the job under the cursor, on a terminal with this many lines. */
export const previewRoom = (lines: number) => (lines < 20 ? 0 : Math.min(8, Math.floor(lines / 6)));
export const roomOf = (lines: number) => Math.max(1, lines - AROUND - previewRoom(lines));
/** Lines for an open job: all except head, note and hints. */
export const openRoom = (lines: number) => Math.max(1, lines - 3);

const clampRow = (place: number, rows: number) => Math.max(0, Math.min(rows - 1, place));

/** Applies a key to the open job. @param by lines that the key moves; undefined for another key */
function steeredOpen(state: OpenState, key: string, by: number | undefined, seen: Seen): OpenState | undefined {
  const { place, text } = state;
  if (key === "escape") return text && { ...state, text: undefined };
  if (key === "e") return { ...state, text: EVENTS };
  if (text) {
    const last = Math.max(0, (seen.text?.lines.length ?? 0) - openRoom(seen.size.rows));
    if (by !== undefined)
      return { ...state, text: { ...text, top: clampRow(Math.min(text.top, last) + by, last + 1) } };
    return key === "d" && seen.text?.against ? { ...state, text: { ...text, diff: !text.diff, top: 0 } } : state;
  }
  const groups = typeof seen.opened === "object" ? seen.opened.groups : [];
  if (by !== undefined) {
    const group = groups[clampRow(place + by, groups.length)];
    return { ...state, place: clampRow(place + by, groups.length), cursor: group && outcomeName(group) };
  }
  const peel = groups[place]?.peels[0]?.peel;
  return key === "return" || key === "o" ? { ...state, text: { ...OUTPUT, peel } } : state;
}

const isCharacter = (key: string) => key !== "" && !/^[a-z0-9-]{2,}$/.test(key);

/** When the job under the cursor no longer matches, the cursor moves to the first job that does. */
const filtered = (steering: Steering, filter: string): Steering => ({ ...steering, filter, place: 0, top: 0 });

function typed(steering: Steering, key: string, { jobs }: Seen): Steering {
  const { filter, place } = steering;
  // The job that was searched for stays under the cursor when the filter is removed.
  if (key === "return" || key === "enter") return { ...steering, typing: false, cursor: jobs[place]?.row.jid };
  if (key === "escape") return { ...steering, typing: false, filter: "" };
  if (key === "ctrl-u") return filtered(steering, "");
  if (key === "backspace") return filtered(steering, [...filter].slice(0, -1).join(""));
  return isCharacter(key) ? filtered(steering, filter + key) : steering;
}

/** The number of rows that a key moves the cursor; undefined for any other key. */
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

export interface Act {
  readonly act: "kill" | "retry";
  readonly jid: string;
}

/** The key of the action that the state of a job allows. */
export const actKey = ({ status }: JobRow) => (isTerminal(status) ? "r" : "x");

/** The job that keys act on. */
export function rowOf({ opened, place }: Steering, seen: Pick<Seen, "jobs" | "opened">): JobRow | undefined {
  if (!opened) return seen.jobs[place]?.row;
  return typeof seen.opened === "object" ? seen.opened.row : undefined;
}

/** Applies a key. @returns "quit" to end the screen */
export function steered(steering: Steering, key: string, seen: Seen): Steering | Act | "quit" {
  const { jobs, size } = seen;
  const { opened } = steering;
  if (steering.typing) return typed(steering, key, seen);
  if (steering.help) return { ...steering, help: false };
  if (key === "q") return "quit";
  if (key === "?") return { ...steering, help: true };
  const row = rowOf(steering, seen);
  if (row && key === actKey(row)) return { act: key === "x" ? "kill" : "retry", jid: row.jid };
  const by = moved(key, opened ? openRoom(size.rows) : roomOf(size.rows));
  if (opened) return { ...steering, opened: steeredOpen(opened, key, by, seen) };
  if (by !== undefined) {
    const place = clampRow(steering.place + by, jobs.length);
    return { ...steering, place, cursor: jobs[place]?.row.jid };
  }
  if (row && OPENS.has(key)) return opening(steering, row.jid, OPENS.get(key));
  switch (key) {
    case "/":
      return { ...steering, typing: true };
    case "escape":
      return { ...steering, filter: "" };
    case "t":
      return { ...steering, ended: !steering.ended };
    case "s":
      return { ...steering, sort: SORT_NAMES[(SORT_NAMES.indexOf(steering.sort) + 1) % SORT_NAMES.length] as ListSort };
  }
  return steering;
}

/** The row of a cursor among `names`; if its name is gone, the row of the last picture. */
function placeOf({ cursor, place }: Pick<Steering, "cursor" | "place">, names: readonly string[]): number {
  if (cursor === undefined) return 0;
  const found = names.indexOf(cursor);
  return found < 0 ? clampRow(place, names.length) : found;
}

/** Finds the rows of both cursors: that of the list stays on its job, and on its line if possible. */
export function settled(steering: Steering, { jobs, opened, size }: Omit<Seen, "text">): Steering {
  const { cursor, opened: open } = steering;
  const room = roomOf(size.rows);
  const jids = jobs.map(({ row }) => row.jid);
  const place = placeOf(steering, jids);
  const kept = Math.max(place - room + 1, Math.min(place, steering.top + place - steering.place));
  const top = Math.max(0, Math.min(jids.length - room, kept));
  // A job that was just dispatched may appear in the list later.
  if (!open) return { ...steering, place, top, cursor: cursor && (jids[place] ?? cursor) };
  const outcomes = typeof opened === "object" ? opened.groups.map(outcomeName) : [];
  return { ...steering, place, top, opened: { ...open, place: placeOf(open, outcomes) } };
}

/** The text that a filter searches, without the ID. */
function filteredText({ row, what }: BoardJob, { stuck }: Board): string {
  const target = row.targetExpr ?? row.targets?.join(" ");
  const words = [what, target, row.user, displayState(row), isActive(row.status) && "active"];
  return [...words, stuck.has(row.jid) && "stuck"].join(" ").toLowerCase();
}

const endedAt = ({ row: { updated, created } }: BoardJob) => (updated ?? created)?.ns ?? 0n;

/** The jobs of the list in order, active ones first. Each contains every word of the filter. */
export function listed(board: Board, { filter, sort, ended, cursor }: Steering, nowMs: number): BoardJob[] {
  const words = filter.toLowerCase().split(" ").filter(Boolean);
  const shown = new Map(board.jobs(nowMs).map((job) => [job.row.jid, job]));
  // The job under the cursor stays when it ends.
  for (const job of board.ended(nowMs)) if (ended || job.row.jid === cursor) shown.set(job.row.jid, job);
  const jobs = [...shown.values()].filter((job) => {
    if (words.length === 0) return true;
    const text = filteredText(job, board);
    // An ID is random: it may contain any short word.
    const jid = job.row.jid.toLowerCase();
    return words.every((word) => text.includes(word) || jid.startsWith(word));
  });
  const { key }: Order = SORTS[sort];
  return jobs.sort((a, b) => {
    const isOver = isTerminal(a.row.status);
    if (isOver !== isTerminal(b.row.status)) return isOver ? 1 : -1;
    // With equal keys: active jobs oldest first; others last ended first.
    return key(a, board) - key(b, board) || (isOver ? Number(endedAt(b) - endedAt(a)) : byCreation(a.row, b.row));
  });
}
