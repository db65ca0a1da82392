// The states of peels: one vocabulary, in one order.

/** Worst first: what needs attention stands on top. */
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
 * What is known about a peel. With a return: `ok`, `failed`, `unreadable` (it can't be decoded), `unreachable` (the master
 * gave the peel up), `late` (it returned after that, or after the job had ended: the return is in the events alone). Without
 * one: `queued` (it accepted the job behind another one), `executing` (it accepted the job), `silent` (it never did),
 * `offline` (silent, and without a heartbeat), `unfinished` (it accepted the job, which ended without its return), `missing`
 * (the events can't tell, or were not asked).
 */
export type PeelState = (typeof WORST_FIRST)[number];

/** A word for every state that is not ok. */
export const BAD = "bad";
/** What selects peels by their states. */
export const STATE_WORDS: readonly string[] = [...WORST_FIRST, BAD];

const WITHOUT_RETURN: ReadonlySet<PeelState> = new Set([
  "offline",
  "silent",
  "unfinished",
  "missing",
  "queued",
  "executing",
]);

export const hasNotReturned = (state: PeelState) => WITHOUT_RETURN.has(state);

interface InState {
  readonly state: PeelState;
}

/** The same peels, worst first; those in one state stay in their order. */
export function worstFirst<T extends InState>(peels: readonly T[]): T[] {
  const inState = new Map(WORST_FIRST.map((state): [PeelState, T[]] => [state, []]));
  for (const peel of peels) inState.get(peel.state)?.push(peel);
  return ([] as T[]).concat(...inState.values());
}

export function countStates(peels: readonly InState[]): [PeelState, number][] {
  const counts = new Map(WORST_FIRST.map((state) => [state, 0]));
  for (const { state } of peels) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts];
}

/** How many peels are in each state that any is in, worst first. */
export const statesPresent = (peels: readonly InState[]): [PeelState, number][] =>
  countStates(peels).filter(([, n]) => n > 0);
