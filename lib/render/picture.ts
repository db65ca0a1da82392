// The picture of `watch`: what keys make of it, and its lines. Pure: keys, jobs, a clock and a size in, lines out.

import { dim, paint } from "../colors.ts";
import { formatAge, formatDuration } from "../duration.ts";
import {
  byCreation,
  countTargets,
  displayState,
  failedOf,
  isActive,
  isTerminal,
  isUnknownStatus,
  type JobRow,
  jobDuration,
  type ReturnCounts,
  returnedNow,
} from "../model/job.ts";
import { STATE_GROUPS } from "../model/selection.ts";
import { stuckWords } from "../model/stuck.ts";
import { bar, count, cut, plural, safe, shorten, shortenMiddle, width } from "../text.ts";
import { type Board, type BoardJob, KEPT } from "./board.ts";
import { paintState } from "./colors.ts";
import { returnsOf, targetOf } from "./columns.ts";
import { idGives, leaves, shrinks } from "./fit.ts";
import { peelNames } from "./names.ts";
import { type Opened, type OpenState, openedBy, renderOpened, steeredOpen, type TextView, wrapped } from "./opened.ts";
import { type Cell, type Column, renderTable } from "./table.ts";

const SORTS = ["state", "age", "progress", "failures"] as const;

/** What keys have made of the picture. */
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

/** Each key with what it does: the hints of the last line, and the lines of the help. */
const HELP: readonly (readonly [keys: string, what: string])[] = [
  ["↑ ↓ j k", "move"],
  ["PgUp PgDn", "move a page"],
  ["g G", "first, last job"],
  ["Enter", "open the job; then the output of an outcome"],
  ["o e d", "output; events; output as differences"],
  ["Esc", "back; clear the filter"],
  ["x r", "cancel, retry the job; asks first"],
  ["/", "filter by ID, function, target, user or state"],
  ["t", "show ended jobs of the last hour too"],
  ["s", `sort by ${SORTS.join(", ")}`],
  ["?", "show or close this help"],
  ["q", "quit"],
];

/** Lines of the picture that are no rows: head, note, titles, details, hints. */
const AROUND = 5;

/** Rows of jobs in a picture of so many lines. */
const roomOf = (lines: number) => Math.max(1, lines - AROUND);
/** Lines of a job that is open: all but head, note and hints. */
const openRoom = (lines: number) => Math.max(1, lines - 3);

const isText = (key: string) => key !== "" && !/^[a-z0-9-]{2,}$/.test(key);

function typed(steering: Steering, key: string, jids: readonly string[]): Steering {
  const { filter } = steering;
  // The job that was looked for stays under the cursor when the filter goes.
  if (key === "return" || key === "enter") return { ...steering, typing: false, cursor: jids[steering.place] };
  if (key === "escape") return { ...steering, typing: false, filter: "" };
  if (key === "ctrl-u") return { ...steering, filter: "" };
  if (key === "backspace") return { ...steering, filter: [...filter].slice(0, -1).join("") };
  return isText(key) ? { ...steering, filter: filter + key } : steering;
}

/** How many rows a key moves the cursor; undefined for any other key. */
function moved(key: string, page: number): number | undefined {
  if (key === "up" || key === "k") return -1;
  if (key === "down" || key === "j") return 1;
  if (key === "pageup") return -page;
  if (key === "pagedown" || key === " ") return page;
  if (key === "home" || key === "g") return Number.NEGATIVE_INFINITY;
  return key === "end" || key === "G" ? Number.POSITIVE_INFINITY : undefined;
}

const within = (place: number, rows: number) => Math.max(0, Math.min(rows - 1, place));

/** What was on the screen when a key was pressed. */
export interface Seen {
  readonly jids: readonly string[];
  /** The first peel of each outcome of the job that is open, and the lines of the text about it. */
  readonly outcomes: readonly string[];
  readonly text: readonly string[];
  /** Of the terminal. */
  readonly lines: number;
}

/** What is to be done with a job, after a question. */
export interface Act {
  readonly act: "kill" | "retry";
  readonly jid: string;
}

