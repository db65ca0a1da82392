// `errors`: views. Pure.
import type { Timestamp } from "../codec/value.ts";
import type { ErrorGroup, ErrorGroups, FailedJob, UnreturnedGroup } from "../model/error-groups.ts";
import type { JobRow } from "../model/job.ts";
import { paragraph, plural } from "../text.ts";
import { peelNames } from "./names.ts";
import { type Look, leaves, roomBeside, shrinks } from "./table.ts";
import { type Forms, jidColumn, pick, type RowColumn, rowsView, tableOf, type View, type Viewer } from "./view.ts";

export const UNTOLD = "failed without an error";

/** In text, after the number of peels. */
export const UNRETURNED = { unreachable: "unreachable", missing: "returned late or never" } as const;

/** Minimum columns of the names of such peels. */
const UNRETURNED_NAMES = 24;

/** Names and long errors shrink and IDs are cut, then the function leaves, then names. */
const ERROR_GIVES = [shrinks(1, 40), shrinks(4, 30), shrinks(8, 20)];

const PEELS: RowColumn<{ readonly peels: readonly string[] }> = {
  name: "peels",
  right: true,
  value: ({ peels }) => peels.length,
};
const PEEL_NAMES: RowColumn<{ readonly peels: readonly string[] }> = {
  name: "where",
  gives: [shrinks(0, 24), shrinks(3, 12), leaves(10)],
  value: ({ peels }) => [...peels].sort(),
  text: ({ peels }, _, max) => peelNames(peels, max),
};

interface ErrorRow extends ErrorGroup {
  readonly state: "failed" | UnreturnedGroup["state"];
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
  PEEL_NAMES,
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
  jidColumn(({ row }) => row.jid, 2),
  { name: "function", gives: [shrinks(5, 8), leaves(7)], value: ({ row }) => row.fn ?? null },
  {
    name: "error",
    gives: ERROR_GIVES,
    value: ({ error }) => error || null,
    text: ({ error, others }) =>
      others > 0 ? `${error || UNTOLD} (and ${plural(others, "other error")})` : error || UNTOLD,
  },
  { name: "errors", value: ({ others }) => others + 1 },
  PEEL_NAMES,
];
const JOB_FORMS: Forms = {
  table: "peels created jid function error where",
  sheet: "jid function created peels error errors where",
  document: "jid function created peels error errors where",
};

export function unreturnedLine({ state, peels, jobs }: UnreturnedGroup, look: Pick<Look, "columns">): string {
  const line = `${plural(peels.length, "peel")} ${UNRETURNED[state]} in ${plural(jobs.length, "job")}: `;
  return paragraph(line + peelNames(peels, roomBeside(line.length, look, UNRETURNED_NAMES)), look.columns);
}

interface ErrorsFound {
  readonly failures: ErrorGroups;
  readonly unreturned: readonly UnreturnedGroup[];
  readonly jobAt: (number: number) => JobRow;
}

/** `more`: rows that the limit left out. */
interface Limited {
  readonly view: View;
  readonly more: number;
}

/** A row per error. Peels without a return are in lines below, and in rows for programs. */
export function errorsView({ failures, unreturned, jobAt }: ErrorsFound, limit: number | undefined): Limited {
  const rowOf = (state: ErrorRow["state"], group: ErrorGroup): ErrorRow => ({
    ...group,
    state,
    first: jobAt(group.jobs[0] as number).created,
    last: jobAt(group.jobs.at(-1) as number).created,
  });
  const groups = failures.groups();
  const failed = groups.slice(0, limit).map((group) => rowOf("failed", group));
  const rows = [...failed, ...unreturned.map((group) => rowOf(group.state, group))];
  const view = rowsView(ERROR_COLUMNS, ERROR_FORMS, rows, {
    text: (viewer) => errorsText(ERROR_COLUMNS, ERROR_FORMS, failed, unreturned, viewer),
  });
  return { view, more: groups.length - failed.length };
}

/** A row per job. Peels without a return are in lines below. */
export function failedJobsView({ failures, unreturned, jobAt }: ErrorsFound, limit: number | undefined): Limited {
  const jobs = failures.jobs();
  const rows = jobs.slice(0, limit).map((one): JobErrorsRow => ({ ...one, row: jobAt(one.job) }));
  const view = rowsView(JOB_COLUMNS, JOB_FORMS, rows, {
    size: rows.length + unreturned.length,
    text: (viewer) => errorsText(JOB_COLUMNS, JOB_FORMS, rows, unreturned, viewer),
  });
  return { view, more: jobs.length - rows.length };
}

function* errorsText<T>(
  columns: readonly RowColumn<T>[],
  { table }: Forms,
  rows: readonly T[],
  unreturned: readonly UnreturnedGroup[],
  viewer: Viewer,
): Generator<string> {
  if (rows.length > 0) yield* tableOf(pick(columns, table), rows, viewer);
  for (const group of unreturned) yield unreturnedLine(group, viewer);
}
