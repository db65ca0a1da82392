// zester job list, and what it shares with `active`
import type { ArgsDef } from "citty";
import { defineCommand, type Flags } from "../cli/command.ts";
import type { Value } from "../codec/value.ts";
import { UserError } from "../errors.ts";
import { findStuck } from "../jobs/heartbeats.ts";
import { type Records, readJobs } from "../jobs/read-jobs.ts";
import { QUICK_MESSAGES, readRecent } from "../jobs/recent.ts";
import type { JobRow } from "../model/job.ts";
import type { Job, JobList } from "../model/job-list.ts";
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
  rowDocument,
  SHEET,
  STUCK,
  stuckColumn,
  WIDE_SHEET,
  wide,
} from "../render/columns.ts";
import { csvLines } from "../render/csv.ts";
import { jobDocument } from "../render/document.ts";
import { renderJobs } from "../render/jobs.ts";
import { progressOn } from "../terminal/progress.ts";
import { selectionByServer } from "./clock.ts";
import { JOB_IDS, writeCount, writeIds } from "./ids.ts";
import { amongWords, warnUnreadable, writeJobs } from "./output.ts";
import { failIfEmpty, writeNone } from "./selecting.ts";
import { type Session, withSession } from "./session.ts";
import { conditions, globals, header, listFormat, repeated, scripted } from "./shared.ts";
import { type Format, type Formats, LIST_FORMATS } from "./surroundings.ts";

/** Those of `active` too. */
export const args = {
  ...globals,
  ...conditions,
  sort: { type: "string", valueHint: "order", description: "created (default), updated, duration, jid or state" },
  format: listFormat,
  reverse: { type: "boolean", description: "reverse order" },
  wide: { type: "boolean", description: "also what ran, when, returns, failures, who, stuck" },
  columns: { ...repeated, valueHint: "columns", description: "these, or fields of records: jid,state,args.name" },
  header,
  quiet: { type: "boolean", alias: "q", description: "job ids alone, one a line" },
  count: { type: "boolean", description: "only the number of jobs" },
  ...scripted("no job matches"),
} as const satisfies ArgsDef;

export type ListArgs = Flags<typeof args>;

/** The formats of lists; json, jsonl and yaml have whole records without --wide. */
export const LIST_OUTPUT: Formats = { formats: LIST_FORMATS, only: { wide: ["text", "csv"] } };

/** What differs between `list` and `active`. */
export interface View {
  readonly keep: (row: JobRow) => boolean;
  /** The names of its columns. */
  readonly columns: readonly string[];
  /** What is said when there is no job at all. */
  readonly none: string;
  /** Jobs that are stuck are told of on stderr. */
  readonly tellStuck: boolean;
}

/** The columns that the flags ask for; CSV has its own when none are named. */
function columnsFor(flags: ListArgs, view: View, format: Format): JobColumn[] {
  if (flags.columns !== undefined) return parseColumns(flags.columns);
  if (format === "csv") return columnsOf(flags.wide ? WIDE_SHEET : SHEET);
  return columnsOf(flags.wide ? wide(view.columns) : view.columns);
}

/** @throws UserError for a column that is no field of any of the jobs: there, it is a slip */
function checkColumns(columns: readonly JobColumn[], jobs: JobList): void {
  if (jobs.length === 0) return;
  for (const column of columns) {
    const field = doubtfulField(column);
    if (field === undefined || jobs.numbers.some((n) => jobs.make(n).record?.has(field))) continue;
    throw new UserError(`no job here has a field "${field}".${nearest(field, COLUMN_NAMES)}`, COLUMNS_HINT);
  }
}

/** True when any of the jobs repeats another. */
const hasRetries = (jobs: JobList) => jobs.numbers.some((n) => jobs.make(n).row.retryOf !== undefined);

function* jids(jobs: JobList): Generator<string> {
  for (const { row } of jobs) yield row.jid;
}

/** What programs get of a job: its record, or the columns that were named. */
function documentsFor(flags: ListArgs, columns: readonly JobColumn[], now: Date): (job: Job) => Value {
  return flags.columns === undefined ? jobDocument : (job) => rowDocument(columns, job, now);
}

