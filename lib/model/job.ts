// Jobs: what the fields of their records mean, who made them (wire.md, at the end of "Subjects and the story of a job"), and
// lists of them. Pure.
import { asInteger, asText, asTime, type Timestamp, type ValueMap } from "../codec/value.ts";
import { oneOf } from "../nearest.ts";
import { firstFew, plural } from "../text.ts";
import { compareText, displayPeel, peelList } from "./peel.ts";

/** The version of records (their field `v`) that this code knows. */
export const RECORD_VERSION = 1n;

/**
 * The states of an active job. A status that is neither active nor terminal (one of another version, or a mistake)
 * does not tell which: such a job is shown until it is known to have ended, and is canceled only after a question.
 */
export const ACTIVE_STATES: readonly string[] = ["pending", "claimed", "running"];

/** The active states that `zester job active` lists: the reference page leaves out claimed jobs, of which nothing was sent yet. */
export const LISTED_AS_ACTIVE: readonly string[] = ["pending", "running"];

export const TERMINAL_STATES: readonly string[] = ["complete", "failed", "partial", "timeout", "canceled"];

export const isTerminal = (status: string | undefined) => TERMINAL_STATES.includes(status ?? "");

/** True when a job with this status was sent to its peels. Of a claimed one the status proves nothing: its events may. */
export const isPastClaimed = (status: string | undefined) => status === "running" || isTerminal(status);

export const isActive = (status: string | undefined) => ACTIVE_STATES.includes(status ?? "");

export const isUnknownStatus = (status: string | undefined) => !isTerminal(status) && !isActive(status);

/** What to report about jobs whose states tell neither that they go on nor that they ended; undefined when there is none. */
export function unknownStateWords(rows: readonly JobRow[]): string | undefined {
  const odd = rows.filter((row) => row.unreadable === undefined && isUnknownStatus(row.status));
  const [first] = odd;
  if (!first) return undefined;
  const state = ({ status = "" }: JobRow) => `"${status}"`;
  if (odd.length === 1)
    return `job ${first.jid}: state ${state(first)} is unknown: cannot tell whether the job has ended`;
  const named = firstFew(odd.map((row) => `${row.jid}: ${state(row)}`));
  return `the states of ${plural(odd.length, "job")} are unknown: cannot tell whether the jobs have ended: ${named}`;
}

/** What a table shows of one job. */
export interface JobRow {
  readonly jid: string;
  readonly fn: string | undefined;
  readonly targetExpr: string | undefined;
  readonly targets: readonly string[] | undefined;
  readonly status: string | undefined;
  /** Undefined when it is missing or zero. */
  readonly created: Timestamp | undefined;
  readonly updated?: Timestamp | undefined;
  readonly deadline?: Timestamp | undefined;
  readonly user?: string | undefined;
  readonly owner?: string | undefined;
  readonly returned?: bigint | undefined;
  readonly succeeded?: bigint | undefined;
  readonly source?: JobSource;
  readonly retryOf?: string | undefined;
  /** Of a job that a peel's own schedule made: the name of the schedule's entry. */
  readonly schedule?: string | undefined;
  /** Why the value can't be decoded; then all other fields but `jid` are undefined. */
  readonly unreadable?: string;
}

export const ROW_FIELDS = [
  "function",
  "target_expr",
  "targets",
  "status",
  "created",
  "updated",
  "deadline",
  "user",
  "owner",
  "return_count",
  "success_count",
  "metadata",
] as const;

/** The row of a record. The JID is the key's: the record's own field may say anything. */
export function jobRow(jid: string, record: ValueMap): JobRow {
  const time = (name: string) => {
    const value = asTime(record.get(name));
    return value?.isZero ? undefined : value;
  };
  return {
    jid,
    fn: asText(record.get("function")),
    targetExpr: asText(record.get("target_expr")) || undefined,
    targets: peelList(record.get("targets")),
    status: asText(record.get("status")),
    created: time("created"),
    updated: time("updated"),
    deadline: time("deadline"),
    user: asText(record.get("user")),
    owner: asText(record.get("owner")),
    returned: asInteger(record.get("return_count")),
    succeeded: asInteger(record.get("success_count")),
    source: sourceOf(record),
    retryOf: retryOf(record),
    schedule: scheduleOf(record),
  };
}

