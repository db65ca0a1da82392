// zester job show: the record of a job and its returns; in other forms the states of its peels, their output, or their IDs. Each
// form loads only what it needs.
import type { ArgsDef } from "citty";
import type { Flags } from "../cli/command.ts";
import { Transient, UserError } from "../errors.ts";
import { orNoBucket, type ReturnReader, readReturns, resolveJob, storedRecords, wholeRecords } from "../jobs/lookup.ts";
import type { Reading } from "../jobs/story.ts";
import { isPlainPeel, JobNotFound, parseJid } from "../model/jid.ts";
import type { JobRow } from "../model/job.ts";
import { displayPeel, sortedByPeel } from "../model/peel.ts";
import { type PeelSelection, peelSelection } from "../model/peel-selection.ts";
import { type Peel, peelsOf, RETURN_FIELDS, wereReadEarly } from "../model/returns.ts";
import type { PeelStory } from "../model/story.ts";
import { type LongDocument, wholeDocument } from "../render/document.ts";
import { idsView } from "../render/ids.ts";
import { peelNames } from "../render/names.ts";
import { recordDocument, renderRecord } from "../render/record.ts";
import type { View } from "../render/view.ts";
import { count, firstOf, paragraph, plural, safe } from "../text.ts";
import { type Answer, type AnswerSink, question } from "./answer.ts";
import { noteReference } from "./selecting.ts";
import type { Session } from "./session.ts";
import { globals, jids, peels, scripted, selectFirst } from "./shared.ts";

const args = {
  ...globals,
  jid: jids,
  summary: { type: "boolean", alias: "s", description: "show a summary instead of the record" },
  output: { type: "boolean", description: "show what peels printed and changed instead of the record" },
  each: { type: "boolean", description: "with --summary or --output: each peel by itself, worst first" },
  changes: { type: "boolean", description: "with --output: only what changed or failed" },
  diff: {
    type: "boolean",
    valueHint: "peel",
    description: "with --output: diff from the largest ok group, or <peel>",
  },
  quiet: { type: "boolean", alias: "q", description: "print only peel IDs, one per line" },
  fold: { type: "boolean", description: "print peel IDs as one line: web-[01-03]" },
  "as-target": { type: "boolean", description: "print the peels as a target expression: L@web-137,web-300" },
  all: { type: "boolean", description: "show every peel and line on a terminal" },
  ...peels,
  ...scripted("no peel is selected"),
} as const satisfies ArgsDef;

const WATCH = ["zester job watch <jid>"];

/** The form that is shown instead of the record. */
const FORMS = ["summary", "output", "as-target", "fold", "quiet"] as const;
/** Flags that need one of these forms. */
const NEEDS = {
  each: ["summary", "output"],
  changes: ["output"],
  diff: ["output"],
} as const;

/** @throws UserError for flags that cannot be used together, or that change nothing */
function parse(flags: Flags<typeof args>) {
  const jobs = flags._.map(parseJid);
  // These imply --quiet.
  const isQuiet = flags["as-target"] || flags.fold;
  const [form, other] = FORMS.filter((name) => flags[name] && !(name === "quiet" && isQuiet));
  if (other) throw new UserError(`--${form} and --${other} cannot be used together.`, "Use one of them.");
  if (flags.summary && flags.format !== undefined && flags.format !== "text")
    throw new UserError(
      `--summary and --format ${flags.format} cannot be used together.`,
      `Use --summary with --format text, or \`zester job trace ${safe(flags._[0] ?? "")} --format json\`.`,
    );
  if (flags.each && flags.diff) throw new UserError("--each and --diff cannot be used together.", "Use one of them.");
  for (const [name, forms] of Object.entries(NEEDS)) {
    if (flags[name as keyof typeof NEEDS] && !forms.some((needed) => needed === form))
      throw new UserError(`--${name} needs --${forms.join(" or --")}.`, `Add --${forms[0]}, or omit --${name}.`);
  }
  const shows = form ?? "record";
  const ids = shows === "quiet" || shows === "fold" || shows === "as-target";
  const selection = peelSelection(flags);
  const failIfEmpty = flags["fail-if-empty"] === true;
  if (failIfEmpty && !selection && !ids)
    throw new UserError("--fail-if-empty needs a flag that selects peels.", "Add one, such as --bad.");
  const { each, changes, missing: withMissing, diff, all = false } = flags;
  return { jobs, shows, ids, selection, failIfEmpty, each, changes, withMissing, diff, all } as const;
}

