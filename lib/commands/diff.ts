import { digest } from "../codec/digest.ts";
import { EXIT, UserError } from "../errors.ts";
import { SharedReturns } from "../jobs/shared-returns.ts";
import { openQuestions, type Reading, resolveStory } from "../jobs/story.ts";
import { parseJid } from "../model/jid.ts";
import { isActive } from "../model/job.ts";
import { diffJobs } from "../model/job-diff.ts";
import { jobDiffView } from "../render/job-diff.ts";
import { sweepAfter } from "../sweep.ts";
import { question } from "./answer.ts";
import { noteReference } from "./selecting.ts";
import { globals, jids, scripted, selectFirst } from "./shared.ts";

/** Warnings about the two compared runs. */
function differences(before: Reading, after: Reading): string[] {
  const [was, is] = [before.row.fn ?? "-", after.row.fn ?? "-"];
  const [given, now] = [before, after].map(({ job }) => digest(job.get("args") ?? null));
  const open = [before, after].filter(({ row }) => isActive(row.status));
  return [
    ...(was !== is ? [`the jobs ran different functions: ${was} and ${is}.`] : []),
    ...(was === is && given !== now ? [`the jobs ran ${was} with different arguments.`] : []),
    ...open.map(({ row }) => `job ${row.jid} has not ended: the states of its peels may change.`),
  ];
}

const twoJids = { ...jids, exactly: 2 } as const;

export default question({
  meta: {
    description: "compare two runs: what became worse, better, slower",
    group: "Analyze",
    flagsElsewhere: selectFirst,
    renamed: { full: "--all" },
    details:
      "Compares two runs peel by peel: peels that became worse or better, slower peels (more than twice the time, and over 5 s longer), peels with different output (and the lines), peels in only one run.",
    exitCodes: "0 no peel became worse (also if the runs have no peel in common), 1 error, 2 a peel became worse",
    example: "zester job diff @last~1 @last",
  },
  args: {
    ...globals,
    jid: twoJids,
    all: { type: "boolean", description: "show every difference on a terminal" },
    ...scripted("the runs have no peel in common"),
  },
  parse({ _: texts, all = false }) {
    const [before, after, extra] = texts.map(parseJid);
    if (before === undefined || after === undefined || extra !== undefined)
      throw new UserError("missing argument <jid> for zester job diff.", "Usage: zester job diff <jid> <jid> [flags]");
    return { jobs: [before, after] as const, all };
  },
  async answerOf({ jobs, all }, { store, terminal }) {
    // Equal outputs of both runs are kept once.
    const shared = new SharedReturns({ withoutTimes: true });
    const read = async (text: string): Promise<Reading> => {
      const reading = await resolveStory(store, text, terminal.warn, noteReference(terminal), shared);
      // The steps of 50,000 peels take 25 MB, and a comparison does not need them.
      return { ...reading, story: { ...reading.story, steps: [] } };
    };
    const [before, after] = await Promise.all([read(jobs[0]), read(jobs[1])]);
    sweepAfter(before.story.peels.length + after.story.peels.length);
    const diffs = diffJobs(before.story, after.story);
    const both = diffs.filter(({ before, after }) => before && after);
    return {
      shown: jobDiffView(diffs, all),
      selected: { size: both.length, none: "The two runs have no peel in common." },
      warnings: [...differences(before, after), ...openQuestions(before), ...openQuestions(after)],
      warningsUnlessError: [both.length === 0 ? "the two runs have no peel in common." : undefined],
      code: diffs.some(({ change }) => change === "worse") ? EXIT.trouble : EXIT.done,
    };
  },
});
