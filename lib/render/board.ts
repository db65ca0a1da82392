// The live table of `watch`. Pure: rows, a clock and a size in, lines out.

import { formatAge, formatDuration } from "../duration.ts";
import type { Job } from "../model/job.ts";
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
  returnedOf,
} from "../model/job.ts";
import type { Stuck } from "../model/stuck.ts";
import { bar, count, plural, safe, shorten, shortenMiddle, width } from "../text.ts";
import { callOf } from "./call.ts";
import { paintState } from "./colors.ts";
import { returnsOf, targetOf } from "./columns.ts";
import { idGives, leaves, shrinks } from "./fit.ts";
import { andMore, type Cell, type Column, renderTable } from "./table.ts";

/** How long an ended job stays on the board, in ms. */
const LINGER_MS = 5_000;

/** A job on the board, and its call as text. Its record is not kept: arguments may be large. */
interface BoardJob {
  readonly row: JobRow;
  readonly what: string;
}

/** Columns of the words that are kept: no terminal shows more of them. */
const WHAT_COLUMNS = 200;

const boardJob = ({ row, record }: Job): BoardJob => ({ row, what: callOf(record, row, WHAT_COLUMNS) });

/** The jobs that are watched: those that have not ended, and those that ended within LINGER_MS. */
export class Board {
  readonly #active = new Map<string, BoardJob>();
  readonly #ended = new Map<string, { job: BoardJob; until: number }>();

  /** Active jobs that the picture being read has not shown yet. */
  #unseen = new Set<string>();

  /** Why jobs are stuck, when last checked. */
  stuck: ReadonlyMap<string, Stuck> = new Map();

  constructor(readonly matches: (row: JobRow) => boolean) {}

  get activeCount(): number {
    return [...this.#active.values()].filter(({ row }) => isActive(row.status)).length;
  }

  /** The jobs that have not ended. */
  open(): Iterable<string> {
    return this.#active.keys();
  }

  /**
   * Takes a job as it is now, undefined when its record is gone.
   * @param live false while the jobs are read at the start: those that have ended by then are not shown
   * @returns true when it changes what a watcher sees
   */
  put(jid: string, job: Job | undefined, live: boolean, nowMs: number): boolean {
    const row = job?.row;
    const before = this.#active.get(jid);
    this.#unseen.delete(jid);
    if (job && row && this.matches(row) && !isTerminal(row.status)) {
      this.#active.set(jid, boardJob(job));
      this.#ended.delete(jid);
      return true;
    }
    this.#active.delete(jid);
    if (!job || !row) return before !== undefined;
    // A job that no longer matches is shown once more: otherwise it would seem to be deleted.
    if (before === undefined && !(live && this.matches(row))) return false;
    this.#ended.set(jid, { job: boardJob(job), until: nowMs + LINGER_MS });
    return true;
  }

  /** All jobs are about to be put again: those that are not put until `endPicture` are gone. */
  beginPicture(): void {
    this.#unseen = new Set(this.#active.keys());
  }

  endPicture(): void {
    for (const jid of this.#unseen) this.#active.delete(jid);
    this.#unseen.clear();
  }

  /** The jobs shown at `nowMs`, oldest first. */
  jobs(nowMs: number): BoardJob[] {
    for (const [jid, { until }] of this.#ended) if (until <= nowMs) this.#ended.delete(jid);
    const ended = Array.from(this.#ended.values(), ({ job }) => job);
    return [...this.#active.values(), ...ended].sort((a, b) => byCreation(a.row, b.row));
  }

  rows(nowMs: number): JobRow[] {
    return this.jobs(nowMs).map(({ row }) => row);
  }
}

const BAR_COLUMNS = 10;

/** `utf8` false where the locale has no blocks. */
interface LiveLook {
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
function boardColumns(jobs: readonly BoardJob[]): Column[] {
  const returns = Math.max(...jobs.map(({ row }) => width(returnsOf(row))));
  const jid = idGives(
    jobs.map(({ row }) => row.jid),
    3,
  );
  return [
    { title: "JID", gives: jid },
    { title: "WHAT", gives: [shrinks(1, 24), shrinks(4, 12), shrinks(8, 8), leaves(9)] },
    { title: "TARGET", gives: [shrinks(1, 16), shrinks(4, 6), leaves(5)] },
    { title: "STATE" },
    { title: "RETURNS", gives: [{ rank: 2, to: returns, only: true }, leaves(7)] },
    { title: "FAILED" },
    { title: "TIME", gives: [leaves(6)] },
    { title: "LEFT" },
  ];
}

function boardCells({ row, what }: BoardJob, board: Board, nowMs: number, look: LiveLook): Cell[] {
  const took = jobDuration(row, new Date(nowMs));
  const returns = returnsOf(row);
  const returned = returnedOf(row);
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

/** The columns of a target that no terminal has room for: a job may have 100,000. */
const TARGET_COLUMNS = 400;

/**
 * One picture of the board, at most `size.rows` lines that don't wrap.
 * @param note about the connection; empty when there is none
 */
export function renderBoard(
  board: Board,
  note: string,
  look: LiveLook,
  size: { columns: number; rows: number },
  nowMs: number,
): string[] {
  const rows = board.jobs(nowMs);
  const clock = new Date(nowMs).toTimeString().slice(0, 8);
  const stuck = rows.filter(({ row }) => board.stuck.has(row.jid)).length;
  const unknown = rows.filter(({ row }) => isUnknownStatus(row.status)).length;
  const jobs = [
    plural(board.activeCount, "active job"),
    stuck > 0 && `${count(stuck)} stuck`,
    unknown > 0 && `${count(unknown)} in an unknown state`,
  ]
    .filter(Boolean)
    .join(", ");
  const head = [`${jobs}  ${clock}`, note].filter(Boolean).join("  ");
  const room = Math.max(1, size.rows - 4);
  const shown = rows.length > room ? rows.slice(0, room - 1) : rows;
  const cells = shown.map((job) => boardCells(job, board, nowMs, look));
  const text =
    shown.length === 0 ? "" : renderTable(boardColumns(shown), cells, true, { ...look, columns: size.columns });
  const table = text.split("\n").slice(0, -1);
  const more = rows.length > shown.length ? [andMore(rows.length - shown.length, "job")] : [];
  return [shorten(safe(head), size.columns), "", ...table, ...more].slice(0, size.rows);
}
