// zester job show

import type { Value } from "../codec/value.ts";
import { Transient, UserError } from "../errors.ts";
import { orNoBucket, type RecordReader, readReturns, resolveJob, wholeRecords } from "../jobs/lookup.ts";
import { newestRetries } from "../jobs/retries.ts";
import { SharedReturns } from "../jobs/shared-returns.ts";
import { openQuestions, type Reading, resolveStory } from "../jobs/story.ts";
import { foldNames } from "../model/fold.ts";
import { parseJid } from "../model/jid.ts";
import { groupOf, type OutputGroup, outputGroups, usualGroup } from "../model/outputs.ts";
import { displayPeel, sortedByPeel } from "../model/peel.ts";
import { type PeelSelection, peelSelection } from "../model/peel-selection.ts";
import { isPlainPeel } from "../model/plain-id.ts";
import { peelsOf, RETURN_FIELDS, STORY_FIELDS } from "../model/returns.ts";
import type { PeelStory, Story } from "../model/story.ts";
import { NoBucket, type Store } from "../nats/store.ts";
import { wasDryRun } from "../render/facts.ts";
import { renderGroups } from "../render/groups.ts";
import { renderEach } from "../render/output.ts";
import { recordDocument, renderRecord } from "../render/record.ts";
import { renderSummary } from "../render/summary.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { count, safe } from "../text.ts";
import type { ShowArgs } from "./flags.ts";
import { writeIdLine, writeIds } from "./ids.ts";
import { noteWord } from "./job-word.ts";
import { writeDocument } from "./output.ts";
import { failIfEmpty } from "./selecting.ts";
import { type Session, withSession } from "./session.ts";
import type { Format, Formats } from "./surroundings.ts";

/** --summary and --output are forms of text; the other formats have everything. */
const OUTPUT: Formats = {
  only: { summary: ["text"], output: ["text"], fold: ["text"], "as-target": ["text"] },
};

const PEEL_IDS = { isPlain: isPlainPeel, noun: "peel id", title: "peel" };

/** What is shown instead of the record. */
const FORMS = ["summary", "output", "as-target", "quiet"] as const;
/** Flags that change one of these forms: which of them each needs. */
const NEEDS = {
  each: ["summary", "output"],
  changes: ["output"],
  diff: ["output"],
  "diff-with": ["output"],
  full: ["output"],
  fold: ["quiet"],
} as const;

/** The forms that are asked for; a target expression is quiet anyway. */
const formsOf = (flags: ShowArgs) => FORMS.filter((name) => flags[name] && !(name === "quiet" && flags["as-target"]));

/** True when ids alone are asked for. */
const asksIds = (flags: ShowArgs) => flags.quiet || flags["as-target"];

/** @throws UserError for flags that exclude each other, or that change nothing */
function checkForms(flags: ShowArgs, selects: boolean): void {
  const [form, other] = formsOf(flags);
  if (other) throw new UserError(`--${form} and --${other} exclude each other.`, "Give one of them.");
  if (flags.each && (flags.diff || flags["diff-with"] !== undefined))
    throw new UserError("--each and --diff exclude each other.", "Groups are compared, not peels.");
  for (const [name, forms] of Object.entries(NEEDS)) {
    if (flags[name as keyof typeof NEEDS] && !forms.some((needed) => needed === form))
      throw new UserError(
        `--${name} needs --${forms.join(" or --")}.`,
        `\`zester job show --help\` says what it does.`,
      );
  }
  if (flags["fail-if-empty"] && !selects && !asksIds(flags))
    throw new UserError("--fail-if-empty needs a flag that selects peels.", "Give one of them, such as --bad.");
}

/** What is shown of one job. */
interface Shown {
  readonly jid: string;
  /** As text, in pieces. */
  text(): Iterable<string>;
  /** For programs. */
  document(): Value;
  /** The ids of the peels that were selected, as they are stored; of how many. */
  readonly peels: readonly string[];
  readonly of: number;
  /** Where none was selected: a pattern of peels that would have selected some. */
  readonly wider?: string | undefined;
  readonly warnings: readonly string[];
}