type ShowRequest = ReturnType<typeof parse>;

/** One job, ready to be shown. */
interface ShownJob {
  readonly jid: string;
  /** In pieces. */
  text(): Iterable<string>;
  document(): LongDocument;
  /** The selected peels. */
  peels(): readonly { readonly peel: string }[];
  /** How many peels they were selected from. */
  readonly of: number;
  /** The patterns of --peel that match none of its peels. */
  readonly unmatched?: readonly string[];
  /** If none was selected: a pattern of peels that would have selected some. */
  readonly wider?: string | undefined;
  /** For people: what the text omits. */
  readonly omitted?: string | undefined;
  readonly warnings: readonly string[];
}

/** Columns of their names. */
const NAMES_OMITTED = 60;

/** The peels that the record names as targets, and that have no return. */
function omittedWords(peels: readonly Peel[]): string | undefined {
  const silent = peels.filter(({ returned }) => !returned);
  if (silent.length === 0) return undefined;
  return `No stored return from ${plural(silent.length, "peel")}: ${peelNames(silent, NAMES_OMITTED)}. See --summary.`;
}

/** The record and its returns, as stored. */
async function readRecord(text: string, { all }: ShowRequest, { store, terminal, isText }: Session): Promise<ShownJob> {
  const reader = isText ? wholeRecords(RETURN_FIELDS) : storedRecords();
  const returnsOf = async (jid: string) => {
    const warnings: string[] = [];
    const warn = (warning: string) => void warnings.push(warning);
    const found = await readReturns(store, jid, warn, reader).catch(orNoBucket);
    if (Array.isArray(found)) return { noBucket: false, returns: found, warnings };
    return { noBucket: true, returns: [], warnings: [`${found.message} The returns are not shown.`] };
  };
  const early = returnsOf(text);
  // The awaits below handle a failure.
  early.catch(() => {});
  const { jid, job } = await resolveJob(store, text, noteReference(terminal));
  const first = jid === text ? await early : undefined;
  const isWhole = first && (first.noBucket || !wereReadEarly(job, first.returns));
  const { noBucket, returns, warnings } = isWhole ? first : await returnsOf(jid);
  const peels = peelsOf(job, returns);
  return {
    jid,
    omitted: noBucket || !terminal.canTell ? undefined : omittedWords(peels),
    text: () => [renderRecord(job, peels, undefined, terminal, all)],
    document: () => recordDocument(jid, job, peels),
    peels: () => peels,
    of: peels.length,
    warnings,
  };
}

/** The parts of returns that a form needs. */
async function returnReader({ shows, changes }: ShowRequest, isText: boolean): Promise<ReturnReader> {
  if (shows === "record" && !isText) return storedRecords();
  const { SharedReturns } = await import("../jobs/shared-returns.ts");
  const isSummary = shows !== "output";
  return new SharedReturns({ changesOnly: isSummary || changes, withoutTimes: isSummary });
}

