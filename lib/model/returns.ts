// The peels of one job: those that returned and those that did not. Pure.

import { asText, type ValueMap } from "../codec/value.ts";
import { safe, width } from "../text.ts";
import { glob } from "./glob.ts";
import { type Return, sortedByPeel } from "./job.ts";
import { displayPeel } from "./peel.ts";

export type PeelState = "failed" | "unreadable" | "unreachable" | "missing" | "ok";

/** Worst first: what needs attention stands on top. */
const WORST_FIRST: readonly PeelState[] = ["failed", "unreadable", "unreachable", "missing", "ok"];

export interface Peel {
  readonly peel: string;
  readonly state: PeelState;
  /** Undefined for a peel that has not returned. */
  readonly returned: Return | undefined;
}

function stateOfReturn(item: Return): PeelState {
  if (item.unreadable !== undefined) return "unreadable";
  if (item.unreachable) return "unreachable";
  return item.ok ? "ok" : "failed";
}

/** Every targeted peel and every peel that returned, sorted by peel. A target without a return is `missing`. */
export function peelsOf(job: ValueMap, returns: readonly Return[]): Peel[] {
  const peels = new Map<string, Peel>();
  const targets = job.get("targets");
  for (const id of Array.isArray(targets) ? targets : []) {
    const peel = asText(id);
    if (peel !== undefined) peels.set(peel, { peel, state: "missing", returned: undefined });
  }
  for (const item of returns) {
    peels.set(item.peel, { peel: item.peel, state: stateOfReturn(item), returned: item });
  }
  return sortedByPeel([...peels.values()]);
}

/** Columns of the widest targeted peel, 12 at least: for lines that come one by one. */
export function peelWidth(job: ValueMap): number {
  return peelsOf(job, []).reduce((most, { peel }) => Math.max(most, width(safe(displayPeel(peel)))), 12);
}

/** How many peels are in each state, worst first. */
export function countStates(peels: readonly Peel[]): [PeelState, number][] {
  return WORST_FIRST.map((state) => [state, peels.filter((peel) => peel.state === state).length]);
}

/** The same peels, worst first, each state sorted by peel. */
export function worstFirst(peels: readonly Peel[]): Peel[] {
  return WORST_FIRST.flatMap((state) => peels.filter((peel) => peel.state === state));
}

/** Which peels: those of the states that are true, and whose id matches the glob `peel`. */
export type PeelConditions = {
  readonly [K in "failed" | "missing" | "unreachable"]?: boolean | undefined;
} & {
  readonly peel?: string | undefined;
};

/**
 * The test that the flags ask for: in one of the states named (none named: any), and matching the glob in either form of
 * the id. Undefined when no flag is given.
 */
export function peelSelection(flags: PeelConditions): ((peel: Peel) => boolean) | undefined {
  const states = (["failed", "missing", "unreachable"] as const).filter((state) => flags[state]);
  if (states.length === 0 && flags.peel === undefined) return undefined;
  const matches = flags.peel === undefined ? () => true : glob(flags.peel);
  return ({ peel, state }) =>
    (states.length === 0 || (states as PeelState[]).includes(state)) &&
    (matches(peel) || matches(displayPeel(peel)));
}
