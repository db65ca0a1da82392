// What peels printed and changed, and which of them printed and changed the same. Pure.
import { digest } from "../codec/digest.ts";
import type { Value } from "../codec/value.ts";
import { UserError } from "../errors.ts";
import { count, safe } from "../text.ts";
import { compareText, displayPeel } from "./peel.ts";
import { type PeelState, WORST_FIRST } from "./peel-state.ts";
import {
  onlyChanges,
  partsContent,
  type Result,
  type ReturnData,
  readReturnData,
  resultContent,
  shownText,
} from "./return-data.ts";
import type { Return } from "./returns.ts";
import { errorOf, type PeelStory } from "./story.ts";

/** Peels in the same state with the same output. */
export interface OutputGroup {
  readonly state: PeelState;
  readonly peels: readonly PeelStory[];
  /** The same for groups whose output is the same, whatever their states. */
  readonly output: string;
}

/** Results in the order of their names alone, for comparing: one that failed in one answer and not in the other keeps its place. */
export const byName = (results: readonly Result[]) => results.toSorted((a, b) => compareText(a.name, b.name));

/**
 * Tells an output: the same for equal ones, and for no others. It is made of errors, results, details and diffs, but not of
 * how long they took.
 */
export function outputDigest(error: string | undefined, data: Value | undefined): string {
  const answer = readReturnData(data, error);
  const shown = (value: Value | undefined) => (typeof value === "string" ? shownText(value) : (value ?? null));
  if (!answer) return digest([shown(error), shown(data)]);
  const { dryRun, results, parts } = answer;
  const contents = results.map((result): Value => [result.name, ...resultContent(result)]);
  return digest([shown(error), dryRun, contents, partsContent(parts)]);
}

/** What a peel answered; undefined for `return_data` of another shape, which is shown as it is. */
export function answerOfReturn({ record, error, resultTimes }: Return): ReturnData | undefined {
  const answer = readReturnData(record.get("return_data"), error);
  if (!answer || !resultTimes) return answer;
  const results = answer.results.map((result, i) => ({ ...result, duration: resultTimes[i] }));
  return { ...answer, results };
}

/** True for a peel whose answer, without what changed nothing, has nothing to show, and that is ok. */
export function changedNothing({ returned }: PeelStory): boolean {
  if (!returned?.ok) return false;
  const answer = readReturnData(onlyChanges(returned.record.get("return_data")), returned.error);
  return answer?.results.length === 0 && answer.parts.length === 0;
}

/** Numbers for values, the same for equal ones. */
function numbering<T>(): (value: T) => number {
  const known = new Map<T, number>();
  return (value) => {
    const number = known.get(value) ?? known.size;
    known.set(value, number);
    return number;
  };
}

/**
 * The peels by their output: worst first, then fewest peels first, so that the largest group that is ok comes last; equal ones
 * in the order of their peels. Peels that returned the same in different states are in different groups.
 */
export function outputGroups(peels: readonly PeelStory[]): OutputGroup[] {
  const [errors, data] = [numbering<string | undefined>(), numbering<Value | undefined>()];
  // Of returns that share their output it is hashed once.
  const digests = new Map<string, string>();
  const groups = new Map<string, OutputGroup & { peels: PeelStory[] }>();
  for (const peel of peels) {
    const { state, returned } = peel;
    const value = returned?.record.get("return_data");
    const error = errorOf(peel);
    const shared = `${errors(error)} ${data(value)}`;
    const output = returned ? (digests.get(shared) ?? outputDigest(error, value)) : "";
    digests.set(shared, output);
    const key = `${state} ${returned?.ok} ${output}`;
    const group = groups.get(key) ?? { state, peels: [], output };
    groups.set(key, group);
    group.peels.push(peel);
  }
  const rank = ({ state }: OutputGroup) => WORST_FIRST.indexOf(state);
  return [...groups.values()].sort((a, b) => rank(a) - rank(b) || a.peels.length - b.peels.length);
}

/** True for a group that has anything to compare. */
export const hasOutput = ({ peels: [peel] }: OutputGroup) => {
  const data = peel?.returned?.record.get("return_data");
  return data !== undefined && data !== null;
};

/** The group that others are compared with: the largest that is ok, else the largest of all that have an output. */
export function usualGroup(groups: readonly OutputGroup[]): OutputGroup | undefined {
  const last = groups.at(-1);
  if (last?.state === "ok" && hasOutput(last)) return last;
  const [first, ...others] = groups.filter(hasOutput);
  return others.reduce((most, group) => (group.peels.length > (most?.peels.length ?? 0) ? group : most), first);
}

/**
 * The group of one peel, to compare others with.
 * @param id in either form
 * @throws UserError when there is no such peel, or when it has no output
 */
export function groupOf(id: string, groups: readonly OutputGroup[]): OutputGroup {
  const group = groups.find(({ peels }) => peels.some(({ peel }) => peel === id || displayPeel(peel) === id));
  if (group && hasOutput(group)) return group;
  const all = groups.reduce((sum, { peels }) => sum + peels.length, 0);
  throw new UserError(
    group ? `peel "${safe(id)}" has no output: it is ${group.state}.` : `no peel "${safe(id)}" among ${count(all)}.`,
    "Use --diff=<peel> with another peel, or --diff for the largest group.",
  );
}
