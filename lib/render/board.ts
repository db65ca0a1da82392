// The live table of `watch`. Pure: rows, a clock and a size in, lines out.

import { formatAge, formatDuration } from "../duration.ts";
import { byCreation, failedOf, isTerminal, type JobRow, jobDuration, stateOf } from "../model/job.ts";
import type { Job } from "../model/job-list.ts";
import type { Stuck } from "../model/stuck.ts";
import { bar, count, plural, safe, shorten, shortenMiddle, width } from "../text.ts";
import { callOf } from "./call.ts";
import { paintState } from "./colors.ts";
import { returnsOf, targetOf } from "./columns.ts";
import { andMore, type Cell, type Column, renderTable } from "./table.ts";

/** How long a job that has ended stays on the board, in ms. */
const LINGER_MS = 5_000;

/** A job on the board, and what it runs, in words. Its record is not kept: arguments may be large. */
interface BoardJob {
  readonly row: JobRow;
  readonly what: string;
}

/** Columns of the words that are kept: no terminal shows more of them. */
const KEPT = 200;

const boardJob = ({ row, record }: Job): BoardJob => ({ row, what: callOf(record, row, KEPT) });

/** The jobs that are watched: those that have not ended, and those that ended a moment ago. */
export class Board {
  readonly #active = new Map<string, BoardJob>();
  readonly #ended = new Map<string, { job: BoardJob; until: number }>();

  /** Active jobs that the picture being read has not shown yet. */
  #unseen = new Set<string>();

  /** Why jobs are stuck, as of the last look. */
  stuck: ReadonlyMap<string, Stuck> = new Map();

  constructor(readonly matches: (row: JobRow) => boolean) {}

