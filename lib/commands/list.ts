// zester job list, and what it shares with `active`
import type { ArgsDef } from "citty";
import { defineCommand, type Flags } from "../cli/command.ts";
import { UserError } from "../errors.ts";
import { findStuck } from "../jobs/heartbeats.ts";
import { type Records, readJobs } from "../jobs/read-jobs.ts";
import { QUICK_MESSAGES, readRecent } from "../jobs/recent.ts";
import { countReturns } from "../jobs/return-counts.ts";
import { isTerminal, type JobList, type JobRow } from "../model/job.ts";
import { parseSelection, type Selection } from "../model/selection.ts";
import { allStuckWords } from "../model/stuck.ts";
import { nearest } from "../nearest.ts";
import { futureWords } from "../render/clock.ts";
import {
  COLUMN_NAMES,
  COLUMNS_HINT,
  columnsOf,
  doubtfulField,
  fieldsOf,
  type JobColumn,
  LIST,
  parseColumns,
  RETRY_OF,
  RETURN_COLUMNS,
  returnColumns,
  SHEET,
  STUCK,
  shortJid,
  stuckColumn,
  WIDE_SHEET,
  wide,
} from "../render/columns.ts";
import { jobsView } from "../render/jobs.ts";
import { progressOn } from "../terminal/progress.ts";
import { selectionByServer } from "./clock.ts";
import { amongWords, unreadableWarning } from "./output.ts";
import type { Session } from "./session.ts";
import { conditions, globals, header, listFormat, repeated, scripted } from "./shared.ts";
import type { Formats } from "./surroundings.ts";
import { type Answer, answerWith, type Form, outputForm } from "./write-answer.ts";

export const args = {
  ...globals,
  ...conditions,
  sort: {
    type: "string",
    valueHint: "order",
    description: "sort by created (default), updated, duration, jid, state",
  },
  format: listFormat,
  reverse: { type: "boolean", description: "reverse the order" },
  wide: { type: "boolean", description: "add columns; on a terminal, WHAT replaces FUNCTION" },
  columns: {
    ...repeated,
    valueHint: "columns",
    description: "show these columns or record fields: jid,state,args.name",
  },
  header,
  quiet: { type: "boolean", alias: "q", description: "print only job IDs, one per line" },
  count: { type: "boolean", description: "print only the number of jobs" },
  ...scripted("no job matches"),
} as const satisfies ArgsDef;

export type ListArgs = Flags<typeof args>;

/** json, jsonl and yaml have whole records without --wide. */
export const LIST_OUTPUT: Formats = { only: { wide: ["text", "csv"] } };

/** What differs between `list` and `active`. */
export interface Listing {
  /** Whether it lists a job. @param isSelected the job matches the conditions */
  readonly keep: (row: JobRow, isSelected: boolean) => boolean;
  readonly columns: readonly string[];
  readonly none: string;
  readonly warnsOfStuck: boolean;
}

export interface ListRequest {
  readonly selection: Selection;
  readonly shows: "jobs" | "jids" | "count";
  readonly wide: boolean;
  readonly columns: readonly JobColumn[] | undefined;
  readonly form: Form;
}

/** @throws UserError for flags that exclude each other, or invalid values */
export function parse(flags: ListArgs, now: Date): ListRequest {
  const selection = parseSelection(flags, now);
  const given = (["quiet", "count", "wide", "columns"] as const).filter((name) => flags[name]);
  const columns = flags.columns && parseColumns(flags.columns);
  if (given.length > 1)
    throw new UserError(`--${given[0]} and --${given[1]} cannot be used together.`, "Use one of them.");
  const shows = flags.count ? "count" : flags.quiet ? "jids" : "jobs";
  return { selection, shows, wide: flags.wide === true, columns, form: outputForm(flags) };
}

/** @throws UserError for a column that is a field of none of the jobs: a slip */
function checkColumns(columns: readonly JobColumn[], jobs: JobList): void {
  if (jobs.length === 0) return;
  for (const column of columns) {
    const field = doubtfulField(column);
    if (field === undefined || jobs.numbers.some((n) => jobs.make(n).record?.has(field))) continue;
    throw new UserError(`unknown field "${field}" for --columns.${nearest(field, COLUMN_NAMES)}`, COLUMNS_HINT);
  }
}

const hasRetries = (jobs: JobList) => jobs.numbers.some((n) => jobs.make(n).row.retryOf !== undefined);

function openRows(jobs: JobList): JobRow[] {
  const open: JobRow[] = [];
  for (const { row } of jobs) if (!isTerminal(row.status)) open.push(row);
  return open;
}

