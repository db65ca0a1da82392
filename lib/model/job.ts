// Jobs: meaning and source of their records (docs/contributing.md, "Record"), and lists of them. Pure.
import { asInteger, asText, asTime, type Timestamp, type ValueMap } from "../codec/value.ts";
import { oneOf } from "../nearest.ts";
import { firstFew, plural, safe, width } from "../text.ts";
import { nsOf } from "../time.ts";
import { compare, displayPeel, peelList } from "./peel.ts";

/** In place of a missing time, in ns. */
export const BEFORE_ALL = -(2n ** 127n);

/** Known version of records (field `v`). */
export const RECORD_VERSION = 1n;

/** Any other state that is not terminal is unknown: such a job is canceled only after confirmation. */
export const ACTIVE_STATES: readonly string[] = ["pending", "claimed", "running"];

/** `zester job active` lists these. It omits claimed jobs, which were not sent yet. */
export const LISTED_AS_ACTIVE: readonly string[] = ["pending", "running"];

export const TERMINAL_STATES: readonly string[] = ["complete", "failed", "partial", "timeout", "canceled"];

export const isTerminal = (status: string | undefined) => TERMINAL_STATES.includes(status ?? "");

/** True for a status that proves that the job was sent; `claimed` proves nothing. */
export const isPastClaimed = (status: string | undefined) => status === "running" || isTerminal(status);

export const isActive = (status: string | undefined) => ACTIVE_STATES.includes(status ?? "");

export const isUnknownStatus = (status: string | undefined) => !isTerminal(status) && !isActive(status);

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

