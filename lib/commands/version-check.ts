// zester version --check
import type { Value } from "../codec/value.ts";
import { UserError } from "../errors.ts";
import { newestVersion } from "../jobs/read-jobs.ts";
import { RECORD_VERSION } from "../model/job.ts";
import { plural } from "../text.ts";
import { writeDocument } from "./output.ts";
import { withSession } from "./session.ts";
import type { GlobalArgs } from "./shared.ts";

/** @param facts what was built, for the document that programs get */
export async function run(flags: GlobalArgs, facts: ReadonlyMap<string, string>): Promise<void> {
  await withSession(flags, async ({ store, terminal, format }) => {
    const { version, jobs } = await newestVersion(store);
    const records = new Map<string, Value>([
      ["newest", version ?? null],
      ["known", RECORD_VERSION],
      ["jobs", jobs],
    ]);
    if (format !== "text")
      await writeDocument(new Map<string, Value>([...facts, ["records", records]]), format, terminal);
    if (version !== undefined && version > RECORD_VERSION)
      throw new UserError(
        `the server has records of version ${version}, newer than this zester knows (${RECORD_VERSION}): it may show them wrong or in part.`,
        "Install the zester that came with your master.",
      );
    if (format !== "text") return undefined;
    const none = jobs === 0 ? "there are no records" : `none of ${plural(jobs, "record")} has a version`;
    if (version === undefined) terminal.write(`unknown: ${none}; this zester knows version ${RECORD_VERSION}\n`);
    else terminal.write(`ok: records have version ${version}, which this zester knows\n`);
    return undefined;
  });
}
