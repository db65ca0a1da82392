// Two runs compared, peel by peel. Pure.

import { ErrorPatterns } from "./error-pattern.ts";
import { type OutputGroup, outputGroups } from "./output-groups.ts";
import { sortedByPeel } from "./peel.ts";
import { type PeelState, stateRank } from "./peel-state.ts";
import { noteOf, type PeelStory, type Story } from "./story.ts";

const SLOWER = { times: 2n, byNs: 5_000_000_000n } as const;

export type Change = "worse" | "better" | "same" | "only in the first" | "only in the second";

export interface OutputPair {
  readonly before: OutputGroup;
  readonly after: OutputGroup;
}

export interface PeelDiff {
  readonly peel: string;
  readonly before: PeelStory | undefined;
  readonly after: PeelStory | undefined;
  readonly change: Change;
  readonly slower: boolean;
  /** Undefined unless both returns have data, or neither. */
  readonly outputs: OutputPair | undefined;
}

function changeOf(before: PeelStory | undefined, after: PeelStory | undefined): Change {
  if (!before) return "only in the second";
  if (!after) return "only in the first";
  const [was, is] = [stateRank(before.state), stateRank(after.state)];
  return is < was ? "worse" : is > was ? "better" : "same";
}

function isSlower(before: PeelStory | undefined, after: PeelStory | undefined): boolean {
  const [was, is] = [before?.tookNs, after?.tookNs];
  return was !== undefined && is !== undefined && is > was * SLOWER.times && is - was > SLOWER.byNs;
}

/** True for a return with data; undefined unless the peel sent a readable return. */
function hasData(peel: PeelStory | undefined): boolean | undefined {
  const { returned } = peel ?? {};
  if (!returned || returned.unreachable || returned.unreadable !== undefined) return undefined;
  return (returned.record.get("return_data") ?? null) !== null;
}

/** True when both have data, or both only an error. */
function areComparable(before: PeelStory | undefined, after: PeelStory | undefined): boolean {
  const data = hasData(before);
  return data !== undefined && data === hasData(after);
}

const byPeel = ({ peels }: Story) =>
  new Map(outputGroups(peels).flatMap((group) => group.peels.map((story) => [story.peel, { story, group }] as const)));

export function diffJobs(before: Story, after: Story): PeelDiff[] {
  const [first, second] = [byPeel(before), byPeel(after)];
  const diffs = Array.from(new Set([...first.keys(), ...second.keys()]), (peel): PeelDiff => {
    const [one, other] = [first.get(peel), second.get(peel)];
    const [was, is] = [one?.story, other?.story];
    const outputs = one && other && areComparable(was, is) ? { before: one.group, after: other.group } : undefined;
    return { peel, before: was, after: is, change: changeOf(was, is), slower: isSlower(was, is), outputs };
  });
  return sortedByPeel(diffs);
}

export const areSame = ({ before, after }: OutputPair) => before.output === after.output;

/** Peels with the same change of state and like reasons. */
interface Transition {
  readonly change: "worse" | "better";
  readonly from: PeelState;
  readonly to: PeelState;
  readonly why: string;
  readonly peels: readonly PeelDiff[];
}

/** Worse first, then by the worst state, then fewest peels first. */
export function transitionsOf(diffs: readonly PeelDiff[]): Transition[] {
  const changed = diffs.filter(({ change }) => change === "worse" || change === "better");
  const patterns = new ErrorPatterns(diffs.map(({ peel }) => peel));
  const found = new Map<string, Transition & { peels: PeelDiff[] }>();
  for (const diff of changed) {
    const { before, after, change } = diff;
    if (!before || !after || (change !== "worse" && change !== "better")) continue;
    const why = noteOf(after);
    const key = JSON.stringify([before.state, after.state, patterns.of(why)]);
    const state = { change, from: before.state, to: after.state, why };
    found.getOrInsertComputed(key, () => ({ ...state, peels: [] })).peels.push(diff);
  }
  const better = ({ change }: Transition) => Number(change === "better");
  return [...found.values()].sort(
    (a, b) => better(a) - better(b) || stateRank(a.to) - stateRank(b.to) || a.peels.length - b.peels.length,
  );
}