function* jidsIn(jobs: JobList): Generator<string> {
  for (const { row } of jobs) yield row.jid;
}

/** The parts of the records that these columns show. */
async function partsFor(columns: readonly JobColumn[]): Promise<Records> {
  const fields = [...new Set(columns.flatMap(fieldsOf))];
  if (fields.length === 0) return false;
  const { RecordParts } = await import("../jobs/record-parts.ts");
  return () => RecordParts.of(fields);
}

/** The columns that are shown: a spreadsheet has its own. */
function columnsFor(
  { columns, wide: isWide }: ListRequest,
  listing: Listing,
  { format, terminal }: Session,
): readonly JobColumn[] {
  if (columns) return columns;
  if (format === "csv") return columnsOf(isWide ? WIDE_SHEET : SHEET);
  return columnsOf(isWide ? wide(listing.columns, terminal.isTty) : listing.columns);
}

export async function listJobs(request: ListRequest, listing: Listing, session: Session): Promise<Answer> {
  const { store, terminal, format } = session;
  const selection = await selectionByServer(request.selection, session);
  const wanted = (row: JobRow) => listing.keep(row, selection.matches(row));
  const inSheet = format === "csv";
  const named = columnsFor(request, listing, session);
  const withJobs = request.shows === "jobs";
  const byColumns = format === "text" || inSheet || request.columns !== undefined;
  const shows = (names: readonly string[]) => withJobs && byColumns && named.some(({ name }) => names.includes(name));
  const records = withJobs && (!byColumns || (await partsFor(named)));
  const recent = await readRecent(store, selection, wanted, records, { whole: QUICK_MESSAGES });
  const read = recent ?? (await readJobs(store, wanted, records, progressOn(terminal)));
  const future = selection.timed ? futureWords(read.jobs, store.nowNs()) : undefined;
  const jobs = selection.arrange(read.jobs);
  const asksStuck = (withJobs && listing.warnsOfStuck) || shows([STUCK]);
  const asksReturns = shows(RETURN_COLUMNS);
  const open = asksStuck || asksReturns ? openRows(jobs) : [];
  let unheard: string | undefined;
  const [stuck, counts] = await Promise.all([
    findStuck(store, asksStuck ? open : [], (why) => {
      unheard ??= why;
    }),
    countReturns(store, asksReturns ? open : []),
  ]);
  const returns = returnColumns(counts);
  const isEmpty = ({ name }: JobColumn) =>
    (name === RETRY_OF && !hasRetries(jobs)) || (name === STUCK && stuck.size === 0 && terminal.isTty);
  const isShown = (column: JobColumn) => inSheet || !request.wide || !isEmpty(column);
  const columns = named.filter(isShown).map((column) => {
    if (column.name === STUCK) return stuckColumn(({ jid }) => stuck.get(jid));
    if (column.name === "jid" && (request.wide || request.columns) && terminal.isTty)
      return shortJid([...jidsIn(jobs)]);
    return returns.find(({ name }) => name === column.name) ?? column;
  });
  if (withJobs && byColumns) checkColumns(columns, jobs);
  const shown = {
    jobs: () => jobsView(columns, jobs, request.columns !== undefined),
    jids: () => ({ size: jobs.length, ids: jidsIn(jobs) }),
    count: () => jobs.length,
  };
  return {
    shown: shown[request.shows](),
    none: selection.text === "" ? listing.none : `No jobs match ${selection.text} (${amongWords(read)}).`,
    warnings: [
      future,
      listing.warnsOfStuck ? allStuckWords([...stuck.values()]) : undefined,
      // For people only: a script that asks every minute would hear it every minute.
      unheard !== undefined && terminal.canTell ? `${unheard} Cannot tell whether the masters are alive.` : undefined,
      unreadableWarning(read.unreadable),
    ],
  };
}

const ALL_JOBS: Listing = {
  keep: (_, isSelected) => isSelected,
  columns: LIST,
  none: "No jobs found.",
  warnsOfStuck: false,
};

export default defineCommand({
  meta: {
    description: "list recent jobs, oldest first",
    group: "Inspect",
    details:
      "--wide adds WHAT (the function and its subject), CREATED, DURATION, RETURNS, FAILED, USER, OWNER and, if any, RETRY_OF and STUCK. FAILED counts the peels that failed or were unreachable, when the job has ended.",
    example: "zester job list --state bad --since 2h --wide",
  },
  args,
  run: ({ args }) =>
    answerWith(args, parse(args, new Date()), (request, session) => listJobs(request, ALL_JOBS, session), LIST_OUTPUT),
});
