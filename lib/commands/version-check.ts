// zester version --check
import { UserError } from "../errors.ts";
import { newestVersion } from "../jobs/stream-jobs.ts";
import { RECORD_VERSION } from "../model/job.ts";
import { plural } from "../text.ts";
import type { GlobalArgs } from "./flags.ts";
import { withSession } from "./session.ts";

export async function run(flags: GlobalArgs): Promise<void> {
  await withSession(flags, async ({ store, terminal }) => {
    const { version, jobs } = await newestVersion(store);
    if (version === undefined) {
      const none = jobs === 0 ? "there are no records" : `none of ${plural(jobs, "record")} has a version`;
      terminal.write(`unknown: ${none}; this zester knows version ${RECORD_VERSION}\n`);
      return;
    }
    if (version > RECORD_VERSION)
      throw new UserError(
        `the server has records of version ${version}, newer than this zester knows (${RECORD_VERSION}): it may show them wrong or in part.`,
        "Install the zester that came with your master.",
      );
    terminal.write(`ok: records have version ${version}, which this zester knows\n`);
  });
}
