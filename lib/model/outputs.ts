// What peels printed and changed, and which of them printed and changed the same. Pure.
import { digest } from "../codec/digest.ts";
import type { Value, ValueMap } from "../codec/value.ts";
import { UserError } from "../errors.ts";
import { count, safe } from "../text.ts";
import { type Answer, answerOf, isNothing, onlyChanges, type Result, shownText } from "./answer.ts";
import { displayPeel } from "./peel.ts";
import { type PeelState, WORST_FIRST } from "./peel-state.ts";
import type { Return } from "./returns.ts";
import { errorOf, type PeelStory } from "./story.ts";

/** Peels in the same state with the same output. */
export interface OutputGroup {
  readonly state: PeelState;
  readonly peels: readonly PeelStory[];
  /** The same for groups whose output is the same, whatever their states. */
  readonly output: string;
}

type Part = readonly [name: string, value: Value];

/** Parts by their names: peels write them in any order. What is not shown makes no difference. */
const sortedParts = (parts: readonly Part[]): Part[] =>
  parts.filter(([, value]) => !isNothing(value)).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

/** An answer with its parts, and the maps in them, in one order: for comparing. */
export function inOrder({ dryRun, results, parts }: Answer): Answer {
  const ordered = (value: Value): Value => {
    if (Array.isArray(value)) return value.map(ordered);
    if (!(value instanceof Map)) return value;
    return new Map([...value.keys()].sort().map((key) => [key, ordered(value.get(key) as Value)]));
  };
  const all = (some: readonly Part[]) => sortedParts(some).map(([name, value]): Part => [name, ordered(value)]);
  return { dryRun, results: results.map((result) => ({ ...result, parts: all(result.parts) })), parts: all(parts) };
}

const textValue = (text: string | undefined): Value => (text === undefined ? null : shownText(text));
const partValues = (parts: readonly Part[]): Value =>
  sortedParts(parts).map(([name, value]) => [name, typeof value === "string" ? shownText(value) : value]);

/** What makes an output: errors, results, details and diffs, but not how long they took. */
function outputValue(error: string | undefined, data: Value | undefined): Value {
  const answer = answerOf(data, error);
  if (!answer) return [textValue(error), typeof data === "string" ? shownText(data) : (data ?? null)];
  const resultValue = ({ name, outcome, error, skipReason, parts }: Result): Value => [
    name,
    outcome,
    textValue(error),
    textValue(skipReason),
    partValues(parts),
  ];
  return [textValue(error), answer.dryRun, answer.results.map(resultValue), partValues(answer.parts)];
}

/** Tells an output: the same for equal ones, and for no others. */
export const outputDigest = (error: string | undefined, data: Value | undefined) => digest(outputValue(error, data));

/** How long each result of a record took that has another one's output in place of its own, in ns; NaN: not known. */
const ownTimes = new WeakMap<ValueMap, Float64Array>();

/** How long each result of a record took. */
export const timesOf = (record: ValueMap) =>
  Float64Array.from(answerOf(record.get("return_data"))?.results ?? [], ({ duration }) =>
    Number(duration ?? Number.NaN),
  );

/** Says how long the results of a record took, whatever its `return_data` says. */
export const setOwnTimes = (record: ValueMap, times: Float64Array) => void ownTimes.set(record, times);

/** What a peel answered; undefined for `return_data` of another shape, which is shown as it is. */
export function answerOfReturn({ record, error }: Return): Answer | undefined {
  const answer = answerOf(record.get("return_data"), error);
  const times = ownTimes.get(record);
  if (!answer || !times) return answer;
  const durationAt = (i: number) => (Number.isNaN(times[i]) ? undefined : BigInt(times[i] as number));
  return { ...answer, results: answer.results.map((result, i) => ({ ...result, duration: durationAt(i) })) };
}

/** True for a peel whose answer, without what changed nothing, has nothing to show, and that is ok. */
export function changedNothing({ returned }: PeelStory): boolean {
  if (!returned?.ok) return false;
  const answer = answerOf(onlyChanges(returned.record.get("return_data")).data, returned.error);
  return answer?.results.length === 0 && answer.parts.every(([, value]) => isNothing(value));
}

/** Numbers for values, the same for equal ones. */
function numbers<T>(): (value: T) => number {
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
  const [errors, data] = [numbers<string | undefined>(), numbers<Value | undefined>()];
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
    group
      ? `peel ${safe(id)} has no output to compare with: it is ${group.state}.`
      : `no peel ${safe(id)} (of ${count(all)}).`,
    "Name another one with --diff-with, or let --diff compare with the largest group.",
  );
}
