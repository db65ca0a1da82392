import type { ArgsDef } from "citty";
import { STORED } from "../archive/format.ts";
import type { Redaction } from "../archive/redact.ts";
import { ExportWriter } from "../archive/writer.ts";
import type { Flags } from "../cli/command.ts";
import { NoBucket, Unavailable, UserError } from "../errors.ts";
import { toJob } from "../jobs/job-table.ts";
import { resolveJob } from "../jobs/lookup.ts";
import { SeenPeels } from "../jobs/read-jobs.ts";
import { readSelected } from "../jobs/recent.ts";
import { type JobRow, jobRow } from "../model/job.ts";
import type { Narrowing } from "../model/job-reference.ts";
import { parseSelection } from "../model/selection.ts";
import type { Part, ReturnsOf, StoredMessage } from "../store.ts";
import { sweeper } from "../sweep.ts";
import { progressOn } from "../terminal/progress.ts";
import { count, plural } from "../text.ts";
import { versionFacts } from "../version.ts";
import { amongWords } from "./matching.ts";
import { type OutputFile, outputOf } from "./output-file.ts";
import {
  type JobsRequest,
  noteReference,
  parseJobs,
  selectionByServer,
  serverClock,
  warnUnreadable,
} from "./selecting.ts";
import { type LiveSession, liveCommand } from "./session.ts";
import { conditions, formats, globals, jids, scripted } from "./shared.ts";

const args = {
  ...globals,
  jid: { ...jids, required: false },
  ...conditions,
  format: formats("jsonl"),
  all: { type: "boolean", description: "export everything that the server stores" },
  output: { type: "string", valueHint: "file", description: "write to this file, readable only by you" },
  force: { type: "boolean", description: "with --output: replace an existing file" },
  redact: { type: "boolean", description: "replace passwords, tokens, keys and other known secrets" },
  ...scripted("no job matches"),
} as const satisfies ArgsDef;

interface ExportRequest extends JobsRequest {
  readonly all: boolean;
  readonly file: OutputFile | undefined;
  readonly redact: boolean;
  readonly failIfEmpty: boolean;
}

function parse(flags: Flags<typeof args>, now: Date): ExportRequest {
  const { all = false } = flags;
  const selection = parseSelection(flags, now);
  if (all && flags._.length > 0) throw new UserError("--all and <jid> cannot be used together.", "Use one of them.");
  if (all && (selection.text !== "" || selection.limit !== undefined))
    throw new UserError("--all and flags that select jobs cannot be used together.", "Use one of them.");
  const named = all ? { jobs: [], narrowing: {}, selection } : parseJobs(flags, "export", now);
  return {
    ...named,
    all,
    file: outputOf(flags),
    redact: flags.redact === true,
    failIfEmpty: flags["fail-if-empty"] === true,
  };
}

/** What is exported. */
interface Selected {
  readonly of: Exclude<ReturnsOf, { readonly peel: string }>;
  /** In words, for the header. */
  readonly text: string;
  readonly jobs: number | undefined;
  /** True for the heartbeat of a master or a peel of these jobs. */
  readonly isTheirs: (part: "masters" | "peels", id: string) => boolean;
}

function selected(rows: Iterable<JobRow>, text: string, sinceNs?: bigint): Selected {
  const jids = new Set<string>();
  const owners = new Set<string>();
  const peels = new SeenPeels();
  for (const row of rows) {
    jids.add(row.jid);
    if (row.owner) owners.add(row.owner);
    peels.see(row);
  }
  const ids = { masters: owners, peels: peels.ids };
  return { of: { jids, sinceNs }, text, jobs: jids.size, isTheirs: (part, id) => ids[part].has(id) };
}

/** The row of a named job; one that cannot be decoded is exported as well. */
async function namedRow(text: string, narrowing: Narrowing, { store, terminal }: LiveSession): Promise<JobRow> {
  const bytes = await store.job(text);
  if (bytes) return toJob(text, bytes).row;
  const { jid, job } = await resolveJob(store, text, noteReference(terminal), narrowing);
  return jobRow(jid, job);
}

