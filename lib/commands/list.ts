// zester job list, and what it shares with `active`
import { ByteSet } from "../byte-set.ts";
import { UserError } from "../errors.ts";
import type { JobRow } from "../job.ts";
import { document, type Job, readJobs, toJob, warnUnreadable, writeRecords } from "../jobs.ts";
import { toJsonLine } from "../json.ts";
import { readRecent } from "../recent.ts";
import { parseSelection, type Selection, type SelectionFlags } from "../select.ts";
import { type GlobalFlags, type Session, WITH_LINES, withSession } from "../session.ts";
import type { Store } from "../store.ts";
import { type Look, renderList, renderWide } from "../tables.ts";
import type { Terminal } from "../terminal.ts";
import { count } from "../text.ts";

export interface ListFlags extends GlobalFlags, SelectionFlags {
  readonly wide?: boolean;
  readonly header?: boolean;
  readonly quiet?: boolean;
  readonly count?: boolean;
}

/** What differs between `list` and `active`. */
export interface View {
  readonly keep: (row: JobRow) => boolean;
  readonly render: (rows: readonly JobRow[], look: Look) => Iterable<string>;
  /** What is said when there is no job at all. */
  readonly none: string;
}

const CHUNK = 64 << 10;

function* lines(jobs: readonly Job[]): Generator<string> {
  for (const job of jobs) yield `${toJsonLine(document(job))}\n`;
}

/** One record a line, as they arrive; nothing is held. A job that changes during the scan shows as it was at first. */
async function streamLines(
  store: Store,
  wanted: (row: JobRow) => boolean,
  terminal: Terminal,
): Promise<JobRow[]> {
  const seen = new ByteSet();
  const unreadable: JobRow[] = [];
  let chunk = "";
  await store.scanJobs((key, from, bytes) => {
    const before = seen.size;
    const n = seen.add(key, from, key.length);
    if (n < before) return;
    const job = toJob(seen.text(n), bytes);
    if (job.row.unreadable !== undefined) unreadable.push(job.row);
    if (!wanted(job.row)) return;
    chunk += `${toJsonLine(document(job))}\n`;
    if (chunk.length > CHUNK) {
      terminal.write(chunk);
      chunk = "";
    }
  });
  terminal.write(chunk);
  return unreadable;
}

/** The jobs as text: JIDs, or a table, or the words for none. */
function toText(
  jobs: readonly Job[],
  flags: ListFlags,
  view: View,
  look: Look,
  none: string,
): Iterable<string> {
  const rows = jobs.map((job) => job.row);
  if (flags.quiet) return rows.map((row) => `${row.jid}\n`);
  if (rows.length === 0) return [`${none}\n`];
  return flags.wide ? renderWide(rows, look, new Date()) : view.render(rows, look);
}

/** Reads the selected jobs of a view and writes them in the form that the flags ask for. */
export async function listJobs(
  flags: ListFlags,
  view: View,
  selection: Selection,
  session: Session,
): Promise<void> {
  const { store, terminal, format } = session;
  const wanted = (row: JobRow) => view.keep(row) && selection.matches(row);
  const withRecords = format !== "text" && !flags.count;
  const recent = await readRecent(store, selection, wanted, withRecords);
  if (!recent && format === "jsonl" && !selection.ordered && !flags.count) {
    return warnUnreadable(await streamLines(store, wanted, terminal), terminal);
  }
  const read = recent ?? (await readJobs(store, wanted, withRecords));
  const jobs = selection.arrange(read.jobs, (job) => job.row);
  const among = `of ${count(read.total)}${read.all ? "" : " that changed since"}`;
  const none = selection.text === "" ? view.none : `No jobs match ${selection.text} (${among}).`;
  const look = { color: terminal.color, columns: terminal.columns, header: flags.header !== false };
  if (flags.count) terminal.write(`${jobs.length}\n`);
  else if (format === "jsonl") terminal.writeAll(lines(jobs));
  else if (format !== "text") await writeRecords(jobs, format, terminal);
  else terminal.writeAll(toText(jobs, flags, view, look, none));
  warnUnreadable(read.unreadable, terminal);
}

/** @throws UserError for flags that exclude each other */
export function checkForms(flags: ListFlags): void {
  const given = (["quiet", "count", "wide"] as const).filter((name) => flags[name]);
  if (given.length > 1)
    throw new UserError(`--${given[0]} and --${given[1]} exclude each other.`, "Give one of them.");
}

export async function run(flags: ListFlags): Promise<void> {
  const selection = parseSelection(flags, new Date());
  checkForms(flags);
  const view = { keep: () => true, render: renderList, none: "No jobs found." };
  await withSession(
    flags,
    async (session) => {
      await listJobs(flags, view, selection, session);
    },
    { formats: WITH_LINES },
  );
}
