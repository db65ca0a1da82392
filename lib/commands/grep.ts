import { EXIT, UserError } from "../errors.ts";
import { grepReturns } from "../jobs/grep.ts";
import type { JobRow } from "../model/job.ts";
import { type Hit, regexSearch, textSearch } from "../model/search.ts";
import { parseSelection } from "../model/selection.ts";
import { FoundLines, hitsView, linesView } from "../render/hits.ts";
import { jidsView } from "../render/ids.ts";
import { returnsProgress } from "../terminal/progress.ts";
import { plural, safe } from "../text.ts";
import { question } from "./answer.ts";
import { amongWords, ofLastDay, readMatching } from "./matching.ts";
import { conditions, globals, header, listFormat } from "./shared.ts";

/** Flags of grep for other lines than those that match. */
const NOT_IN_GREP = {
  v: ["Lines that do not match cannot be shown."],
  c: ["The note on stderr counts the jobs and peels that match."],
  o: ["Lines are shown whole."],
};

export default question({
  meta: {
    description: "search what peels returned, across jobs",
    group: "Analyze",
    details:
      "Searches errors, names of results, outputs, diffs and other texts, line by line, in the returns of matching jobs; without --since or --until, of the last 24 hours. --target selects whole jobs, with the returns of all their peels. Case matters if <text> has an upper-case letter.",
    notes:
      "The newest job comes first; equal lines of a job are one line, whichever peels and fields have them. -e takes regular expressions in the syntax of RE2, without look-around and back references. Not searched: IDs, names of fields, numbers and the arguments of the job. For peels without a stored return, the events are searched: of the newest 2,000 such peels, or 50 before nats-server 2.10.",
    exitCodes: "0 found, 1 error, 2 not found",
    flagsElsewhere: { peel: ["zester job history <peel>"], i: ["-e '(?i)<text>'"], E: ["-e <regex>"], ...NOT_IN_GREP },
    surplus: "Quote a text that has spaces: `zester job grep 'no space left'`.",
    example: "zester job grep 'no space left' --since 3d",
  },
  args: {
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
  },
  only: { by: ["text"] },
  async parse(flags, now) {
    const { text, regexp, limit = "1" } = flags;
    // `grep -n text`, as in a shell.
    if (Number.isNaN(Number(limit)))
      throw new UserError(
        `invalid number "${safe(limit)}" for --limit.`,
        "Omit -n: it is --limit here, a number of jobs. Lines have no numbers.",
      );
    if (text !== undefined && regexp !== undefined)
      throw new UserError("<text> and -e cannot be used together.", "Use one of them.");
    const search = regexp !== undefined ? await regexSearch(regexp) : text !== undefined && textSearch(text);
    if (!search)
      throw new UserError("missing argument <text> for zester job grep.", "Usage: zester job grep <text> [flags]");
    const selection = parseSelection(ofLastDay(flags), now);
    const [one, other] = (["quiet", "jids", "by"] as const).filter((name) => flags[name]);
    if (other) throw new UserError(`--${one} and --${other} cannot be used together.`, "Use one of them.");
    const shows = flags.quiet ? "nothing" : flags.jids ? "jids" : flags.by === "text" ? "lines" : "hits";
    const isLastDay = flags.since === undefined && flags.until === undefined;
    const newest = flags.limit === undefined ? "" : ` --limit ${limit}`;
    const conditions = `${selection.text}${isLastDay ? " (default)" : ""}${newest}`;
    return { search, selection, shows, conditions } as const;
  },
  async answerOf({ search, selection: asked, shows, conditions }, session, sink) {
    const { store, terminal } = session;
    const { selection, read, warnings } = await readMatching(asked, session);
    const jobs = selection.arrange(read.jobs);
    const found: string[] = [];
    const lines = new FoundLines();
    const peels = new Set<string>();
    const onJob = ({ jid }: JobRow, hits: readonly Hit[]) => {
      found.push(jid);
      for (const { peel } of hits) peels.add(peel);
      if (shows === "hits") sink.add(hitsView(jid, hits, search));
      if (shows === "lines") lines.add(jid, hits);
    };
    const options = { any: shows === "nothing", reporting: () => returnsProgress(terminal) };
    const { returns, unreadable } = await grepReturns(store, { ...read, jobs }, search, onJob, options);
    const code = found.length > 0 ? EXIT.done : EXIT.trouble;
    if (shows === "nothing") return { warnings: warnings.slice(1), code };
    const views = {
      hits: () => sink,
      lines: () => linesView(lines, search),
      jids: () => jidsView(found.length, found),
    };
    const words =
      code === EXIT.done
        ? `matched ${plural(found.length, "job")}, ${plural(peels.size, "peel")}; ${plural(returns, "return")} searched.`
        : `no match; ${plural(returns, "return")} of ${plural(jobs.length, "job")} searched (jobs that match ${conditions}, ${amongWords(read)}).`;
    return {
      shown: views[shows](),
      notes: { text: words, data: words },
      warnings: [
        unreadable > 0 ? `${plural(unreadable, "return")} cannot be decoded, and could not be searched.` : undefined,
        ...warnings,
      ],
      code,
    };
  },
});
