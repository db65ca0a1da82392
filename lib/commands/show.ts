// zester job show

import { defineCommand } from "../cli/command.ts";
import type { Value } from "../codec/value.ts";
import { NoBucket, Transient, UserError } from "../errors.ts";
import { orNoBucket, readReturns, resolveJob, wholeRecords } from "../jobs/lookup.ts";
import { isPlainPeel, parseJid } from "../model/jid.ts";
import type { JobRow } from "../model/job.ts";
import { displayPeel } from "../model/peel.ts";
import { peelsOf, RETURN_FIELDS, wereReadEarly } from "../model/returns.ts";
import { recordDocument, renderRecord } from "../render/record.ts";
import type { Store } from "../store.ts";
import { safe } from "../text.ts";
import { show as args, type ShowArgs } from "./flags.ts";
import { writeIdLine, writeIds } from "./ids.ts";
import { noteReference } from "./job-reference.ts";
import { show as meta } from "./manual.ts";
import { writeDocument } from "./output.ts";
import { failIfEmpty } from "./selecting.ts";
import { type Session, withSession } from "./session.ts";
import { asksIds, checkForms, formsOf, noneWords, OUTPUT, type Shown, selectsPeels } from "./show-forms.ts";

const PEEL_IDS = { isPlain: isPlainPeel, noun: "peel id", title: "peel" };

/** The record and its returns as the buckets hold them: what the reference page shows. */
async function readRecord(flags: ShowArgs, text: string, session: Session): Promise<Shown> {
  const { store, terminal, format } = session;
  const fields = format === "text" ? RETURN_FIELDS : undefined;
  const returnsOf = async (jid: string) => {
    const warnings: string[] = [];
    const warn = (warning: string) => void warnings.push(warning);
    const found = await readReturns(store, jid, warn, wholeRecords(fields)).catch(orNoBucket);
    if (found instanceof NoBucket) warnings.push(`${found.message} The returns are not shown.`);
    return { noBucket: found instanceof NoBucket, returns: found instanceof NoBucket ? [] : found, warnings };
  };
  const early = returnsOf(text);
  // Which of them fails first is handled by the awaits below, not as an unhandled rejection.
  early.catch(() => {});
  const { jid, job } = await resolveJob(store, text, noteReference(terminal));
  const first = jid === text ? await early : undefined;
  const isWhole = first && (first.noBucket || !wereReadEarly(job, first.returns));
  const { returns, warnings } = isWhole ? first : await returnsOf(jid);
  const peels = peelsOf(job, returns);
  return {
    jid,
    text: () => [renderRecord(job, peels, undefined, terminal, flags["all-peels"] === true)],
    document: () => recordDocument(jid, job, peels, false),
    peels: () => peels.map(({ peel }) => peel),
    of: peels.length,
    warnings,
  };
}

/** Writes the ids of peels alone, in the form that the flags name. @param peels as they are stored */
async function writePeelIds(flags: ShowArgs, peels: readonly string[], session: Session): Promise<void> {
  const { terminal, format } = session;
  if (flags["as-target"]) return writeIdLine(peels, PEEL_IDS, (ids) => `L@${ids.join(",")}`, terminal);
  if (flags.fold) {
    const { foldNames } = await import("../model/fold.ts");
    return writeIdLine(peels.map(displayPeel), PEEL_IDS, foldNames, terminal);
  }
  // For programs ids stay as they are stored, as everywhere.
  return writeIds(format === "text" ? peels.map(displayPeel) : peels, PEEL_IDS, session);
}

/** How many jobs are read at once. */
const AT_ONCE = 8;

/**
 * What `work` makes of each item, in their order, of a few at once. Nothing is under way while what there is is used: a write waits
 * for the reader of stdout, and meanwhile the server would drop the consumers.
 */
async function* inOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): AsyncGenerator<R> {
  for (let from = 0; from < items.length; from += AT_ONCE)
    yield* await Promise.all(items.slice(from, from + AT_ONCE).map(work));
}

/**
 * Shows the jobs, each once, in the order in which they were named. What ails one job keeps no other from being shown.
 * @returns the peels that were selected, where they are asked for; of how many; and what went wrong
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
      if (asksIds(flags) || flags["fail-if-empty"]) for (const peel of one.peels()) peels.add(peel);
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

/** Reads one job in the way that the flags ask for. @throws UserError for flags whose values can't be read */
async function readerOf(flags: ShowArgs) {
  if (!selectsPeels(flags) && formsOf(flags).length === 0)
    return { read: (text: string, session: Session) => readRecord(flags, text, session) };
  const { peelSelection } = await import("../model/peel-selection.ts");
  const { readTold } = await import("./show-peels.ts");
  const selection = peelSelection(flags);
  let retries: Promise<readonly JobRow[]> | undefined;
  const retriesOf = async (store: Store) => {
    const { newestRetries } = await import("../jobs/retries.ts");
    retries ??= newestRetries(store);
    return retries;
  };
  return {
    selection,
    read: (text: string, session: Session) => readTold(flags, text, session, selection, retriesOf),
  };
}

async function run(flags: ShowArgs): Promise<number | undefined> {
  for (const text of flags._) parseJid(text);
  checkForms(flags);
  const { selection, read } = await readerOf(flags);
  const work = async (session: Session) => {
    const { peels, of, wider, failures } = await showAll(session, flags, (text) => read(text, session));
    const last = failures.pop();
    for (const { message } of failures) session.terminal.error(message);
    if (last) throw last;
    const none = noneWords(selection, of, wider);
    failIfEmpty(flags, peels.size, none);
    if (selection && asksIds(flags) && peels.size === 0 && session.format === "text") session.terminal.say(none);
    return undefined;
  };
  return await withSession(flags, work, OUTPUT);
}

export default defineCommand({ meta, args, run: ({ args }) => run(args) });
