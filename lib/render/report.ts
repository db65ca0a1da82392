// `job report`: the page about one job or several. Pure; the clock is an argument.
import { asText, mapOf, Timestamp } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import { medianTook } from "../model/durations.ts";
import { isPlainJid, isPlainPeel } from "../model/jid.ts";
import { displayState, isActive, isTerminal, RETRY_OF_KEY, sourceWords } from "../model/job.ts";
import type { PeelDiff } from "../model/job-diff.ts";
import { doneOf, whyOf } from "../model/job-end.ts";
import { LineDiffs, unifiedLines } from "../model/line-diff.ts";
import { outcomeGroups } from "../model/outcome-groups.ts";
import { hasOutput, type OutputGroup, outputGroups, usualGroup } from "../model/output-groups.ts";
import { displayPeel, sortedByPeel } from "../model/peel.ts";
import { needsAgain } from "../model/peel-selection.ts";
import { type PeelState, statesPresent } from "../model/peel-state.ts";
import { mayHaveRun } from "../model/retry.ts";
import type { PeelStory } from "../model/story.ts";
import { stuckHint, stuckWords } from "../model/stuck.ts";
import { named, nextCommand } from "../program.ts";
import { count, plural, safe, shorten, shortenMiddle } from "../text.ts";
import { nsOf } from "../time.ts";
import { furtherArguments, wholeCall } from "./call.ts";
import { cancelerOf, DRY_RUN, ignoredWords, retriesWords, type Telling, tookOf, wasDryRun } from "./facts.ts";
import { changeRows, differencesOf, NO_DIFF, outputLine } from "./job-diff.ts";
import { peelNames } from "./names.ts";
import { comparedLines, outputLines, resultsWords } from "./output.ts";
import type { Block, Line, Page, PageColumn, PageRow, Word, Words } from "./page.ts";
import { eventRuns, eventWords } from "./story.ts";
import { changedCounts, outcomeWords, tookWords, whatText } from "./summary.ts";
import { timelineOf } from "./timeline.ts";

/** A job, and which parts of it could not be read. */
export interface ReportedJob extends Telling {
  readonly gaps: readonly string[];
}

/** The jobs of a report, and how it was made. */
export interface Report {
  /** At least one. */
  readonly jobs: readonly ReportedJob[];
  /** The peels of both jobs, if there are two with the same function, which are compared. */
  readonly diffs: readonly PeelDiff[] | undefined;
  readonly redacted: boolean;
  readonly version: string;
  /** By the server's clock. */
  readonly now: Date;
}

/** Bytes of outputs in a page, and those of one group, as HTML; the same for differences. */
const BYTES = { all: 500_000, group: 24_000 } as const;
/** Groups of outputs, rows of tables and changes in one, and columns of names and other texts. */
const MOST_SHOWN = {
  groups: 150,
  rows: 100,
  changes: 10,
  names: 300,
  cell: 500,
  text: 1_500,
  line: 4_000,
  state: 30,
} as const;

const data = (text: string, most: number = MOST_SHOWN.text): Word => ({ data: shortenMiddle(safe(text), most) });
const prose = (text: string): Word => ({ data: shortenMiddle(safe(text), MOST_SHOWN.text), prose: true });
const cell = (text: string): Words => (text === "" ? [] : [data(text, MOST_SHOWN.cell)]);
const names = (peels: readonly { readonly peel: string }[], most: number = MOST_SHOWN.names): Word => ({
  data: peelNames(peels, most),
});
/** A state, which may be any text. */
const stateWord = (state: string): Word => ({ state: shorten(safe(state), MOST_SHOWN.state) });

const text = (...words: Word[]): Block => ({ kind: "text", words });
const details = (title: Words, blocks: readonly Block[], open = false) =>
  ({ kind: "details", title, open, blocks }) satisfies Block;
/** @param id unique in the page, of letters, digits and `-`; without blocks there is no section */
const section = (id: string, title: Words, blocks: readonly Block[]): Block[] =>
  blocks.length === 0 ? [] : [{ kind: "section", id, title, blocks }];

/** A table, and the number of omitted rows. @param noun of a row @param all the command that shows all */
function cutTable(columns: readonly PageColumn[], rows: readonly PageRow[], noun: string, all: Words): Block[] {
  const rest = rows.length - MOST_SHOWN.rows;
  const table: Block = { kind: "table", columns, rows: rows.slice(0, MOST_SHOWN.rows) };
  return rest <= 0 ? [table] : [table, text(plural(rest, `more ${noun}`), ...all)];
}

