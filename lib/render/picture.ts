// The lines of the picture of `watch`. Pure: what keys have chosen, jobs, a clock and a size in, lines out.

import { dim, paint } from "../colors.ts";
import { formatAge, formatDuration } from "../duration.ts";
import {
  countTargets,
  displayState,
  failedOf,
  isActive,
  isUnknownStatus,
  type JobRow,
  jobDuration,
  type ReturnCounts,
  returnedNow,
  unknownStateWords,
} from "../model/job.ts";
import { STATE_GROUPS } from "../model/selection.ts";
import { stuckWords } from "../model/stuck.ts";
import { bar, count, cut, plural, safe, shorten, shortenMiddle, width } from "../text.ts";
import { type Board, type BoardJob, KEPT } from "./board.ts";
import { paintState } from "./colors.ts";
import { returnsOf, targetOf } from "./columns.ts";
import { idGives, leaves, shrinks } from "./fit.ts";
import { type OpenState, openRoom, previewRoom, roomOf, SORTS, type Steering, type TextView } from "./keys.ts";
import { peelNames } from "./names.ts";
import { marked, type Opened, type PictureLook, previewLines, renderOpened, wrapped } from "./opened.ts";
import { type Cell, type Column, renderTable } from "./table.ts";

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

const BAR_COLUMNS = 10;
/** Columns of the mark beside the job under the cursor. */
const MARK = 2;

const ns = (ms: number) => BigInt(Math.round(ms)) * 1_000_000n;

/** The time before the deadline, with `word` behind it; undefined for none. */
function left(row: JobRow, nowMs: number, word = ""): string | undefined {
  if (!row.deadline || !isActive(row.status)) return undefined;
  const rest = row.deadline.ns - ns(nowMs);
  return rest >= 0n ? formatAge(rest) + word : `${formatAge(-rest)} overdue`;
}

/** The state of a job, and whether it is stuck. */
const stateText = (row: JobRow, { stuck }: Board) => displayState(row) + (stuck.has(row.jid) ? ", stuck" : "");

/** How columns give way: the id but its first characters, the time left, long texts, the bar, and in the end whole columns. */
function columnsFor(jids: readonly string[], shown: readonly BoardJob[], counts: ReturnCounts): Column[] {
  const returns = Math.max(...shown.map(({ row }) => width(returnsOf(row, counts))));
  return [
    { title: "JID", gives: idGives(jids, 2) },
    { title: "WHAT", gives: [shrinks(1, 24), shrinks(4, 16), shrinks(6, 12), shrinks(10, 8), leaves(11)] },
    { title: "TARGET", gives: [shrinks(1, 16), shrinks(6, 6), leaves(7)] },
    { title: "STATE" },
    { title: "RETURNS", gives: [{ rank: 5, to: returns, only: true }, leaves(9)] },
    { title: "FAILED" },
    { title: "TIME", gives: [leaves(8)] },
    { title: "LEFT", gives: [leaves(3)] },
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
    { text: left(row, nowMs) ?? "-" },
  ];
}

/** `3 active · 1 stuck · 7 bad in 1h` */
function countWords({ board, unreadable, nowMs }: Shown, utf8: boolean): string {
  const rows = board.rows(nowMs);
  const stuck = rows.filter(({ jid }) => board.stuck.has(jid)).length;
  const unknown = rows.filter(({ status }) => isUnknownStatus(status)).length;
  const bad = board.ended(nowMs).filter(({ row }) => STATE_GROUPS.bad?.includes(row.status ?? "")).length;
  const words = [
    `${count(board.activeCount)} active`,
    stuck > 0 && `${count(stuck)} stuck`,
    unknown > 0 && `${count(unknown)} in an unknown state`,
    bad > 0 && `${count(bad)} bad ${board.keepsAll ? "in 1h" : `of the last ${KEPT.jobs}`}`,
    unreadable > 0 && `${count(unreadable)} cannot be decoded`,
  ];
  return words.filter(Boolean).join(utf8 ? " · " : ", ");
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
function detailWords({ board: { stuck }, jobs, told, nowMs }: Shown, place: number): string {
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
    !why && left(job.row, nowMs, " left"),
  ];
  return safe(words.filter(Boolean).join("  "));
}

/** `── text ────────` */
function ruleLine(text: string, columns: number, utf8: boolean): string {
  const line = utf8 ? "─" : "-";
  const words = text && ` ${cut(text, columns - 6)} `;
  return `${line.repeat(2)}${words}`.padEnd(columns - width(words) + words.length, line);
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
  { board, jobs, nowMs }: Shown,
  { place, top, filter }: Steering,
  { color, utf8 }: PictureLook,
  columns: number,
  rows: number,
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
  return lines.map((line, i) => marked(line, i === place - top + 1, color, columns));
}

