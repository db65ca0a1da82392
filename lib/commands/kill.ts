// zester job kill
import { cancelJob, whyNotEnded } from "../cancel.ts";
import { selectionByServer } from "../clock.ts";
import { columnsOf, LIST } from "../columns.ts";
import { peelCounts } from "../ending.ts";
import { EXIT, UserError } from "../errors.ts";
import { type Ending, endingOf, linkWarnings, persist, untilTerminal } from "../follow.ts";
import { JobNotFound, parseJid } from "../jid.ts";
import { isTerminal, type JobRow, jobRow } from "../job.ts";
import { JobList, readJobs, writeDocument } from "../jobs.ts";
import { waitLimit, within } from "../limit.ts";
import { completeJid, readJob, resolveJob } from "../lookup.ts";
import { parseSelection, type SelectionFlags } from "../select.ts";
import { type GlobalFlags, type Session, withSession } from "../session.ts";
import { type Look, renderJobs } from "../tables.ts";
import { count, plural, safe } from "../text.ts";
import type { Value, ValueMap } from "../value.ts";

export interface KillFlags extends GlobalFlags, SelectionFlags {
  readonly _: string[];
  readonly force?: boolean;
  readonly wait?: boolean;
  readonly yes?: boolean;
  readonly "dry-run"?: boolean;
}

/** What became of one job; `failed` when no signal could be sent. */
interface Outcome {
  readonly jid: string;
  readonly failed?: boolean;
  ending?: Ending;
}

/** After this long without an end, what can be seen of the job is said. */
const PATIENCE_MS = 5_000;

const statusOf = ({ jid, record }: Ending) => jobRow(jid, record).status ?? "-";

/** How a job ended that was to be canceled, and how far it had come. */
function endWords(ending: Ending): string {
  const { peels } = ending;
  const status = statusOf(ending);
  if (status !== "canceled") return `${status} before the signal took effect: ${peelCounts(peels)}`;
  const returned = peels.filter((peel) => peel.returned && !peel.returned.unreachable).length;
  return `canceled, ${count(returned)} of ${plural(peels.length, "peel")} had returned`;
}

async function waitForEnd(session: Session, jid: string): Promise<Ending> {
  const { terminal } = session;
  const patience = setTimeout(() => {
    whyNotEnded(session.store, jid).then(
      (seen) => terminal.warn(`job ${jid} has not ended ${PATIENCE_MS / 1000}s after the signal: ${seen}.`),
      () => {}, // when the connection is lost, that is said elsewhere
    );
  }, PATIENCE_MS);
  try {
    return await persist(session, linkWarnings(session), async (store) => {
      const record = (await untilTerminal(store, jid)) as ValueMap;
      return endingOf(store, jid, record, terminal.warn);
    });
  } finally {
    clearTimeout(patience);
  }
}

/** The jobs that the flags select, of those that have not ended. */
async function selectedJobs(flags: KillFlags, session: Session): Promise<JobRow[]> {
  const selection = await selectionByServer(flags, session);
  const keep = (row: JobRow) =>
    row.unreadable === undefined && !isTerminal(row.status) && selection.matches(row);
  const read = await readJobs(session.store, keep, false);
  return Array.from(selection.arrange(read.jobs), (job) => job.row);
}

const jobTable = (rows: readonly JobRow[], look: Look) =>
  renderJobs(columnsOf(LIST), JobList.of(rows.map((row) => ({ row, record: undefined }))), look, new Date());

/** Shows what would be canceled, and asks. @throws UserError when the answer is no, or when nobody can be asked */
async function agree(flags: KillFlags, rows: readonly JobRow[], { terminal }: Session): Promise<void> {
  terminal.tell([...jobTable(rows, { color: false, columns: terminal.columns })].join(""));
  if (flags.yes) return;
  if (!terminal.canAsk)
    throw new UserError(
      `${plural(rows.length, "job")} would be canceled, and nobody can be asked. No signal was sent.`,
      "Give --yes to cancel them, or --dry-run to see them only.",
    );
  if (await terminal.ask(`Cancel ${plural(rows.length, "job")}? [y/N] `)) return;
  throw new UserError("nothing was canceled.");
}

/** Cancels one job that was named; a shortened id counts only once somebody agreed to what it is short for. */
async function cancelNamed(flags: KillFlags, text: string, session: Session): Promise<string> {
  const { store, terminal } = session;
  try {
    await cancelJob(store, text, flags.force === true, terminal.warn);
    return text;
  } catch (error) {
    if (!(error instanceof JobNotFound)) throw error;
    const jid = await completeJid(store, text);
    if (jid === undefined) throw error;
    // The job that was meant may be gone, and the one that is left may only look like it.
    await agree(flags, [jobRow(jid, await readJob(store, jid))], session);
    await cancelJob(store, jid, false, terminal.warn);
    return jid;
  }
}

async function send(flags: KillFlags, texts: readonly string[], session: Session): Promise<Outcome[]> {
  const { terminal, format } = session;
  const outcomes: Outcome[] = [];
  for (const text of new Set(texts)) {
    try {
      const jid = await cancelNamed(flags, text, session);
      outcomes.push({ jid });
      if (format === "text") terminal.write(`Cancel signal sent for job ${safe(jid)}\n`);
    } catch (error) {
      // Alone, it is the command's own error; among others it must not keep the rest from being canceled.
      if (!(error instanceof UserError) || texts.length === 1) throw error;
      terminal.error(error.message);
      outcomes.push({ jid: text, failed: true });
    }
  }
  return outcomes;
}