/** The bytes for each of `groups` groups of lines. @param share 2: half of the page is for others */
const bytesOfEach = (groups: number, share: number) =>
  Math.min(BYTES.group, BYTES.all / share / Math.min(MOST_SHOWN.groups, Math.max(1, groups)));

/** The lines that fit into `bytes`, and a line about the others. @param all the command that shows all */
function cutLines(lines: readonly Line[], bytes: number, all: Words, isDiff: boolean): Block[] {
  const shown: Line[] = [];
  let left = bytes;
  for (const line of lines) {
    const short = { ...line, text: shorten(line.text, MOST_SHOWN.line) };
    left -= Buffer.byteLength(Bun.escapeHTML(short.text)) + 1;
    if (left < 0) break;
    shown.push(short);
  }
  const rest = lines.length - shown.length;
  const isCut = shown.some(({ text }, i) => text !== lines[i]?.text);
  const words = [rest > 0 && plural(rest, "more line"), isCut && "long lines are cut"].filter(Boolean);
  return [{ kind: "lines", lines: shown, isDiff }, ...(words.length > 0 ? [text(words.join("; "), ...all)] : [])];
}

/** RFC 3339 with milliseconds. */
const instant = (time: Timestamp) => String(time).replace(/(\.\d{3})\d*Z$/, "$1Z");

const stateOf = ({ row }: Telling) => stateWord(displayState(row));
const callWords = ({ job, row }: Telling, most = 120): Word => ({ data: shortenMiddle(wholeCall(job, row), most) });
const command = (words: string): Word => ({ command: nextCommand(`zester job ${words}`) ?? "" });

/** `: <command> shows all`; empty when an ID is not safe in a shell. */
const shownBy = (words: string, ...jobs: Telling[]): Words =>
  jobs.every(({ row }) => isPlainJid(row.jid)) ? [": ", command(words), " shows all"] : [];

const groupColumns = (title: string): PageColumn[] => [
  { title },
  { title: "Peels", right: true },
  { title: "Where", wide: true },
  { title: "What", wide: true },
];

function leadOf(job: Telling, now: Date): Words {
  const { row, story } = job;
  const took = tookOf(job, now);
  const after = took === undefined ? "" : `${isTerminal(row.status) ? " after" : " for"} ${formatDuration(took)}`;
  const { peels } = story;
  const isOpen = isActive(row.status);
  const done = isOpen ? `${count(doneOf(job))} of ` : "";
  const counts = peels.length > 0 ? `: ${changedCounts(peels, outcomeGroups(peels, peels))}` : "";
  return [stateOf(job), `${after}. ${done}${plural(peels.length, "peel")}${isOpen ? " done" : ""}${counts}.`];
}

/** Metadata that no other fact shows. */
function metadataText({ job }: Telling): string | undefined {
  const metadata = job.get("metadata");
  if (!(metadata instanceof Map)) return undefined;
  const pairs = [...metadata].filter(([key]) => key !== RETRY_OF_KEY && key !== "failed_reason");
  return pairs.map(([key, value]) => `${key}=${asText(value) ?? "…"}`).join(" ");
}

function factsOf(job: Telling, now: Date): Block {
  const { row, story, stuck } = job;
  const { peels, steps } = story;
  const dispatched = steps.find(({ kind }) => kind === "dispatch");
  const took = tookOf(job, now);
  const ended = isTerminal(row.status);
  const time = (at: Timestamp | undefined) => at && [instant(at)];
  const value = (content: string | undefined) => (content ? [data(content)] : undefined);
  const sentence = (content: string | undefined) => (content ? [prose(content)] : undefined);
  const facts = mapOf<Words>({
    Job: [{ data: safe(row.jid) }],
    Function: [callWords(job, MOST_SHOWN.text)],
    Arguments: value(furtherArguments(job.job, row)),
    Target: value(row.targetExpr),
    Peels: peels.length > 0 ? [`${count(peels.length)}: `, names(peels)] : ["0"],
    User: value(row.user),
    Source: sentence(sourceWords(job.job)),
    Master: value(row.owner),
    Metadata: value(metadataText(job)),
    "Retry of": value(row.retryOf),
    "Retried as": sentence(retriesWords(job.retries ?? [])),
    Created: time(row.created),
    Dispatched: dispatched && time(Timestamp.at(dispatched.storedNs)),
    Ended: ended ? time(row.updated) : undefined,
    [ended ? "Duration" : "Elapsed"]: took === undefined ? undefined : [formatDuration(took)],
    Deadline: isActive(row.status) ? time(row.deadline) : undefined,
    State: [stateOf(job)],
    Reason: sentence(whyOf(job) ?? cancelerOf(job)),
    Stuck: stuck && [prose(`${stuckWords(stuck)}. ${stuckHint(stuck)}`)],
    "Peels took": sentence(tookWords(peels)),
    Messages: sentence(ignoredWords(story.ignored)),
  });
  return { kind: "facts", facts: [...facts] };
}

