// Tables of jobs, and their columns by name. Pure.

import { scalar, toJsonLine } from "../codec/json.ts";
import { NumberText, Timestamp, type Value } from "../codec/value.ts";
import { paintState } from "../colors.ts";
import { formatDuration } from "../duration.ts";
import { UserError } from "../errors.ts";
import {
  badOf,
  countTargets,
  displayState,
  formatTargets,
  type Job,
  type JobList,
  type JobRow,
  jobDuration,
  type ReturnCounts,
  returnedNow,
} from "../model/job.ts";
import { type Stuck, stuckWords } from "../model/stuck.ts";
import { safe, shorten } from "../text.ts";
import { nsOf } from "../time.ts";
import { CALL_FIELDS, callOf, wholeCall } from "./call.ts";
import { jobDocument } from "./document.ts";
import { type Column, type Concession, leaves, renderTable, shrinks } from "./table.ts";
import { ageText, timeText } from "./time.ts";
import { jidColumn, type RowColumn, rowDocument, sheetOf, tableOf, type View } from "./view.ts";

export interface JobColumn extends RowColumn<Job> {
  /** A field of the record that rows lack. */
  readonly field?: string;
}

export const STUCK = "stuck";
export const RETRY_OF = "retry_of";

/** Cache: many jobs share their targets. */
const lists = new WeakMap<readonly string[], { max: number; text: string }>();

function targetList(targets: readonly string[] | undefined, max: number): string {
  if (!targets) return "-";
  const known = lists.get(targets);
  if (known?.max === max) return known.text;
  const text = formatTargets(targets, max);
  lists.set(targets, { max, text });
  return text;
}

/** The target expression, else the peels, else `-`. */
export const targetOf = (row: JobRow, max: number) =>
  row.targetExpr === undefined ? targetList(row.targets, max) : shorten(safe(row.targetExpr), max);

/** `2/3` returned; `-/3` when unknown. */
export function returnsOf(row: JobRow, counts?: ReturnCounts): string {
  const returned = returnedNow(row, counts);
  if (returned === undefined) return row.targets ? `-/${countTargets(row.targets)}` : "-";
  return `${returned}/${row.targets ? countTargets(row.targets) : "?"}`;
}

const textual = (name: string, get: (row: JobRow) => string | undefined, more: Partial<JobColumn> = {}): JobColumn => ({
  name,
  value: ({ row }) => get(row) ?? null,
  ...more,
});

/** Without separators. */
const counted = (
  name: string,
  get: (row: JobRow) => bigint | number | undefined,
  gives: readonly Concession[] = [],
): JobColumn => ({
  name,
  gives,
  value: ({ row }) => get(row) ?? null,
  plain: ({ row }) => String(get(row) ?? ""),
  text: ({ row }) => String(get(row) ?? "-"),
});

const stateColumn = (name: string): JobColumn => ({
  name,
  source: ({ row }) => displayState(row),
  value: ({ row }) => (row.unreadable === undefined ? (row.status ?? null) : displayState(row)),
  plain: ({ row }) => displayState(row),
  text: ({ row }) => displayState(row) || "-",
  paint: ({ row }, { color }) => paintState(displayState(row), color),
});

/** A narrow column shows the age. @param leaving when it disappears */
const timeColumn = (
  name: string,
  get: (row: JobRow) => Timestamp | undefined,
  leaving: number,
  ago = "ago",
): JobColumn => ({
  name,
  gives: [{ rank: 1, to: 10, only: true }, leaves(leaving)],
  value: ({ row }) => get(row) ?? null,
  text({ row }, { now, columns }, max) {
    const at = get(row);
    if (!at) return "-";
    if (columns === undefined) return timeText(at, false);
    const age = ageText(at, nsOf(now), ago);
    const whole = `${timeText(at, true)} (${age})`;
    return whole.length <= max ? whole : age;
  },
});

