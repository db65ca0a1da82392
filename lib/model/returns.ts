// The peels of one job and what they returned. Pure.

import { asInteger, type ValueMap } from "../codec/value.ts";
import { safe, width } from "../text.ts";
import { displayPeel, peelList, sortedByPeel } from "./peel.ts";
import type { PeelState } from "./peel-state.ts";

/** One peel's result. */
export interface Return {
  readonly peel: string;
  readonly record: ValueMap;
  /** `success` is true and `error` is empty (wire.md). */
  readonly ok: boolean;
  /** Nanoseconds; undefined when missing. */
  readonly duration: bigint | undefined;
  readonly error: string | undefined;
  readonly unreachable: boolean;
  /** Why the stored value can't be decoded; nothing else is known of the return then. */
  readonly unreadable?: string;
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
/** The same for events, whose peel is compared with the one that they came from. */
export const STORY_FIELDS = ["peel_id", ...RETURN_FIELDS] as const;

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

export interface Peel {
  readonly peel: string;
  readonly state: PeelState;
  /** Undefined for a peel that has not returned. */
  readonly returned: Return | undefined;
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

/** The peel of a return. */
export const returnedPeel = (item: Return): Peel => ({
  peel: item.peel,
  state: stateOfReturn(item),
  returned: item,
});

/** Every targeted peel and every peel that returned, sorted by peel. A target without a return is `missing`. */
export function peelsOf(job: ValueMap, returns: readonly Return[]): Peel[] {
  const peels = new Map<string, Peel>();
  for (const peel of peelList(job.get("targets")) ?? [])
    peels.set(peel, { peel, state: "missing", returned: undefined });
  for (const item of returns) peels.set(item.peel, returnedPeel(item));
  return sortedByPeel([...peels.values()]);
}

/** Columns of the widest targeted peel, 12 at least: for lines that come one by one. */
export function peelWidth(job: ValueMap): number {
  const targets = peelList(job.get("targets")) ?? [];
  return targets.reduce((most, peel) => Math.max(most, width(safe(displayPeel(peel)))), 12);
}