/** The meaning of the states of peels. */
const STATES: Partial<Record<PeelState, string>> = {
  unreadable: "returned, and the stored return cannot be decoded",
  unreachable: "was marked unreachable by the master, which had no ack; it may have run the job",
  late: "returned after the master had marked it unreachable, or after the job ended",
  offline: "has not accepted the job, and has no heartbeat",
  silent: "has not accepted the job",
  unfinished: "accepted the job, which ended without its return",
  missing: "has not returned; whether it accepted the job is unknown",
  queued: "accepted the job, and has not returned an earlier one",
  executing: "accepted the job and has not returned",
};

function outcomesOf(job: Telling): Block[] {
  const { peels } = job.story;
  if (peels.length === 0) return [];
  const rows = outcomeGroups(peels, peels).map((group): Words[] => [
    [{ state: group.state }, outcomeWords(group).slice(group.state.length)],
    [count(group.peels.length)],
    [names(group.peels)],
    cell(whatText(group, MOST_SHOWN.changes)),
  ]);
  const meanings = statesPresent(peels).flatMap(([state]) => {
    const words = STATES[state];
    return words === undefined ? [] : text({ state }, `: the peel ${words}.`);
  });
  const all = shownBy(`show ${job.row.jid} --summary`, job);
  return [...cutTable(groupColumns("Outcome"), rows, "outcome", all), ...meanings];
}

const diffLine = (line: string): Line => (/^[+-]/.test(line) ? { text: line, sign: line.slice(0, 1) } : { text: line });

const DIFF_HEAD = /^ {2}(?:diff|changes):$/;

/** The lines of a peel's output; those of its diffs have their signs. */
function peelLines(peel: PeelStory, times: boolean): Line[] {
  let inDiff = false;
  return outputLines(peel, { color: false, times }).map((line) => {
    const text = line.slice(2);
    inDiff = DIFF_HEAD.test(text) || (inDiff && (text === "" || text.startsWith("    ")));
    return inDiff ? { ...diffLine(text.trimStart()), text } : { text };
  });
}

const hasReturned = ({ peels: [peel] }: OutputGroup) => peel?.returned !== undefined && !peel.returned.unreachable;

/** Outputs in groups, each with its difference from the output of most peels. @param share as in bytesOfEach */
function outputsOf(job: Telling, share: number): Block[] {
  const showAll = `show ${job.row.jid} --output --all`;
  const groups = outputGroups(sortedByPeel(job.story.peels)).filter(hasReturned);
  const usual = usualGroup(groups);
  const diffs = new LineDiffs();
  const bytes = bytesOfEach(groups.length, share);
  const linesOf = (lines: readonly Line[], { peel }: PeelStory, isDiff = false) => {
    const name = displayPeel(peel);
    return cutLines(lines, bytes, isPlainPeel(name) ? shownBy(`${showAll} --peel '${name}'`, job) : [], isDiff);
  };
  const difference = (group: OutputGroup, peel: PeelStory) => {
    if (!usual || usual.output === group.output || !hasOutput(group)) return [];
    const hunks = diffs.between(comparedLines(usual), comparedLines(group));
    if (!hunks || hunks.length === 0) return [];
    const lines = unifiedLines(hunks).map(diffLine);
    return [details(["Difference from ", names(usual.peels, 80)], linesOf(lines, peel, true))];
  };
  const shown = groups.slice(0, MOST_SHOWN.groups).map((group, i) => {
    const { peels, state } = group;
    const [peel] = peels as readonly [PeelStory];
    const median = medianTook(peels);
    const isOne = peels.length === 1;
    const words = [
      isOne ? "" : plural(peels.length, "peel"),
      median === undefined ? "" : `${isOne ? "took" : "median"} ${formatDuration(median)}`,
      resultsWords(peel),
    ].filter(Boolean);
    const title = [{ state }, " ", names(peels, 200), words.length > 0 ? ` · ${words.join(" · ")}` : ""];
    const lines = peelLines(peel, isOne);
    const blocks = lines.length === 0 ? [text("No output.")] : [...linesOf(lines, peel), ...difference(group, peel)];
    return details(title, blocks, i === 0 && state !== "ok");
  });
  const rest = groups.slice(MOST_SHOWN.groups).flatMap(({ peels }) => peels);
  if (rest.length === 0) return shown;
  return [...shown, text(`${plural(rest.length, "more peel")}: `, names(rest), ...shownBy(showAll, job))];
}

