// What failed across jobs: the tables of `errors`, and the same for programs. Pure; the clock is an argument.
import type { Value, ValueMap } from "../codec/value.ts";
import type { ErrorGroup, FailedJob } from "../model/failures.ts";
import type { JobRow } from "../model/job.ts";
import { count, paragraph, plural, safe, shorten, width } from "../text.ts";
import { GAP } from "./fit.ts";
import { namesBeside, peelNames } from "./names.ts";
import { type Cell, type Look, renderTable } from "./table.ts";
import { whenText } from "./time.ts";

/** The job with that number. */
export type JobAt = (number: number) => JobRow;

/** The least columns that ERROR and WHERE share. */
const SHARED = 24;
/** With less room than this, WHERE is left out beside a job. */
const BOTH = 48;

/** What stands for the error of returns that failed and don't say why. */
const UNTOLD = "failed without an error";

/** A column of a table, with its cells. */
interface Column {
  readonly title: string;
  readonly cells: readonly string[];
  readonly right?: boolean;
}

/** A column of numbers. */
const numbers = (title: string, values: readonly number[]): Column => ({
  title,
  cells: values.map(count),
  right: true,
});

interface Line {
  readonly error: string;
  readonly peels: readonly string[];
}

/** Columns as they are given, and then ERROR and WHERE, which on a terminal share what is left of its width. */
function table(lines: readonly Line[], first: readonly Column[], look: Look): string {
  const taken = first.reduce(
    (sum, { title, cells }) =>
      sum + GAP + cells.reduce((most, cell) => Math.max(most, width(safe(cell))), title.length),
    0,
  );
  const room = look.columns === undefined ? Number.POSITIVE_INFINITY : Math.max(SHARED, look.columns - taken);
  const errors = lines.map(({ error }) => safe(error || UNTOLD));
  const titles = ["ERROR", "WHERE"] as const;
  const withWhere = first.length < 4 || room >= BOTH;
  const { where, most } = withWhere
    ? namesBeside(
        errors,
        lines.map(({ peels }) => peels.map((peel) => ({ peel }))),
        room - GAP,
        titles,
      )
    : { where: [], most: room };
  const columns = [...first, ...titles.slice(0, withWhere ? 2 : 1).map((title) => ({ title }))];
  const rows = lines.map((_, i): Cell[] => [
    ...first.map(({ cells }) => ({ text: cells[i] as string })),
    { text: shorten(errors[i] as string, most) },
    ...(withWhere ? [{ text: where[i] as string }] : []),
  ]);
  return renderTable(columns, rows, look.header, look);
}

/** The errors, a row each. */
export function renderErrors(groups: readonly ErrorGroup[], jobAt: JobAt, look: Look, now: Date): string {
  return table(
    groups,
    [
      numbers(
        "PEELS",
        groups.map(({ peels }) => peels.length),
      ),
      numbers(
        "JOBS",
        groups.map(({ jobs }) => jobs.length),
      ),
      { title: "LAST", cells: groups.map(({ jobs }) => whenText(jobAt(jobs.at(-1) as number).created, look, now)) },
    ],
    look,
  );
}

/** The jobs that had errors, a row each, with the error of most peels. */
export function renderFailedJobs(jobs: readonly FailedJob[], jobAt: JobAt, look: Look, now: Date): string {
  const rows = jobs.map(({ job }) => jobAt(job));
  return table(
    jobs.map(({ error, others, peels }) => ({
      error: others > 0 ? `${error || UNTOLD} (and ${plural(others, "other error")})` : error,
      peels,
    })),
    [
      numbers(
        "PEELS",
        jobs.map(({ peels }) => peels.length),
      ),
      { title: "CREATED", cells: rows.map(({ created }) => whenText(created, look, now)) },
      { title: "JID", cells: rows.map(({ jid }) => jid) },
      { title: "FUNCTION", cells: rows.map(({ fn }) => fn || "-") },
    ],
    look,
  );
}

/** The line about peels that masters gave up; empty for none. */
export function unreachableLine(group: ErrorGroup | undefined, look: Look): string {
  if (!group) return "";
  const { peels, jobs } = group;
  const line = `${plural(peels.length, "peel")} ${peels.length === 1 ? "was" : "were"} unreachable in ${plural(jobs.length, "job")}: `;
  const room = look.columns === undefined ? Number.POSITIVE_INFINITY : Math.max(SHARED, look.columns - line.length);
  const names = peelNames(
    peels.map((peel) => ({ peel })),
    room,
  );
  return paragraph(line + names, look.columns);
}

const document = (fields: Record<string, Value>): ValueMap => new Map(Object.entries(fields));

/** An error for programs: peels and times as they are stored. */
export const errorDocument = (
  state: "failed" | "unreachable",
  { error, peels, jobs }: ErrorGroup,
  jobAt: JobAt,
): ValueMap =>
  document({
    state,
    error: error || null,
    peels: peels.length,
    jobs: jobs.length,
    first: jobAt(jobs[0] as number).created ?? null,
    last: jobAt(jobs.at(-1) as number).created ?? null,
    where: [...peels].sort(),
  });

/** A job with errors for programs. */
export function failedJobDocument({ job, peels, error, others }: FailedJob, jobAt: JobAt): ValueMap {
  const { jid, fn, created } = jobAt(job);
  return document({
    jid,
    function: fn ?? null,
    created: created ?? null,
    peels: peels.length,
    error: error || null,
    errors: others + 1,
    where: [...peels].sort(),
  });
}
