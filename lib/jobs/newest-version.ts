// The version of the masters, as far as the records of jobs tell it.
import { ByteSet } from "../codec/byte-set.ts";
import { decodeRecord, Undecodable } from "../codec/decode.ts";
import { asInteger } from "../codec/value.ts";
import type { Store } from "../store.ts";

const VERSION = ["v"];

/** The highest version among the records of jobs, and how many jobs there are. */
export async function newestVersion(store: Store): Promise<{ version: bigint | undefined; jobs: number }> {
  const jids = new ByteSet();
  let version: bigint | undefined;
  await store.scanJobs({
    take(key, from, bytes) {
      const n = jids.add(key, from, key.length);
      if (!bytes) return n;
      try {
        const v = asInteger(decodeRecord(bytes, VERSION).get("v"));
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
