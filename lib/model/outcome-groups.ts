// Peels of a job grouped by outcome. Pure.
import type { Value } from "../codec/value.ts";
import { ErrorPatterns } from "./error-pattern.ts";
import { worstGroupsFirst } from "./peel-state.ts";
import { isUneventful, type Result, type ReturnData, readReturnData } from "./return-data.ts";
import { noteOf, type PeelStory } from "./story.ts";

type DiffSize = readonly [added: number, removed: number];
type Range = readonly [least: number, most: number];

/** A changed result on one or more peels; `added` and `removed` are lines of its diff. */
export interface CombinedChange {
  readonly name: string;
  readonly added: Range;
  readonly removed: Range;
}

/** Peels with the same state, alike errors, and the same changed results. */
export interface OutcomeGroup {
  readonly state: PeelStory["state"];
  readonly note: string;
  readonly changes: readonly CombinedChange[];
  readonly dryRun: boolean;
  readonly peels: readonly PeelStory[];
}

/** Lines that a diff adds and removes, without the file names. */
export function diffSize(diff: string): DiffSize {
  let [added, removed] = [0, 0];
  const lines = diff.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    if (line.startsWith("--- ") && lines[i + 1]?.startsWith("+++ ")) i++;
    else if (line.startsWith("+")) added++;
    else if (line.startsWith("-")) removed++;
  }
  return [added, removed];
}

export const isChange = ({ outcome }: Result) => outcome === "changed" || outcome === "would change";

/** Changed results by name; lines of equal names are added. */
function changesOf(answer: ReturnData | undefined): ReadonlyMap<string, DiffSize> {
  const changes = new Map<string, DiffSize>();
  for (const result of answer?.results ?? []) {
    if (!isChange(result)) continue;
    const diff = result.parts.find(([name]) => name === "diff")?.[1];
    const [added, removed] = typeof diff === "string" ? diffSize(diff) : [0, 0];
    const [a, r] = changes.get(result.name) ?? [0, 0];
    changes.set(result.name, [a + added, r + removed]);
  }
  return changes;
}

function readOutcome(data: Value | undefined, error: string | undefined) {
  const answer = isUneventful(data) ? undefined : readReturnData(data, error);
  const changes = changesOf(answer);
  const dryRun = changes.size > 0 && answer?.dryRun === true;
  return { answer, changes, dryRun, key: JSON.stringify([dryRun, ...[...changes.keys()].sort()]) };
}

interface PeelOutcome extends Pick<ReturnType<typeof readOutcome>, "changes" | "dryRun"> {
  readonly peel: PeelStory;
  readonly note: string;
  readonly key: string;
}

const widened = ([least, most]: Range, n: number): Range => [Math.min(least, n), Math.max(most, n)];

function groupOfOutcomes(outcomes: readonly PeelOutcome[]): OutcomeGroup {
  const [{ peel, dryRun }] = outcomes as readonly [PeelOutcome];
  const notes = Map.groupBy(outcomes, ({ note }) => note);
  const common = [...notes].reduce((best, one) => (one[1].length > best[1].length ? one : best));
  const changes = new Map<string, CombinedChange>();
  for (const sizes of new Set(outcomes.map(({ changes }) => changes)))
    for (const [name, [plus, minus]] of sizes) {
      const { added, removed } = changes.get(name) ?? { added: [plus, plus], removed: [minus, minus] };
      changes.set(name, { name, added: widened(added, plus), removed: widened(removed, minus) });
    }
  const peels = outcomes.map(({ peel }) => peel);
  return { state: peel.state, note: common[0], changes: [...changes.values()], dryRun, peels };
}

/**
 * Worst first, then fewest peels first.
 * @param all every peel of the job: errors that differ only in these names are alike
 */
export function outcomeGroups(peels: readonly PeelStory[], all: readonly PeelStory[]): OutcomeGroup[] {
  let patterns: ErrorPatterns | undefined;
  const patternOf = (note: string) => {
    if (note === "") return "";
    patterns ??= new ErrorPatterns(all.map(({ peel }) => peel));
    return patterns.of(note);
  };
  // Equal outputs may be one shared value, which is then read once.
  const read = new Map<Value | undefined, ReturnType<typeof readOutcome>>();
  const outcomes = peels.map((peel): PeelOutcome => {
    const { state, returned } = peel;
    const data = returned?.record.get("return_data");
    const { answer, changes, dryRun, key } = read.getOrInsertComputed(data, () => readOutcome(data, returned?.error));
    const note = noteOf(peel, answer);
    return { peel, note, changes, dryRun, key: `${state} ${key} ${patternOf(note)}` };
  });
  return worstGroupsFirst(
    Map.groupBy(outcomes, ({ key }) => key)
      .values()
      .map(groupOfOutcomes),
  );
}