/** Writes jobs, in their order, in the form that the flags ask for; `none` is what a table of no jobs says. */
async function writeList(
  jobs: JobList,
  columns: readonly JobColumn[],
  none: string,
  flags: ListArgs,
  session: Session,
): Promise<void> {
  const { terminal, format, store } = session;
  const header = flags.header !== false;
  if (flags.count) writeCount(jobs.length, session, header);
  else if (flags.quiet) await writeIds(jids(jobs), JOB_IDS, session, header);
  else if (format === "csv") terminal.writeAll(csvLines(columns, jobs, store.now(), header));
  else if (format !== "text") await writeJobs(jobs, documentsFor(flags, columns, store.now()), format, terminal);
  else if (jobs.length === 0) writeNone(none, flags, terminal);
  else {
    const { color, columns: width } = terminal;
    let missing: readonly string[] = [];
    const leftOut = (names: readonly string[]) => {
      missing = names;
    };
    terminal.writeAll(renderJobs(columns, jobs, { color, columns: width, header }, store.now(), leftOut));
    if (missing.length > 0)
      terminal.say(`No room for ${missing.join(", ").toUpperCase()}: a wider terminal, or a pipe, has them.`);
  }
}

/** What is kept of the records for these columns: just what they show. */
async function partsFor(columns: readonly JobColumn[]): Promise<Records> {
  const fields = [...new Set(columns.flatMap(fieldsOf))];
  if (fields.length === 0) return false;
  const { RecordParts } = await import("../jobs/record-parts.ts");
  return () => RecordParts.of(fields);
}

/** Reads the selected jobs of a view and writes them as the flags say. */
export async function listJobs(flags: ListArgs, view: View, selection: Selection, session: Session): Promise<void> {
  const { store, terminal, format } = session;
  const wanted = (row: JobRow) => view.keep(row) && selection.matches(row);
  const named = columnsFor(flags, view, format);
  const withJobs = !flags.count && !flags.quiet;
  const byColumns = format === "text" || format === "csv" || flags.columns !== undefined;
  const showsStuck = byColumns && named.some(({ name }) => name === STUCK);
  const records = withJobs && (!byColumns || (await partsFor(named)));
  const recent = await readRecent(store, selection, wanted, records, { whole: QUICK_MESSAGES });
  const read = recent ?? (await readJobs(store, wanted, records, progressOn(terminal)));
  const future = selection.timed ? futureWords(read.jobs, store.nowNs()) : undefined;
  const jobs = selection.arrange(read.jobs);
  const rows = withJobs && (view.tellStuck || showsStuck) ? Array.from(jobs, ({ row }) => row) : [];
  let unheard: string | undefined;
  const stuck = await findStuck(store, rows, (why) => {
    unheard ??= why;
  });
  const isShown = ({ name }: JobColumn) => name !== RETRY_OF || format === "csv" || !flags.wide || hasRetries(jobs);
  const columns = named
    .filter(isShown)
    .map((column) => (column.name === STUCK ? stuckColumn(({ jid }) => stuck.get(jid), stuck.size > 0) : column));
  const none = selection.text === "" ? view.none : `No jobs match ${selection.text} (${amongWords(read)}).`;
  if (withJobs && byColumns) checkColumns(columns, jobs);
  await writeList(jobs, columns, none, flags, session);
  if (future !== undefined) terminal.warn(future);
  const words = view.tellStuck ? allStuckWords([...stuck.values()]) : undefined;
  if (words !== undefined) terminal.warn(words);
  // For people only: a script that asks every minute would hear it every minute.
  if (unheard !== undefined && terminal.canTell) terminal.warn(`${unheard} Whether the masters live is not known.`);
  warnUnreadable(read.unreadable, terminal);
  failIfEmpty(flags, jobs.length, none);
}

/** @throws UserError for flags that exclude each other, or that select nothing that there could be */
export function checkFlags(flags: ListArgs): void {
  parseSelection(flags, new Date());
  const given = (["quiet", "count", "wide", "columns"] as const).filter((name) => flags[name]);
  if (flags.columns !== undefined) parseColumns(flags.columns);
  if (given.length > 1) throw new UserError(`--${given[0]} and --${given[1]} exclude each other.`, "Give one of them.");
}

async function run(flags: ListArgs): Promise<void> {
  checkFlags(flags);
  const view = { keep: () => true, columns: LIST, none: "No jobs found.", tellStuck: false };
  await withSession(
    flags,
    async (session) => {
      await listJobs(flags, view, await selectionByServer(flags, session), session);
    },
    LIST_OUTPUT,
  );
}

export default defineCommand({
  meta: {
    description: "List all recent jobs, oldest first.",
    group: "See",
    examples: [
      "zester job list",
      "zester job list --state bad --since 2h --target 'db*' --wide",
      "zester job list --format jsonl | jq -r .jid",
    ],
  },
  args,
  run: ({ args }) => run(args),
});