async function select(request: ExportRequest, session: LiveSession): Promise<Selected> {
  const { store, terminal } = session;
  const { jobs: texts, narrowing, all } = request;
  if (all) return { of: "all", text: "--all", jobs: undefined, isTheirs: () => true };
  if (texts.length > 0) {
    const rows = await Promise.all(texts.map((text) => namedRow(text, narrowing, session)));
    return selected(rows, rows.map(({ jid }) => jid).join(" "));
  }
  const selection = await selectionByServer(request.selection, session);
  const read = await readSelected(store, selection, selection.matches, progressOn(terminal));
  const rows = Array.from(selection.arrange(read.jobs), ({ row }) => row);
  warnUnreadable(read.unreadable, terminal);
  if (rows.length === 0) {
    const none = `no jobs match ${selection.text} (${amongWords(read)}).${selection.hint}`;
    if (request.failIfEmpty) throw new UserError(none);
    terminal.note(none);
  }
  return selected(rows, selection.text, read.sinceNs);
}

/** The current heartbeats, and the parts that the server lacks or does not show. */
async function readBeats({ isTheirs }: Selected, { store, terminal }: LiveSession) {
  const beats: StoredMessage[] = [];
  const missing: Part[] = [];
  const orMissing = (part: Part) => (error: unknown) => {
    // Every command needs the returns.
    if (!(error instanceof Unavailable) || (part === "returns" && !(error instanceof NoBucket))) throw error;
    if (!(error instanceof NoBucket)) terminal.warn(`${error.message} The export does not have what is stored there.`);
    missing.push(part);
  };
  for (const part of ["masters", "peels"] as const) {
    const take = (message: StoredMessage) => {
      const id = message.subject.slice(STORED[part].prefix.length);
      if (isTheirs(part, id)) beats.push({ ...message, bytes: message.bytes.slice() });
    };
    await store.messages(part, "all", take).catch(orMissing(part));
  }
  for (const part of ["returns", "events"] as const) await store.check(part).catch(orMissing(part));
  return { beats, missing };
}

async function write(request: ExportRequest, session: LiveSession): Promise<void> {
  const { store, terminal } = session;
  const chosen = await select(request, session);
  const { beats, missing } = await readBeats(chosen, session);
  await serverClock(session);
  const redaction: Redaction | undefined = request.redact
    ? new (await import("../archive/redact.ts")).Redaction()
    : undefined;
  const header = {
    ns: store.nowNs(),
    version: versionFacts().version,
    server: store.server,
    selection: chosen.text,
    redacted: request.redact,
    missing,
  };
  const out = request.file ?? terminal;
  const writer = new ExportWriter((text) => out.write(text), header);
  const sweep = sweeper("whole");
  const add = (message: StoredMessage) => {
    sweep(message.bytes);
    writer.add(redaction ? { ...message, bytes: redaction.of(message.bytes) } : message);
  };
  beats.forEach(add);
  // Lines of the export may be on the same terminal.
  const progress = request.file || !terminal.isTty ? progressOn(terminal, "messages") : undefined;
  try {
    // Records first: a return that is stored meanwhile is of a job that has not ended yet.
    for (const part of ["jobs", "returns", "events"] as const)
      if (!missing.includes(part)) await store.messages(part, chosen.of, add, progress);
  } finally {
    progress?.end();
  }
  writer.end();
  const jobs = chosen.jobs === undefined ? "all jobs" : plural(chosen.jobs, "job");
  if (terminal.canTell) terminal.note(`exported ${jobs}: ${plural(writer.messages, "message")}.`);
  if (redaction) terminal.note(`redacted ${count(redaction.count)} ${redaction.count === 1 ? "value" : "values"}.`);
  else if (terminal.canTell) terminal.note("arguments and outputs may contain secrets: see --redact.");
}

async function run(request: ExportRequest, session: LiveSession): Promise<undefined> {
  const { file } = request;
  session.interruption.clear = () => file?.discard();
  try {
    await write(request, session);
    file?.finish(session.terminal);
  } finally {
    file?.discard();
  }
}

export default liveCommand({
  meta: {
    description: "write records, returns and events of jobs to a file",
    group: "Analyze",
    details:
      'Writes JSON Lines to stdout or to --output: records, returns and events of jobs, and heartbeats of their masters and peels. The file appears only when it is complete. Without <jid>, --all or at least one flag of "Select jobs" is required. Use --from <file> to read it. Arguments and outputs may contain secrets.',
    flagsElsewhere: { o: ["--output"] },
    example: "zester job export --since 1d --output jobs.jsonl",
  },
  args,
  parse,
  run,
});
