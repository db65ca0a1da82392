// zester job list, and what it shares with `active`
import type { ArgsDef } from "citty";
import type { Flags } from "../cli/command.ts";
import { UserError } from "../errors.ts";
import { findStuck } from "../jobs/heartbeats.ts";
import { type Records, readJobs } from "../jobs/read-jobs.ts";
import { QUICK_MESSAGES, readRecent } from "../jobs/recent.ts";
import { countReturns } from "../jobs/return-counts.ts";
import { isTerminal, type JobList, type JobRow } from "../model/job.ts";
import { parseSelection, type Selection } from "../model/selection.ts";
import { allStuckWords } from "../model/stuck.ts";
import { nearest } from "../nearest.ts";
import {
  COLUMN_NAMES,
  COLUMNS_HINT,
  columnsOf,
  doubtfulField,
  fieldsOf,
  type JobColumn,
  jobsView,
  LIST,
  parseColumns,
  RETRY_OF,
  RETURN_COLUMNS,
  returnColumns,
  SHEET,
  SHORT_JID,
  STUCK,
  stuckColumn,
  WIDE_SHEET,
  wide,
} from "../render/columns.ts";
import { countView, jidsView } from "../render/ids.ts";
import { futureWords } from "../render/time.ts";
import { progressOn } from "../terminal/progress.ts";
import { count, plural, safe } from "../text.ts";
import { type Answer, question } from "./answer.ts";
import { amongWords } from "./matching.ts";
import { selectionByServer, unreadableWarning } from "./selecting.ts";
import type { Format, Session } from "./session.ts";
import { conditions, globals, header, listFormat, repeated, scripted } from "./shared.ts";

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

const SHOWS_ALL = ["`zester job list` shows all jobs."];
export const flagsElsewhere = { all: SHOWS_ALL, a: SHOWS_ALL };

export const surplus = "`zester job show <jid>` shows one job; --target <peel> selects the jobs of a peel.";

/** json, jsonl and yaml have whole records without --wide. */
export const only: Readonly<Record<string, readonly Format[]>> = { wide: ["text", "csv"] };

/** What differs between `list` and `active`. */
interface Listing {
  /** Whether it lists a job. @param isSelected the job matches the conditions */
  readonly keep: (row: JobRow, isSelected: boolean) => boolean;
  readonly columns: readonly string[];
  readonly none: string;
  /** The conditions follow. */
  readonly noneMatches: string;
  readonly warnsOfStuck: boolean;
}

type ListRequest = ReturnType<typeof parse>;

/** @throws UserError for flags that cannot be used together, or invalid values */
export function parse(flags: Flags<typeof args>, now: Date) {
  const selection = parseSelection(flags, now);
  const given = (["quiet", "count", "wide", "columns"] as const).filter((name) => flags[name]);
  const columns = flags.columns && parseColumns(flags.columns);
  if (given.length > 1)
    throw new UserError(`--${given[0]} and --${given[1]} cannot be used together.`, "Use one of them.");
  const shows = flags.count ? "count" : flags.quiet ? "jids" : "jobs";
  return { selection, shows, isWide: flags.wide === true, columns } as const;
}

/** @throws UserError for a column that no job has as a field: a typing error */
function checkColumns(columns: readonly JobColumn[], jobs: JobList): void {
  if (jobs.length === 0) return;
  for (const column of columns) {
    const field = doubtfulField(column);
    if (field === undefined || jobs.numbers.some((n) => jobs.make(n).record?.has(field))) continue;
    throw new UserError(`unknown field "${field}" for --columns.${nearest(field, COLUMN_NAMES)}`, COLUMNS_HINT);
  }
}

/** A warning about columns whose cells are all empty, such as `args.nam`. */
function emptyFieldsWarning(columns: readonly JobColumn[], jobs: JobList): string | undefined {
  const isIn = ({ value }: JobColumn, now: Date) => jobs.numbers.some((n) => value(jobs.make(n), now) !== null);
  const now = new Date(0);
  const empty = columns.filter((column) => column.field?.includes(".") && !isIn(column, now));
  if (jobs.length === 0 || empty.length === 0) return undefined;
  return `no job shown has ${empty.map(({ name }) => safe(name)).join(", ")}.`;
}

/** A note that --sort orders only the jobs that --limit left. @param matching undefined if older jobs were not read */
function sortNote({ sort, limit }: Selection, matching: number | undefined): string | undefined {
  if (sort === "created" || limit === undefined || (matching !== undefined && matching <= limit)) return undefined;
  const of = matching === undefined ? "jobs" : `of ${plural(matching, "job")}`;
  return `--sort orders only the newest ${count(limit)} ${of} that match: -n selects before --sort.`;
}