/** What a picture is made of beside what keys have chosen. */
export interface Shown {
  /** All jobs have been read. */
  readonly isWhole: boolean;
  readonly board: Board;
  readonly jobs: readonly BoardJob[];
  /** A question about a job, and what is said before and after it. */
  readonly dialog: { readonly lines: readonly string[]; readonly asks: boolean; readonly isOver: boolean } | undefined;
  /** What came of such questions, by job. */
  readonly told: ReadonlyMap<string, string>;
  /** About the connection; empty when there is nothing to report. What is shown is old then. */
  readonly note: string;
  /** The job that is open, or the one under the cursor, or why it can't be shown. */
  readonly opened: Opened | string | undefined;
  /** The lines of the text about it that is read. */
  readonly text: readonly string[];
  /** Jobs that cannot be decoded. */
  readonly unreadable: number;
  /** What is watched: the name of the context, the address of the server. */
  readonly places: readonly string[];
  readonly nowMs: number;
}

const padded = (lines: readonly string[], rows: number) => Array.from({ length: rows }, (_, i) => lines[i] ?? "");

const dialogHints = ({ asks, isOver }: NonNullable<Shown["dialog"]>) =>
  isOver ? "any key back" : asks ? "y yes  n no" : "working…";

/** The first line of a text that is shown. */
const firstLine = ({ top }: TextView, lines: number, room: number) => Math.min(top, Math.max(0, lines - room));

/** `output of web-[01-02]  1-18 of 240 lines` */
function textWords({ what, peel }: TextView, { opened, text }: Shown, from: number, room: number): string {
  const group =
    typeof opened === "object" ? opened.groups.find(({ peels }) => peels.some((one) => one.peel === peel)) : undefined;
  const of = what === "output" && group ? ` of ${peelNames(group.peels, NAMES)}` : "";
  return `${what}${of}  ${from + 1}-${Math.min(text.length, from + room)} of ${plural(text.length, "line")}`;
}

/** The lines of a job that is open, and what the note says of them. */
function openedLines(
  shown: Shown,
  state: OpenState,
  look: PictureLook,
  size: { columns: number; rows: number },
): { body: readonly string[]; words: string } {
  const { opened, text } = shown;
  if (typeof opened !== "object") return { body: [safe(opened ?? "")], words: "" };
  const unknown = unknownStateWords([opened.watched.row]);
  if (!state.text) return { body: renderOpened(opened, state.place, look, size), words: safe(unknown ?? "") };
  const from = firstLine(state.text, text.length, size.rows);
  return { body: text.slice(from, from + size.rows), words: textWords(state.text, shown, from, size.rows) };
}

/** The list, and what is under the cursor. */
function listLines(
  shown: Shown,
  steering: Steering,
  look: PictureLook,
  { columns, rows }: { columns: number; rows: number },
): string[] {
  const { isWhole, opened } = shown;
  const preview = typeof opened === "object" ? previewLines(opened, look, columns, previewRoom(rows)) : [opened ?? ""];
  return [
    ...padded(isWhole ? rowLines(shown, steering, look, columns, rows) : [], roomOf(rows) + 1),
    ruleLine(detailWords(shown, steering.place), columns, look.utf8),
    ...preview,
  ];
}

/** One picture, at most `size.rows` lines that don't wrap. @param steering as `settled` for these jobs and this size */
export function renderPicture(
  shown: Shown,
  steering: Steering,
  look: PictureLook,
  size: { columns: number; rows: number },
): string[] {
  const { isWhole, dialog, note, places, nowMs } = shown;
  // The last column stays empty: what clears the rest of a line would clear it too.
  const columns = size.columns - 1;
  const { help, opened } = steering;
  const room = { columns, rows: openRoom(size.rows) };
  const attention = (text: string) => (look.color ? paint("attention", text) : text);
  const { body, words } = dialog
    ? { body: wrapped(dialog.lines, columns).slice(-room.rows), words: "" }
    : help
      ? { body: helpLines(look.utf8), words: "" }
      : opened
        ? openedLines(shown, opened, look, room)
        : { body: listLines(shown, steering, look, { ...size, columns }), words: steeringWords(steering) };
  const isOld = note !== "" && look.color;
  const counts = isWhole ? `${countWords(shown, look.utf8)}  ` : "";
  const clock = new Date(nowMs).toTimeString().slice(0, 8);
  const lines = [
    spread(places.join(look.utf8 ? " · " : ", "), counts + clock, columns),
    note === "" ? words : attention(safe(note)),
    ...padded(body, room.rows).map((line) => (isOld ? dim(Bun.stripANSI(line)) : line)),
    dialog ? dialogHints(dialog) : hints(steering, columns, look.utf8),
  ];
  // On very few lines the last ones go.
  return lines.slice(0, size.rows).map((line) => cut(line, columns));
}
