// The states of a peel in a job, and their order. Pure.
export const WORST_FIRST = [
  "failed",
  "unreadable",
  "unreachable",
  "late",
  "offline",
  "silent",
  "unfinished",
  "missing",
  "queued",
  "executing",
  "ok",
] as const;

/**
 * With a return: `ok`, `failed`, `unreadable` (cannot be decoded), `unreachable` (the master wrote the return), `late`
 * (after that or after the end; in the events alone). Without: `queued` (accepted, behind another job), `executing`
 * (accepted), `silent` (not accepted), `offline` (silent, no heartbeat), `unfinished` (accepted, job ended), `missing`
 * (unknown).
 */
export type PeelState = (typeof WORST_FIRST)[number];

/** Selects peels that did not return ok, in time or late. */
export const BAD = "bad";
/** Values of `--state` for peels. */
export const STATE_WORDS: readonly string[] = [...WORST_FIRST, BAD];

export const stateRank = (state: PeelState) => WORST_FIRST.indexOf(state);

const WITH_RETURN: readonly PeelState[] = ["ok", "failed", "unreadable", "unreachable", "late"];

export const hasNotReturned = (state: PeelState) => !WITH_RETURN.includes(state);

interface InState {
  readonly state: PeelState;
}

export const worstFirst = <T extends InState>(peels: readonly T[]): T[] =>
  peels.toSorted((a, b) => stateRank(a.state) - stateRank(b.state));

/** Groups, worst state first, then fewest peels first. */
export const worstGroupsFirst = <T extends InState & { readonly peels: readonly unknown[] }>(
  groups: Iterable<T>,
): T[] => [...groups].sort((a, b) => stateRank(a.state) - stateRank(b.state) || a.peels.length - b.peels.length);

export function countStates(peels: readonly InState[]): [PeelState, number][] {
  const counts = new Map(WORST_FIRST.map((state) => [state, 0]));
  for (const { state } of peels) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts];
}

export const statesPresent = (peels: readonly InState[]): [PeelState, number][] =>
  countStates(peels).filter(([, n]) => n > 0);
