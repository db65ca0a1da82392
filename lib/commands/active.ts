import { isUnknownStatus, type JobRow, LISTED_AS_ACTIVE, unknownStateWords } from "../model/job.ts";
import { ACTIVE_COLUMNS } from "../render/columns.ts";
import { plural } from "../text.ts";
import { question } from "./answer.ts";
import { args, flagsElsewhere, listJobs, only, parse, surplus } from "./list.ts";

export default question({
  meta: {
    description: "list running and pending jobs",
    group: "Inspect",
    details:
      "Like `zester job list --state active`, but with the targeted peels, a warning about stuck jobs, and without jobs that a master has claimed and not sent yet. `zester job list --help` explains --wide.",
    flagsElsewhere,
    surplus,
    example: "zester job active --sort duration --wide",
  },
  args,
  only,
  parse,
  async answerOf(request, session) {
    const claimed = new Set<string>();
    const unknown = new Map<string, JobRow>();
    const keep = (row: JobRow, isSelected: boolean) => {
      // A job may arrive again while all are read, in another state.
      claimed[row.status === "claimed" && isSelected ? "add" : "delete"](row.jid);
      if (isUnknownStatus(row.status) && isSelected) unknown.set(row.jid, row);
      else unknown.delete(row.jid);
      return isSelected && LISTED_AS_ACTIVE.includes(row.status ?? "");
    };
    const [none, noneMatches] = ["No active jobs.", "No active job matches"];
    const listing = { keep, columns: ACTIVE_COLUMNS, none, noneMatches, warnsOfStuck: true };
    const answer = await listJobs(request, listing, session);
    const words = unknownStateWords([...unknown.values()]);
    const jobs = `${plural(claimed.size, "job")} claimed by a master, nothing sent yet`;
    const elsewhere = claimed.size > 0 ? `${jobs}: not shown here, \`zester job list\` has them.` : undefined;
    return { ...answer, warningsUnlessError: [words && `${words}.`, elsewhere] };
  },
});
