// Stories of jobs as values, for tests of rendering and of decisions.

import { jobRow } from "../../lib/model/job.ts";
import type { Ending } from "../../lib/model/job-end.ts";
import type { PeelState } from "../../lib/model/peel-state.ts";
import type { Return } from "../../lib/model/returns.ts";
import type { PeelStory, Story } from "../../lib/model/story.ts";

/** A peel in a state, with the fields of `more` and nothing else. */
export const peelStory = (
  peel: string,
  state: PeelState,
  returned?: Return,
  more: Partial<PeelStory> = {},
): PeelStory => ({
  peel,
  state,
  returned,
  deliveredNs: undefined,
  waitedNs: undefined,
  tookNs: returned?.duration,
  soFarNs: undefined,
  behind: undefined,
  ...more,
});

export const storyWith = (peels: readonly PeelStory[]): Story => ({
  steps: [],
  peels,
  ignored: [],
  whole: true,
});

/** A job `j` that ended, with one peel in each state. */
export function endingWith(fields: Record<string, string>, states: readonly PeelState[]): Ending {
  const job = new Map(Object.entries(fields));
  const story = storyWith(states.map((state, i) => peelStory(`p${i}`, state)));
  return { row: jobRow("j", job), job, story };
}
