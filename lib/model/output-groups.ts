// Peels of a job grouped by output. Pure.
import { digest } from "../codec/digest.ts";
import type { Value } from "../codec/value.ts";
import { UserError } from "../errors.ts";
import { plural, safe } from "../text.ts";
import { compare, displayPeel } from "./peel.ts";
import { type PeelState, worstGroupsFirst } from "./peel-state.ts";
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

export interface OutputGroup {
  readonly state: PeelState;
  readonly peels: readonly PeelStory[];
  /** Digest; equal for equal outputs, whatever the state. */
  readonly output: string;
}

/** By name alone, for comparisons: a result keeps its place when it fails. */
export const byName = (results: readonly Result[]) => results.toSorted((a, b) => compare(a.name, b.name));

/** Equal for equal outputs: errors, results, details, diffs; not durations. */
export function outputDigest(error: string | undefined, data: Value | undefined): string {
  const answer = readReturnData(data, error);
  const shown = (value: Value | undefined) => (typeof value === "string" ? shownText(value) : (value ?? null));
  if (!answer) return digest([shown(error), shown(data)]);
  const { dryRun, results, parts } = answer;
  const contents = results.map((result): Value => [result.name, ...resultContent(result)]);
  return digest([shown(error), dryRun, contents, partsContent(parts)]);
}

export function answerOfReturn({ record, error, resultTimes }: Return): ReturnData | undefined {
  const answer = readReturnData(record.get("return_data"), error);
  if (!answer || !resultTimes) return answer;
  const results = answer.results.map((result, i) => ({ ...result, duration: resultTimes[i] }));
  return { ...answer, results };
}

/** True for an ok return without changes or other parts. */
export function changedNothing({ returned }: PeelStory): boolean {
  if (!returned?.ok) return false;
  const answer = readReturnData(onlyChanges(returned.record.get("return_data")), returned.error);
  return answer?.results.length === 0 && answer.parts.length === 0;
}

/**
 * Worst first, then fewest peels first: the largest ok group is last. Equal outputs in different states are different
 * groups.
 */
export function outputGroups(peels: readonly PeelStory[]): OutputGroup[] {
  // Equal outputs may be one shared value, whose digest is then made once.
  const digests = new Map<Value | undefined, Map<string | undefined, string>>();
  const outputOf = (peel: PeelStory) => {
    if (!peel.returned) return "";
    const data = peel.returned.record.get("return_data");
    const error = errorOf(peel);
    const ofData = digests.getOrInsertComputed(data, () => new Map<string | undefined, string>());
    return ofData.getOrInsertComputed(error, () => outputDigest(error, data));
  };
  const groups = Map.groupBy(peels, (peel) => `${peel.state} ${peel.returned?.ok} ${outputOf(peel)}`);
  return worstGroupsFirst(
    groups.values().map((its) => {
      const [first] = its as [PeelStory];
      return { state: first.state, peels: its, output: outputOf(first) };
    }),
  );
}

export const hasOutput = ({ peels: [peel] }: OutputGroup) => {
  const data = peel?.returned?.record.get("return_data");
  return data !== undefined && data !== null;
};

/** The base of comparisons: the largest ok group, else the largest with output. */
export function usualGroup(groups: readonly OutputGroup[]): OutputGroup | undefined {
  const last = groups.at(-1);
  if (last?.state === "ok" && hasOutput(last)) return last;
  const [first, ...others] = groups.filter(hasOutput);
  return others.reduce((most, group) => (group.peels.length > (most?.peels.length ?? 0) ? group : most), first);
}

/**
 * The group of one peel.
 * @param id stored or shown form
 * @throws UserError for an unknown peel or one without output
 */
export function groupOf(id: string, groups: readonly OutputGroup[]): OutputGroup {
  const group = groups.find(({ peels }) => peels.some(({ peel }) => peel === id || displayPeel(peel) === id));
  if (group && hasOutput(group)) return group;
  const all = groups.reduce((sum, { peels }) => sum + peels.length, 0);
  throw new UserError(
    group
      ? `peel "${safe(id)}" has no output: it is ${group.state}.`
      : `no peel "${safe(id)}" among ${plural(all, "peel")}.`,
    "Use --diff=<peel> with another peel, or --diff for the largest group.",
  );
}
