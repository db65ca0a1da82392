// What `show` tells of the peels of a job beside its record: --summary, --output, and the flags that select peels. What only
// one of these forms needs is loaded for it.
import { type ReturnReader, wholeRecords } from "../jobs/lookup.ts";
import { openQuestions, type Reading, resolveStory } from "../jobs/story.ts";
import type { JobRow } from "../model/job.ts";
import { sortedByPeel } from "../model/peel.ts";
import type { PeelSelection } from "../model/peel-selection.ts";
import { STORY_FIELDS } from "../model/returns.ts";
import type { PeelStory } from "../model/story.ts";
import { recordDocument, renderRecord } from "../render/record.ts";
import type { Store } from "../store.ts";
import { paragraph } from "../text.ts";
import type { ShowArgs } from "./flags.ts";
import { noteReference } from "./job-reference.ts";
import type { Session } from "./session.ts";
import { asksIds, noneWords, type Shown } from "./show-forms.ts";
import type { Format } from "./surroundings.ts";

/** What is needed of the returns for a form. */
async function readerFor(flags: ShowArgs, format: Format): Promise<ReturnReader> {
  if (flags.output || flags.summary) {
    const { SharedReturns } = await import("../jobs/shared-returns.ts");
    return new SharedReturns({ changesOnly: flags.summary || flags.changes === true, withoutTimes: flags.summary });
  }
  const withoutData = asksIds(flags) || format === "text";
  return wholeRecords(withoutData ? STORY_FIELDS : undefined);
}

/** What makes the text of some peels of a job, in pieces, in the form that the flags name. @throws UserError as outputOf */
type TextOf = (reading: Reading, chosen: readonly PeelStory[]) => () => Iterable<string>;

async function textFor(flags: ShowArgs, { terminal, store }: Session): Promise<TextOf> {
  const allPeels = flags["all-peels"] === true;
  if (flags.summary) {
    const { renderSummary } = await import("../render/summary.ts");
    const options = { allPeels, each: flags.each === true };
    return (reading, chosen) => () => [renderSummary(reading, chosen, terminal, { now: store.now(), ...options })];
  }
  if (flags.output) {
    const { outputOf } = await import("./show-output.ts");
    return (reading, chosen) => outputOf(flags, reading, chosen, terminal);
  }
  return ({ job }, chosen) => {
    const byPeel = sortedByPeel(chosen);
    return () => [renderRecord(job, byPeel, byPeel, terminal, allPeels)];
  };
}

/**
 * The forms that tell how each peel is, or that select peels by it: for these the events are read as well.
 * @param retriesOf the newest retries, which are the same for all jobs
 */
export async function readTold(
  flags: ShowArgs,
  text: string,
  session: Session,
  selection: PeelSelection | undefined,
  retriesOf: (store: Store) => Promise<readonly JobRow[]>,
): Promise<Shown> {
  const { store, terminal, format } = session;
  const reader = await readerFor(flags, format);
  // While the server works, what shows its answer is loaded.
  const [found, retries, textOf] = await Promise.all([
    resolveStory(store, text, terminal.warn, noteReference(terminal), reader),
    flags.summary ? retriesOf(store) : [],
    textFor(flags, session),
  ]);
  const { row, job } = found;
  const reading = { ...found, retries: retries.filter(({ retryOf }) => retryOf === row.jid) };
  const { peels } = reading.story;
  const chosen = selection ? peels.filter(selection.matches) : peels;
  const wider = chosen.length === 0 ? selection?.wider(peels) : undefined;
  const shown = textOf(reading, chosen);
  return {
    jid: row.jid,
    *text() {
      yield* shown();
      if (!selection || chosen.length > 0 || flags["fail-if-empty"]) return;
      const none = paragraph(noneWords(selection, peels.length, wider), terminal.columns);
      yield `${flags.output ? "" : "\n"}${none}`;
    },
    document: () => recordDocument(row.jid, job, sortedByPeel(chosen), flags.missing === true),
    peels: () => sortedByPeel(chosen).map(({ peel }) => peel),
    of: peels.length,
    wider,
    warnings: openQuestions(reading),
  };
}
