// zester job active

import { defineCommand } from "../cli/command.ts";
import { isUnknownStatus, type JobRow, LISTED_AS_ACTIVE, unknownStateWords } from "../model/job.ts";
import { ACTIVE } from "../render/columns.ts";
import { plural } from "../text.ts";
import { selectionByServer } from "./clock.ts";
import { args, checkFlags, LIST_OUTPUT, type ListArgs, listJobs } from "./list.ts";
import { withSession } from "./session.ts";

async function run(flags: ListArgs): Promise<void> {
  checkFlags(flags);
  await withSession(
    flags,
    async (session) => {
      const selection = await selectionByServer(flags, session);
      const claimed = new Set<string>();
      const unknown = new Map<string, JobRow>();
      const keep = (row: JobRow) => {
        if (row.status === "claimed" && selection.matches(row)) claimed.add(row.jid);
        else claimed.delete(row.jid);
        if (isUnknownStatus(row.status) && selection.matches(row)) unknown.set(row.jid, row);
        else unknown.delete(row.jid);
        return LISTED_AS_ACTIVE.includes(row.status ?? "");
      };
      const view = { keep, columns: ACTIVE, none: "No active jobs.", tellStuck: true };
      await listJobs(flags, view, selection, session);
      const words = unknownStateWords([...unknown.values()]);
      if (words !== undefined) session.terminal.warn(`${words}.`);
      if (claimed.size === 0) return;
      session.terminal.warn(
        `${plural(claimed.size, "job")} claimed by a master, nothing sent yet: not shown here, \`zester job list\` has them.`,
      );
    },
    LIST_OUTPUT,
  );
}

export default defineCommand({
  meta: {
    description: "List the jobs that are running or pending.",
    group: "See",
    examples: ["zester job active", "zester job active --sort duration --wide"],
  },
  args,
  run: ({ args }) => run(args),
});
