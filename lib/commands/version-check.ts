// zester version --check
import { ByteSet } from "../codec/byte-set.ts";
import { decodeRecord, Undecodable } from "../codec/decode.ts";
import { asInteger } from "../codec/value.ts";
import { UserError } from "../errors.ts";
import { RECORD_VERSION } from "../model/job.ts";
import type { Store } from "../nats/store.ts";
import { plural } from "../text.ts";
import type { GlobalArgs } from "./flags.ts";
import { withSession } from "./session.ts";

const FIELDS = ["v"];

/** The highest version among the records of jobs, and how many jobs there are. */
async function newestVersion(store: Store): Promise<{ version: bigint | undefined; jobs: number }> {
  const jids = new ByteSet();
  let version: bigint | undefined;
  await store.scanJobs({
    take(key, from, bytes) {
      const n = jids.add(key, from, key.length);
      if (!bytes) return n;
      try {
        const v = asInteger(decodeRecord(bytes, FIELDS).get("v"));
        if (v !== undefined && (version === undefined || v > version)) version = v;
      } catch (error) {
        if (!(error instanceof Undecodable)) throw error;
      }
      return n;
    },
    dropAllBut() {}, // a record that was there a moment ago counts as well
  });
  return { version, jobs: jids.size };
}

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