/** The parts of the records that these columns show. */
async function partsFor(columns: readonly JobColumn[]): Promise<Records> {
  const fields = [...new Set(columns.flatMap(fieldsOf))];
  if (fields.length === 0) return false;
  const { RecordParts } = await import("../jobs/record-parts.ts");
  return () => RecordParts.of(fields);
}

export async function listJobs(request: ListRequest, listing: Listing, session: Session): Promise<Answer> {
  const { shows, isWide, columns: chosen } = request;
  const { store, terminal, isText, isSheet } = session;
  const selection = await selectionByServer(request.selection, session);
  const wanted = (row: JobRow) => listing.keep(row, selection.matches(row));
  const withJobs = shows === "jobs";
  const inColumns = withJobs && (isText || isSheet || chosen !== undefined);
  const usual = isSheet
    ? columnsOf(isWide ? WIDE_SHEET : SHEET)
    : columnsOf(isWide ? wide(listing.columns, terminal.isTty) : listing.columns);
  const named = chosen ?? usual;
  const isAmong = (names: readonly string[]) => inColumns && named.some(({ name }) => names.includes(name));
  const records = withJobs && (!inColumns || (await partsFor(named)));
  const recent = await readRecent(store, selection, wanted, records, { whole: QUICK_MESSAGES });
  const read = recent ?? (await readJobs(store, wanted, records, progressOn(terminal)));
  const future = selection.timed ? futureWords(read.jobs, store.nowNs()) : undefined;
  const jobs = selection.arrange(read.jobs);
  const rows = () => Iterator.from(jobs).map(({ row }) => row);
  const jids = () => rows().map(({ jid }) => jid);
  const asksStuck = (withJobs && listing.warnsOfStuck) || isAmong([STUCK]);
  const asksReturns = isAmong(RETURN_COLUMNS);
  const open = asksStuck || asksReturns ? [...rows().filter(({ status }) => !isTerminal(status))] : [];
  let unheard: string | undefined;
  const [stuck, counts] = await Promise.all([
    findStuck(store, asksStuck ? open : [], (why) => {
      unheard ??= why;
    }),
    countReturns(store, asksReturns ? open : []),
  ]);
  const returns = returnColumns(counts);
  const isEmpty = ({ name }: JobColumn) =>
    (name === RETRY_OF && !rows().some(({ retryOf }) => retryOf !== undefined)) ||
    (name === STUCK && stuck.size === 0 && terminal.isTty);
  const isShown = (column: JobColumn) => isSheet || !isWide || !isEmpty(column);
  const columns = named.filter(isShown).map((column) => {
    if (column.name === STUCK) return stuckColumn(({ jid }) => stuck.get(jid));
    if (column.name === "jid" && (isWide || chosen) && terminal.isTty) return SHORT_JID;
    return returns.find(({ name }) => name === column.name) ?? column;
  });
  if (inColumns) checkColumns(columns, jobs);
  const views = {
    jobs: () => jobsView(columns, jobs, chosen !== undefined),
    jids: () => jidsView(jobs.length, jids()),
    count: () => countView(jobs.length),
  };
  const isPart = !read.all && selection.since === undefined;
  const note = shows === "count" ? undefined : sortNote(selection, isPart ? undefined : read.jobs.length);
  const none =
    selection.text === ""
      ? listing.none
      : `${listing.noneMatches} ${selection.text} (${amongWords(read)}).${selection.hint}`;
  return {
    shown: views[shows](),
    none: withJobs ? none : undefined,
    selected: { size: jobs.length, none },
    notes: { text: note, data: note },
    warnings: [
      future,
      inColumns ? emptyFieldsWarning(columns, jobs) : undefined,
      listing.warnsOfStuck ? allStuckWords([...stuck.values()]) : undefined,
      // For people only: a script that runs every minute would get it every minute.
      unheard !== undefined && terminal.canTell ? `${unheard} Cannot tell whether the masters are alive.` : undefined,
      unreadableWarning(read.unreadable),
    ],
  };
}

const ALL_JOBS: Listing = {
  keep: (_, isSelected) => isSelected,
  columns: LIST,
  none: "No jobs found.",
  noneMatches: "No jobs match",
  warnsOfStuck: false,
};

export default question({
  meta: {
    description: "list recent jobs, oldest first",
    group: "Inspect",
    details:
      "--wide adds WHAT (the function and its subject), CREATED, DURATION, RETURNS, BAD, USER, OWNER and, if any, RETRY_OF and STUCK. RETURNS counts the stored returns, -/12 if that is unknown. BAD counts the peels that were not ok when the job ended; `zester job show <jid> --bad` lists those that have not returned ok since. In JSON, STATE is `status`, and TARGET is `target_expr`.",
    flagsElsewhere,
    surplus,
    example: "zester job list --state bad --since 2h --wide",
  },
  args,
  only,
  parse,
  answerOf: (request, session) => listJobs(request, ALL_JOBS, session),
});