/** Long texts and times shrink first, then OWNER and USER leave, then others. ID, state and BAD stay. */
const KNOWN: readonly JobColumn[] = [
  textual("jid", (row) => row.jid, { min: 20 }),
  textual("function", (row) => row.fn, {
    min: 12,
    gives: [shrinks(7, 12), shrinks(8, 8), leaves(11)],
    source: ({ row }) => row.fn,
  }),
  {
    name: "target",
    min: 8,
    gives: [shrinks(1, 30), shrinks(5, 16), shrinks(8, 6), leaves(11)],
    source: ({ row }) => row.targetExpr ?? row.targets,
    text: ({ row }, _, max) => targetOf(row, max),
    plain: ({ row }) => ((row.targetExpr ?? row.targets) ? targetOf(row, Number.POSITIVE_INFINITY) : ""),
    value: ({ row }) => row.targetExpr ?? (row.targets ? targetList(row.targets, Number.POSITIVE_INFINITY) : null),
  },
  {
    name: "targets",
    min: 21,
    gives: [shrinks(1, 30), shrinks(5, 16), shrinks(8, 9), leaves(11)],
    text: ({ row }, _, max) => targetList(row.targets, max),
    value: ({ row }) => (row.targets ? [...row.targets] : null),
  },
  {
    name: "what",
    min: 12,
    gives: [shrinks(1, 30), shrinks(6, 12), shrinks(8, 9), leaves(13)],
    field: "args",
    text: ({ row, record }, _, max) => callOf(record, row, max),
    value: ({ row, record }) => (row.fn ? wholeCall(record, row) : null),
  },
  stateColumn("state"),
  // Its name in `active` and in the record.
  stateColumn("status"),
  timeColumn("created", (row) => row.created, 9),
  timeColumn("updated", (row) => row.updated, 4),
  timeColumn("deadline", (row) => row.deadline, 4, "overdue"),
  { name: "duration", gives: [leaves(7)], value: ({ row }, now) => jobDuration(row, now) ?? null },
  ...returnColumns(),
  counted("targeted", (row) => row.targets && countTargets(row.targets), [leaves(9)]),
  counted("bad", badOf),
  textual("user", (row) => row.user, { gives: [leaves(3)] }),
  textual("owner", (row) => row.owner, { gives: [leaves(2)] }),
  textual("source", (row) => row.source, { gives: [leaves(3)] }),
  textual(RETRY_OF, (row) => row.retryOf, { gives: [leaves(4)] }),
  stuckColumn(() => undefined),
];

/** @param why facts from outside the record */
export function stuckColumn(why: (row: JobRow) => Stuck | undefined): JobColumn {
  const words = (row: JobRow) => {
    const stuck = why(row);
    return stuck && stuckWords(stuck);
  };
  return textual(STUCK, words, { gives: [shrinks(1, 40), shrinks(5, 20), shrinks(8, 9)] });
}

export const RETURN_COLUMNS: readonly string[] = ["returns", "returned"];

export function returnColumns(counts?: ReturnCounts): JobColumn[] {
  return [
    textual("returns", (row) => returnsOf(row, counts), { gives: [leaves(9)] }),
    counted("returned", (row) => returnedNow(row, counts), [leaves(9)]),
  ];
}

export const LIST = ["jid", "function", "target", "state"];
export const ACTIVE_COLUMNS = ["jid", "function", "targets", "status"];
export const ASKED = ["jid", "what", "target", "state"];
/** RETRY_OF only where a job has it; on a terminal also STUCK. */
const MORE = ["created", "duration", "returns", "bad", "user", "owner", RETRY_OF, STUCK];
/** Columns with --wide. In a pipe, where scripts count columns, the view's own are first, WHAT, which has spaces, last. */
export const wide = (view: readonly string[], isTty: boolean) =>
  isTty ? [...ASKED, ...MORE] : [...view, ...MORE, "what"];
/** Shortened on a narrow terminal, as in `watch`. */
export const SHORT_JID: JobColumn = { ...jidColumn(({ row }) => row.jid, 2), min: 20 };
/** Columns of CSV, where `2/3` would be a date. */
export const SHEET = [...LIST, "created", "duration", "returned", "bad", "targeted", "user", "owner"];
export const WIDE_SHEET = [...SHEET, STUCK, RETRY_OF, "what"];

