// zester job list
import { readJobs, warnUnreadable, writeRecords } from "../jobs.ts";
import { type GlobalFlags, withSession } from "../session.ts";
import { renderList } from "../tables.ts";

export async function run(flags: GlobalFlags): Promise<void> {
  await withSession(flags, async ({ store, terminal, format }) => {
    const jobs = await readJobs(store, () => true, format !== "text");
    if (format !== "text") await writeRecords(jobs, format, terminal);
    else
      terminal.write(
        jobs.length === 0
          ? "No jobs found.\n"
          : renderList(
              jobs.map((job) => job.row),
              terminal,
            ),
      );
    warnUnreadable(jobs, terminal);
  });
}
