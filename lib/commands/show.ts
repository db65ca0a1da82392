// zester job show

import { UserError } from "../errors.ts";
import { orNoBucket, readReturns, resolveJob } from "../jobs/lookup.ts";
import { newestRetries } from "../jobs/retries.ts";
import { openQuestions, resolveStory } from "../jobs/story.ts";
import { parseJid } from "../model/jid.ts";
import { displayPeel, sortedByPeel } from "../model/peel.ts";
import { isPlainPeel } from "../model/plain-id.ts";
import { type Peel, peelSelection, peelsOf, RETURN_FIELDS } from "../model/returns.ts";
import { NoBucket } from "../nats/store.ts";
import { wasDryRun } from "../render/facts.ts";
import { renderOutput } from "../render/output.ts";
import { recordDocument, renderRecord } from "../render/record.ts";
import { renderSummary } from "../render/summary.ts";
import type { ShowArgs } from "./flags.ts";
import { writeIds } from "./ids.ts";
import { noteWord } from "./job-word.ts";
import { writeDocument } from "./output.ts";
import { type Session, withSession } from "./session.ts";
import type { Formats } from "./surroundings.ts";

/** --summary and --output are forms of text; the other formats have everything. */
const OUTPUT: Formats = { only: { summary: ["text"], output: ["text"] } };

const PEEL_IDS = { isPlain: isPlainPeel, noun: "peel id", title: "peel" };

function checkForms(flags: ShowArgs): void {
  const given = (["summary", "output", "quiet"] as const).filter((name) => flags[name]);
  if (given.length > 1) throw new UserError(`--${given[0]} and --${given[1]} exclude each other.`, "Give one of them.");
  if (flags.each && !flags.summary)
    throw new UserError("--each needs --summary.", "It shows the summary peel by peel.");
}

/** The record and its returns as the buckets hold them: what the reference page shows. */
async function showRecord(flags: ShowArgs, text: string, session: Session): Promise<void> {
  const { store, terminal, format } = session;
  const fields = format === "text" ? RETURN_FIELDS : undefined;
  const returnsOf = (jid: string) => readReturns(store, jid, terminal.warn, fields).catch(orNoBucket);
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

/** The forms that tell how each peel is, or that select peels by it: for these the events are read as well. */
async function showStory(
  flags: ShowArgs,
  text: string,
  session: Session,
  selection: ((peel: Peel) => boolean) | undefined,
): Promise<void> {
  const { store, terminal, format } = session;
  const [reading, retries] = await Promise.all([
    resolveStory(store, text, terminal.warn, noteWord(terminal)),
    flags.summary ? newestRetries(store) : [],
  ]);
  const { row, job, story } = reading;
  const chosen = selection ? story.peels.filter(selection) : story.peels;
  const byPeel = sortedByPeel(chosen);
  const allPeels = flags["all-peels"] === true;
  // For programs ids stay as they are stored, as everywhere.
  const idOf = ({ peel }: Peel) => (format === "text" ? displayPeel(peel) : peel);
  if (flags.quiet) await writeIds(byPeel.map(idOf), PEEL_IDS, session);
  else if (format !== "text")
    await writeDocument(recordDocument(row.jid, job, byPeel, flags.missing === true), format, terminal);
  else if (flags.output) terminal.writeAll(renderOutput(byPeel, wasDryRun(story), terminal.color));
  else if (flags.summary)
    terminal.write(
      renderSummary({ ...reading, retries: retries.filter(({ retryOf }) => retryOf === row.jid) }, chosen, terminal, {
        now: new Date(),
        allPeels,
        each: flags.each === true,
      }),
    );
  else terminal.write(renderRecord(job, byPeel, byPeel, terminal, allPeels));
  openQuestions(reading).forEach(terminal.warn);
}

export async function run(flags: ShowArgs): Promise<void> {
  const text = parseJid(flags.jid);
  const selection = peelSelection(flags);
  checkForms(flags);
  const work = async (session: Session) => {
    if (selection || flags.summary || flags.output || flags.quiet) await showStory(flags, text, session, selection);
    else await showRecord(flags, text, session);
    return undefined;
  };
  await withSession(flags, work, OUTPUT);
}