/** The record and its returns as the buckets hold them: what the reference page shows. */
async function readRecord(flags: ShowArgs, text: string, session: Session): Promise<Shown> {
  const { store, terminal, format } = session;
  const fields = format === "text" ? RETURN_FIELDS : undefined;
  const returnsOf = (jid: string) => readReturns(store, jid, terminal.warn, wholeRecords(fields)).catch(orNoBucket);
  const early = returnsOf(text);
  // Which of them fails first is handled by the awaits below, not as an unhandled rejection.
  early.catch(() => {});
  const { jid, job } = await resolveJob(store, text, noteWord(terminal));
  const found = await (jid === text ? early : returnsOf(jid));
  const peels = peelsOf(job, found instanceof NoBucket ? [] : found);
  return {
    jid,
    text: () => [renderRecord(job, peels, undefined, terminal, flags["all-peels"] === true)],
    document: () => recordDocument(jid, job, peels, false),
    peels: peels.map(({ peel }) => peel),
    of: peels.length,
    warnings: found instanceof NoBucket ? [`${found.message} The returns are not shown.`] : [],
  };
}

/** The peels that were asked for, in the form that the flags name. */
function renderPeels(
  flags: ShowArgs,
  reading: Reading,
  chosen: readonly PeelStory[],
  base: OutputGroup | undefined,
  terminal: Terminal,
): Iterable<string> {
  const { job, story } = reading;
  const byPeel = sortedByPeel(chosen);
  const [allPeels, each] = [flags["all-peels"] === true, flags.each === true];
  if (flags.summary) return [renderSummary(reading, chosen, terminal, { now: new Date(), allPeels, each })];
  if (!flags.output) return [renderRecord(job, byPeel, byPeel, terminal, allPeels)];
  const dryRun = wasDryRun(story);
  if (each) return renderEach(byPeel, dryRun, terminal.color);
  const options = { dryRun, changes: flags.changes === true, full: flags.full === true, base };
  return renderGroups(byPeel, terminal, options);
}

/** The group that the others are compared with, of all peels, whichever are shown. @throws UserError */
function baseOf(flags: ShowArgs, { peels }: Story): OutputGroup | undefined {
  const peel = flags["diff-with"];
  if (!flags.diff && peel === undefined) return undefined;
  const groups = outputGroups(sortedByPeel(peels));
  return peel === undefined ? usualGroup(groups) : groupOf(peel, groups);
}

/** What is needed of the returns for a form. */
function readerFor(flags: ShowArgs, format: Format): RecordReader {
  if (flags.output) return new SharedReturns(flags.changes === true);
  if (flags.summary) return new SharedReturns(true);
  const withoutData = asksIds(flags) || format === "text";
  return wholeRecords(withoutData ? STORY_FIELDS : undefined);
}

/** @param wider a pattern that would have selected some */
function noneWords(selection: PeelSelection | undefined, of: number, wider: string | undefined): string {
  if (!selection) return "No peel was targeted.";
  const hint = wider === undefined ? "" : ` Did you mean --peel '${safe(wider)}'?`;
  return `No peel matches ${selection.text} (of ${count(of)}).${hint}`;
}

/**
 * The forms that tell how each peel is, or that select peels by it: for these the events are read as well.
 * @param retriesOf the newest retries, which are the same for all jobs
 */
async function readTold(
  flags: ShowArgs,
  text: string,
  session: Session,
  selection: PeelSelection | undefined,
  retriesOf: (store: Store) => ReturnType<typeof newestRetries>,
): Promise<Shown> {
  const { store, terminal, format } = session;
  const [found, retries] = await Promise.all([
    resolveStory(store, text, terminal.warn, noteWord(terminal), readerFor(flags, format)),
    flags.summary ? retriesOf(store) : [],
  ]);
  const { row, job } = found;
  const reading = { ...found, retries: retries.filter(({ retryOf }) => retryOf === row.jid) };
  const { peels } = reading.story;
  const chosen = selection ? peels.filter(selection.matches) : peels;
  const base = baseOf(flags, reading.story);
  const wider = chosen.length === 0 ? selection?.wider(peels) : undefined;
  return {
    jid: row.jid,
    *text() {
      yield* renderPeels(flags, reading, chosen, base, terminal);
      if (!selection || chosen.length > 0 || flags["fail-if-empty"]) return;
      yield `${flags.output ? "" : "\n"}${noneWords(selection, peels.length, wider)}\n`;
    },
    document: () => recordDocument(row.jid, job, sortedByPeel(chosen), flags.missing === true),
    peels: sortedByPeel(chosen).map(({ peel }) => peel),
    of: peels.length,
    wider,
    warnings: openQuestions(reading),
  };
}

