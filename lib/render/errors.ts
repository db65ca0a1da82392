// What failed across jobs. Pure.
import type { Timestamp } from "../codec/value.ts";
import type { ErrorGroup, ErrorGroups, FailedJob } from "../model/error-groups.ts";
import type { JobRow } from "../model/job.ts";
import { paragraph, plural } from "../text.ts";
import { idGives, leaves, shrinks } from "./fit.ts";
import { peelNames } from "./names.ts";
import { type Forms, pick, type RowColumn, tableOf, type View, type Viewer, viewOf } from "./view.ts";

/** Stands for the error of returns that failed and have none. */
export const UNTOLD = "failed without an error";

/** The least columns that the names of unreachable peels take. */
const UNREACHABLE_NAMES = 24;

/**
 * How the columns give way: names and long errors become shorter, WHERE leaves, then what ran, and in the end ids are cut.
 */
const ERROR_GIVES = [shrinks(1, 40), shrinks(4, 30), shrinks(8, 20)];

const peelRows = (peels: readonly string[]) => peels.map((peel) => ({ peel }));

/** How many peels failed and which: the same for an error and for a job. */
const PEELS: RowColumn<{ readonly peels: readonly string[] }> = {
  name: "peels",
  right: true,
  value: ({ peels }) => peels.length,
};
const WHERE: RowColumn<{ readonly peels: readonly string[] }> = {
  name: "where",
  gives: [shrinks(0, 24), shrinks(3, 12), leaves(5)],
  value: ({ peels }) => [...peels].sort(),
  text: ({ peels }, _, max) => peelNames(peelRows(peels), max),
};

interface ErrorRow extends ErrorGroup {
  readonly state: "failed" | "unreachable";
  readonly first: Timestamp | undefined;
  readonly last: Timestamp | undefined;
}

const ERROR_COLUMNS: readonly RowColumn<ErrorRow>[] = [
  PEELS,
  { name: "jobs", right: true, value: ({ jobs }) => jobs.length },
  { name: "state", value: ({ state }) => state },
  { name: "first", value: ({ first }) => first ?? null },
  { name: "last", value: ({ last }) => last ?? null },
  { name: "error", gives: ERROR_GIVES, value: ({ error }) => error || null, text: ({ error }) => error || UNTOLD },
  WHERE,
];
const ERROR_FORMS: Forms = {
  table: "peels jobs last error where",
  sheet: "state error peels jobs first last where",
  document: "state error peels jobs first last where",
};

interface JobErrorsRow extends FailedJob {
  readonly row: JobRow;
}

const JOB_COLUMNS: readonly RowColumn<JobErrorsRow>[] = [
  PEELS,
  { name: "created", value: ({ row }) => row.created ?? null },
  {
    name: "jid",
    gives: (jobs) =>
      idGives(
        jobs.map(({ row }) => row.jid),
        9,
      ),
    value: ({ row }) => row.jid,
    text: ({ row }, _, max) => row.jid.slice(0, max),
  },
  { name: "function", gives: [shrinks(6, 12), leaves(7)], value: ({ row }) => row.fn ?? null },
  {
    name: "error",
    gives: ERROR_GIVES,
    value: ({ error }) => error || null,
    text: ({ error, others }) =>
      others > 0 ? `${error || UNTOLD} (and ${plural(others, "other error")})` : error || UNTOLD,
  },
  { name: "errors", value: ({ others }) => others + 1 },
  WHERE,
];
const JOB_FORMS: Forms = {
  table: "peels created jid function error where",
  sheet: "jid function created peels error errors where",
  document: "jid function created peels error errors where",
};

/** The line about peels that masters gave up; empty for none. */
export function unreachableLine(group: ErrorGroup | undefined, columns?: number): string {
  if (!group) return "";
  const { peels, jobs } = group;
  const line = `${plural(peels.length, "peel")} unreachable in ${plural(jobs.length, "job")}: `;
  const room = columns === undefined ? Number.POSITIVE_INFINITY : Math.max(UNREACHABLE_NAMES, columns - line.length);
  return paragraph(line + peelNames(peelRows(peels), room), columns);
}

/** What failed in the jobs that were selected. */
export interface ErrorsFound {
  readonly failures: ErrorGroups;
  /** The peels that masters gave up, as one group. */
  readonly unreachable: ErrorGroup | undefined;
  readonly jobAt: (number: number) => JobRow;
}

/** A view of errors, and how many rows the limit left out. */
export interface Limited {
  readonly view: View;
  readonly more: number;
}

/** A row for each error. Unreachable peels are a line below the table, and a row for programs. */
export function errorsView({ failures, unreachable, jobAt }: ErrorsFound, limit: number | undefined): Limited {
  const rowOf = (state: ErrorRow["state"], group: ErrorGroup): ErrorRow => ({
    ...group,
    state,
    first: jobAt(group.jobs[0] as number).created,
    last: jobAt(group.jobs.at(-1) as number).created,
  });
  const groups = failures.groups();
  const failed = groups.slice(0, limit).map((group) => rowOf("failed", group));
  const rows = [...failed, ...(unreachable ? [rowOf("unreachable", unreachable)] : [])];
  const view = viewOf(ERROR_COLUMNS, ERROR_FORMS, rows, {
    text: (viewer) => errorsText(ERROR_COLUMNS, ERROR_FORMS, failed, unreachable, viewer),
  });
  return { view, more: groups.length - failed.length };
}

/** A row for each job. Unreachable peels are a line below the table. */
export function failedJobsView({ failures, unreachable, jobAt }: ErrorsFound, limit: number | undefined): Limited {
  const jobs = failures.jobs();
  const rows = jobs.slice(0, limit).map((one): JobErrorsRow => ({ ...one, row: jobAt(one.job) }));
  const view = viewOf(JOB_COLUMNS, JOB_FORMS, rows, {
    size: rows.length + Number(unreachable !== undefined),
    text: (viewer) => errorsText(JOB_COLUMNS, JOB_FORMS, rows, unreachable, viewer),
  });
  return { view, more: jobs.length - rows.length };
}

/** The table, which is left out when it has no rows, and the line about unreachable peels. */
function* errorsText<T>(
  columns: readonly RowColumn<T>[],
  { table }: Forms,
  rows: readonly T[],
  unreachable: ErrorGroup | undefined,
  viewer: Viewer,
): Generator<string> {
  if (rows.length > 0) yield tableOf(pick(columns, table), rows, viewer);
  yield unreachableLine(unreachable, viewer.columns);
}
