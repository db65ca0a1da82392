// Peels of a job and their returns. Pure.

import { asInteger, type ValueMap } from "../codec/value.ts";
import { safe, width } from "../text.ts";
import { isTerminal, jobRow } from "./job.ts";
import { displayPeel, peelList, sortedByPeel } from "./peel.ts";
import type { PeelState } from "./peel-state.ts";
import { readReturnData, shownText } from "./return-data.ts";

export interface Return {
  readonly peel: string;
  readonly record: ValueMap;
  /** `success` is true and `error` is empty. */
  readonly ok: boolean;
  readonly duration: bigint | undefined;
  readonly error: string | undefined;
  readonly unreachable: boolean;
  /** Why it cannot be decoded; then nothing else is known. */
  readonly unreadable?: string;
  /** Durations of its results, when the record shares another peel's equal output. */
  readonly resultTimes?: readonly (bigint | undefined)[] | undefined;
}

export function unreadableReturn(peel: string, reason: string): Return {
  const record: ValueMap = new Map([
    ["peel_id", peel],
    ["unreadable", reason],
  ]);
  const error = `cannot be decoded: ${reason}`;
  return { peel, record, ok: false, duration: undefined, error, unreachable: false, unreadable: reason };
}

export const RETURN_FIELDS = ["success", "error", "duration", "unreachable"] as const;
/** For events: also the sender, and the schedule's entry. */
export const STORY_FIELDS = ["peel_id", "entry", ...RETURN_FIELDS] as const;

/** @param peel ID of the key; in the list layout of the record */
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

/** The return's error, else those of its results; empty without. */
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
  readonly returned: Return | undefined;
  /** Not a target of the job: the return does not count. */
  readonly foreign?: true;
}

/**
 * True when an ended record counts more returns than were read: they were read before it. Masters store returns first.
 */
export function wereReadEarly(job: ValueMap, returns: readonly Return[]): boolean {
  const { status, returned, targets } = jobRow("", job);
  if (!isTerminal(status)) return false;
  const isTarget = new Set(targets);
  const there = returns.filter(({ peel }) => isTarget.has(peel)).length;
  return there < (returned ?? isTarget.size);
}

/** Those with a return, as a record counts them: also a return that the master wrote for an unreachable peel. */
export const countDone = (peels: readonly Peel[]) => peels.filter(({ returned }) => returned).length;

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

/** Targets and returned peels, as in the buckets, sorted by peel. A target without a return is `missing`. */
export function peelsOf(job: ValueMap, returns: readonly Return[]): Peel[] {
  const targets = peelList(job.get("targets"));
  const peels = new Map<string, Peel>();
  for (const peel of targets ?? []) peels.set(peel, { peel, state: "missing", returned: undefined });
  const isTarget = targets && new Set(targets);
  for (const item of returns)
    peels.set(item.peel, { ...returnedPeel(item), ...(isTarget?.has(item.peel) === false && { foreign: true }) });
  return sortedByPeel([...peels.values()]);
}

/** Columns of the widest target, at least 12: for lines printed one by one. */
export function peelWidth(job: ValueMap): number {
  const targets = peelList(job.get("targets")) ?? [];
  return targets.reduce((most, peel) => Math.max(most, width(safe(displayPeel(peel)))), 12);
}
