// zester job active
import { ACTIVE } from "../columns.ts";
import type { JobRow } from "../job.ts";
import { parseSelection } from "../select.ts";
import { LIST_FORMATS, withSession } from "../session.ts";
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
  const view = { keep, columns: ACTIVE, none: "No active jobs." };
  await withSession(
    flags,
    async (session) => {
      await listJobs(flags, view, selection, session);
      if (claimed.size === 0) return;
      session.terminal.warn(
        `${plural(claimed.size, "job")} claimed by a master, nothing sent yet: not shown here, \`zester job list\` has them.`,
      );
    },
    { formats: LIST_FORMATS },
  );
}