/** The text about some peels of a job. @throws UserError if the peel to compare with has no output */
async function peelsText(
  reading: Reading & { readonly retries: readonly JobRow[] },
  chosen: readonly PeelStory[],
  { shows, each, changes, all, diff }: ShowRequest,
  { terminal, store }: Session,
): Promise<() => Iterable<string>> {
  const { job, story } = reading;
  if (shows === "summary") {
    const { renderSummary } = await import("../render/summary.ts");
    return () => [renderSummary(reading, chosen, terminal, { now: store.now(), each, allPeels: all })];
  }
  if (shows !== "output")
    return () => {
      const peels = sortedByPeel(chosen);
      return [renderRecord(job, peels, peels, terminal, all)];
    };
  const dryRun = (await import("../render/facts.ts")).wasDryRun(story);
  if (each) {
    const { renderEach } = await import("../render/output.ts");
    return () => renderEach(chosen, dryRun, terminal.color);
  }
  const { groupOf, outputGroups, usualGroup } = await import("../model/output-groups.ts");
  const { renderGroups } = await import("../render/output.ts");
  // Of all peels, not only of the shown ones.
  const groups = diff ? outputGroups(sortedByPeel(story.peels)) : [];
  const base = diff ? (diff === true ? usualGroup(groups) : groupOf(diff, groups)) : undefined;
  return () => renderGroups(sortedByPeel(chosen), terminal, { dryRun, changes, full: all, base });
}

/**
 * The forms that show the state of each peel, or select peels by it: the events are read as well.
 * @param retries the newest ones of all jobs
 */
async function readPeels(
  text: string,
  request: ShowRequest,
  session: Session,
  retries: Promise<readonly JobRow[]>,
): Promise<ShownJob> {
  const { shows, selection } = request;
  const { store, terminal, isText } = session;
  const { openQuestions, resolveStory } = await import("../jobs/story.ts");
  const reader = await returnReader(request, isText);
  const [reading, known] = await Promise.all([
    resolveStory(store, text, terminal.warn, noteReference(terminal), reader),
    retries,
  ]);
  const { jid } = reading.row;
  const { peels } = reading.story;
  const chosen = selection ? peels.filter(selection.matches) : peels;
  const wider = chosen.length === 0 ? selection?.wider(peels) : undefined;
  const own = { ...reading, retries: known.filter(({ retryOf }) => retryOf === jid) };
  const shown = await peelsText(own, chosen, request, session);
  return {
    jid,
    *text() {
      yield* shown();
      if (!selection || chosen.length > 0 || request.failIfEmpty) return;
      const none = paragraph(noneWords(selection, peels.length, wider), terminal.columns);
      yield `${shows === "output" ? "" : "\n"}${none}`;
    },
    document: () => recordDocument(jid, reading.job, sortedByPeel(chosen), request.withMissing),
    peels: () => sortedByPeel(chosen),
    of: peels.length,
    unmatched: selection?.unmatched(peels),
    wider,
    warnings: openQuestions(reading),
  };
}

/** @param wider a pattern that would have selected some */
function noneWords(selection: PeelSelection | undefined, of: number, wider: string | undefined): string {
  if (!selection) return "No peel was targeted.";
  const hint = wider === undefined ? "" : ` Did you mean --peel '${safe(wider)}'?`;
  return `No peel matches ${selection.text} (of ${count(of)}).${hint}`;
}

/** The IDs of peels in the requested form. @param peels as stored, which is what programs get */
async function peelIds({ shows }: ShowRequest, peels: ReadonlySet<string>): Promise<View> {
  const ids = { size: peels.size, ids: peels, noun: "peel ID", title: "peel", isPlain: isPlainPeel };
  if (shows === "as-target") return idsView({ ...ids, line: (ids) => `L@${ids.join(",")}` });
  const line = shows === "fold" ? (await import("../model/fold.ts")).foldNames : undefined;
  return idsView({ ...ids, display: displayPeel, line });
}

/** Of several jobs, an empty line separates them; outputs do not contain the ID of their job, so a line with it precedes them. */
const viewOf = ({ jid, text, document }: ShownJob, nth: number, { shows, jobs }: ShowRequest): View => ({
  size: 1,
  isOne: jobs.length === 1,
  *text() {
    if (nth > 0) yield "\n";
    if (jobs.length > 1 && shows === "output") yield `Job ${safe(jid)}\n`;
    yield* text();
  },
  documents: () => [wholeDocument(document())],
  long: document,
});

/** How many jobs are read at once. */
const AT_ONCE = 8;

