// The peels of one job and what they returned. Pure.

import { asInteger, type ValueMap } from "../codec/value.ts";
import { safe, width } from "../text.ts";
import { isTerminal, jobRow } from "./job.ts";
import { displayPeel, peelList, sortedByPeel } from "./peel.ts";
import type { PeelState } from "./peel-state.ts";
import { readReturnData, shownText } from "./return-data.ts";

export interface Return {
  readonly peel: string;
  readonly record: ValueMap;
  /** `success` is true and `error` is empty (wire.md). */
  readonly ok: boolean;
  /** Nanoseconds; undefined when missing. */
  readonly duration: bigint | undefined;
  readonly error: string | undefined;
  readonly unreachable: boolean;
  /** Why the stored value can't be decoded; nothing else is known about the return. */
  readonly unreadable?: string;
  /** How long each result of its answer took, where the record has another peel's equal output in place of its own. */
  readonly resultTimes?: readonly (bigint | undefined)[] | undefined;
}

/** The return of a peel whose value can't be decoded: it returned, but what is not known. */
export function unreadableReturn(peel: string, reason: string): Return {
  const record: ValueMap = new Map([
    ["peel_id", peel],
    ["unreadable", reason],
  ]);
  const error = `cannot be decoded: ${reason}`;
  return { peel, record, ok: false, duration: undefined, error, unreachable: false, unreadable: reason };
}

/** The fields that a return's meaning comes from. */
export const RETURN_FIELDS = ["success", "error", "duration", "unreachable"] as const;
/** The same for events, whose peel is compared with the one that they came from, and whose schedule is named. */
export const STORY_FIELDS = ["peel_id", "entry", ...RETURN_FIELDS] as const;

/** A return record's meaning; `peel` is the key's id, or the record's own in the list layout. */
export function toReturn(peel: string, record: ValueMap): Return {
  const value = record.get("error");
  const error =
    typeof value === "string"
      ? value || undefined
      : value === undefined || value === null
        ? undefined
        : "error is not text";
  return {
    peel,
    record,
    ok: record.get("success") === true && error === undefined,
    duration: asInteger(record.get("duration")),
    error,
    unreachable: record.get("unreachable") === true,
  };
}

/** Why a return failed, as it is shown: its error, else those of its results; empty when neither tells. */
export function failureOf(
  { error, record }: Return,
  answer = readReturnData(record.get("return_data"), error),
): string {
  if (error !== undefined) return shownText(error);
  const failed = answer?.results.filter(({ outcome }) => outcome === "failed") ?? [];
  return failed.map(({ name, error }) => (error === undefined ? name : `${name}: ${shownText(error)}`)).join("; ");
}

export interface Peel {
  readonly peel: string;
  readonly state: PeelState;
  /** Undefined for a peel that has not returned. */
  readonly returned: Return | undefined;
  /** The bucket has a return of it, but it is no target of the job: the return counts nowhere. */
  readonly foreign?: true;
}

/**
 * True when a record that has ended counts more returns than there are: they were read before it. Masters store the returns of a
 * job before such a record, so those that are read after it are all.
 */
export function wereReadEarly(job: ValueMap, returns: readonly Return[]): boolean {
  const { status, returned, targets } = jobRow("", job);
  if (!isTerminal(status)) return false;
  const isTarget = new Set(targets);
  const there = returns.filter(({ peel }) => isTarget.has(peel)).length;
  return there < (returned ?? isTarget.size);
}

/** How many peels returned themselves: not those for which the master wrote a return when it gave them up. */
export const countReturned = (peels: readonly Peel[]) =>
  peels.filter(({ returned }) => returned && !returned.unreachable).length;

/** The state that a return gives its peel. */
export function stateOfReturn(item: Return): PeelState {
  if (item.unreadable !== undefined) return "unreadable";
  if (item.unreachable) return "unreachable";
  return item.ok ? "ok" : "failed";
}

export const returnedPeel = (item: Return): Peel => ({
  peel: item.peel,
  state: stateOfReturn(item),
  returned: item,
});

/**
 * Every targeted peel and every peel that returned, as the bucket has them, sorted by peel. A target without a return is
 * `missing`.
 */
export function peelsOf(job: ValueMap, returns: readonly Return[]): Peel[] {
  const targets = peelList(job.get("targets"));
  const peels = new Map<string, Peel>();
  for (const peel of targets ?? []) peels.set(peel, { peel, state: "missing", returned: undefined });
  const isTarget = targets && new Set(targets);
  for (const item of returns)
    peels.set(item.peel, { ...returnedPeel(item), ...(isTarget?.has(item.peel) === false && { foreign: true }) });
  return sortedByPeel([...peels.values()]);
}

/** Columns of the widest targeted peel, 12 at least: for lines that come one by one. */
export function peelWidth(job: ValueMap): number {
  const targets = peelList(job.get("targets")) ?? [];
  return targets.reduce((most, peel) => Math.max(most, width(safe(displayPeel(peel)))), 12);
}