function fieldText(value: Value | undefined): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  if (value instanceof NumberText) return value.text;
  const text = Array.isArray(value) || value instanceof Map ? toJsonLine(value) : scalar(value);
  return text.startsWith('"') ? text.slice(1, -1) : text;
}

/** Any field of the record: `args.name`. */
function fieldColumn(name: string): JobColumn {
  const path = name.split(".");
  const get = (job: Job) => {
    let value: Value | undefined = job.record;
    for (const key of path) value = value instanceof Map ? value.get(key) : undefined;
    return value;
  };
  return {
    name,
    field: name,
    gives: [shrinks(1, 30), shrinks(5, 12), leaves(11)],
    text(job) {
      const value = get(job);
      if (name === "timeout" && typeof value === "bigint") return formatDuration(value);
      return fieldText(value) || "-";
    },
    plain: (job) => fieldText(get(job)),
    value: (job) => get(job) ?? null,
  };
}

export const columnsOf = (names: readonly string[]) =>
  names.map((name) => {
    // A title of a table is in upper case.
    const lower = name.toLowerCase();
    const known = KNOWN.find((column) => column.name === lower);
    return known ?? fieldColumn(COLUMN_NAMES.includes(lower) ? lower : name);
  });

/** For help and completion; any other field is a column too. */
export const COLUMN_NAMES = [...KNOWN.map(({ name }) => name), "timeout", "args", "state_id", "metadata"];

/** Other fields that masters write. */
const MASTER_FIELDS = [
  "target_expr",
  "epoch",
  "reclaim_count",
  "offline_at_dispatch",
  "return_count",
  "success_count",
  "v",
];

export const fieldsOf = ({ name, field }: JobColumn): readonly string[] =>
  name === "what" ? CALL_FIELDS : field === undefined ? [] : [field.split(".")[0] as string];

/** A field that may be a typing error: neither a column nor a master's field. */
export function doubtfulField({ field }: JobColumn): string | undefined {
  const top = field?.split(".")[0] ?? "jid";
  return COLUMN_NAMES.includes(top) || MASTER_FIELDS.includes(top) ? undefined : top;
}

export const COLUMNS_HINT = `Columns: ${COLUMN_NAMES.join(", ")}, and any field of the record.`;

/** @throws UserError for an empty name */
export function parseColumns(values: readonly string[]): JobColumn[] {
  const text = values.join(",");
  const names = text.split(",").map((name) => name.trim());
  if (names.includes(""))
    throw new UserError(
      `--columns: empty name in "${safe(text)}".`,
      `Separate names by one comma: --columns jid,state,user. ${COLUMNS_HINT}`,
    );
  return columnsOf(names);
}

/** Documents are whole records, or with `byColumns` the columns. */
export function jobsView(columns: readonly JobColumn[], jobs: JobList, byColumns: boolean): View {
  return {
    size: jobs.length,
    hasColumns: !byColumns,
    text: (viewer) => tableOf(columns, jobs, viewer),
    *documents(now) {
      for (const job of jobs) yield byColumns ? rowDocument(columns, job, now) : jobDocument(job);
    },
    sheet: (now) => sheetOf(columns, jobs, now),
  };
}

/** Minimum widths of a change's time, job, function, target, state, returns, bad peels. */
const CHANGE_COLUMNS = [20, 27, 12, 12, 8, 7, 0].map(
  (min, i): Column<readonly string[]> => ({ title: "", min, text: (texts) => texts[i] as string }),
);

export function changeLine(row: JobRow, now: Date, counts?: ReturnCounts): string {
  const bad = badOf(row);
  const when = row.updated ?? new Timestamp(BigInt(Math.floor(now.getTime() / 1000)), 0);
  const texts = [
    String(when).replace(/\.\d+Z$/, "Z"),
    row.jid,
    row.fn || "-",
    targetOf(row, Number.POSITIVE_INFINITY),
    displayState(row),
    returnsOf(row, counts),
    bad ? `${bad} bad` : "",
  ];
  return renderTable(CHANGE_COLUMNS, [texts], { color: false, columns: undefined, header: false });
}