/**
 * The results of `work` for each item, in order, of a few at once. No read runs while a result is used: a write waits for the
 * reader of stdout, and meanwhile the server would drop the consumers.
 */
async function* inOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): AsyncGenerator<R> {
  for (let from = 0; from < items.length; from += AT_ONCE)
    yield* await Promise.all(items.slice(from, from + AT_ONCE).map(work));
}

/** The newest retries, for a summary. */
async function retriesFor({ shows }: ShowRequest, { store }: Session): Promise<readonly JobRow[]> {
  return shows === "summary" ? (await import("../jobs/newest.ts")).newestRetries(store) : [];
}

/** Shows the jobs, each once, in the order of the arguments. An error of one job does not affect others. */
async function answerOf(request: ShowRequest, session: Session, sink: AnswerSink): Promise<Answer> {
  const { shows, ids, selection } = request;
  const retries = retriesFor(request, session);
  // A failure is reported for each job.
  retries.catch(() => {});
  const attempt = (text: string) => {
    const isRecord = shows === "record" && !selection;
    const reading = isRecord ? readRecord(text, request, session) : readPeels(text, request, session, retries);
    return reading.catch((error) => {
      if (error instanceof Transient || !(error instanceof UserError)) throw error;
      return error instanceof JobNotFound && request.diff === true && request.jobs.length > 1
        ? new UserError(error.message, `To compare with the peel ${safe(text)}, use --diff=${safe(text)}.`)
        : error;
    });
  };
  const failures: UserError[] = [];
  const warnings: string[] = [];
  const jids = new Set<string>();
  const peels = new Set<string>();
  let of = 0;
  let wider: string | undefined;
  let unmatched: readonly string[] | undefined;
  let isSelected = false;
  let omitted: string | undefined;
  for await (const one of inOrder([...new Set(request.jobs)], attempt)) {
    if (one instanceof UserError) {
      // A missing permission has the same message for each job.
      if (!failures.some(({ message }) => message === one.message)) failures.push(one);
    } else if (!jids.has(one.jid)) {
      if (ids) warnings.push(...one.warnings);
      else sink.add(viewOf(one, jids.size, request), one.warnings);
      jids.add(one.jid);
      if (ids || request.failIfEmpty) for (const { peel } of one.peels()) peels.add(peel);
      of += one.of;
      wider ??= one.wider;
      unmatched = unmatched ? unmatched.filter((pattern) => one.unmatched?.includes(pattern)) : one.unmatched;
      if (unmatched?.length) isSelected ||= one.peels().length > 0;
      if (request.jobs.length === 1) omitted = one.omitted;
    }
  }
  const none = noneWords(selection, of, wider);
  // If no peel is selected at all, that is said instead.
  if (unmatched?.length && isSelected) warnings.push(`no peel matches --peel ${safe(firstOf(unmatched, 3))}.`);
  const isShown = jids.size > 0 || request.jobs.length > 1;
  const shown = ids ? await peelIds(request, peels) : sink;
  return {
    shown: isShown ? shown : undefined,
    selected: { size: peels.size, none },
    warnings,
    failures,
    say: selection && ids && peels.size === 0 ? none : omitted,
  };
}

export default question({
  meta: {
    description: "show the record of a job and the returns of its peels",
    group: "Inspect",
    flagsElsewhere: { ...selectFirst, f: WATCH, follow: WATCH, w: WATCH, watch: WATCH },
    renamed: { full: "--all", "all-peels": "--all", "diff-with": "--diff=<peel>" },
    details:
      "Without flags: the record and the returns, as stored. --summary and --output also show peels without a return, and late returns.",
    notes:
      "--summary: peels with the same state, changed results and similar errors share a row. --output: peels with the same output form a group, whatever their durations; the largest ok group is last.",
    example: "zester job show @last-bad --summary",
  },
  args,
  only: { summary: ["text"], output: ["text"], fold: ["text"], "as-target": ["text"] },
  parse,
  answerOf,
});
