import { extname } from "node:path";
import type { ArgsDef } from "citty";
import { redactedStore } from "../archive/redact.ts";
import { defineCommand, type Flags } from "../cli/command.ts";
import { UserError } from "../errors.ts";
import { newestRetries } from "../jobs/newest.ts";
import { SharedReturns } from "../jobs/shared-returns.ts";
import { openQuestions, resolveStory } from "../jobs/story.ts";
import { parseJid } from "../model/jid.ts";
import { diffJobs } from "../model/job-diff.ts";
import { type Report, type ReportedJob, reportPage } from "../render/report.ts";
import { htmlPage } from "../render/report-html.ts";
import { markdownPage } from "../render/report-markdown.ts";
import { versionFacts } from "../version.ts";
import { type OutputFile, outputOf } from "./output-file.ts";
import { noteReference, serverClock } from "./selecting.ts";
import { type Format, type Session, surroundings, withReading } from "./session.ts";
import { formats, type GlobalArgs, globals, jids, selectFirst } from "./shared.ts";

const args = {
  ...globals,
  jid: jids,
  format: formats("html|markdown"),
  output: { type: "string", valueHint: "file", description: "write to this file, readable only by you; .md: Markdown" },
  force: { type: "boolean", description: "with --output: replace an existing file" },
  redact: {
    type: "boolean",
    description: "",
    negativeDescription: "keep passwords, tokens, keys and other known secrets",
  },
} as const satisfies ArgsDef;

/** By the name of the file, without --format. */
const FORMAT_OF: Readonly<Record<string, Format>> = { ".md": "markdown", ".html": "html" };

interface ReportRequest {
  readonly jobs: readonly string[];
  readonly file: OutputFile | undefined;
  readonly redact: boolean;
}

function parse(flags: Flags<typeof args>): ReportRequest {
  return {
    jobs: [...new Set(flags._.map(parseJid))],
    file: outputOf(flags),
    redact: flags.redact !== false,
  };
}

async function answerOf({ jobs: texts, redact }: ReportRequest, session: Session): Promise<Report> {
  const { terminal } = session;
  const store = redact ? redactedStore(session.store) : session.store;
  const [retries] = await Promise.all([newestRetries(store), serverClock(session)]);
  // Equal outputs of all jobs are kept once.
  const shared = new SharedReturns();
  const found = new Map<string, ReportedJob>();
  for (const text of texts) {
    const warnings: string[] = [];
    const warn = (words: string) => void warnings.push(words);
    const reading = await resolveStory(store, text, warn, noteReference(terminal), shared);
    const { jid } = reading.row;
    const gaps = [...warnings, ...openQuestions(reading)];
    found.set(jid, { ...reading, gaps, retries: retries.filter(({ retryOf }) => retryOf === jid) });
  }
  const jobs = [...found.values()];
  const [before, after, third] = jobs;
  const areCompared = before && after && !third && before.row.fn === after.row.fn;
  return {
    jobs,
    diffs: areCompared ? diffJobs(before.story, after.story) : undefined,
    redacted: redact,
    version: versionFacts().version,
    now: store.now(),
  };
}

async function run(request: ReportRequest, flags: GlobalArgs): Promise<number | undefined> {
  const { file } = request;
  const { format: usual, terminal } = surroundings(flags);
  const byName = flags.format === undefined && file ? FORMAT_OF[extname(file.path).toLowerCase()] : undefined;
  const format = byName ?? usual;
  if (!file && terminal.isTty && format !== "markdown")
    throw new UserError(
      "refusing to write HTML to a terminal.",
      "Use `--output job.html`, `> job.html` or `--format markdown`.",
    );
  const work = async (session: Session) => {
    const report = await answerOf(request, session);
    const page = reportPage(report);
    const out = file ?? terminal;
    out.write(format === "markdown" ? markdownPage(page) : htmlPage(page));
    file?.finish(terminal);
    for (const { gaps } of report.jobs) gaps.forEach(terminal.warn);
    return undefined;
  };
  try {
    return await withReading(flags, work);
  } finally {
    file?.discard();
  }
}

export default defineCommand({
  meta: {
    description: "write a page about jobs for a ticket or a mail",
    group: "Analyze",
    details:
      "Writes one HTML file that needs no other file or network, or Markdown; refuses to write HTML to a terminal. Content: what ran where and when, how it ended, a timeline, outputs, events and the next commands. Two jobs of the same function are compared. Values that look like secrets are redacted, large outputs are cut.",
    flagsElsewhere: { ...selectFirst, o: ["--output"] },
    example: "zester job report 20260115-001 > job.html",
  },
  args,
  parse,
  run,
});