/** Writes the ids of peels alone, in the form that the flags name. @param peels as they are stored */
async function writePeelIds(flags: ShowArgs, peels: readonly string[], session: Session): Promise<void> {
  const { terminal, format } = session;
  if (flags["as-target"]) return writeIdLine(peels, PEEL_IDS, (ids) => `L@${ids.join(",")}`, terminal);
  if (flags.fold) return writeIdLine(peels.map(displayPeel), PEEL_IDS, foldNames, terminal);
  // For programs ids stay as they are stored, as everywhere.
  return writeIds(format === "text" ? peels.map(displayPeel) : peels, PEEL_IDS, session);
}

/** How many jobs are read at once. */
const AT_ONCE = 8;

/** What `work` makes of each item, in their order, of a few at once. */
async function* inOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const open: Promise<R>[] = [];
  for (const item of items) {
    const result = work(item);
    result.catch(() => {}); // it is awaited below, unless one before it fails
    open.push(result);
    if (open.length >= AT_ONCE) yield open.shift() as Promise<R>;
  }
  yield* open;
}

/**
 * Shows the jobs, each once, in the order in which they were named. What ails one job keeps no other from being shown.
 * @returns the peels that were selected, of how many, and what went wrong
 */
async function showAll(session: Session, flags: ShowArgs, read: (text: string) => Promise<Shown>) {
  const { terminal, format } = session;
  const failures: UserError[] = [];
  const documents: Value[] = [];
  const jids = new Set<string>();
  const peels = new Set<string>();
  const several = flags._.length > 1;
  let of = 0;
  let wider: string | undefined;
  const attempt = (text: string) =>
    read(text).catch((error) => {
      if (error instanceof Transient || !(error instanceof UserError)) throw error;
      return error;
    });
  for await (const one of inOrder([...new Set(flags._)], attempt)) {
    if (one instanceof UserError) {
      // What the user may not read is the same of each job.
      if (!failures.some(({ message }) => message === one.message)) failures.push(one);
    } else if (!jids.has(one.jid)) {
      if (!asksIds(flags) && format === "text") {
        // The output of peels does not say of which job it is.
        const title = several && flags.output ? `Job ${safe(one.jid)}\n` : "";
        if (jids.size > 0 || title !== "") terminal.write(`${jids.size > 0 ? "\n" : ""}${title}`);
        terminal.writeAll(one.text());
      } else if (!asksIds(flags)) documents.push(one.document());
      jids.add(one.jid);
      for (const peel of one.peels) peels.add(peel);
      of += one.of;
      wider ??= one.wider;
      one.warnings.forEach(terminal.warn);
    }
  }
  if (jids.size > 0 || several) {
    if (asksIds(flags)) await writePeelIds(flags, [...peels], session);
    else if (format !== "text") await writeDocument(several ? documents : (documents[0] as Value), format, terminal);
  }
  return { peels, of, wider, failures };
}

export async function run(flags: ShowArgs): Promise<number | undefined> {
  for (const text of flags._) parseJid(text);
  const selection = peelSelection(flags);
  checkForms(flags, selection !== undefined);
  const tells = selection !== undefined || formsOf(flags).length > 0;
  const work = async (session: Session) => {
    let retries: ReturnType<typeof newestRetries> | undefined;
    const retriesOf = (store: Store) => {
      retries ??= newestRetries(store);
      return retries;
    };
    const read = (text: string) =>
      tells ? readTold(flags, text, session, selection, retriesOf) : readRecord(flags, text, session);
    const { peels, of, wider, failures } = await showAll(session, flags, read);
    const last = failures.pop();
    for (const { message } of failures) session.terminal.error(message);
    if (last) throw last;
    const none = noneWords(selection, of, wider);
    failIfEmpty(flags, peels.size, none);
    if (selection && asksIds(flags) && peels.size === 0 && session.format === "text")
      session.terminal.tell(`${none}\n`);
    return undefined;
  };
  return await withSession(flags, work, OUTPUT);
}
