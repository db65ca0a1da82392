// zester job active
import { defineCommand } from "../cli/command.ts";
import { isUnknownStatus, type JobRow, LISTED_AS_ACTIVE, unknownStateWords } from "../model/job.ts";
import { ACTIVE_COLUMNS } from "../render/columns.ts";
import { plural } from "../text.ts";
import { args, LIST_OUTPUT, type ListRequest, listJobs, parse } from "./list.ts";
import type { Session } from "./session.ts";
import { type Answer, answerWith } from "./write-answer.ts";

async function answerOf(request: ListRequest, session: Session): Promise<Answer> {
  const claimed = new Set<string>();
  const unknown = new Map<string, JobRow>();
  const keep = (row: JobRow, isSelected: boolean) => {
    // A job may come again while all are read, in another state.
    if (row.status === "claimed" && isSelected) claimed.add(row.jid);
    else claimed.delete(row.jid);
    if (isUnknownStatus(row.status) && isSelected) unknown.set(row.jid, row);
    else unknown.delete(row.jid);
    return isSelected && LISTED_AS_ACTIVE.includes(row.status ?? "");
  };
  const listing = { keep, columns: ACTIVE_COLUMNS, none: "No active jobs.", warnsOfStuck: true };
  const answer = await listJobs(request, listing, session);
  const words = unknownStateWords([...unknown.values()]);
  const jobs = plural(claimed.size, "job");
  const last = [
    words && `${words}.`,
    claimed.size > 0
      ? `${jobs} claimed by a master, nothing sent yet: not shown here, \`zester job list\` has them.`
      : undefined,
  ];
  return { ...answer, last };
}

export default defineCommand({
  meta: {
    description: "list running and pending jobs",
    group: "Inspect",
    details:
      "Like `zester job list --state active`, but with the targeted peels, a warning about stuck jobs, and without jobs that a master has claimed and not sent yet. `zester job list --help` explains --wide.",
    example: "zester job active --sort duration --wide",
  },
  args,
  run: ({ args }) => answerWith(args, parse(args, new Date()), answerOf, LIST_OUTPUT),
});
