// The tables of jobs and returns, as text. Pure: rows in, lines out.
import { paintState } from "./colors.ts";
import { formatAge, formatDuration } from "./duration.ts";
import { failedOf, formatTargets, type JobRow, type Return, stateOf } from "./job.ts";
import { displayPeel } from "./peel.ts";
import { jobDuration } from "./select.ts";
import { type Cell, type Column, renderTable, tableLines } from "./table.ts";
import { safe, shorten, width } from "./text.ts";
import { Timestamp } from "./value.ts";

/** How a table is shown: coloured or not, and the terminal's width (undefined: piped, never shortened). */
export interface Look {
  readonly color: boolean;
  readonly columns: number | undefined;
  /** False leaves the titles out. */
  readonly header?: boolean;
}

const measure = (text: string) => width(safe(text));

/** Whole lists as text: jobs that target the same peels share theirs. */
const lists = new WeakMap<readonly string[], string>();

function list(targets: readonly string[] | undefined, max: number): string {
  if (!targets) return "-";
  if (max !== Number.POSITIVE_INFINITY) return formatTargets(targets, max, measure);
  const known = lists.get(targets);
  if (known !== undefined) return known;
  const text = formatTargets(targets);
  lists.set(targets, text);
  return text;
}

/** Columns left for column `at` when all others are shown whole; at least its title. */
function room(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  at: number,
  terminal: number,
): number {
  let used = 0;
  columns.forEach((column, i) => {
    if (i !== at)
      used +=
        2 +
        rows.reduce(
          (most, row) => Math.max(most, measure(row[i]?.text ?? "")),
          Math.max(column.min ?? 0, column.title.length),
        );
  });
  return Math.max((columns[at] as Column).title.length, terminal - used);
}

const TARGET_AT = 2;

function renderJobs(
  columns: readonly Column[],
  rows: readonly JobRow[],
  look: Look,
  target: (row: JobRow, max: number) => string,
  more: (row: JobRow) => Cell[] = () => [],
): Iterable<string> {
  const cellsAt = (i: number): Cell[] => {
    const row = rows[i] as JobRow;
    const state = stateOf(row);
    const paint = paintState(state, look.color);
    return [
      { text: row.jid },
      { text: row.fn || "-" },
      { text: target(row, Number.POSITIVE_INFINITY) },
      paint ? { text: state, paint } : { text: state },
      ...more(row),
    ];
  };
  if (look.columns === undefined) return tableLines(columns, rows.length, cellsAt, look.header);
  const cells = rows.map((_, i) => cellsAt(i));
  const max = room(columns, cells, TARGET_AT, look.columns);
  cells.forEach((row, i) => {
    if (measure(row[TARGET_AT]?.text ?? "") > max) row[TARGET_AT] = { text: target(rows[i] as JobRow, max) };
  });
  // The least width only keeps columns steady; a terminal that is too narrow for it needs the room more.
  const narrow = columns.map((column, i) =>
    i === TARGET_AT ? { ...column, min: Math.min(column.min ?? 0, max) } : column,
  );
  return tableLines(narrow, cells.length, (i) => cells[i] as Cell[], look.header);
}

const LIST_COLUMNS: readonly Column[] = [
  { title: "JID", min: 20 },
  { title: "FUNCTION", min: 12 },
  { title: "TARGET", min: 8 },
  { title: "STATE" },
];

/** TARGET: the expression, else the targeted peels, else `-`; at most `max` columns. */
export const targetOf = (row: JobRow, max: number) =>
  row.targetExpr === undefined ? list(row.targets, max) : shorten(safe(row.targetExpr), max);

/** The table of `list`. */
export function renderList(rows: readonly JobRow[], look: Look): Iterable<string> {
  return renderJobs(LIST_COLUMNS, rows, look, targetOf);
}

/** `2/3`: peels that returned, of those targeted. */
export function returnsOf(row: JobRow): string {
  if (row.returned === undefined)
    return row.targets && row.unreadable === undefined ? `0/${row.targets.length}` : "-";
  return `${row.returned}/${row.targets?.length ?? "?"}`;
}

/**
 * The table of `--wide`: that of `list` with when, how long (so far, for a job that has not ended), how many peels
 * returned and failed, and who. CREATED is an age on a terminal, and RFC 3339 when piped.
 */
export function renderWide(rows: readonly JobRow[], look: Look, now: Date): Iterable<string> {
  const titles = ["CREATED", "DURATION", "RETURNS", "FAILED", "USER", "OWNER"];
  const nowNs = BigInt(now.getTime()) * 1_000_000n;
  const created = ({ created: time }: JobRow) => {
    if (!time) return "-";
    return look.columns === undefined ? String(time) : `${formatAge(nowNs - time.ns)} ago`;
  };
  return renderJobs([...LIST_COLUMNS, ...titles.map((title) => ({ title }))], rows, look, targetOf, (row) => {
    const duration = jobDuration(row, now);
    const failed = failedOf(row);
    const texts = [
      created(row),
      duration === undefined ? "-" : formatDuration(duration),
      returnsOf(row),
      failed === undefined ? "-" : String(failed),
      row.user || "-",
      row.owner || "-",
    ];
    return texts.map((text) => ({ text }));
  });
}

/** The table of `active`: TARGETS are the targeted peels, else `-`. */
export function renderActive(rows: readonly JobRow[], look: Look): Iterable<string> {
  const columns = [
    { title: "JID", min: 20 },
    { title: "FUNCTION", min: 12 },
    { title: "TARGETS", min: 21 },
    { title: "STATUS" },
  ];
  return renderJobs(columns, rows, look, (row, max) => list(row.targets, max));
}

/** The table of returns; a fourth column ERROR when any peel failed with an error or was unreachable. */
export function renderReturns(returns: readonly Return[], look: Look): string {
  const troubled = returns.some((item) => item.error !== undefined || item.unreachable);
  const columns: Column[] = [{ title: "PEEL", min: 8 }, { title: "SUCCESS", min: 7 }, { title: "DURATION" }];
  if (troubled) columns.push({ title: "ERROR" });
  const rows = returns.map((item): Cell[] => {
    const paint = paintState(item.ok ? "complete" : "failed", look.color);
    const success = item.unreadable === undefined ? String(item.ok) : "-";
    const row: Cell[] = [
      { text: displayPeel(item.peel) },
      paint ? { text: success, paint } : { text: success },
      { text: item.duration === undefined ? "-" : formatDuration(item.duration) },
    ];
    if (troubled) row.push({ text: item.error ?? (item.unreachable ? "unreachable" : "") });
    return row;
  });
  return renderTable(columns, rows);
}

const CHANGE_COLUMNS = [20, 27, 12, 12, 8, 7]
  .map((min) => ({ title: "", min }))
  .concat({ title: "", min: 0 });

/** One change of a job on one line: when, job, function, target, state, returns, failures. */
export function changeLine(row: JobRow, now: Date): string {
  const failed = failedOf(row);
  const when = row.updated ?? new Timestamp(BigInt(Math.floor(now.getTime() / 1000)), 0);
  const texts = [
    String(when).replace(/\.\d+Z$/, "Z"),
    row.jid,
    row.fn || "-",
    targetOf(row, Number.POSITIVE_INFINITY),
    stateOf(row),
    returnsOf(row),
    failed ? `${failed} failed` : "",
  ];
  return renderTable(CHANGE_COLUMNS, [texts.map((text) => ({ text }))], false);
}