  get activeCount(): number {
    return this.#active.size;
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
    // A job that left the selection is shown once more: otherwise it would seem to have vanished.
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

  /** What is to be shown at `nowMs`, oldest first. */
  jobs(nowMs: number): BoardJob[] {
    for (const [jid, { until }] of this.#ended) if (until <= nowMs) this.#ended.delete(jid);
    const ended = Array.from(this.#ended.values(), ({ job }) => job);
    return [...this.#active.values(), ...ended].sort((a, b) => byCreation(a.row, b.row));
  }

  rows(nowMs: number): JobRow[] {
    return this.jobs(nowMs).map(({ row }) => row);
  }
}

const BAR = 10;

const ns = (ms: number) => BigInt(Math.round(ms)) * 1_000_000n;

function left(row: JobRow, nowMs: number): string {
  if (!row.deadline || isTerminal(row.status)) return "-";
  const rest = row.deadline.ns - ns(nowMs);
  return rest >= 0n ? formatAge(rest) : `${formatAge(-rest)} over`;
}

interface BoardColumn extends Column {
  readonly cell: (job: BoardJob, max: number) => Cell;
}

/** The state of a job, and a word when it won't change as it should. */
const stateText = (row: JobRow, { stuck }: Board) => stateOf(row) + (stuck.has(row.jid) ? ", stuck" : "");

function boardColumns(board: Board, nowMs: number, color: boolean, withBar: boolean): Record<string, BoardColumn> {
  const returns = (row: JobRow) => {
    const text = returnsOf(row);
    if (!withBar || row.targets === undefined) return text;
    return `${bar(Number(row.returned ?? 0n), row.targets.length, BAR)} ${text}`;
  };
  return {
    jid: { title: "JID", cell: ({ row }) => ({ text: row.jid }) },
    what: { title: "WHAT", cell: ({ what }, max) => ({ text: shortenMiddle(what, max) }) },
    target: { title: "TARGET", cell: ({ row }, max) => ({ text: targetOf(row, max) }) },
    state: {
      title: "STATE",
      cell: ({ row }) => ({
        text: stateText(row, board),
        paint: paintState(board.stuck.has(row.jid) ? "stuck" : stateOf(row), color),
      }),
    },
    returns: { title: "RETURNS", cell: ({ row }) => ({ text: returns(row) }) },
    failed: { title: "FAILED", cell: ({ row }) => ({ text: String(failedOf(row) ?? "-") }) },
    time: {
      title: "TIME",
      cell: ({ row }) => {
        const took = jobDuration(row, new Date(nowMs));
        return { text: took === undefined ? "-" : formatDuration(took < 0n ? 0n : took) };
      },
    },
    left: { title: "LEFT", cell: ({ row }) => ({ text: left(row, nowMs) }) },
  };
}

/** Columns that are shown, and how wide each may be. */
interface Layout {
  bar: boolean;
  readonly max: Map<string, number>;
  readonly left: Set<string>;
}

/** `over`: columns too many; `wide`: how wide a column is. */
type Concession = (layout: Layout, over: number, wide: (name: string) => number) => void;

/** What is given up on a terminal that is too narrow, one after the other until the table fits. */
const CONCESSIONS: readonly Concession[] = [
  shrink("target", 16),
  shrink("what", 12),
  (layout) => {
    layout.bar = false;
  },
  shrink("target", 6),
  shrink("what", 8),
  ...["left", "failed", "target", "returns", "time", "what"].map(
    (name) => (layout: Layout) => void layout.left.delete(name),
  ),
];

function shrink(name: string, least: number): Concession {
  return (layout, over, wide) => void layout.max.set(name, Math.max(least, wide(name) - over));
}

/** The widest form of the table that `columns` have room for, as lines. */
function fit(board: Board, rows: readonly BoardJob[], nowMs: number, color: boolean, columns: number): string[] {
  const layout: Layout = {
    bar: true,
    max: new Map(),
    left: new Set(Object.keys(boardColumns(board, nowMs, color, true))),
  };
  const shown = () => {
    const all = boardColumns(board, nowMs, color, layout.bar);
    return [...layout.left].map((name) => ({ name, column: all[name] as BoardColumn }));
  };
  const wide = ({ name, column }: { name: string; column: BoardColumn }) => {
    const max = layout.max.get(name) ?? Number.POSITIVE_INFINITY;
    return rows.reduce((most, row) => Math.max(most, width(safe(column.cell(row, max).text))), column.title.length);
  };
  const over = () => shown().reduce((sum, column) => sum + wide(column) + 2, -2) - columns;
  for (const concede of CONCESSIONS) {
    if (over() <= 0) break;
    concede(layout, over(), (name) =>
      wide(shown().find((one) => one.name === name) as { name: string; column: BoardColumn }),
    );
  }
  const tooNarrow = over() > 0;
  const cells = rows.map((row) =>
    shown().map(({ name, column }) => {
      const cell = column.cell(row, layout.max.get(name) ?? Number.POSITIVE_INFINITY);
      return tooNarrow ? { text: cell.text } : cell;
    }),
  );
  const lines = renderTable(
    shown().map(({ column: { title } }) => ({ title })),
    cells,
  )
    .trimEnd()
    .split("\n");
  return tooNarrow ? lines.map((line) => shorten(line, columns)) : lines;
}

/**
 * One picture of the board, at most `size.rows` lines that don't wrap.
 * @param note what there is to say of the connection; empty when all is well
 */
export function renderBoard(
  board: Board,
  note: string,
  look: { color: boolean },
  size: { columns: number; rows: number },
  nowMs: number,
): string[] {
  const rows = board.jobs(nowMs);
  const clock = new Date(nowMs).toTimeString().slice(0, 8);
  const stuck = rows.filter(({ row }) => board.stuck.has(row.jid)).length;
  const jobs = plural(board.activeCount, "active job") + (stuck > 0 ? `, ${count(stuck)} stuck` : "");
  const head = [`${jobs}  ${clock}`, note].filter(Boolean).join("  ");
  const room = Math.max(1, size.rows - 4);
  const shown = rows.length > room ? rows.slice(0, room - 1) : rows;
  const table = shown.length === 0 ? [] : fit(board, shown, nowMs, look.color, size.columns);
  const more = rows.length > shown.length ? [andMore(rows.length - shown.length, "job")] : [];
  return [shorten(safe(head), size.columns), "", ...table, ...more].slice(0, size.rows);
}
