// The list of jobs in the screen of `watch`, with the lines above and below it. Pure.

import { paintState } from "../colors.ts";
import {
  badOf,
  countTargets,
  displayState,
  isActive,
  isUnknownStatus,
  type JobRow,
  jobDuration,
  returnedNow,
} from "../model/job.ts";
import { failedWords } from "../model/stats.ts";
import { stuckWords } from "../model/stuck.ts";
import { bar, count, cut, safe, shorten, shortenMiddle, width } from "../text.ts";
import { type Board, type BoardJob, KEPT } from "./board.ts";
import { returnsOf, targetOf } from "./columns.ts";
import { previewRoom, roomOf, type Seen, SORTS, type Steering } from "./keys.ts";
import { elapsedText, leftWords, marked, type PictureLook, previewLines } from "./opened.ts";
import { sideBySide } from "./picture-keys.ts";
import { type Column, idGives, type Look, leaves, renderTable, shrinks } from "./table.ts";

/** The content of a list, without the choices by keys. */
export interface ShownList extends Seen {
  readonly board: Board;
  /** All jobs have been read. */
  readonly isWhole: boolean;
  readonly unreadable: number;
  /** The results of actions on jobs, in a few words. */
  readonly told: ReadonlyMap<string, string>;
  readonly now: Date;
}

const LIST_BAR_COLUMNS = 6;
const MARK = 2;
/** The most columns of a target on any terminal: a job may have 100,000 targets. */
const MOST_TARGET_COLUMNS = 400;

/** The time before the deadline, followed by `word`; undefined for none. */
const left = (row: JobRow, now: Date, word: string) => (isActive(row.status) ? leftWords(row, now, word) : undefined);

/** The order in which columns shrink: the ID to a prefix, the time left, long texts, the bar; then whole columns disappear. */
function columnsFor(
  jids: readonly string[],
  inSight: readonly BoardJob[],
  { board: { stuck, returned: counts }, now }: ShownList,
  { color, utf8 }: PictureLook,
): Column<BoardJob>[] {
  const returns = (row: JobRow) => returnsOf(row, counts);
  const progress = (row: JobRow, targets: readonly string[]) => {
    const returned = returnedNow(row, counts);
    return returned === undefined
      ? " ".repeat(LIST_BAR_COLUMNS)
      : bar(Number(returned), countTargets(targets), LIST_BAR_COLUMNS, utf8);
  };
  const returnsWidth = Math.max(...inSight.map(({ row }) => width(returns(row))));
  return [
    { title: "JID", gives: idGives(jids, 2), text: ({ row }, _, max) => row.jid.slice(0, max) },
    {
      title: "WHAT",
      gives: [shrinks(1, 24), shrinks(4, 16), shrinks(6, 12), shrinks(10, 8), leaves(11)],
      text: ({ what }, _, max) => shortenMiddle(what, max),
    },
    {
      title: "TARGET",
      gives: [shrinks(1, 16), shrinks(6, 6), leaves(7)],
      text: ({ row }, _, max) => targetOf(row, Math.min(max, MOST_TARGET_COLUMNS)),
    },
    {
      title: "STATE",
      text: ({ row }) => displayState(row) + (stuck.has(row.jid) ? ", stuck" : ""),
      paint: ({ row }) => paintState(stuck.has(row.jid) ? "stuck" : displayState(row), color),
    },
    {
      title: "RETURNS",
      gives: [{ rank: 5, to: returnsWidth, only: true }, leaves(9)],
      text: ({ row }, _, max) =>
        row.targets && max === Number.POSITIVE_INFINITY
          ? `${progress(row, row.targets)} ${returns(row)}`
          : returns(row),
    },
    { title: "BAD", text: ({ row }) => String(badOf(row) ?? "-") },
    {
      title: "DURATION",
      gives: [leaves(8)],
      text({ row }) {
        const took = jobDuration(row, now);
        return took === undefined ? "-" : elapsedText(took);
      },
    },
    { title: "LEFT", gives: [leaves(3)], text: ({ row }) => left(row, now, "") ?? "-" },
  ];
}

