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
import { hasFailed } from "../model/stats.ts";
import { stuckWords } from "../model/stuck.ts";
import { bar, count, cut, plural, safe, shorten, shortenMiddle, width } from "../text.ts";
import { type Board, type BoardJob, KEPT } from "./board.ts";
import { paintState } from "./colors.ts";
import { returnsOf, targetOf } from "./columns.ts";
import { idGives, leaves, shrinks } from "./fit.ts";
import {
  actKey,
  FIRST,
  type JobText,
  type OpenState,
  openRoom,
  previewRoom,
  roomOf,
  SORTS,
  type Steering,
  type TextView,
} from "./keys.ts";
import { peelNames } from "./names.ts";
import { hasPeel, marked, type Opened, type PictureLook, previewLines, renderOpened, wrapped } from "./opened.ts";
import { type Cell, type Column, renderTable } from "./table.ts";

type Key = readonly [keys: string, what: string];

const moves = (what: string): readonly Key[] => [
  ["↑ ↓ j k", what],
  ["PgUp PgDn Space", `${what} a page`],
  ["Ctrl-U Ctrl-D", `${what} half a page`],
  ["g G", "first, last"],
];
const ACTS: readonly Key[] = [
  ["x", "cancel a job that runs (asks first)"],
  ["r", "retry a job that ended (asks first)"],
];
const QUIT: Key = ["q", "quit"];

/** The keys of each screen, one per line. */
const HELP = {
  list: [
    ...moves("move"),
    ["Enter", "open the job"],
    ["o", "show its output"],
    ["e", "show its events"],
    ...ACTS,
    ["/", "show jobs that match a text or ID prefix"],
    ["Esc", "clear the filter"],
    ["t", "show jobs that ended in the last hour"],
    ["s", `sort by ${SORTS.join(", ")}`],
    QUIT,
  ],
  opened: [
    ...moves("move"),
    ["Enter o", "show the output of the outcome"],
    ["e", "show all events"],
    ...ACTS,
    ["Esc", "back to the list"],
    QUIT,
  ],
  text: [
    ...moves("scroll"),
    ["d", "show differences between outputs"],
    ["e", "show all events"],
    ...ACTS,
    ["Esc", "back to the job"],
    QUIT,
  ],
} as const satisfies Readonly<Record<string, readonly Key[]>>;

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
  const progress = (targets: readonly string[]) =>
    returned === undefined
      ? " ".repeat(BAR_COLUMNS)
      : bar(Number(returned), countTargets(targets), BAR_COLUMNS, look.utf8);
  return [
    { text: row.jid, fit: (max) => row.jid.slice(0, max) },
    { text: what, fit: (max) => shortenMiddle(what, max) },
    { text: targetOf(row, TARGET_COLUMNS), fit: (max) => targetOf(row, max) },
    {
      text: stateText(row, board),
      paint: paintState(board.stuck.has(row.jid) ? "stuck" : displayState(row), look.color),
    },
    { text: row.targets ? `${progress(row.targets)} ${returns}` : returns, fit: () => returns },
    { text: String(failedOf(row) ?? "-") },
    { text: took === undefined ? "-" : formatDuration(took < 0n ? 0n : took) },
    { text: left(row, nowMs) ?? "-" },
  ];
}

/** `3 active · 1 stuck · 7 failed in 1h`; as in `status`, those that were created in that time. */
function countWords({ board, unreadable, nowMs }: Shown, utf8: boolean): string {
  const rows = board.rows(nowMs);
  const stuck = rows.filter(({ jid }) => board.stuck.has(jid)).length;
  const unknown = rows.filter(({ status }) => isUnknownStatus(status)).length;
  const sinceNs = ns(nowMs - KEPT.ms);
  const failed = board.ended(nowMs).filter(({ row }) => hasFailed(row) && (row.created?.ns ?? 0n) >= sinceNs).length;
  const words = [
    `${count(board.activeCount)} active`,
    stuck > 0 && `${count(stuck)} stuck`,
    unknown > 0 && `${count(unknown)} in an unknown state`,
    failed > 0 && `${count(failed)} failed ${board.keepsAll ? "in 1h" : `of the last ${KEPT.jobs}`}`,
    unreadable > 0 && `${count(unreadable)} cannot be decoded`,
  ];
  return words.filter(Boolean).join(utf8 ? " · " : ", ");
}

/** What keys have chosen, and the filter while it is typed. */
function steeringWords({ filter, typing, sort, ended }: Steering): string {
  const words = [
    (filter !== "" || typing) && `filter: ${safe(filter)}${typing ? "_" : ""}`,
    `sorted by ${sort}, ${FIRST[sort]} first`,
    ended && "ended jobs shown",
  ];
  return words.filter(Boolean).join("  ");
}

