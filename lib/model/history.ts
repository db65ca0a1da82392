// Results of one peel in many jobs, newest first, and its recent failures. Pure.
import { asTime, type Timestamp, type ValueMap } from "../codec/value.ts";
import { splitList } from "./glob.ts";
import { BEFORE_ALL, isTerminal, type Job, type JobRow } from "./job.ts";
import { isChange } from "./outcome-groups.ts";
import { compare } from "./peel.ts";
import { BAD, hasNotReturned, type PeelState, WORST_FIRST } from "./peel-state.ts";
import { readReturnData } from "./return-data.ts";
import { failureOf, type Return, stateOfReturn } from "./returns.ts";
import { parseStates } from "./selection.ts";
import { noteOf, type PeelStory } from "./story.ts";

export const HISTORY_FIELDS = ["success", "error", "duration", "unreachable", "timestamp", "return_data"] as const;

export interface PeelResult {
  readonly jid: string;
  readonly state: PeelState;
  /** Also true for a late return that is ok. */
  readonly isOk: boolean;
  /** An error, or the job that it waits for. */
  readonly note: string;
  /** Not ok because the job was canceled: says nothing about the function. */
  readonly isCanceled?: boolean | undefined;
  readonly tookNs?: bigint | undefined;
  /** Since the ack of a running peel. */
  readonly soFarNs?: bigint | undefined;
  /** Results that changed something, or would in a dry run; undefined for data of another shape. */
  readonly changed?: { readonly some: number; readonly of: number } | undefined;
  readonly dryRun?: boolean | undefined;
  /** By the peel's clock. */
  readonly returned?: Timestamp | undefined;
  /** Of an unreachable peel: the return that the master wrote. */
  readonly item?: Return | undefined;
}

export interface HistoryEntry extends PeelResult {
  readonly row: JobRow | undefined;
  /** May decode the record on each access. */
  readonly job: ValueMap | undefined;
  /** Creation of the job; if unknown, the time of the return. */
  readonly at: Timestamp | undefined;
}

export function resultOf(jid: string, item: Return): PeelResult {
  const answer = readReturnData(item.record.get("return_data"), item.error);
  const time = asTime(item.record.get("timestamp"));
  const changes = answer?.results.filter(isChange);
  return {
    jid,
    state: stateOfReturn(item),
    isOk: item.ok,
    // The error of an unreachable peel is always "no heartbeat at dispatch".
    note: item.unreachable || item.ok ? "" : failureOf(item, answer),
    tookNs: item.unreachable ? undefined : item.duration,
    changed: answer && changes && { some: changes.length, of: answer.results.length },
    dryRun: answer?.dryRun,
    returned: time?.isZero ? undefined : time,
    item: item.unreachable ? item : undefined,
  };
}

/** As `resultOf`, for a peel whose events were read. */
export const toldOf = (jid: string, story: PeelStory): PeelResult => ({
  ...resultOf(jid, story.returned as Return),
  state: story.state,
  note: noteOf(story),
  isCanceled: story.sinceCancel === "stopped",
  tookNs: story.tookNs,
});

export function unreturned(row: JobRow, peel: PeelStory | undefined): PeelResult {
  const ended = isTerminal(row.status);
  const isKnown = ended && peel?.sinceCancel === undefined;
  const note = isKnown ? `no return; the job is ${row.status}` : peel ? noteOf(peel) : "";
  const isCanceled = row.status === "canceled";
  return { jid: row.jid, state: peel?.state ?? "missing", isOk: false, note, isCanceled, soFarNs: peel?.soFarNs };
}

/** The record is not kept: there may be many. */
export function entryOf(result: PeelResult, job: Job | undefined): HistoryEntry {
  const row = job?.row;
  return {
    ...result,
    row,
    at: row?.created ?? result.returned,
    get job() {
      return job?.record;
    },
  };
}

/** Row of a job whose record is gone: only conditions on time can match. */
export const goneJob = ({ jid, returned }: PeelResult): JobRow => ({ jid, created: returned });

export const goesOn = ({ state, row }: HistoryEntry) => hasNotReturned(state) && !isTerminal(row?.status);

/** Active entries first, then newest first, entries without a time last. */
export function newestFirst(entries: readonly HistoryEntry[]): HistoryEntry[] {
  return [...entries].sort((a, b) => {
    const first = Number(goesOn(b)) - Number(goesOn(a));
    return first || compare(b.at?.ns ?? BEFORE_ALL, a.at?.ns ?? BEFORE_ALL) || compare(b.jid, a.jid);
  });
}

/** @throws UserError for an unknown state */
export function resultsIn(values: readonly string[]): (result: Pick<PeelResult, "state" | "isOk">) => boolean {
  // A late return can be ok.
  const bad = WORST_FIRST.filter((state) => state !== "ok" && state !== "late");
  const hint = `Use one of: ${WORST_FIRST.join(", ")}; ${BAD} is every result that is not ok.`;
  const states = parseStates(values, WORST_FIRST, { [BAD]: bad }, hint);
  const hasBad = splitList(values).some((text) => text.trim() === BAD);
  return ({ state, isOk }) => states.has(state) || (hasBad && !isOk);
}

export interface Failures {
  readonly call: string;
  readonly first: Timestamp;
  readonly count: number;
  readonly okAgain: Timestamp | undefined;
  readonly lastOk: Timestamp | undefined;
}

/**
 * Failures by call, unresolved ones first. Active and canceled entries and those without a time do not count.
 * @param entries newest first
 * @param callOf function and main argument: only equal calls are compared
 */
export function failuresOf(entries: readonly HistoryEntry[], callOf: (entry: HistoryEntry) => string): Failures[] {
  const ended = entries.filter((entry) => !goesOn(entry) && !entry.isCanceled && entry.at !== undefined);
  const calls = Map.groupBy(ended, callOf);
  const found = [...calls].flatMap(([call, results]): Failures[] => {
    const newest = results.findIndex(({ isOk }) => !isOk);
    if (newest < 0) return [];
    const after = results.slice(newest);
    const end = after.findIndex(({ isOk }) => isOk);
    const failures = end < 0 ? after : after.slice(0, end);
    return [
      {
        call,
        first: failures.at(-1)?.at as Timestamp,
        count: failures.length,
        okAgain: results[newest - 1]?.at,
        lastOk: after[failures.length]?.at,
      },
    ];
  });
  const isResolved = ({ okAgain }: Failures) => Number(okAgain !== undefined);
  return found.sort((a, b) => isResolved(a) - isResolved(b));
}
