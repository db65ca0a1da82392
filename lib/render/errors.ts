// `errors`: views. Pure.
import type { Timestamp } from "../codec/value.ts";
import type { ErrorGroup, ErrorGroups, ErrorState, FailedJob } from "../model/error-groups.ts";
import type { JobRow } from "../model/job.ts";
import { count, plural } from "../text.ts";
import { peelNames } from "./names.ts";
import { leaves, shrinks } from "./table.ts";
import { type Forms, jidColumn, type RowColumn, rowsView } from "./view.ts";

/** In place of an error. */
const WITHOUT_ERROR: Readonly<Record<ErrorState, string>> = {
  failed: "failed without an error",
  unreachable: "unreachable",
  missing: "did not return",
};

export const errorText = ({ state, error }: Pick<ErrorGroup, "state" | "error">) => error || WITHOUT_ERROR[state];

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
  readonly first: Timestamp | undefined;
  readonly last: Timestamp | undefined;
}

const ERROR_COLUMNS: readonly RowColumn<ErrorRow>[] = [
  PEELS,
  { name: "jobs", right: true, value: ({ jobs }) => jobs.length },
  { name: "state", value: ({ state }) => state },
  { name: "first", value: ({ first }) => first ?? null },
  { name: "last", value: ({ last }) => last ?? null },
  { name: "error", gives: ERROR_GIVES, value: ({ error }) => error || null, text: errorText },
  PEEL_NAMES,
];
const ERROR_FORMS: Forms = {
  table: "peels jobs last error where",
  sheet: "state error peels jobs first last where",
  document: "state error peels jobs first last where",
};

type JobErrorsRow = FailedJob & { readonly row: JobRow };

/** `no space left (and 1 other error); 2 unreachable; 1 did not return` */
function jobErrorText({ error, errors, unreachable, missing }: FailedJob): string {
  const others = errors > 1 ? ` (and ${plural(errors - 1, "other error")})` : "";
  const words = [
    errors > 0 && errorText({ state: "failed", error }) + others,
    unreachable > 0 && `${count(unreachable)} ${WITHOUT_ERROR.unreachable}`,
    missing > 0 && `${count(missing)} ${WITHOUT_ERROR.missing}`,
  ];
  return words.filter(Boolean).join("; ");
}

const JOB_COLUMNS: readonly RowColumn<JobErrorsRow>[] = [
  PEELS,
  { name: "created", value: ({ row }) => row.created ?? null },
  jidColumn(({ row }) => row.jid, 2),
  { name: "function", gives: [shrinks(5, 8), leaves(7)], value: ({ row }) => row.fn ?? null },
  { name: "failed", value: ({ failed }) => failed },
  { name: "unreachable", value: ({ unreachable }) => unreachable },
  { name: "missing", value: ({ missing }) => missing },
  { name: "error", gives: ERROR_GIVES, value: ({ error }) => error || null, text: jobErrorText },
  { name: "errors", value: ({ errors }) => errors },
  PEEL_NAMES,
];
const JOB_FORMS: Forms = {
  table: "peels created jid function error where",
  sheet: "jid function created peels failed unreachable missing error errors where",
  document: "jid function created peels failed unreachable missing error errors where",
};

type JobAt = (number: number) => JobRow;

/** A row per error, and one for all peels in each state without a return. `more`: rows that the limit left out. */
export function errorsView(failures: ErrorGroups, jobAt: JobAt, limit: number | undefined) {
  const groups = failures.groups();
  const rows = groups.slice(0, limit).map(
    (group): ErrorRow => ({
      ...group,
      first: jobAt(group.jobs[0] as number).created,
      last: jobAt(group.jobs.at(-1) as number).created,
    }),
  );
  return { view: rowsView(ERROR_COLUMNS, ERROR_FORMS, rows), more: groups.length - rows.length };
}

/** A row per job. */
export function failedJobsView(failures: ErrorGroups, jobAt: JobAt, limit: number | undefined) {
  const jobs = failures.jobs();
  const rows = jobs.slice(0, limit).map((one): JobErrorsRow => ({ ...one, row: jobAt(one.job) }));
  return { view: rowsView(JOB_COLUMNS, JOB_FORMS, rows), more: jobs.length - rows.length };
}