/**
 * How long a job took, in ns; until `now` when it has not ended. Undefined without the times, of an unknown state, and for a run
 * of a peel's own schedule, whose record no master owns and is only written at the end: its return alone tells.
 */
export function jobDuration(row: JobRow, now: Date): bigint | undefined {
  if (!row.created || isUnknownStatus(row.status)) return undefined;
  if (!isTerminal(row.status)) return BigInt(now.getTime()) * 1_000_000n - row.created.ns;
  if (!row.updated || (row.owner === undefined && row.updated.ns === row.created.ns)) return undefined;
  return row.updated.ns - row.created.ns;
}

/** A master ends a job that lacks returns at its deadline, to the millisecond; one that ends so much earlier stopped watching. */
const EARLY_NS = 1_000_000_000n;

/**
 * How long before its deadline, in ns, the master of a job stopped watching it; undefined when it did not. A master that answers a
 * REST request does so with its answer: what peels return then is in the events alone.
 */
export function stoppedWatchingNs({ status, updated, deadline }: JobRow): bigint | undefined {
  if ((status !== "partial" && status !== "timeout") || !updated || !deadline) return undefined;
  const earlyNs = deadline.ns - updated.ns;
  return earlyNs < EARLY_NS ? undefined : earlyNs;
}

/** Peels that returned, as the record counts them; undefined when it does not: masters count at the end, not before. */
export const returnedOf = (row: JobRow) => (row.returned === 0n && !isTerminal(row.status) ? undefined : row.returned);

/** How many peels have returned, by JID, counted from their returns. A job is missing where that is unknown. */
export type ReturnCounts = ReadonlyMap<string, number>;

/** Peels that returned: as the record counts them, otherwise as `counts` does; undefined when that is unknown. */
export const returnedNow = (row: JobRow, counts?: ReturnCounts) => returnedOf(row) ?? counts?.get(row.jid);

const targetCounts = new WeakMap<readonly string[], number>();

/** How many peels a job has: one that appears twice among the targets is one peel. Jobs may share their lists, which are counted once. */
export function countTargets(targets: readonly string[]): number {
  const known = targetCounts.get(targets) ?? new Set(targets).size;
  targetCounts.set(targets, known);
  return known;
}

/** Peels that returned without success; undefined when nothing was counted. */
export function failedOf(row: JobRow): bigint | undefined {
  const returned = returnedOf(row);
  return returned === undefined ? undefined : returned - (row.succeeded ?? 0n);
}

/** False for a job of which every peel returned with success, as its record says. */
export const mayHaveFailed = (row: JobRow) => row.status !== "complete" || (failedOf(row) ?? 0n) > 0n;

export function unreadableRow(jid: string, reason: string): JobRow {
  return {
    jid,
    fn: undefined,
    targetExpr: undefined,
    targets: undefined,
    status: undefined,
    created: undefined,
    unreadable: reason,
  };
}

/** What to report about jobs that can't be decoded: the first few with their reason, the rest as a count. */
export const unreadableWords = (rows: readonly JobRow[]) =>
  `${plural(rows.length, "job")} cannot be decoded: ${firstFew(rows.map((row) => `${row.jid}: ${row.unreadable}`))}`;

export const displayState = (row: JobRow) => (row.unreadable === undefined ? row.status || "-" : "unreadable");

/** Oldest first by `created`, then by JID. Jobs without `created` come first: nothing says that they are newer. */
export function byCreation(a: JobRow, b: JobRow): number {
  const x = a.created;
  const y = b.created;
  if (x === undefined || y === undefined) return x === y ? compareText(a.jid, b.jid) : x === undefined ? -1 : 1;
  if (x.seconds !== y.seconds) return x.seconds < y.seconds ? -1 : 1;
  return x.nanos - y.nanos || compareText(a.jid, b.jid);
}

/**
 * `[db-01 db-02]`, peel IDs in display form. With `max` (columns, as counted by `measure`) it is cut to
 * `[db-01 db-02 … +98]`, keeping as many ids as fit.
 */
export function formatTargets(
  targets: readonly string[],
  max = Number.POSITIVE_INFINITY,
  measure = (s: string) => s.length,
): string {
  const names = targets.map(displayPeel);
  const full = `[${names.join(" ")}]`;
  if (max === Number.POSITIVE_INFINITY || measure(full) <= max) return full;
  // From the front, as far as it goes: a list can have 100,000 ids, and only a few of them fit.
  let best = `[… +${names.length}]`;
  let head = "[";
  for (let kept = 1; kept < names.length; kept++) {
    head += `${names[kept - 1]} `;
    if (head.length > max * 2 && measure(head) > max) break;
    const text = `${head}… +${names.length - kept}]`;
    if (measure(text) <= max) best = text;
  }
  return best;
}