const EVENT_COLUMNS: readonly PageColumn[] = [
  { title: "After" },
  { title: "Event" },
  { title: "Peel", wide: true },
  { title: "Detail", wide: true },
];

/** What follows a state: how it was returned, then a text of the peel. */
const AFTER_STATE = /^((?:, (?:ok|failed))?(?:, took [^:]*)?(?:: )?)(.*)$/s;

function eventDetail(run: Parameters<typeof eventWords>[0]): Words {
  const { detail, state } = eventWords(run);
  if (state === "" || !detail.startsWith(state)) return run[0].kind === "ack" ? [detail] : cell(detail);
  const [, ours = "", foreign = ""] = AFTER_STATE.exec(detail.slice(state.length)) ?? [];
  return [stateWord(state), ours, ...cell(foreign)];
}

function eventsOf(job: Telling): Block[] {
  const rows = Array.from(eventRuns(job.story.steps), (run): Words[] => {
    const { after, event, peels } = eventWords(run);
    return [[after], [safe(event)], peels.length > 0 ? [names(peels, 200)] : [], eventDetail(run)];
  });
  if (rows.length === 0) return [text("No event is stored.")];
  return cutTable(EVENT_COLUMNS, rows, "row", shownBy(`trace ${job.row.jid}`, job));
}

/** Matches a text that single quotes make safe in a shell, that is not a flag, and in which nothing is redacted. */
const GREPPED = /^(?!.*\[redacted\])[A-Za-z0-9/][\x20-\x26\x28-\x7e]{3,79}$/;

function nextSteps({ row, story }: Telling): Block[] {
  const { jid, retryOf, status } = row;
  if (!isPlainJid(jid)) return [];
  const again = story.peels.filter(needsAgain);
  const failedOnly = again.every(({ state }) => state === "failed");
  const doubtful = again.filter(mayHaveRun).length;
  const doubt = doubtful > 0 ? `, ${count(doubtful)} of which may have run it` : "";
  const failed = story.peels.find(({ state }) => state === "failed");
  const error = failed?.returned?.error?.split("\n")[0]?.trim() ?? "";
  const all: (readonly [string, string] | false)[] = [
    isTerminal(status) &&
      again.length > 0 && [
        `retry ${jid} --${failedOnly ? "failed" : "bad"}`,
        `run it again on ${plural(again.length, "peel")}${doubt}; asks first`,
      ],
    !isTerminal(status) && [`watch ${jid}`, "follow it to its end"],
    [`show ${jid} --summary`, "the outcomes, with what is known now"],
    again.some(({ returned }) => returned) && [
      `show ${jid} --output --all --bad`,
      "all output of the peels that did not return ok",
    ],
    [`trace ${jid}`, "each peel and event"],
    GREPPED.test(error) && [`grep '${error}' --since 7d`, "the same error in other jobs"],
    retryOf !== undefined && isPlainJid(retryOf) && [`diff ${retryOf} ${jid}`, "compare with the first run"],
  ];
  const commands = all.flatMap((one): [string, string][] => {
    const command = one && nextCommand(`zester job ${one[0]}`);
    return command ? [[command, one[1]]] : [];
  });
  return [{ kind: "commands", commands }];
}