const ACTS: Readonly<Record<string, Act["act"]>> = { x: "kill", r: "retry" };

/** What a key makes of the picture. @returns "quit" to end it */
export function steered(
  steering: Steering,
  key: string,
  { jids, outcomes, text, lines }: Seen,
): Steering | Act | "quit" {
  const { opened } = steering;
  if (steering.typing) return typed(steering, key, jids);
  if (steering.help) return { ...steering, help: false };
  if (key === "q") return "quit";
  if (key === "?") return { ...steering, help: true };
  const jid = opened?.jid ?? jids[steering.place];
  const act = ACTS[key];
  if (act) return jid === undefined ? steering : { act, jid };
  const by = moved(key, roomOf(lines));
  if (opened) {
    const room = openRoom(lines);
    return { ...steering, opened: steeredOpen(opened, key, by, { outcomes, lines: text.length, room }) };
  }
  if (by !== undefined) {
    const place = within(steering.place + by, jids.length);
    return { ...steering, place, cursor: jids[place] };
  }
  const open = jid === undefined ? undefined : openedBy(key, jid);
  // It is the job under the cursor from now on.
  if (open) return { ...steering, cursor: jid, opened: open };
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

/** Finds the cursor among the rows as they are now: it stays on its job, and on its line where there is room. */
export function settled(steering: Steering, jids: readonly string[], lines: number): Steering {
  const room = roomOf(lines);
  const { cursor } = steering;
  const found = cursor === undefined ? 0 : jids.indexOf(cursor);
  const place = found < 0 ? within(steering.place, jids.length) : found;
  const kept = Math.max(place - room + 1, Math.min(place, steering.top + place - steering.place));
  const top = Math.max(0, Math.min(jids.length - room, kept));
  return { ...steering, cursor: found < 0 ? (jids[place] ?? cursor) : cursor, place, top };
}

/** The states of jobs that need a look first. */
const WORST_FIRST = ["failed", "partial", "timeout", "canceled", "complete"];

/** Numbers by which rows are sorted, least first. */
const KEYS: Readonly<Record<Steering["sort"], (row: JobRow, isStuck: boolean, counts: ReturnCounts) => number>> = {
  state: (row, isStuck) =>
    isStuck ? -2 : isUnknownStatus(row.status) ? -1 : isActive(row.status) ? 0 : WORST_FIRST.indexOf(row.status ?? ""),
  age: () => 0,
  progress: (row, _, counts) => Number(returnedNow(row, counts) ?? 0) / Math.max(1, countTargets(row.targets ?? [])),
  failures: (row) => -Number(failedOf(row) ?? 0n),
};

/** What a filter looks at. */
function filteredText({ row, what }: BoardJob, isStuck: boolean): string {
  const target = row.targetExpr ?? row.targets?.join(" ");
  return [row.jid, what, target, row.user, displayState(row), isStuck && "stuck"].join(" ").toLowerCase();
}

/** The jobs of the picture in their order: active ones first. Each word of the filter is in each of them. */
export function listed(board: Board, { filter, sort, ended, cursor }: Steering, nowMs: number): BoardJob[] {
  const words = filter.toLowerCase().split(" ").filter(Boolean);
  const isStuck = ({ row }: BoardJob) => board.stuck.has(row.jid);
  const shown = new Map(board.jobs(nowMs).map((job) => [job.row.jid, job]));
  // The job under the cursor stays when it ends.
  for (const job of board.ended(nowMs)) if (ended || job.row.jid === cursor) shown.set(job.row.jid, job);
  const jobs = [...shown.values()].filter((job) => {
    if (words.length === 0) return true;
    const text = filteredText(job, isStuck(job));
    return words.every((word) => text.includes(word));
  });
  const key = (job: BoardJob) => KEYS[sort](job.row, isStuck(job), board.returned);
  return jobs
    .map((job) => ({ job, over: isTerminal(job.row.status), key: key(job) }))
    .sort((a, b) => {
      if (a.over !== b.over) return a.over ? 1 : -1;
      // Of those that are active the oldest first, of the others the newest.
      const age = byCreation(a.job.row, b.job.row);
      return a.key - b.key || (a.over ? -age : age);
    })
    .map(({ job }) => job);
}

const BAR_COLUMNS = 10;
/** Columns of the mark beside the job under the cursor. */
const MARK = 2;

/** `utf8` false where the locale has no blocks. */
interface PictureLook {
  readonly color: boolean;
  readonly utf8: boolean;
}

const ns = (ms: number) => BigInt(Math.round(ms)) * 1_000_000n;

function left(row: JobRow, nowMs: number): string {
  if (!row.deadline || !isActive(row.status)) return "-";
  const rest = row.deadline.ns - ns(nowMs);
  return rest >= 0n ? formatAge(rest) : `${formatAge(-rest)} over`;
}

/** The state of a job, and whether it is stuck. */
const stateText = (row: JobRow, { stuck }: Board) => displayState(row) + (stuck.has(row.jid) ? ", stuck" : "");

/** How columns give way: long texts, the bar, the id but its first characters, and in the end whole columns. */
function columnsFor(jids: readonly string[], shown: readonly BoardJob[], counts: ReturnCounts): Column[] {
  const returns = Math.max(...shown.map(({ row }) => width(returnsOf(row, counts))));
  return [
    { title: "JID", gives: idGives(jids, 3) },
    { title: "WHAT", gives: [shrinks(1, 24), shrinks(4, 12), shrinks(8, 8), leaves(9)] },
    { title: "TARGET", gives: [shrinks(1, 16), shrinks(4, 6), leaves(5)] },
    { title: "STATE" },
    { title: "RETURNS", gives: [{ rank: 2, to: returns, only: true }, leaves(7)] },
    { title: "FAILED" },
    { title: "TIME", gives: [leaves(6)] },
    { title: "LEFT" },
  ];
}

/** The columns of a target that no terminal has room for: a job may have 100,000. */
const TARGET_COLUMNS = 400;

function cellsOf({ row, what }: BoardJob, board: Board, nowMs: number, look: PictureLook): Cell[] {
  const took = jobDuration(row, new Date(nowMs));
  const returns = returnsOf(row, board.returned);
  const returned = returnedNow(row, board.returned);
  const withBar =
    row.targets && returned !== undefined
      ? `${bar(Number(returned), countTargets(row.targets), BAR_COLUMNS, look.utf8)} ${returns}`
      : undefined;
  return [
    { text: row.jid, fit: (max) => row.jid.slice(0, max) },
    { text: what, fit: (max) => shortenMiddle(what, max) },
    { text: targetOf(row, TARGET_COLUMNS), fit: (max) => targetOf(row, max) },
    {
      text: stateText(row, board),
      paint: paintState(board.stuck.has(row.jid) ? "stuck" : displayState(row), look.color),
    },
    { text: withBar ?? returns, fit: () => returns },
    { text: String(failedOf(row) ?? "-") },
    { text: took === undefined ? "-" : formatDuration(took < 0n ? 0n : took) },
    { text: left(row, nowMs) },
  ];
}

/** `3 active jobs, 1 stuck, 7 bad in 1h` */
function countWords(board: Board, nowMs: number): string {
  const rows = board.rows(nowMs);
  const stuck = rows.filter(({ jid }) => board.stuck.has(jid)).length;
  const unknown = rows.filter(({ status }) => isUnknownStatus(status)).length;
  const bad = board.ended(nowMs).filter(({ row }) => STATE_GROUPS.bad?.includes(row.status ?? "")).length;
  const words = [
    plural(board.activeCount, "active job"),
    stuck > 0 && `${count(stuck)} stuck`,
    unknown > 0 && `${count(unknown)} in an unknown state`,
    bad > 0 && `${count(bad)} bad ${board.keepsAll ? "in 1h" : `of the last ${KEPT.jobs}`}`,
  ];
  return words.filter(Boolean).join(", ");
}

/** What keys have chosen, and the filter while it is typed. */
function steeringWords({ filter, typing, sort, ended }: Steering): string {
  const words = [
    (filter !== "" || typing) && `filter: ${safe(filter)}${typing ? "_" : ""}`,
    sort !== "state" && `sorted by ${sort}`,
    ended && "ended jobs too",
  ];
  return words.filter(Boolean).join("  ");
}

/** The whole ID of the job under the cursor, its user, and why it is stuck. */
function detailWords({ board: { stuck }, jobs, told }: Shown, place: number): string {
  const job = jobs[place];
  if (!job) return "";
  const { jid, user, owner } = job.row;
  const why = stuck.get(jid);
  const words = [
    `${place + 1}/${jobs.length}`,
    // It names the job.
    told.get(jid) ?? jid,
    why && `stuck: ${stuckWords(why)}`,
    user && `by ${user}`,
    !why && owner && `on ${owner}`,
  ];
  return safe(words.filter(Boolean).join("  "));
}

/** Words side by side, as many as have room. */
function hintLine(hints: readonly string[], columns: number): string {
  let line = "";
  for (const hint of hints) {
    const longer = line === "" ? hint : `${line}  ${hint}`;
    if (width(longer) > columns) break;
    line = longer;
  }
  return line;
}

/** Columns of the names of peels above a text. */
const NAMES = 30;

const plainArrows = (text: string, utf8: boolean) => (utf8 ? text : text.replace(/[↑↓] ?/g, ""));

function hints({ typing, ended, opened }: Steering, columns: number, utf8: boolean): string {
  if (typing) return hintLine(["Enter keep", "Esc clear"], columns);
  const arrows = (keys: readonly string[]) => keys.map((key) => (utf8 ? key : key.replace("↑↓", "jk")));
  const last = ["? help", "q quit"];
  const acts = ["x cancel", "r retry"];
  if (opened?.text) {
    const diff = opened.text.what === "output" ? [`d ${opened.text.diff ? "whole" : "differences"}`] : [];
    return hintLine(arrows(["↑↓ scroll", ...diff, "Esc back", ...last]), columns);
  }
  if (opened) return hintLine(arrows(["↑↓ move", "o output", "e events", "Esc back", ...last, ...acts]), columns);
  const jobs = `t ${ended ? "active only" : "ended too"}`;
  return hintLine(arrows(["↑↓ move", "Enter open", "/ filter", jobs, ...last, "s sort", ...acts]), columns);
}

function helpLines(utf8: boolean): string[] {
  const keys = HELP.map(([key]) => plainArrows(key, utf8));
  const wide = Math.max(...keys.map((key) => width(key)));
  return HELP.map(([, what], i) => `  ${keys[i]}${" ".repeat(wide - width(keys[i] as string))}  ${what}`);
}

/** `text`, and `right` at the end of the line. */
function spread(text: string, right: string, columns: number): string {
  const words = shorten(safe(text), Math.max(1, columns - width(right) - 2));
  return words + " ".repeat(Math.max(2, columns - width(words) - width(right))) + right;
}

/** The titles, and the rows that have room. */
function rowLines(
  board: Board,
  jobs: readonly BoardJob[],
  { place, top, filter }: Steering,
  { color, utf8 }: PictureLook,
  { columns, rows }: { columns: number; rows: number },
  nowMs: number,
): string[] {
  const shown = jobs.slice(top, top + roomOf(rows));
  if (shown.length === 0) return [filter === "" ? "No active jobs." : "No jobs match the filter."];
  const jids = jobs.map(({ row }) => row.jid);
  const cells = shown.map((job) => cellsOf(job, board, nowMs, { color, utf8 }));
  const table = renderTable(columnsFor(jids, shown, board.returned), cells, true, {
    color,
    columns: columns - MARK,
    wrap: false,
  });
  const lines = table.split("\n").slice(0, -1);
  return lines.map((line, i) => `${i === place - top + 1 ? ">" : " "} ${line}`);
}

/** What a picture is made of beside what keys have chosen. */
export interface Shown {
  readonly board: Board;
  readonly jobs: readonly BoardJob[];
  /** A question about a job, and what is said before and after it. */
  readonly dialog: { readonly lines: readonly string[]; readonly asks: boolean; readonly isOver: boolean } | undefined;
  /** What came of such questions, by job. */
  readonly told: ReadonlyMap<string, string>;
  /** About the connection; empty when there is nothing to report. What is shown is old then. */
  readonly note: string;
  /** The job that is open, or why it can't be shown. */
  readonly opened: Opened | string | undefined;
  /** The lines of the text about it that is read. */
  readonly text: readonly string[];
  /** Jobs that cannot be decoded. */
  readonly unreadable: number;
  /** Its address. */
  readonly server: string;
  readonly nowMs: number;
}

const padded = (lines: readonly string[], rows: number) => Array.from({ length: rows }, (_, i) => lines[i] ?? "");

const dialogHints = ({ asks, isOver }: NonNullable<Shown["dialog"]>) =>
  isOver ? "any key back" : asks ? "y yes  n no" : "working…";

/** The first line of a text that is shown. */
const firstLine = ({ top }: TextView, lines: number, room: number) => Math.min(top, Math.max(0, lines - room));

/** `output of web-[01-02]  1-18 of 240 lines` */
function textWords({ what, peel }: TextView, { opened, text }: Shown, from: number, room: number): string {
  const group = typeof opened === "object" ? opened.groups.find(({ peels }) => peels[0]?.peel === peel) : undefined;
  const of = what === "output" && group ? ` of ${peelNames(group.peels, NAMES)}` : "";
  return `${what}${of}  ${from + 1}-${Math.min(text.length, from + room)} of ${plural(text.length, "line")}`;
}

/** The lines of a job that is open, and what the note says of them. */
function openedLines(
  shown: Shown,
  state: OpenState | undefined,
  look: PictureLook,
  size: { columns: number; rows: number },
): { body: readonly string[]; words: string } {
  const { opened, text } = shown;
  if (typeof opened !== "object") return { body: [safe(opened ?? "")], words: "" };
  if (!state?.text) return { body: renderOpened(opened, state?.place ?? 0, look, size), words: "" };
  const from = firstLine(state.text, text.length, size.rows);
  return { body: text.slice(from, from + size.rows), words: textWords(state.text, shown, from, size.rows) };
}

/** One picture, at most `size.rows` lines that don't wrap. @param steering as `settled` for these jobs and this size */
export function renderPicture(
  shown: Shown,
  steering: Steering,
  look: PictureLook,
  size: { columns: number; rows: number },
): string[] {
  const { board, jobs, opened, dialog, note, unreadable, server, nowMs } = shown;
  // The last column stays empty: what clears the rest of a line would clear it too.
  const columns = size.columns - 1;
  const { place, help } = steering;
  const room = { columns, rows: openRoom(size.rows) };
  const bad = unreadable > 0 ? `, ${count(unreadable)} cannot be decoded` : "";
  const clock = new Date(nowMs).toTimeString().slice(0, 8);
  const attention = (text: string) => (look.color ? paint("attention", text) : text);
  const list = () => ({
    body: [
      ...padded(rowLines(board, jobs, steering, look, { ...size, columns }, nowMs), roomOf(size.rows) + 1),
      detailWords(shown, place),
    ],
    words: steeringWords(steering),
  });
  const { body, words } = dialog
    ? { body: wrapped(dialog.lines, columns).slice(-room.rows), words: "" }
    : help
      ? { body: helpLines(look.utf8), words: "" }
      : opened === undefined
        ? list()
        : openedLines(shown, steering.opened, look, room);
  const isOld = note !== "" && look.color;
  const lines = [
    spread(`${countWords(board, nowMs)}${bad}  ${server}`, clock, columns),
    note === "" ? words : attention(safe(note)),
    ...padded(body, room.rows).map((line) => (isOld ? dim(Bun.stripANSI(line)) : line)),
    dialog ? dialogHints(dialog) : hints(steering, columns, look.utf8),
  ];
  // On very few lines the last ones go.
  return lines.slice(0, size.rows).map((line) => cut(line, columns));
}
