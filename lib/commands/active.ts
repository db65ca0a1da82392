// zester job active
import { readJobs, warnUnreadable, writeRecords } from "../jobs.ts";
import { type GlobalFlags, withSession } from "../session.ts";
import { renderActive } from "../tables.ts";
import { plural } from "../text.ts";

export async function run(flags: GlobalFlags): Promise<void> {
  await withSession(flags, async ({ store, terminal, format }) => {
    // Unreadable ones are kept for the warning: one of them may be running.
    const states = ["running", "pending", "claimed"];
    const jobs = await readJobs(
      store,
      (row) => row.unreadable !== undefined || states.includes(row.status ?? ""),
      format !== "text",
    );
    const active = jobs.filter(({ row }) => row.status === "running" || row.status === "pending");
    if (format !== "text") await writeRecords(active, format, terminal);
    else
      terminal.write(
        active.length === 0
          ? "No active jobs.\n"
          : renderActive(
              active.map((job) => job.row),
              terminal,
            ),
      );
    const claimed = jobs.filter(({ row }) => row.status === "claimed").length;
    if (claimed > 0)
      terminal.warn(
        `${plural(claimed, "job")} claimed by a master, nothing sent yet: not shown here, \`zester job list\` has them.`,
      );
    warnUnreadable(jobs, terminal);
  });
}
