// zester job errors
import type { ArgsDef } from "citty";
import { defineCommand, type Flags } from "../cli/command.ts";
import type { Value, ValueMap } from "../codec/value.ts";
import { readFailures } from "../jobs/failures.ts";
import { readSelected } from "../jobs/recent.ts";
import type { ErrorGroup, FailedJob } from "../model/failures.ts";
import { type JobRow, mayHaveFailed } from "../model/job.ts";
import { parseCount, parseSelection } from "../model/selection.ts";
import { oneOf } from "../nearest.ts";
import { futureWords } from "../render/clock.ts";
import { csvText } from "../render/csv.ts";
import {
  errorDocument,
  failedJobDocument,
  type JobAt,
  renderErrors,
  renderFailedJobs,
  unreachableLine,
} from "../render/errors.ts";
import { progressOn } from "../terminal/progress.ts";
import { paragraph, plural } from "../text.ts";
import { ofLastDay, selectionByServer } from "./clock.ts";
import { amongWords, warnUnreadable, writeDocument } from "./output.ts";
import { failIfEmpty } from "./selecting.ts";
import { type Session, withSession } from "./session.ts";
import { conditions, globals, header, listFormat, scripted } from "./shared.ts";
import { LIST_FORMATS } from "./surroundings.ts";

const args = {
  ...globals,
  ...conditions,
  limit: { ...conditions.limit, description: "only the first N rows" },
  by: { type: "string", valueHint: "error|job", description: "a row for each error (default), or for each job" },
  format: listFormat,
  header,
  ...scripted("no job matches"),
} as const satisfies ArgsDef;

type ErrorsArgs = Flags<typeof args>;

const BY = ["error", "job"] as const;

const parseBy = (text = "error") => oneOf(BY, text, "--by", "a way to group errors");

/** The conditions for jobs: --limit counts rows here. */
const conditionsOf = (flags: ErrorsArgs) => ofLastDay({ ...flags, limit: undefined });

/** A table for spreadsheets of what programs get: peels as one cell. */
function csvOf(documents: readonly ValueMap[], titles: readonly string[], header: boolean): Iterable<string> {
  const cell = (value: Value | undefined) =>
    Array.isArray(value) ? value.join(" ") : value === null || value === undefined ? "" : String(value);
  const rows = documents.map((document) => titles.map((title) => cell(document.get(title))));
  return csvText([...titles], rows, header);
}

const TITLES = {
  error: ["state", "error", "peels", "jobs", "first", "last", "where"],
  job: ["jid", "function", "created", "peels", "error", "errors", "where"],
};

/** Nothing is shortened for programs. */
const PIPED = { color: false, columns: undefined };

/** What is written: the rows, those that --limit leaves, and peels that were given up. */
interface Found {
  readonly by: keyof typeof TITLES;
  readonly groups: readonly ErrorGroup[];
  readonly jobs: readonly FailedJob[];
  readonly unreachable: ErrorGroup | undefined;
  readonly jobAt: JobAt;
  /** What is said when nothing failed; undefined when that is an error. */
  readonly none: string | undefined;
  /** Rows that --limit left out. */
  readonly more: number;
}

async function write(found: Found, flags: ErrorsArgs, { terminal, format, store }: Session): Promise<void> {
  const { by, groups, jobs, unreachable, jobAt, none, more } = found;
  const header = flags.header !== false;
  if (format === "text") {
    const { color, columns } = terminal;
    const look = { color, columns, header };
    const now = store.now();
    if (groups.length + jobs.length > 0)
      terminal.write(by === "job" ? renderFailedJobs(jobs, jobAt, look, now) : renderErrors(groups, jobAt, look, now));
    else if (!unreachable && none !== undefined) terminal.write(paragraph(none, columns));
    terminal.write(unreachableLine(unreachable, look));
    if (more > 0) terminal.note(`${plural(more, by === "job" ? "job" : "error")} more without --limit.`);
    return;
  }
  if (by === "job" && unreachable) terminal.note(unreachableLine(unreachable, PIPED).trimEnd());
  const documents =
    by === "job"
      ? jobs.map((job) => failedJobDocument(job, jobAt))
      : [
          ...groups.map((group) => errorDocument("failed", group, jobAt)),
          ...(unreachable ? [errorDocument("unreachable", unreachable, jobAt)] : []),
        ];
  if (format === "csv") terminal.writeAll(csvOf(documents, TITLES[by], header));
  else await writeDocument(documents, format, terminal);
}

async function showErrors(flags: ErrorsArgs, session: Session): Promise<void> {
  const { store, terminal } = session;
  const conditions = conditionsOf(flags);
  const selection = await selectionByServer(conditions, session);
  // A job may come again while all are read, and may not match any more.
  const matching = new Set<string>();
  const keep = (row: JobRow) => {
    const matches = selection.matches(row);
    if (flags["fail-if-empty"]) matching[matches ? "add" : "delete"](row.jid);
    return matches && mayHaveFailed(row);
  };
  const read = await readSelected(store, selection, keep, progressOn(terminal));
  const { failures, unreachable } = await readFailures(store, read, progressOn(terminal, "returns"), terminal.warn);
  const by = parseBy(flags.by);
  const most = flags.limit === undefined ? Number.POSITIVE_INFINITY : parseCount(flags.limit, "--limit");
  const [groups, jobs] = by === "job" ? [[], failures.jobs()] : [failures.groups(), []];
  const isEmpty = flags["fail-if-empty"] === true && matching.size === 0;
  const found = {
    by,
    groups: groups.slice(0, most),
    jobs: jobs.slice(0, most),
    unreachable: unreachable.groups()[0],
    jobAt: (number: number) => read.jobs.at(number).row,
    none: isEmpty ? undefined : `No peel failed in jobs that match ${selection.text} (${amongWords(read)}).`,
    more: Math.max(0, groups.length + jobs.length - most),
  };
  await write(found, flags, session);
  const future = futureWords(read.jobs, store.nowNs());
  if (future !== undefined) terminal.warn(future);
  warnUnreadable(read.unreadable, terminal);
  failIfEmpty(flags, matching.size, `No jobs match ${selection.text} (${amongWords(read)}).`);
}

async function run(flags: ErrorsArgs): Promise<void> {
  parseSelection(conditionsOf(flags), new Date());
  parseBy(flags.by);
  if (flags.limit !== undefined) parseCount(flags.limit, "--limit");
  await withSession(flags, async (session) => showErrors(flags, session).then(() => undefined), {
    formats: LIST_FORMATS,
  });
}

export default defineCommand({
  meta: {
    description: "Show what failed across jobs: errors, most peels first.",
    group: "Ask",
    details:
      "Looks at the returns of the jobs that match, of the last 24 hours without --since or --until. Like errors are one row (see `zester help peels`). LAST is when the newest of their jobs was created.",
    examples: [
      "zester job errors --since 1h",
      "zester job errors --function 'pkg.*' --since 7d -n 10",
      "zester job errors --by job --user ops",
    ],
  },
  args,
  run: ({ args }) => run(args),
});
