// Peels of a job grouped by outcome. Pure.
import type { Value } from "../codec/value.ts";
import { errorPattern } from "./error-pattern.ts";
import { displayPeel } from "./peel.ts";
import { worstGroupsFirst } from "./peel-state.ts";
import { isUneventful, type Result, type ReturnData, readReturnData } from "./return-data.ts";
import { noteOf, type PeelStory } from "./story.ts";

/** A changed result on one or more peels; `added` and `removed` are lines of its diff. */
export interface CombinedChange {
  readonly name: string;
  readonly added: readonly [least: number, most: number];
  readonly removed: readonly [least: number, most: number];
}

/** Peels with the same state, alike errors, and the same changed results. */
export interface OutcomeGroup {
  readonly state: PeelStory["state"];
  /** The most common note of the group. */
  readonly note: string;
  readonly changes: readonly CombinedChange[];
  readonly dryRun: boolean;
  readonly peels: readonly PeelStory[];
}

/** Lines that a diff adds and removes, without the file names. */
export function diffSize(diff: string): [added: number, removed: number] {
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
function changesOf(answer: ReturnData | undefined): Map<string, [added: number, removed: number]> {
  const changes = new Map<string, [number, number]>();
  for (const result of answer?.results ?? []) {
    if (!isChange(result)) continue;
    const diff = result.parts.find(([name]) => name === "diff")?.[1];
    const [added, removed] = typeof diff === "string" ? diffSize(diff) : [0, 0];
    const [a, r] = changes.get(result.name) ?? [0, 0];
    changes.set(result.name, [a + added, r + removed]);
  }
  return changes;
}

class GatheredOutcome {
  readonly peels: PeelStory[] = [];
  readonly notes = new Map<string, number>();
  readonly changes = new Map<string, { added: [number, number]; removed: [number, number] }>();

  constructor(readonly dryRun: boolean) {}

  addAlike(peel: PeelStory, note: string): void {
    this.peels.push(peel);
    this.notes.set(note, (this.notes.get(note) ?? 0) + 1);
  }

  add(peel: PeelStory, note: string, changes: ReadonlyMap<string, [number, number]>): void {
    this.addAlike(peel, note);
    for (const [name, [added, removed]] of changes) {
      const known = this.changes.get(name) ?? { added: [added, added], removed: [removed, removed] };
      const widen = ([least, most]: [number, number], n: number): [number, number] => [
        Math.min(least, n),
        Math.max(most, n),
      ];
      this.changes.set(name, { added: widen(known.added, added), removed: widen(known.removed, removed) });
    }
  }

  group(): OutcomeGroup {
    const [[note, times] = ["", 0], ...others] = this.notes;
    const [common] = others.reduce((best, one) => (one[1] > best[1] ? one : best), [note, times]);
    return {
      state: (this.peels[0] as PeelStory).state,
      note: common,
      changes: Array.from(this.changes, ([name, sizes]) => ({ name, ...sizes })),
      dryRun: this.dryRun,
      peels: this.peels,
    };
  }
}

/** What is read from an answer. */
interface Told {
  readonly answer: ReturnData | undefined;
  readonly changes: ReadonlyMap<string, [added: number, removed: number]>;
  readonly dryRun: boolean;
  readonly names: readonly string[];
}

function toldBy(data: Value | undefined, error: string | undefined): Told {
  const answer = isUneventful(data) ? undefined : readReturnData(data, error);
  const changes = changesOf(answer);
  return { answer, changes, dryRun: changes.size > 0 && answer?.dryRun === true, names: [...changes.keys()].sort() };
}

const dataOf = ({ returned }: PeelStory) => returned?.record.get("return_data");

/** True when nothing beside state and return affects the note. */
const hasNoNote = ({ state, behind, givenUp, missed, overwrittenBy }: PeelStory) =>
  state !== "late" && [behind, givenUp, missed, overwrittenBy].every((one) => one === undefined);

/** True when equal state and shared data give equal outcomes. */
function isAlike(a: PeelStory, b: PeelStory): boolean {
  const [one, other] = [a.returned, b.returned];
  if (a.state !== b.state || !hasNoNote(a) || !hasNoNote(b)) return false;
  return one?.error === other?.error && one?.ok === other?.ok && dataOf(a) === dataOf(b);
}

/**
 * Worst first, then fewest peels first.
 * @param all every peel of the job: errors that differ only in these names are alike
 */
export function outcomeGroups(peels: readonly PeelStory[], all: readonly PeelStory[]): OutcomeGroup[] {
  let names: Set<string> | undefined;
  const isPeel = (name: string) => {
    names ??= new Set(all.flatMap(({ peel }) => [peel, displayPeel(peel)]));
    return names.has(name);
  };
  const alike = new Map<string, string>([["", ""]]);
  const likeness = (text: string) => {
    const known = alike.get(text) ?? errorPattern(text, isPeel);
    alike.set(text, known);
    return known;
  };
  // Equal outputs may be one shared value, which is then read once.
  const read = new Map<Value | undefined, Told>();
  const gatherings = new Map<string, GatheredOutcome>();
  let last: { peel: PeelStory; note: string; gathering: GatheredOutcome } | undefined;
  for (const peel of peels) {
    if (last && isAlike(last.peel, peel)) {
      last.gathering.addAlike(peel, last.note);
      continue;
    }
    const { returned, state } = peel;
    const data = dataOf(peel);
    const told = read.get(data) ?? toldBy(data, returned?.error);
    read.set(data, told);
    const { answer, changes, dryRun } = told;
    const note = noteOf(peel, answer);
    const key = note === "" && changes.size === 0 ? state : JSON.stringify([state, likeness(note), dryRun, told.names]);
    const gathering = gatherings.get(key) ?? new GatheredOutcome(dryRun);
    gatherings.set(key, gathering);
    gathering.add(peel, note, changes);
    last = { peel, note, gathering };
  }
  return worstGroupsFirst(gatherings.values().map((gathering) => gathering.group()));
}
