import { readFailures } from "../jobs/failures.ts";
import { JobList, mayHaveFailed } from "../model/job.ts";
import { parseCount, parseSelection } from "../model/selection.ts";
import { errorsView, failedJobsView } from "../render/errors.ts";
import { returnsProgress } from "../terminal/progress.ts";
import { plural } from "../text.ts";
import { question } from "./answer.ts";
import { ofLastDay, readMatching } from "./matching.ts";
import { conditions, globals, header, listFormat, scripted } from "./shared.ts";

export default question({
  meta: {
    description: "show errors across jobs, most peels first",
    group: "Analyze",
    details:
      "Reads the returns of matching jobs; without --since or --until, of the last 24 hours. Similar errors share a row (see `zester help peels`). LAST: creation time of the newest job with this error. --target selects jobs; the errors of all their peels count; `zester job history <peel>` shows one peel. The last rows are peels that were unreachable, and peels that did not return from a job that is failed, partial or timeout.",
    flagsElsewhere: { peel: ["zester job history <peel>"] },
    surplus: "`zester job history <peel>` shows one peel.",
    example: "zester job errors --since 1h",
  },
  args: {
    ...globals,
    ...conditions,
    limit: { ...conditions.limit, description: "only the first N rows" },
    by: { type: "string", valueHint: "error|job", description: "group by error (default) or job" },
    format: listFormat,
    header,
    ...scripted("no job matches"),
  },
  parse: (flags, now) => ({
    selection: parseSelection(ofLastDay({ ...flags, limit: undefined }), now),
    by: flags.by ?? "error",
    limit: flags.limit === undefined ? undefined : parseCount(flags.limit, "--limit"),
  }),
  async answerOf({ selection, by, limit }, session) {
    const { store, terminal } = session;
    const { read, matchClause, warnings } = await readMatching(selection, session);
    const noJobs = `No jobs ${matchClause}.${selection.hint}`;
    const { numbers, make } = read.jobs;
    const jobs = new JobList(
      numbers.filter((n) => mayHaveFailed(make(n).row)),
      make,
    );
    const { progress, warn } = returnsProgress(terminal);
    const failures = await readFailures(store, { ...read, jobs }, progress, warn);
    const viewBy = by === "job" ? failedJobsView : errorsView;
    const { view, more } = viewBy(failures, (number) => jobs.at(number).row, limit);
    const note = more > 0 ? `${plural(more, `more ${by === "job" ? by : "row"}`)}; raise --limit.` : undefined;
    return {
      shown: view,
      none: read.jobs.length === 0 ? noJobs : `No peel failed in jobs that ${matchClause}.`,
      selected: { size: read.jobs.length, none: noJobs },
      notes: { text: note },
      warnings,
    };
  },
});
