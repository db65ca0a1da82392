// What failed across jobs: the tables of `errors`, and the same for programs. Pure; the clock is an argument.
import type { Value, ValueMap } from "../codec/value.ts";
import type { ErrorGroup, FailedJob } from "../model/failures.ts";
import type { JobRow } from "../model/job.ts";
import { count, paragraph, plural } from "../text.ts";
import { idGives, leaves, shrinks } from "./fit.ts";
import { peelNames } from "./names.ts";
import { type Cell, type Column, type Look, renderTable } from "./table.ts";
import { whenText } from "./time.ts";

/** The job with that number. */
export type JobAt = (number: number) => JobRow;

/** What stands for the error of returns that failed and don't say why. */
const UNTOLD = "failed without an error";

/** The least columns that the names of unreachable peels take. */
const NAMES = 24;

/** How the columns give way: names and long errors become shorter, WHERE leaves, then what ran, and in the end ids are cut. */
const WHERE_GIVES = [shrinks(0, 24), shrinks(3, 12), leaves(5)];
const ERROR_GIVES = [shrinks(1, 40), shrinks(4, 30), shrinks(8, 20)];
const FUNCTION_GIVES = [shrinks(6, 12), leaves(7)];
const JID_RANK = 9;

/** A column of a table, with its cells. */
interface Listed extends Column {
  readonly cells: readonly Cell[];
}

/** A column of numbers. */
const numbers = (title: string, values: readonly number[]): Listed => ({
  title,
  cells: values.map((value) => ({ text: count(value) })),
  right: true,
});

interface Line {
  readonly error: string;
  readonly peels: readonly string[];
}

/** Columns as they are given, and then ERROR and WHERE. */
function table(lines: readonly Line[], first: readonly Listed[], look: Look): string {
  const columns = [...first, { title: "ERROR", gives: ERROR_GIVES }, { title: "WHERE", gives: WHERE_GIVES }];
  const rows = lines.map(({ error, peels }, i): Cell[] => {
    const where = peels.map((peel) => ({ peel }));
    return [
      ...first.map(({ cells }) => cells[i] as Cell),
      { text: error || UNTOLD },
      { text: peelNames(where, Number.POSITIVE_INFINITY), fit: (max) => peelNames(where, max) },
    ];
  });
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
      {
        title: "LAST",
        cells: groups.map(({ jobs }) => ({ text: whenText(jobAt(jobs.at(-1) as number).created, look, now) })),
      },
    ],
    look,
  );
}

/** The jobs that had errors, a row each, with the error of most peels. */
export function renderFailedJobs(jobs: readonly FailedJob[], jobAt: JobAt, look: Look, now: Date): string {
  const rows = jobs.map(({ job }) => jobAt(job));
  const jids = rows.map(({ jid }) => jid);
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
      { title: "CREATED", cells: rows.map(({ created }) => ({ text: whenText(created, look, now) })) },
      {
        title: "JID",
        cells: jids.map((jid) => ({ text: jid, fit: (max) => jid.slice(0, max) })),
        gives: idGives(jids, JID_RANK),
      },
      { title: "FUNCTION", cells: rows.map(({ fn }) => ({ text: fn || "-" })), gives: FUNCTION_GIVES },
    ],
    look,
  );
}

/** The line about peels that masters gave up; empty for none. */
export function unreachableLine(group: ErrorGroup | undefined, look: Look): string {
  if (!group) return "";
  const { peels, jobs } = group;
  const line = `${plural(peels.length, "peel")} ${peels.length === 1 ? "was" : "were"} unreachable in ${plural(jobs.length, "job")}: `;
  const room = look.columns === undefined ? Number.POSITIVE_INFINITY : Math.max(NAMES, look.columns - line.length);
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
