// zester job active
import type { JobRow } from "../job.ts";
import { parseSelection } from "../select.ts";
import { WITH_LINES, withSession } from "../session.ts";
import { renderActive } from "../tables.ts";
import { plural } from "../text.ts";
import { checkForms, type ListFlags, listJobs } from "./list.ts";

export async function run(flags: ListFlags): Promise<void> {
  const selection = parseSelection(flags, new Date());
  checkForms(flags);
  const claimed = new Set<string>();
  const keep = (row: JobRow) => {
    if (row.status === "claimed" && selection.matches(row)) claimed.add(row.jid);
    else claimed.delete(row.jid);
    return row.status === "running" || row.status === "pending";
  };
  const view = { keep, render: renderActive, none: "No active jobs." };
  await withSession(
    flags,
    async (session) => {
      await listJobs(flags, view, selection, session);
      if (claimed.size === 0) return;
      session.terminal.warn(
        `${plural(claimed.size, "job")} claimed by a master, nothing sent yet: not shown here, \`zester job list\` has them.`,
      );
    },
    { formats: WITH_LINES },
  );
}
