// zester job show

import { UserError } from "../errors.ts";
import { orNoBucket, type RecordReader, readReturns, resolveJob, wholeRecords } from "../jobs/lookup.ts";
import { newestRetries } from "../jobs/retries.ts";
import { SharedReturns } from "../jobs/shared-returns.ts";
import { openQuestions, type Reading, resolveStory } from "../jobs/story.ts";
import { parseJid } from "../model/jid.ts";
import { displayPeel, sortedByPeel } from "../model/peel.ts";
import { type PeelSelection, peelSelection } from "../model/peel-selection.ts";
import { isPlainPeel } from "../model/plain-id.ts";
import { peelsOf, RETURN_FIELDS, STORY_FIELDS } from "../model/returns.ts";
import type { PeelStory } from "../model/story.ts";
import { NoBucket } from "../nats/store.ts";
import { wasDryRun } from "../render/facts.ts";
import { renderGroups } from "../render/groups.ts";
import { renderEach } from "../render/output.ts";
import { recordDocument, renderRecord } from "../render/record.ts";
import { renderSummary } from "../render/summary.ts";
import { count } from "../text.ts";
import type { ShowArgs } from "./flags.ts";
import { writeIds } from "./ids.ts";
import { noteWord } from "./job-word.ts";
import { writeDocument } from "./output.ts";
import { type Session, withSession } from "./session.ts";
import type { Format, Formats } from "./surroundings.ts";

/** --summary and --output are forms of text; the other formats have everything. */
const OUTPUT: Formats = { only: { summary: ["text"], output: ["text"] } };

const PEEL_IDS = { isPlain: isPlainPeel, noun: "peel id", title: "peel" };

/** What is shown instead of the record. */
const FORMS = ["summary", "output", "quiet"] as const;
/** Flags that change one of these forms: which of them each needs. */
const NEEDS = {
  each: ["summary", "output"],
  changes: ["output"],
  full: ["output"],
} as const;

/** @throws UserError for flags that exclude each other, or that change nothing */
function checkForms(flags: ShowArgs): void {
  const [form, other] = FORMS.filter((name) => flags[name]);
  if (other) throw new UserError(`--${form} and --${other} exclude each other.`, "Give one of them.");
  for (const [name, forms] of Object.entries(NEEDS)) {
    if (flags[name as keyof typeof NEEDS] && !forms.some((needed) => needed === form))
      throw new UserError(
        `--${name} needs --${forms.join(" or --")}.`,
        `\`zester job show --help\` says what it does.`,
      );
  }
}

/** The record and its returns as the buckets hold them: what the reference page shows. */
async function showRecord(flags: ShowArgs, text: string, session: Session): Promise<void> {
  const { store, terminal, format } = session;
  const fields = format === "text" ? RETURN_FIELDS : undefined;
  const returnsOf = (jid: string) => readReturns(store, jid, terminal.warn, wholeRecords(fields)).catch(orNoBucket);
  const early = returnsOf(text);
  // Which of them fails first is handled by the awaits below, not as an unhandled rejection.
  early.catch(() => {});
  const { jid, job } = await resolveJob(store, text, noteWord(terminal));
  const found = await (jid === text ? early : returnsOf(jid));
  const peels = peelsOf(job, found instanceof NoBucket ? [] : found);
  if (format === "text") terminal.write(renderRecord(job, peels, undefined, terminal, flags["all-peels"] === true));
  else await writeDocument(recordDocument(jid, job, peels, false), format, terminal);
  if (found instanceof NoBucket) terminal.warn(`${found.message} The returns are not shown.`);
}

/** The peels that were asked for, in the form that the flags name. */
async function writePeels(
  flags: ShowArgs,
  reading: Reading,
  chosen: readonly PeelStory[],
  session: Session,
): Promise<void> {
  const { terminal, format } = session;
  const { row, job, story } = reading;
  const byPeel = sortedByPeel(chosen);
  const [allPeels, each] = [flags["all-peels"] === true, flags.each === true];
  // For programs ids stay as they are stored, as everywhere.
  const idOf = ({ peel }: PeelStory) => (format === "text" ? displayPeel(peel) : peel);
  if (flags.quiet) return writeIds(byPeel.map(idOf), PEEL_IDS, session);
  if (format !== "text")
    return writeDocument(recordDocument(row.jid, job, byPeel, flags.missing === true), format, terminal);
  if (flags.summary)
    return terminal.write(renderSummary(reading, chosen, terminal, { now: new Date(), allPeels, each }));
  if (!flags.output) return terminal.write(renderRecord(job, byPeel, byPeel, terminal, allPeels));
  const options = { dryRun: wasDryRun(story), changes: flags.changes === true, full: flags.full === true };
  terminal.writeAll(
    each ? renderEach(byPeel, options.dryRun, terminal.color) : renderGroups(byPeel, terminal, options),
  );
}

/** What is needed of the returns for a form. */
function readerFor(flags: ShowArgs, format: Format): RecordReader {
  if (flags.output) return new SharedReturns(flags.changes === true);
  const withoutData = flags.quiet || (format === "text" && !flags.summary);
  return wholeRecords(withoutData ? STORY_FIELDS : undefined);
}

/** The forms that tell how each peel is, or that select peels by it: for these the events are read as well. */
async function showStory(
  flags: ShowArgs,
  text: string,
  session: Session,
  selection: PeelSelection | undefined,
): Promise<void> {
  const { store, terminal, format } = session;
  const reader = readerFor(flags, format);
  const [found, retries] = await Promise.all([
    resolveStory(store, text, terminal.warn, noteWord(terminal), reader),
    flags.summary ? newestRetries(store) : [],
  ]);
  const reading = { ...found, retries: retries.filter(({ retryOf }) => retryOf === found.row.jid) };
  const { peels } = reading.story;
  const chosen = selection ? peels.filter(selection.matches) : peels;
  await writePeels(flags, reading, chosen, session);
  if (selection && chosen.length === 0 && format === "text") {
    const words = `No peel matches ${selection.text} (of ${count(peels.length)}).\n`;
    if (flags.quiet) terminal.tell(words);
    else terminal.write(flags.output ? words : `\n${words}`);
  }
  openQuestions(reading).forEach(terminal.warn);
}

export async function run(flags: ShowArgs): Promise<void> {
  const text = parseJid(flags.jid);
  const selection = peelSelection(flags);
  checkForms(flags);
  const work = async (session: Session) => {
    if (selection || FORMS.some((form) => flags[form])) await showStory(flags, text, session, selection);
    else await showRecord(flags, text, session);
    return undefined;
  };
  await withSession(flags, work, OUTPUT);
}