function document({ jid, failed, ending }: Outcome): Value {
  const fields: [string, Value][] = [
    ["jid", jid],
    ["signal", failed ? "not sent" : "sent"],
  ];
  if (ending)
    fields.push(
      ["status", statusOf(ending)],
      ["returned", ending.peels.filter((peel) => peel.returned).length],
      ["peels", ending.peels.length],
    );
  return new Map(fields);
}

function exitCode(outcomes: readonly Outcome[]): number {
  if (outcomes.some(({ failed }) => failed)) return EXIT.error;
  const otherwise = outcomes.some(({ ending }) => ending && statusOf(ending) !== "canceled");
  return otherwise ? EXIT.endedOtherwise : EXIT.done;
}

async function waitForEnds(
  outcomes: readonly Outcome[],
  session: Session,
  limitMs: number | undefined,
  limit: string | undefined,
): Promise<void> {
  const sent = outcomes.filter(({ failed }) => !failed);
  const all = sent.map(async (outcome) => {
    outcome.ending = await waitForEnd(session, outcome.jid);
    if (session.format === "text")
      session.terminal.write(`Job ${safe(outcome.jid)} ${endWords(outcome.ending)}\n`);
  });
  await within(limitMs, Promise.all(all), () => {
    const open = sent.filter(({ ending }) => !ending).map(({ jid }) => jid);
    return new UserError(
      `after ${limit}, ${plural(open.length, "job")} had not ended: ${safe(open.slice(0, 5).join(", "))}.`,
      `The signal was sent. \`zester job trace ${open[0]}\` tells what each peel is doing.`,
      EXIT.timedOut,
    );
  });
}

const SELECTING = ["state", "function", "target", "user", "owner", "since", "until", "limit"] as const;

function checkFlags(flags: KillFlags): void {
  const selecting = SELECTING.filter((name) => flags[name] !== undefined);
  if (flags._.length > 0 && selecting.length > 0)
    throw new UserError(
      `<jid> and --${selecting[0]} exclude each other.`,
      "Name the jobs, or select them by flags.",
    );
  if (flags._.length === 0 && selecting.length === 0)
    throw new UserError(
      "zester job kill needs a <jid>, or flags that select jobs.",
      "Usage: zester job kill <jid>… [flags], or zester job kill --state running --function 'pkg.*' [flags]",
    );
  parseSelection(flags, new Date());
  if (flags.force && selecting.length > 0)
    throw new UserError("--force is for jobs that are named.", "Leave it out, or name the jobs.");
}

/** What would be canceled, and nothing else. */
async function dryRun(
  flags: KillFlags,
  rows: readonly JobRow[],
  { terminal, format }: Session,
): Promise<void> {
  const live = rows.filter((row) => !isTerminal(row.status));
  for (const row of rows)
    if (isTerminal(row.status)) terminal.warn(`job ${row.jid} has already ended: ${row.status}.`);
  if (format !== "text")
    await writeDocument(
      live.map(({ jid }) => document({ jid, failed: true })),
      format,
      terminal,
    );
  else if (live.length > 0) terminal.writeAll(jobTable(live, terminal));
  else if (flags._.length === 0) terminal.write(noneText(flags));
}

const noneText = (flags: KillFlags) =>
  `No jobs that could be canceled match ${parseSelection(flags, new Date()).text}.\n`;

/** The ids to cancel; undefined when there is nothing to do but what has been said. */
async function chosenJobs(flags: KillFlags, session: Session): Promise<readonly string[] | undefined> {
  const named = flags._.length > 0;
  if (named && !flags["dry-run"]) return flags._;
  const rows = named ? await namedRows(flags._, session) : await selectedJobs(flags, session);
  if (flags["dry-run"]) {
    await dryRun(flags, rows, session);
    return undefined;
  }
  if (rows.length > 0) await agree(flags, rows, session);
  else if (session.format === "text") session.terminal.write(noneText(flags));
  return rows.length === 0 && session.format === "text" ? undefined : rows.map((row) => row.jid);
}

async function namedRows(texts: readonly string[], { store }: Session): Promise<JobRow[]> {
  return Promise.all(
    texts.map(async (text) => {
      const { jid, job } = await resolveJob(store, text);
      return jobRow(jid, job);
    }),
  );
}

export async function run(flags: KillFlags): Promise<number | undefined> {
  checkFlags(flags);
  for (const text of flags._) parseJid(text);
  const { limitMs, rest } = flags.wait ? waitLimit(flags) : { limitMs: undefined, rest: flags };
  return await withSession(
    rest,
    async (session) => {
      const { format, terminal } = session;
      const texts = await chosenJobs(flags, session);
      if (!texts) return undefined;
      const outcomes = await send(flags, texts, session);
      if (flags.wait) await waitForEnds(outcomes, session, limitMs, flags.timeout);
      if (format !== "text") {
        const documents = outcomes.map(document);
        const single = flags._.length === 1 ? documents[0] : undefined;
        await writeDocument(single ?? documents, format, terminal);
      }
      return exitCode(outcomes);
    },
    { limitMs },
  );
}
