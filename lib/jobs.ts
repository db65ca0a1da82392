// Reading all jobs: the scan, the decoding, and what is said about values that can't be decoded.
import { decodeRecord, Undecodable } from "./decode.ts";
import { byCreation, type JobRow, jobRow, ROW_FIELDS, unreadableRow } from "./job.ts";
import { toJson } from "./json.ts";
import type { Format } from "./session.ts";
import type { Store } from "./store.ts";
import type { Terminal } from "./terminal.ts";
import { plural } from "./text.ts";
import type { Value, ValueMap } from "./value.ts";

export interface Job {
  readonly row: JobRow;
  /** Undefined when the value can't be decoded, or when only rows were asked for. */
  readonly record: ValueMap | undefined;
}

/**
 * All jobs that `keep` keeps, oldest first.
 * @param withRecords false drops each record as soon as its row is known, so that memory holds rows alone
 */
export async function readJobs(
  store: Store,
  keep: (row: JobRow) => boolean,
  withRecords: boolean,
): Promise<Job[]> {
  const jobs = new Map<string, Job>();
  const later: Promise<void>[] = [];
  const add = (jid: string, record: ValueMap) => {
    const row = jobRow(jid, record);
    // A job that changed during the scan comes twice: the later record counts, also when it no longer matches.
    if (keep(row)) jobs.set(jid, { row, record: withRecords ? record : undefined });
    else jobs.delete(jid);
  };
  const fail = (jid: string, error: unknown) => {
    if (!(error instanceof Undecodable)) throw error;
    const row = unreadableRow(jid, error.message);
    if (keep(row)) jobs.set(jid, { row, record: undefined });
    else jobs.delete(jid);
  };
  await store.scanJobs((jid, bytes) => {
    try {
      const record = decodeRecord(bytes, withRecords ? undefined : ROW_FIELDS);
      if (record instanceof Promise)
        later.push(record.then((value) => add(jid, value)).catch((error) => fail(jid, error)));
      else add(jid, record);
    } catch (error) {
      fail(jid, error);
    }
  });
  await Promise.all(later);
  return [...jobs.values()].sort((a, b) => byCreation(a.row, b.row));
}

const NAMED = 5;

/** One warning for all values that can't be decoded: the first few with their reason, the rest as a count. */
export function warnUnreadable(jobs: readonly Job[], terminal: Terminal): void {
  const bad = jobs.filter((job) => job.row.unreadable !== undefined);
  if (bad.length === 0) return;
  const named = bad
    .slice(0, NAMED)
    .map(({ row }) => `${row.jid}: ${row.unreadable}`)
    .join("; ");
  const rest = bad.length > NAMED ? `; and ${bad.length - NAMED} more` : "";
  terminal.warn(`${plural(bad.length, "job")} cannot be decoded: ${named}${rest}`);
}

/** What stands in JSON and YAML for a job that can't be decoded. */
function document(job: Job): Value {
  return (
    job.record ??
    new Map<string, Value>([
      ["jid", job.row.jid],
      ["unreadable", job.row.unreadable ?? ""],
    ])
  );
}

/** Writes a document in a structured format. */
export async function writeDocument(
  value: Value,
  format: Exclude<Format, "text">,
  terminal: Terminal,
): Promise<void> {
  if (format === "json") return terminal.write(`${toJson(value)}\n`);
  const { toYaml } = await import("./yaml.ts");
  terminal.write(toYaml(value));
}

/** Writes whole records as one array. */
export async function writeRecords(
  jobs: readonly Job[],
  format: Exclude<Format, "text">,
  terminal: Terminal,
): Promise<void> {
  await writeDocument(jobs.map(document), format, terminal);
}
