// `show --summary`: what a person wants to know of a job first. Pure; the clock is an argument.
import type { PeelStory } from "../model/story.ts";
import { renderFacts, type Telling } from "./facts.ts";
import { renderPeels } from "./peels.ts";
import type { Look } from "./table.ts";

/** The summary of a job. @param selected the peels that the table shows; the counts are of all */
export function renderSummary(
  telling: Telling,
  selected: readonly PeelStory[],
  look: Look,
  options: { now: Date; allPeels: boolean },
): string {
  const table = selected.length > 0 ? `\n${renderPeels(selected, look, options.allPeels)}` : "";
  return renderFacts(telling, look, options.now) + table;
}