export const SOURCES = ["operator", "schedule", "reactor"] as const;
export type JobSource = (typeof SOURCES)[number];

/** The key in a job's metadata that names the job which it repeats. */
export const RETRY_OF_KEY = "retry_of";

/** The job that a job repeats, as `retry` writes it down; undefined for any other job. */
export function retryOf(record: ValueMap): string | undefined {
  const metadata = record.get("metadata");
  return metadata instanceof Map ? asText(metadata.get(RETRY_OF_KEY)) || undefined : undefined;
}

/** What a peel's own schedule leaves in each record that it makes: no master, one target, and the name of its entry. */
interface Shape {
  readonly owner?: string | undefined;
  readonly targets?: readonly string[] | undefined;
  readonly schedule?: string | undefined;
}

/**
 * What made a job. Metadata is what the caller of a master's REST interface writes: a schedule is believed only of a record that
 * has its shape. A source that is none of ours counts as an operator: nothing else is known of it.
 * @param said the metadata's `source`
 */
export function sourceFrom(said: string | undefined, { owner, targets, schedule }: Shape): JobSource {
  if (said === "schedule" && (owner || targets?.length !== 1 || !schedule)) return "operator";
  return SOURCES.find((name) => name === said) ?? "operator";
}

export function sourceOf(record: ValueMap): JobSource {
  const metadata = record.get("metadata");
  if (!(metadata instanceof Map)) return "operator";
  return sourceFrom(asText(metadata.get("source")), {
    owner: asText(record.get("owner")),
    targets: peelList(record.get("targets")),
    schedule: asText(metadata.get("schedule")),
  });
}

/** The entry of the peel's own schedule that made a job; undefined for another job. */
export function scheduleOf(record: ValueMap): string | undefined {
  const metadata = record.get("metadata");
  if (sourceOf(record) !== "schedule" || !(metadata instanceof Map)) return undefined;
  return asText(metadata.get("schedule")) || undefined;
}

/** @throws UserError for a name that is none of a source */
export const parseSource = (text: string): JobSource => oneOf(SOURCES, text, "--source", "source");

/** `schedule "nightly" on web-01`, `rule restart-nginx, event beacon/nginx/down`; undefined for an operator's job. */
export function sourceWords(record: ValueMap): string | undefined {
  const source = sourceOf(record);
  const metadata = record.get("metadata");
  if (source === "operator" || !(metadata instanceof Map)) return undefined;
  const field = (name: string) => asText(metadata.get(name)) || undefined;
  if (source === "schedule") {
    const entry = field("schedule");
    const peel = peelList(record.get("targets"))?.[0];
    return `schedule${entry === undefined ? "" : ` "${entry}"`}${peel === undefined ? "" : ` on ${displayPeel(peel)}`}`;
  }
  const event = field("event_tag");
  return `rule ${field("rule") ?? "without a name"}${event === undefined ? "" : `, event ${event}`}`;
}

export interface Job {
  readonly row: JobRow;
  /** Undefined when the value can't be decoded, or when only rows were asked for. */
  readonly record: ValueMap | undefined;
}

/** Makes each job on access: a million of them at once would fill the memory. */
export class JobList {
  constructor(
    readonly numbers: Int32Array,
    readonly make: (n: number) => Job,
  ) {}

  static of(jobs: readonly Job[]): JobList {
    return new JobList(Int32Array.from(jobs.keys()), (n) => jobs[n] as Job);
  }

  get length(): number {
    return this.numbers.length;
  }

  at(i: number): Job {
    return this.make(this.numbers[i] as number);
  }

  *[Symbol.iterator](): Generator<Job> {
    for (const n of this.numbers) yield this.make(n);
  }
}

/** The JIDs of jobs in order, made one at a time. @param to all of them, or those before this place */
export const jidsOf = (jobs: JobList, from = 0, to = jobs.length) => ({
  size: to - from,
  *keys(): Generator<string> {
    for (let i = from; i < to; i++) yield jobs.at(i).row.jid;
  },
});