/** `3 active · 1 stuck · 7 failed, 2 timeout in 1h`: what the filters `active`, `stuck`, `failed` and `timeout` show. */
export function countWords({ board, unreadable, now }: ShownList, utf8: boolean): string {
  const nowMs = now.getTime();
  const rows = board.rows(nowMs);
  const stuck = rows.filter(({ jid }) => board.stuck.has(jid)).length;
  const unknown = rows.filter(({ status }) => isUnknownStatus(status)).length;
  const failed = failedWords(board.ended(nowMs).map(({ row }) => row));
  const words = [
    `${count(board.activeCount)} active`,
    stuck > 0 && `${count(stuck)} stuck`,
    unknown > 0 && `${count(unknown)} in an unknown state`,
    failed !== "" && `${failed} ${board.keepsAll ? "in 1h" : `of the last ${KEPT.jobs}`}`,
    unreadable > 0 && `${count(unreadable)} cannot be decoded`,
  ];
  return words.filter(Boolean).join(utf8 ? " · " : ", ");
}

function steeringWords({ filter, typing, sort, ended }: Steering, hidden: readonly string[]): string {
  const words = [
    (filter !== "" || typing) && `filter: ${safe(filter)}${typing ? "_" : ""}`,
    `sorted by ${sort}, ${SORTS[sort].first} first`,
    ended && "ended jobs shown",
    hidden.length > 0 && `hidden: ${hidden.join(", ")}`,
  ];
  return words.filter(Boolean).join("  ");
}

/** Of the job under the cursor: the whole ID, the result of an action, why it is stuck, its user. */
function detailWords({ board: { stuck }, jobs, told, now }: ShownList, place: number, columns: number): string {
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
    !why && left(job.row, now, " left"),
  ];
  const known = words.flatMap((word) => (word ? safe(word) : []));
  return why ? shorten(known.join("  "), columns) : sideBySide(known, columns);
}

/** `── text ────────` */
function ruleLine(text: string, columns: number, utf8: boolean): string {
  const line = utf8 ? "─" : "-";
  const words = text && ` ${cut(text, columns - 6)} `;
  return `${line.repeat(2)}${words}`.padEnd(columns - width(words) + words.length, line);
}

function rowLines(
  shown: ShownList,
  steering: Steering,
  look: PictureLook,
  columns: number,
  rows: number,
  onHidden: Look["onHidden"],
): string[] {
  const { isWhole, jobs } = shown;
  const { place, top, filter } = steering;
  if (!isWhole) return [];
  if (jobs.length === 0) return [filter === "" ? "No active jobs." : "No jobs match the filter."];
  const inSight = jobs.slice(top, top + rows);
  const jids = jobs.map(({ row }) => row.jid);
  const { color } = look;
  const room = { color, columns: columns - MARK, wrap: false, onHidden };
  const table = renderTable(columnsFor(jids, inSight, shown, look), inSight, room);
  const lines = table.split("\n").slice(0, -1);
  return lines.map((line, i) => marked(line, i === place - top + 1, color, columns));
}

export const padded = (lines: readonly string[], rows: number) =>
  Array.from({ length: rows }, (_, i) => lines[i] ?? "");

/** The jobs, the one under the cursor in a line, and its outcomes; `words` stand above them. */
export function listBody(shown: ShownList, steering: Steering, look: PictureLook, columns: number) {
  const { opened, size } = shown;
  const room = roomOf(size.rows);
  const preview =
    typeof opened === "object" ? previewLines(opened, look, columns, previewRoom(size.rows)) : [opened ?? ""];
  const hidden: string[] = [];
  const rows = rowLines(shown, steering, look, columns, room, (titles) => void hidden.push(...titles));
  const body = [
    ...padded(rows, room + 1),
    ruleLine(detailWords(shown, steering.place, Math.max(1, columns - 6)), columns, look.utf8),
    ...preview,
  ];
  return { body, words: steeringWords(steering, hidden) };
}
