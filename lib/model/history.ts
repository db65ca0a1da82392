// What one peel did in many jobs: its results, newest first, and since when calls have gone wrong. Pure.
import { asTime, type Timestamp, type ValueMap } from "../codec/value.ts";
import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { safe } from "../text.ts";
import { listed } from "./glob.ts";
import type { Job } from "./job.ts";
import { isTerminal, type JobRow } from "./job.ts";
import { isChange } from "./outcome-groups.ts";
import { BAD, hasNotReturned, type PeelState, STATE_WORDS, WORST_FIRST } from "./peel-state.ts";
import { readReturnData } from "./return-data.ts";
import { failureOf, type Return, stateOfReturn } from "./returns.ts";
import { noteOf, type PeelStory } from "./story.ts";

/** The fields of a return that a history is made of. */
export const HISTORY_FIELDS = ["success", "error", "duration", "unreachable", "timestamp", "return_data"] as const;

/** What a peel made of one job. */
export interface PeelResult {
  readonly jid: string;
  readonly state: PeelState;
  /** True for a return that is ok, also for a late one. */
  readonly isOk: boolean;
  /** What to report besides that: an error, or the job that it waits for. */
  readonly note: string;
  /** How long the peel worked on it, in ns. */
  readonly tookNs: bigint | undefined;
  /** Since its ack, of a peel that still runs, in ns. */
  readonly soFarNs: bigint | undefined;
  /** How many of its results changed something; undefined for an answer of another shape. */
  readonly changed: { readonly some: number; readonly of: number } | undefined;
  /** A dry run: changes are what would change. */
  readonly dryRun: boolean;
  /** When the peel says that it returned. */
  readonly returned: Timestamp | undefined;
  /** What a master wrote when it gave the peel up. */
  readonly item?: Return | undefined;
}

export interface HistoryEntry extends PeelResult {
  readonly row: JobRow | undefined;
  /** The record, which may be decoded each time that it is asked for. */
  readonly job: ValueMap | undefined;
  /** When the job was created; where that is not known, when the peel returned. */
  readonly at: Timestamp | undefined;
}

/** What a return says; of its data only the counts are kept. */
export function resultOf(jid: string, item: Return): PeelResult {
  const answer = readReturnData(item.record.get("return_data"), item.error);
  const time = asTime(item.record.get("timestamp"));
  const changes = answer?.results.filter(isChange);
  return {
    jid,
    state: stateOfReturn(item),
    isOk: item.ok,
    // A master says "no heartbeat at dispatch" of each that it gives up.
    note: item.unreachable || item.ok ? "" : failureOf(item, answer),
    tookNs: item.unreachable ? undefined : item.duration,
    soFarNs: undefined,
    changed: answer && changes && { some: changes.length, of: answer.results.length },
    dryRun: answer?.dryRun ?? false,
    returned: time?.isZero ? undefined : time,
    item: item.unreachable ? item : undefined,
  };
}

/** The same of a peel whose events were read. */
export function toldOf(jid: string, story: PeelStory): PeelResult {
  return { ...resultOf(jid, story.returned as Return), state: story.state, note: noteOf(story) };
}

/** What a peel that has not returned is doing, or how the job ended without it. */
export function unreturned(row: JobRow, peel: PeelStory | undefined): PeelResult {
  const ended = isTerminal(row.status);
  const note = (peel && noteOf(peel)) || (ended ? `no return; the job is ${row.status}` : "");
  const none = { isOk: false, tookNs: undefined, changed: undefined, dryRun: false, returned: undefined };
  return { jid: row.jid, state: peel?.state ?? "missing", note, soFarNs: peel?.soFarNs, ...none };
}

/** A result beside its job, whose record is not held as values: there may be many. */
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

/** What is known about the job of a result whose record is gone: conditions other than a time can't match it. */
export function goneJob({ jid, returned }: PeelResult): JobRow {
  const unknown = { fn: undefined, targetExpr: undefined, targets: undefined, status: undefined };
  return { jid, ...unknown, created: returned };
}

/** True for an active entry: the job has not ended, and the peel has not returned. */
export const goesOn = ({ state, row }: HistoryEntry) => hasNotReturned(state) && !isTerminal(row?.status);

/** Active entries first, then newest first; entries without a time last, as nothing says that they are newer. */
export function newestFirst(entries: readonly HistoryEntry[]): HistoryEntry[] {
  const least = -(2n ** 127n);
  return [...entries].sort((a, b) => {
    const first = Number(goesOn(b)) - Number(goesOn(a));
    const [x, y] = [a.at?.ns ?? least, b.at?.ns ?? least];
    return first || (x > y ? -1 : x < y ? 1 : a.jid < b.jid ? 1 : -1);
  });
}

/** The states that are named, also with commas between them. @throws UserError for another word */
export function parseResults(values: readonly string[]): ReadonlySet<PeelState> {
  const states = listed(values).flatMap((part): readonly PeelState[] => {
    const name = part.trim();
    if (name === BAD) return WORST_FIRST.filter((state) => state !== "ok");
    const state = WORST_FIRST.find((one) => one === name);
    if (state) return [state];
    throw new UserError(
      `unknown state "${safe(name)}" for --state.${nearest(name, STATE_WORDS)}`,
      `Use one of: ${WORST_FIRST.join(", ")}; ${BAD} is all but ok.`,
    );
  });
  return new Set(states);
}

/** The newest failures in a row of one call. */
export interface Failures {
  readonly call: string;
  readonly first: Timestamp;
  readonly count: number;
  /** The result after them, when that is ok. */
  readonly okAgain: Timestamp | undefined;
  /** The result before them, when that is ok. */
  readonly lastOk: Timestamp | undefined;
}

/**
 * Since when calls have gone wrong, those that still do first. What goes on, and what has no time, counts for nothing.
 * @param entries newest first
 * @param callOf a function with what it is about: only such results can be compared
 */
export function failuresOf(entries: readonly HistoryEntry[], callOf: (entry: HistoryEntry) => string): Failures[] {
  const ended = entries.filter((entry) => !goesOn(entry) && entry.at !== undefined);
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
  const open = found.filter(({ okAgain }) => okAgain === undefined);
  return [...open, ...found.filter(({ okAgain }) => okAgain !== undefined)];
}