/** The whole ID of the job under the cursor, what was done with it, why it is stuck, its user. */
function detailWords({ board: { stuck }, jobs, told, nowMs }: Shown, place: number, columns: number): string {
  const job = jobs[place];
  if (!job) return "";
  const { jid, user, owner } = job.row;
  const why = stuck.get(jid);
  const words = [
    `${place + 1}/${jobs.length}`,
    jid,
    told.get(jid),
    why && `stuck: ${stuckWords(why)}`,
    user && `by ${user}`,
    !why && owner && `on ${owner}`,
    !why && left(job.row, nowMs, " left"),
  ];
  const known = words.flatMap((word) => (word ? safe(word) : []));
  return why ? shorten(known.join("  "), columns) : hintLine(known, columns);
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

const ANY_KEY = "press any key to go back";

/** The keys that do something on this screen and for this job, those that matter first. */
function hints({ row, text, opened: job }: Shown, steering: Steering, columns: number, utf8: boolean): string {
  const { typing, filter, ended, opened } = steering;
  const arrows = (what: string) => `${utf8 ? "↑↓" : "jk"} ${what}`;
  const act = row && (actKey(row) === "x" ? "x cancel" : "r retry");
  const last = ["? help", "q quit"];
  const keys = () => {
    if (typing) return ["Enter keep", "Esc clear"];
    if (steering.help) return [ANY_KEY];
    if (opened?.text) {
      const diff = text?.against && `d ${opened.text.diff ? "complete output" : "differences"}`;
      return [arrows("scroll"), diff, "Esc back", ...last, act];
    }
    if (opened && typeof job === "object")
      return [arrows("move"), "Enter output", "e events", act, "Esc back", ...last];
    if (opened) return ["Esc back", ...last];
    const clear = filter === "" ? "/ filter" : "Esc clear filter";
    return [
      row && arrows("move"),
      row && "Enter open",
      act,
      clear,
      ...last,
      `t ${ended ? "hide" : "show"} ended`,
      "s sort",
    ];
  };
  return hintLine(
    keys().filter((key) => key !== undefined),
    columns,
  );
}

/** On few lines the first ones, how to move, go. */
function helpLines({ opened }: Steering, rows: number, utf8: boolean): string[] {
  const lines = HELP[opened?.text ? "text" : opened ? "opened" : "list"];
  const keys = lines.map(([key]) => plainArrows(key, utf8));
  const wide = Math.max(...keys.map((key) => width(key)));
  return lines.map(([, what], i) => `  ${keys[i]}${" ".repeat(wide - width(keys[i] as string))}  ${what}`).slice(-rows);
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
  /** A question about a job, and what is said before and after it; the job that it dispatched. */
  readonly dialog:
    | {
        readonly lines: readonly string[];
        readonly asks: boolean;
        readonly isOver: boolean;
        readonly dispatched?: string | undefined;
      }
    | undefined;
  /** What came of such questions, in few words, by job. */
  readonly told: ReadonlyMap<string, string>;
  /** About the connection; empty when there is nothing to report. What is shown is old then. */
  readonly note: string;
  /** The job that is open, or the one under the cursor, or why it can't be shown. */
  readonly opened: Opened | string | undefined;
  /** The job that keys act on. */
  readonly row: JobRow | undefined;
  /** The text about it that is read. */
  readonly text: JobText | undefined;
  /** Jobs that cannot be decoded. */
  readonly unreadable: number;
  /** What is watched: the name of the context, the address of the server. */
  readonly places: readonly string[];
  readonly nowMs: number;
}

const padded = (lines: readonly string[], rows: number) => Array.from({ length: rows }, (_, i) => lines[i] ?? "");

const dialogHints = ({ asks, isOver, dispatched }: NonNullable<Shown["dialog"]>) =>
  isOver
    ? dispatched === undefined
      ? ANY_KEY
      : "press any key to open the new job"
    : asks
      ? "y yes  n no"
      : "working…";

/** The first line of a text that is shown. */
const firstLine = ({ top }: TextView, lines: number, room: number) => Math.min(top, Math.max(0, lines - room));

/** `diff of web-03 against web-[01-02]  1-18 of 240 lines` */
function textWords(
  { what, peel, diff }: TextView,
  { groups }: Opened,
  shown: JobText,
  from: number,
  room: number,
): string {
  const group = groups.find((group) => hasPeel(group, peel));
  const of = what === "output" && group ? ` of ${peelNames(group.peels, NAMES)}` : "";
  const base = diff && shown.against;
  const name = base ? `diff${of} against ${peelNames(base, NAMES)}` : `${what}${of}`;
  const all = shown.lines.length;
  return `${name}  ${from + 1}-${Math.min(all, from + room)} of ${plural(all, "line")}`;
}

/** The lines of a job that is open, and what the note says of them. */
function openedLines(
  { opened, text, told, nowMs }: Shown,
  state: OpenState,
  look: PictureLook,
  size: { columns: number; rows: number },
): { body: readonly string[]; words: string } {
  if (typeof opened !== "object") return { body: [safe(opened ?? "")], words: "" };
  if (state.text && text) {
    const from = firstLine(state.text, text.lines.length, size.rows);
    const words = textWords(state.text, opened, text, from, size.rows);
    return { body: text.lines.slice(from, from + size.rows), words };
  }
  // A job that has ended is not looked at again; its age goes on.
  const watched = { ...opened.watched, nowNs: ns(nowMs) };
  const words = [told.get(state.jid), unknownStateWords([watched.row])].filter(Boolean).join("  ");
  return { body: renderOpened({ ...opened, watched }, state.place, look, size), words: safe(words) };
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
    ruleLine(detailWords(shown, steering.place, Math.max(1, columns - 6)), columns, look.utf8),
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
      ? { body: helpLines(steering, room.rows, look.utf8), words: "" }
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
    dialog ? dialogHints(dialog) : hints(shown, steering, columns, look.utf8),
  ];
  // On very few lines the last ones go.
  return lines.slice(0, size.rows).map((line) => cut(line, columns));
}
