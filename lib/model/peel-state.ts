// The states of peels: one vocabulary, in one order.

/** Worst first: what needs attention stands on top. */
const WORST_FIRST = [
  "failed",
  "unreadable",
  "unreachable",
  "silent",
  "executing",
  "unfinished",
  "missing",
  "ok",
] as const;

/**
 * What a peel is doing, or did: its return, or without one `executing` (accepted, nothing returned yet), `unfinished`
 * (accepted, and the job ended without its return), `silent` (never accepted), `missing` (the events don't tell which).
 */
export type LifeState = (typeof WORST_FIRST)[number];

/** States that only the events of a job tell. */
const FROM_EVENTS = ["silent", "executing", "unfinished"] as const;

/** What the records alone tell: a peel that has not returned is `missing`. */
export type PeelState = Exclude<LifeState, (typeof FROM_EVENTS)[number]>;
export const PEEL_STATES = WORST_FIRST.filter(
  (state): state is PeelState => !(FROM_EVENTS as readonly LifeState[]).includes(state),
);

interface InState {
  readonly state: LifeState;
}

/** The same peels, worst first; those in one state stay in their order. */
export function worstFirst<T extends InState>(peels: readonly T[]): T[] {
  return WORST_FIRST.flatMap((state) => peels.filter((peel) => peel.state === state));
}

/** How many peels are in each of `states`, in the order of `states`. */
export function countStates<S extends LifeState>(
  peels: readonly InState[],
  states: readonly S[],
): [S, number][] {
  return states.map((state) => [state, peels.filter((peel) => peel.state === state).length]);
}

/** How many peels are in each state that any is in, worst first. */
export const statesPresent = (peels: readonly InState[]): [LifeState, number][] =>
  countStates(peels, WORST_FIRST).filter(([, n]) => n > 0);