export interface JobRow {
  readonly jid: string;
  readonly fn?: string | undefined;
  readonly targetExpr?: string | undefined;
  readonly targets?: readonly string[] | undefined;
  readonly status?: string | undefined;
  /** Undefined when missing or zero. */
  readonly created?: Timestamp | undefined;
  readonly updated?: Timestamp | undefined;
  readonly deadline?: Timestamp | undefined;
  readonly user?: string | undefined;
  readonly owner?: string | undefined;
  readonly returned?: bigint | undefined;
  readonly succeeded?: bigint | undefined;
  readonly source?: JobSource;
  readonly retryOf?: string | undefined;
  /** Name of the peel's schedule entry that made the job. */
  readonly schedule?: string | undefined;
  /** Why the value cannot be decoded; then only `jid` is set. */
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

/** @param jid of the key: the record's own field is not reliable */
export function jobRow(jid: string, record: ValueMap): JobRow {
  const text = (name: string) => asText(record.get(name));
  const time = (name: string) => {
    const value = asTime(record.get(name));
    return value?.isZero ? undefined : value;
  };
  const [owner, targets] = [text("owner"), peelList(record.get("targets"))];
  const schedule = metadataField(record, "schedule");
  const source = sourceFrom(metadataField(record, "source"), { owner, targets, schedule });
  return {
    jid,
    fn: text("function"),
    targetExpr: text("target_expr") || undefined,
    targets,
    status: text("status"),
    created: time("created"),
    updated: time("updated"),
    deadline: time("deadline"),
    user: text("user"),
    owner,
    returned: asInteger(record.get("return_count")),
    succeeded: asInteger(record.get("success_count")),
    source,
    retryOf: retryOf(record),
    schedule: source === "schedule" ? schedule : undefined,
  };
}

/**
 * In ns; up to `now` for an active job. Undefined without the times, for an unknown state, and for a scheduled run,
 * whose duration is in its return alone.
 */
export function jobDuration(row: JobRow, now: Date): bigint | undefined {
  if (!row.created || isUnknownStatus(row.status)) return undefined;
  if (!isTerminal(row.status)) return nsOf(now) - row.created.ns;
  if (!row.updated || (row.owner === undefined && row.updated.ns === row.created.ns)) return undefined;
  return row.updated.ns - row.created.ns;
}

/** A master ends an incomplete job at its deadline, to the millisecond. Earlier by this much: it stopped watching. */
const EARLY_NS = 1_000_000_000n;

/**
 * How long before the deadline the master stopped watching, in ns; undefined if it did not. A master that serves a REST
 * request stops with its answer; later returns are in the events alone.
 */
export function stoppedWatchingNs({ status, updated, deadline }: JobRow): bigint | undefined {
  if ((status !== "partial" && status !== "timeout") || !updated || !deadline) return undefined;
  const earlyNs = deadline.ns - updated.ns;
  return earlyNs < EARLY_NS ? undefined : earlyNs;
}

/** As the record counts; undefined before the end, since masters count at the end. */
export function returnedOf({ status, owner, returned }: JobRow): bigint | undefined {
  if (!isTerminal(status)) return returned || undefined;
  // Masters omit a count of 0, which only these states can have; other tools omit any count.
  const isNone = owner !== undefined && (status === "timeout" || status === "canceled");
  return returned ?? (isNone ? 0n : undefined);
}

/** Numbers of returned peels by JID; a job with an unknown number is missing. */
export type ReturnCounts = ReadonlyMap<string, number>;

export const returnedNow = (row: JobRow, counts?: ReturnCounts) => returnedOf(row) ?? counts?.get(row.jid);

const targetCounts = new WeakMap<readonly string[], number>();

/** Distinct targets. Jobs may share a list, which is counted once. */
export const countTargets = (targets: readonly string[]): number =>
  targetCounts.getOrInsertComputed(targets, () => new Set(targets).size);

/** As the record counts at the end: also the returns that a master wrote for unreachable peels. */
export const haveAllReturned = ({ returned, targets }: JobRow) => (returned ?? 0n) >= countTargets(targets ?? []);

/** Peels that were not ok at the end; undefined before. `show --bad` omits those that returned ok later. */
export function badOf(row: JobRow): bigint | undefined {
  const returned = returnedOf(row);
  if (returned === undefined || !isTerminal(row.status)) return undefined;
  const bad = (row.targets ? BigInt(countTargets(row.targets)) : returned) - (row.succeeded ?? 0n);
  return bad > 0n ? bad : 0n;
}

/** False when the record shows that every peel returned ok. */
export const mayHaveFailed = (row: JobRow) => row.status !== "complete" || (badOf(row) ?? 0n) > 0n;

export const unreadableWords = (rows: readonly JobRow[]) =>
  `${plural(rows.length, "job")} cannot be decoded: ${firstFew(rows.map((row) => `${row.jid}: ${row.unreadable}`))}`;

export const displayState = (row: JobRow) => (row.unreadable === undefined ? row.status || "-" : "unreadable");

/** By `created`, then by JID; jobs without `created` first. */
export const byCreation = (a: JobRow, b: JobRow): number =>
  compare(a.created?.ns ?? BEFORE_ALL, b.created?.ns ?? BEFORE_ALL) || compare(a.jid, b.jid);

/** `[db-01 db-02]`; longer than `max` columns it is cut: `[db-01 db-02 … +98]`. */
export function formatTargets(targets: readonly string[], max = Number.POSITIVE_INFINITY): string {
  const names = targets.map(displayPeel);
  const fits = (text: string) => max === Number.POSITIVE_INFINITY || width(safe(text)) <= max;
  const full = `[${names.join(" ")}]`;
  if (fits(full)) return full;
  const cut = (head: string, kept: number) => `${head}… +${names.length - kept}]`;
  let [head, kept] = ["[", 0];
  // A list can have 100,000 IDs, of which few fit.
  for (; kept < names.length - 1; kept++) {
    const longer = `${head}${names[kept]} `;
    if (!fits(cut(longer, kept + 1))) break;
    head = longer;
  }
  return cut(head, kept);
}

export const SOURCES = ["operator", "schedule", "reactor"] as const;
export type JobSource = (typeof SOURCES)[number];

export const RETRY_OF_KEY = "retry_of";

/** Undefined also for an empty text. */
export function metadataField(record: ValueMap, name: string): string | undefined {
  const metadata = record.get("metadata");
  return metadata instanceof Map ? asText(metadata.get(name)) || undefined : undefined;
}

export const retryOf = (record: ValueMap) => metadataField(record, RETRY_OF_KEY);

/**
 * The source of a job. Callers of the REST interface can write any metadata, so `schedule` also needs the right shape:
 * no master, one target, an entry. Unknown sources count as operator.
 * @param said metadata's `source`
 */
export function sourceFrom(
  said: string | undefined,
  { owner, targets, schedule }: Pick<JobRow, "owner" | "targets" | "schedule">,
): JobSource {
  if (said === "schedule" && (owner || targets?.length !== 1 || !schedule)) return "operator";
  return SOURCES.find((name) => name === said) ?? "operator";
}

export const parseSource = (text: string): JobSource => oneOf(SOURCES, text, "--source", "source");

/** `schedule "nightly" on web-01`, `rule restart-nginx, event beacon/nginx/down`; undefined for an operator's job. */
export function sourceWords(record: ValueMap): string | undefined {
  const { source, schedule, targets: [peel = ""] = [] } = jobRow("", record);
  if (source === "operator") return undefined;
  if (source === "schedule") return `schedule "${schedule}" on ${displayPeel(peel)}`;
  const event = metadataField(record, "event_tag");
  return `rule ${metadataField(record, "rule") ?? "without a name"}${event === undefined ? "" : `, event ${event}`}`;
}

export interface Job {
  readonly row: JobRow;
  /** Undefined when it cannot be decoded, or when only rows were requested. */
  readonly record: ValueMap | undefined;
}

/** Makes each job on access: a million would not fit in memory. */
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

  /** @param to exclusive */
  part(from: number, to: number): JobList {
    return new JobList(this.numbers.subarray(from, to), this.make);
  }

  *[Symbol.iterator](): Generator<Job> {
    for (const n of this.numbers) yield this.make(n);
  }
}

/** JIDs in order, made one by one. */
export const jidsOf = (jobs: JobList) => ({
  size: jobs.length,
  *keys(): Generator<string> {
    for (const { row } of jobs) yield row.jid;
  },
});
