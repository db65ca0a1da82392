// `show --summary`. Pure; the clock is an argument.

import { paintState } from "../colors.ts";
import { formatDuration } from "../duration.ts";
import { medianTook, peelTime, slowest } from "../model/durations.ts";
import { type CombinedChange, type OutcomeGroup, outcomeGroups } from "../model/outcome-groups.ts";
import { displayPeel } from "../model/peel.ts";
import type { PeelStory } from "../model/story.ts";
import { count, paragraph, safe } from "../text.ts";
import { renderFacts, type Telling } from "./facts.ts";
import { LEAST_SHARED, namesBeside, widest } from "./names.ts";
import { peelCounts, renderPeels, tookText } from "./peels.ts";
import { andMore, type Column, GAP, LONG, type Look, renderTable, roomBeside, rowLimit } from "./table.ts";

/** Outcomes, and changes of each, on a terminal. */
const SUMMARY_LIMITS = { outcomes: 40, changes: 3 } as const;
const OUTCOME = 12;

const changeWord = ({ dryRun }: OutcomeGroup) => (dryRun ? "would change" : "changed");
export const outcomeWords = (group: OutcomeGroup) =>
  group.changes.length > 0 ? `${group.state}, ${changeWord(group)}` : group.state;

/** `+1`, `+1..3`; empty for none. */
const lines = (sign: string, [least, most]: readonly [number, number]) =>
  most === 0 ? "" : ` ${sign}${least === most ? least : `${least}..${most}`}`;

function changeText({ name, added, removed }: CombinedChange): string {
  const size = lines("+", added) + lines("-", removed);
  return name + (size && ` ${size}`);
}

export function whatText({ note, changes }: OutcomeGroup, most: number): string {
  const shown = changes.slice(0, most).map(changeText).join(", ");
  const rest = changes.length > most ? `, and ${count(changes.length - most)} more` : "";
  return [note, shown + rest].filter(Boolean).join("; ");
}

/** `… and 2 more outcomes: 1 failed, 3 ok` */
export const moreOutcomes = (rest: readonly OutcomeGroup[]) =>
  `${andMore(rest.length, "outcome")}: ${peelCounts(rest.flatMap(({ peels }) => peels))}`;

/** On a terminal, WHERE and WHAT fit its width. */
export function renderOutcomes(groups: readonly OutcomeGroup[], look: Look, all: boolean, withTimes = false): string {
  const shown = groups.slice(0, rowLimit(SUMMARY_LIMITS.outcomes, look, all));
  const rest = groups.slice(shown.length);
  const counts = shown.map(({ peels }) => count(peels.length));
  const times = shown.map(({ peels }) => (withTimes ? tookText(peels) : ""));
  const timeWidth = withTimes ? widest(times, "TOOK".length) + GAP : 0;
  const taken = widest(shown.map(outcomeWords), OUTCOME) + GAP + widest(counts, "PEELS".length) + GAP + timeWidth;
  const most = rowLimit(SUMMARY_LIMITS.changes, look);
  const { groups: rows } = namesBeside(
    shown.map((group, i) => ({ ...group, took: times[i] as string, what: safe(whatText(group, most)) })),
    roomBeside(taken + GAP, look, LEAST_SHARED),
    { what: "WHAT".length, where: "WHERE".length },
  );
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { title: "OUTCOME", min: OUTCOME, text: outcomeWords, paint: ({ state }, { color }) => paintState(state, color) },
    { title: "PEELS", right: true, text: ({ peels }) => count(peels.length) },
    { title: "TOOK", text: ({ took }) => took },
    { title: "WHERE", text: ({ where }) => where },
    { title: "WHAT", gives: LONG, wraps: 2, text: ({ what }) => what },
  ];
  const more = rest.length === 0 ? "" : paragraph(`${moreOutcomes(rest)}; --all shows them`, look.columns);
  const shownColumns = columns.filter(({ title }) => withTimes || title !== "TOOK");
  return renderTable(shownColumns, rows, look) + more;
}

/** `1 failed, 398 ok (1 changed)` */
export const changedCounts = (peels: readonly PeelStory[], groups: readonly OutcomeGroup[]) =>
  peelCounts(peels, (_, state) => {
    const changed = groups.filter((group) => group.state === state && group.changes.length > 0);
    const words = [...Map.groupBy(changed, changeWord)].map(
      ([word, those]) => `${count(those.reduce((sum, group) => sum + group.peels.length, 0))} ${word}`,
    );
    return words.join(", ");
  });

/** `median 1.5s, slowest web-042 3m7s`; undefined without times. */
export function tookWords(peels: readonly PeelStory[]): string | undefined {
  const [first] = slowest(peels, 1);
  if (first === undefined) return undefined;
  const time = formatDuration(peelTime(first) as bigint);
  const words = `${displayPeel(first.peel)} ${time}${first.tookNs === undefined ? " so far" : ""}`;
  if (peels.length === 1) return words;
  const median = medianTook(peels);
  return `${median === undefined ? "" : `median ${formatDuration(median)}, `}slowest ${words}`;
}

/** @param selected peels of the table; counts are of all @param options `each`: a row per peel, not per outcome */
export function renderSummary(
  telling: Telling,
  selected: readonly PeelStory[],
  look: Look,
  options: { now: Date; allPeels: boolean; each?: boolean },
): string {
  const { peels } = telling.story;
  const groups = outcomeGroups(peels, peels);
  const chosen = selected === peels ? groups : outcomeGroups(selected, peels);
  const words = { counts: changedCounts(peels, groups), peelsTook: tookWords(peels) };
  const facts = renderFacts(telling, look, options.now, words);
  if (selected.length === 0) return facts;
  const table = options.each
    ? renderPeels(selected, look, options.allPeels)
    : renderOutcomes(chosen, look, options.allPeels);
  return `${facts}\n${table}`;
}
