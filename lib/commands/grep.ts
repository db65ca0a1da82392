// zester job grep
import type { ArgsDef } from "citty";
import { defineCommand, type Flags } from "../cli/command.ts";
import { EXIT, UserError } from "../errors.ts";
import { grepReturns } from "../jobs/grep.ts";
import { readSelected } from "../jobs/recent.ts";
import type { JobRow } from "../model/job.ts";
import type { Hit } from "../model/search.ts";
import { regexSearch, type Search, textSearch } from "../model/search.ts";
import { parseSelection, type Selection } from "../model/selection.ts";
import { futureWords } from "../render/clock.ts";
import { FoundLines, hitsView, linesView } from "../render/hits.ts";
import { progressOn } from "../terminal/progress.ts";
import { plural } from "../text.ts";
import { ofLastDay, selectionByServer } from "./clock.ts";
import { amongWords, unreadableWarning } from "./output.ts";
import { type Session, withReading } from "./session.ts";
import { conditions, globals, header, listFormat } from "./shared.ts";
import { type Answer, AnswerSink, type Form, outputForm, writeAnswer } from "./write-answer.ts";

const args = {
  ...globals,
  text: { type: "positional", required: false, description: "text to search for" },
  regexp: {
    type: "string",
    alias: "e",
    valueHint: "regex",
    description: "search for a regular expression instead of <text>",
  },
  ...conditions,
  by: {
    type: "string",
    valueHint: "job|text",
    description: "group equal lines: per job (default) or across jobs",
  },
  jids: { type: "boolean", alias: "l", description: "print only job IDs, one per line" },
  quiet: { type: "boolean", alias: "q", description: "print nothing, only set the exit code" },
  format: listFormat,
  header,
} as const satisfies ArgsDef;

type GrepArgs = Flags<typeof args>;

async function searchOf({ text, regexp }: GrepArgs): Promise<Search> {
  if (text !== undefined && regexp !== undefined)
    throw new UserError("<text> and -e cannot be used together.", "Use one of them.");
  if (regexp !== undefined) return regexSearch(regexp);
  if (text !== undefined) return textSearch(text);
  throw new UserError("missing argument <text> for zester job grep.", "Usage: zester job grep <text> [flags]");
}

interface GrepRequest {
  readonly search: Search;
  readonly selection: Selection;
  /** What is written: the hits of each job, equal lines of all jobs as one, the IDs of jobs, or only the exit code. */
  readonly shows: "hits" | "lines" | "jids" | "nothing";
  readonly form: Form;
}

async function parse(flags: GrepArgs, now: Date): Promise<GrepRequest> {
  const search = await searchOf(flags);
  const selection = parseSelection(ofLastDay(flags), now);
  const [one, other] = (["quiet", "jids", "by"] as const).filter((name) => flags[name]);
  if (other) throw new UserError(`--${one} and --${other} cannot be used together.`, "Use one of them.");
  const shows = flags.quiet ? "nothing" : flags.jids ? "jids" : flags.by === "text" ? "lines" : "hits";
  return { search, selection, shows, form: outputForm(flags) };
}

async function answerOf(
  { search, selection: asked, shows }: GrepRequest,
  session: Session,
  sink: AnswerSink,
): Promise<Answer> {
  const { store, terminal } = session;
  const selection = await selectionByServer(asked, session);
  const read = await readSelected(store, selection, selection.matches, progressOn(terminal));
  const jobs = selection.arrange(read.jobs);
  const { sinceNs } = read;
  const found: string[] = [];
  const lines = new FoundLines();
  const peels = new Set<string>();
  const onJob = ({ jid }: JobRow, hits: readonly Hit[]) => {
    found.push(jid);
    for (const { peel } of hits) peels.add(peel);
    if (shows === "hits") sink.add(hitsView(jid, hits, search));
    if (shows === "lines") lines.add(jid, hits);
  };
  const options = { any: shows === "nothing", progress: progressOn(terminal, "returns"), warn: terminal.warn };
  const { returns, unreadable } = await grepReturns(store, { jobs, sinceNs }, search, onJob, options);
  const code = found.length > 0 ? EXIT.done : EXIT.trouble;
  if (shows === "nothing") return { warnings: [unreadableWarning(read.unreadable)], code };
  const shown = {
    hits: () => sink,
    lines: () => linesView(lines, search),
    jids: () => ({ size: found.length, ids: found }),
  };
  const words =
    code === EXIT.done
      ? `matched ${plural(found.length, "job")}, ${plural(peels.size, "peel")}; ${plural(returns, "return")} searched.`
      : `no match; ${plural(returns, "return")} of ${plural(jobs.length, "job")} searched (jobs that match ${selection.text}, ${amongWords(read)}).`;
  return {
    shown: shown[shows](),
    notes: { text: words, data: words },
    warnings: [
      unreadable > 0 ? `${plural(unreadable, "return")} cannot be decoded, and could not be searched.` : undefined,
      futureWords(read.jobs, store.nowNs()),
      unreadableWarning(read.unreadable),
    ],
    code,
  };
}

async function run(flags: GrepArgs): Promise<number | undefined> {
  const request = await parse(flags, new Date());
  const work = async (session: Session) => {
    const sink = new AnswerSink(session, request.form.header);
    return writeAnswer(await answerOf(request, session, sink), request.form, session);
  };
  return withReading(flags, work, { only: { by: ["text"] } });
}

export default defineCommand({
  meta: {
    description: "search what peels returned, across jobs",
    group: "Analyze",
    details:
      "Searches errors, names of results, outputs, diffs and other texts, line by line, in the returns of matching jobs; without --since or --until, of the last 24 hours. Case matters if <text> has an upper-case letter.",
    notes:
      "The newest job comes first; equal lines of a job are one line, whichever peels and fields have them. -e takes regular expressions in the syntax of RE2, without look-around and back references. Not searched: IDs, names of fields, numbers, and the arguments of the job.",
    exitCodes: "0 found, 1 error, 2 not found",
    flagsElsewhere: { peel: ["zester job history <peel>"] },
    example: "zester job grep 'no space left' --since 3d",
  },
  args,
  run: ({ args }) => run(args),
});