/** The sections about one job, below their heading. @param prefix of their ids @param share as in bytesOfEach */
function sectionsOf(job: ReportedJob, prefix: string, share: number, now: Date): Block[] {
  const { row, story, gaps } = job;
  const timeline = timelineOf(story, row, nsOf(now));
  const notes = [...(wasDryRun(story) ? [`${DRY_RUN}.`] : []), ...gaps];
  const events = details([plural(story.steps.length, "event")], eventsOf(job));
  return [
    ...section(
      `${prefix}summary`,
      ["Summary"],
      [...notes.map((words): Block => ({ kind: "note", words: [prose(words)] })), factsOf(job, now)],
    ),
    ...section(`${prefix}outcomes`, ["Outcomes"], outcomesOf(job)),
    ...section(`${prefix}timeline`, ["Timeline"], timeline ? [{ kind: "timeline", timeline }] : []),
    ...section(`${prefix}output`, ["Output"], outputsOf(job, share)),
    ...section(`${prefix}events`, ["Events"], [events]),
    ...section(`${prefix}next`, ["Next steps"], nextSteps(job)),
  ];
}

const OVERVIEW_COLUMNS = ["Job", "Function", "Target", "User", "Created", "State", "Peels"].map((title) => ({ title }));

function jobsTable(jobs: readonly ReportedJob[], now: Date): Block {
  const rows = jobs.map((job, i): Words[] => {
    const { row, story } = job;
    const took = tookOf(job, now);
    const value = (text: string | undefined): Words => [text ? data(text, 60) : "-"];
    return [
      [{ data: safe(row.jid), to: `job-${i + 1}` }],
      [callWords(job, 60)],
      value(row.targetExpr),
      value(row.user),
      [row.created ? instant(row.created) : "-"],
      [stateOf(job), took === undefined ? "" : ` ${formatDuration(took)}`],
      [changedCounts(story.peels, []) || "0"],
    ];
  });
  return { kind: "table", columns: OVERVIEW_COLUMNS, rows };
}

function comparisonOf({ jobs: [before, after], diffs }: Report): Block[] {
  if (!before || !after || !diffs) return [];
  const rows = changeRows(diffs).map(({ change, peels, what }): Words[] => [
    [change],
    [count(peels.length)],
    [names(peels)],
    cell(what),
  ]);
  const line = outputLine(diffs).trim();
  const all = shownBy(`diff ${before.row.jid} ${after.row.jid}`, before, after);
  const differences = differencesOf(diffs);
  const bytes = bytesOfEach(differences.length, 2);
  const shown = differences.slice(0, MOST_SHOWN.groups).map(({ lines, peels }) => {
    const blocks = cutLines((lines ?? [NO_DIFF]).map(diffLine), bytes, all, true);
    return details([names(peels, 200), ` · ${plural(peels.length, "peel")}`], blocks);
  });
  const others = differences.length - shown.length;
  return [
    text("From ", { data: safe(before.row.jid) }, " to ", { data: safe(after.row.jid) }, "."),
    ...(rows.length > 0 ? cutTable(groupColumns("Change"), rows, "change", all) : [text("No peel changed its state.")]),
    ...(line === "" ? [] : [text(`${line[0]?.toUpperCase()}${line.slice(1)}.`)]),
    ...shown,
    ...(others > 0 ? [text(`${plural(others, "more difference")}`, ...all)] : []),
  ];
}

export function reportPage(report: Report): Page {
  const { jobs, redacted, version, now } = report;
  const [only] = jobs as readonly [ReportedJob];
  const foot: Words[] = [
    ["Made by ", { command: named("zester job report") }, ` ${version} at ${now.toISOString()}.`],
    [redacted ? "Values that look like secrets are redacted." : "Secrets are not redacted."],
  ];
  if (jobs.length === 1)
    return { title: [callWords(only)], lead: leadOf(only, now), blocks: sectionsOf(only, "", 1, now), foot };
  const blocks = [
    ...section("jobs", ["Jobs"], [jobsTable(jobs, now)]),
    ...section("diff", ["Comparison"], comparisonOf(report)),
    ...jobs.flatMap((job, i) => {
      const id = `job-${i + 1}`;
      const about = [text(...leadOf(job, now)), ...sectionsOf(job, `${id}-`, jobs.length, now)];
      return section(id, [`Job ${i + 1}: `, callWords(job)], about);
    }),
  ];
  const lead = [...Map.groupBy(jobs, ({ row }) => displayState(row))].flatMap(
    ([state, { length }], i): Words => [`${i > 0 ? ", " : ""}${count(length)} `, stateWord(state)],
  );
  return { title: [plural(jobs.length, "job")], lead, blocks, foot };
}
