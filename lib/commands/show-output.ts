// `show --output`: what the peels printed and changed, in groups or peel by peel.
import type { Reading } from "../jobs/story.ts";
import { groupOf, type OutputGroup, outputGroups, usualGroup } from "../model/output-groups.ts";
import { sortedByPeel } from "../model/peel.ts";
import type { PeelStory, Story } from "../model/story.ts";
import { wasDryRun } from "../render/facts.ts";
import { renderGroups } from "../render/groups.ts";
import { renderEach } from "../render/output.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { ShowArgs } from "./flags.ts";

/** The group that the others are compared with, of all peels, whichever are shown. @throws UserError */
function baseOf(flags: ShowArgs, { peels }: Story): OutputGroup | undefined {
  const peel = flags["diff-with"];
  if (!flags.diff && peel === undefined) return undefined;
  const groups = outputGroups(sortedByPeel(peels));
  return peel === undefined ? usualGroup(groups) : groupOf(peel, groups);
}

/**
 * The output of some peels of a job.
 * @returns what makes the text, in pieces
 * @throws UserError for a peel to compare with that is not there, or has no output
 */
export function outputOf(
  flags: ShowArgs,
  { story }: Reading,
  peels: readonly PeelStory[],
  terminal: Terminal,
): () => Iterable<string> {
  const byPeel = sortedByPeel(peels);
  const dryRun = wasDryRun(story);
  const base = baseOf(flags, story);
  if (flags.each) return () => renderEach(byPeel, dryRun, terminal.color);
  const options = { dryRun, changes: flags.changes === true, full: flags.full === true, base };
  return () => renderGroups(byPeel, terminal, options);
}
