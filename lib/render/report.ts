// `job report`: what a page says about one job or several. Pure; the clock is an argument.
import { asText, Timestamp } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import { medianTook } from "../model/durations.ts";
import { isPlainJid, isPlainPeel } from "../model/jid.ts";
import { displayState, isActive, isTerminal, type JobRow, RETRY_OF_KEY, sourceWords } from "../model/job.ts";
import type { PeelDiff } from "../model/job-diff.ts";
import { whyOf } from "../model/job-end.ts";
import { LineDiffs, unifiedLines } from "../model/line-diff.ts";
import { outcomeGroups } from "../model/outcome-groups.ts";
import { hasOutput, type OutputGroup, outputGroups, usualGroup } from "../model/output-groups.ts";
import { displayPeel, sortedByPeel } from "../model/peel.ts";
import { type PeelState, statesPresent } from "../model/peel-state.ts";
import { needsAgain } from "../model/retry.ts";
import { countDone } from "../model/returns.ts";
import type { PeelStory } from "../model/story.ts";
import { stuckHint, stuckWords } from "../model/stuck.ts";
import { named } from "../program.ts";
import { count, plural, safe, shorten, shortenMiddle } from "../text.ts";
import { furtherArguments, wholeCall } from "./call.ts";
import { cancelerOf, DRY_RUN, ignoredWords, retriesWords, type Telling, tookOf, wasDryRun } from "./facts.ts";
import { comparedLines } from "./groups.ts";
import { changeRows, differencesOf, NO_DIFF, outputLine } from "./job-diff.ts";
import { peelNames } from "./names.ts";
import { outputLines, resultsWords } from "./output.ts";
import type { Block, Line, Page, PageTable, Section, Word, Words } from "./page.ts";
import { eventRuns, eventWords } from "./story.ts";
import { changedCounts, outcomeWords, tookWords, whatText } from "./summary.ts";
import { timelineOf } from "./timeline.ts";

/** A job, and what could not be read of it. */
export interface ReportedJob extends Telling {
  readonly gaps: readonly string[];
}

/** What a report is about, and how it was made. */
export interface Report {
  /** One at least. */
  readonly jobs: readonly ReportedJob[];
  /** The peels of the first job and the second, where two of the same function are compared. */
  readonly diffs: readonly PeelDiff[] | undefined;
  readonly redacted: boolean;
  readonly version: string;
  readonly nowNs: bigint;
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
const dataWords = (text: string): Words => (text === "" ? [] : [data(text, MOST_SHOWN.cell)]);
const prose = (text: string): Word => ({ data: shortenMiddle(safe(text), MOST_SHOWN.text), prose: true });
const names = (peels: readonly { readonly peel: string }[], most: number = MOST_SHOWN.names): Word => ({
  data: peelNames(peels, most),
});
/** A state, which may be any text. */
const stateWord = (state: string): Word => ({ state: shorten(safe(state), MOST_SHOWN.state) });
const stateOf = (row: JobRow) => stateWord(displayState(row));
const command = (words: string): Word => ({ command: named(`zester job ${words}`) });

/** RFC 3339 with milliseconds. */
const instant = (time: Timestamp) => String(time).replace(/(\.\d{3})\d*Z$/, "$1Z");

/** A JID for a command; undefined for one that a shell could take for something else. */
const argumentOf = ({ row }: Telling) => (isPlainJid(row.jid) ? row.jid : undefined);

const text = (...words: Word[]): Block => ({ kind: "text", words });
const note = (...words: Word[]): Block => ({ kind: "note", words });

/** A table, and how many rows it lacks. @param noun of a row @param all the command that has all */
function cutTable(
  columns: PageTable["columns"],
  rows: readonly (readonly Words[])[],
  noun: string,
  all: Words,
): Block[] {
  const rest = rows.length - MOST_SHOWN.rows;
  const shown: Block = { kind: "table", table: { columns, rows: rows.slice(0, MOST_SHOWN.rows) } };
  return rest <= 0 ? [shown] : [shown, text(`${count(rest)} more ${noun}${rest === 1 ? "" : "s"}`, ...all)];
}

const groupColumns = (title: string): PageTable["columns"] => [
  { title },
  { title: "Peels", right: true },
  { title: "Where", wide: true },
  { title: "What", wide: true },
];

/** `: <command> shows all`, where the ID can stand in a command. */
const shownBy = (job: Telling, before: string, after = ""): Words => {
  const jid = argumentOf(job);
  return jid === undefined ? [] : [": ", command(`${before} ${jid}${after}`), " shows all"];
};

/** Bytes of a text in HTML. */
const cost = (line: string) => Buffer.byteLength(Bun.escapeHTML(line)) + 1;

/** The lines that `bytes` have room for, and what is left out. @param all the command that shows it */
function cutLines(lines: readonly Line[], bytes: number, all: Words, isDiff: boolean): Block[] {
  const shown: Line[] = [];
  let left = bytes;
  for (const line of lines) {
    const cut = { ...line, text: shorten(line.text, MOST_SHOWN.line) };
    left -= cost(cut.text);
    if (left < 0) break;
    shown.push(cut);
  }
  const rest = lines.length - shown.length;
  const isCut = shown.some(({ text }, i) => text !== lines[i]?.text);
  const words = [rest > 0 ? plural(rest, "more line") : "", isCut ? "long lines are cut" : ""].filter(Boolean);
  return [{ kind: "lines", lines: shown, isDiff }, ...(words.length > 0 ? [text(words.join("; "), ...all)] : [])];
}

const diffLine = (line: string): Line =>
  line.startsWith("+") || line.startsWith("-") ? { text: line, sign: line[0] as "+" | "-" } : { text: line };

const DIFF_HEAD = /^ {2}(?:diff|changes):$/;

/** The lines of a peel's output; those of its diffs have their signs. */
function peelLines(peel: PeelStory, times: boolean): Line[] {
  let inDiff = false;
  return outputLines(peel, { color: false, times }).map((line) => {
    const shown = line.slice(2);
    inDiff = DIFF_HEAD.test(shown) || (inDiff && (shown === "" || shown.startsWith("    ")));
    const { sign } = diffLine(inDiff ? shown.trimStart() : "");
    return { text: shown, ...(sign && { sign }) };
  });
}

function leadOf(job: ReportedJob, now: Date): Words {
  const { row, story } = job;
  const took = tookOf(job, now);
  const after = took === undefined ? "" : `${isTerminal(row.status) ? " after" : " for"} ${formatDuration(took)}`;
  const { peels } = story;
  const isOpen = isActive(row.status);
  const done = isOpen ? `${count(countDone(peels))} of ` : "";
  const counts = peels.length > 0 ? `: ${changedCounts(peels, outcomeGroups(peels, peels))}` : "";
  return [stateOf(row), `${after}. ${done}${plural(peels.length, "peel")}${isOpen ? " done" : ""}${counts}.`];
}

const KNOWN_METADATA: ReadonlySet<string> = new Set([RETRY_OF_KEY, "failed_reason"]);

function metadataText({ job }: Telling): string | undefined {
  const metadata = job.get("metadata");
  if (!(metadata instanceof Map)) return undefined;
  const pairs = [...metadata].filter(([key]) => !KNOWN_METADATA.has(key));
  return pairs.map(([key, value]) => `${key}=${asText(value) ?? "…"}`).join(" ");
}

function factsOf(job: ReportedJob, now: Date): Block {
  const { row, story, stuck } = job;
  const { peels, steps } = story;
  const dispatched = steps.find(({ kind }) => kind === "dispatch");
  const took = tookOf(job, now);
  const ended = isTerminal(row.status);
  const time = (at: Timestamp | undefined) => at && [instant(at)];
  const value = (content: string | undefined): Words | undefined => (content ? [data(content)] : undefined);
  const sentence = (content: string | undefined): Words | undefined => (content ? [prose(content)] : undefined);
  const facts: [string, Words | undefined][] = [
    ["Job", [{ data: safe(row.jid) }]],
    ["Function", [callWords(job, MOST_SHOWN.text)]],
    ["Arguments", value(furtherArguments(job.job, row))],
    ["Target", value(row.targetExpr)],
    ["Peels", peels.length > 0 ? [`${count(peels.length)}: `, names(peels)] : ["0"]],
    ["User", value(row.user)],
    ["Source", sentence(sourceWords(job.job))],
    ["Master", value(row.owner)],
    ["Metadata", value(metadataText(job))],
    ["Retry of", value(row.retryOf)],
    ["Retried as", sentence(retriesWords(job.retries ?? []))],
    ["Created", time(row.created)],
    ["Dispatched", dispatched && [instant(Timestamp.at(dispatched.storedNs))]],
    ["Ended", ended ? time(row.updated) : undefined],
    [ended ? "Took" : "Elapsed", took === undefined ? undefined : [formatDuration(took)]],
    ["Deadline", isActive(row.status) ? time(row.deadline) : undefined],
    ["State", [stateOf(row)]],
    ["Reason", sentence(whyOf(job) ?? cancelerOf(job))],
    ["Stuck", stuck && [prose(`${stuckWords(stuck)}. ${stuckHint(stuck)}`)]],
    ["Peels took", sentence(tookWords(peels))],
    ["Messages", sentence(ignoredWords(story.ignored))],
  ];
  return {
    kind: "facts",
    facts: facts.filter((fact): fact is [string, Words] => fact[1] !== undefined),
  };
}

/** What the states of peels mean, for those who do not know the words. */
const STATES: Partial<Record<PeelState, string>> = {
  unreadable: "returned, and the stored return cannot be decoded",
  unreachable: "was marked unreachable by the master, which had no ack within 10 s; it may have run the job",
  late: "returned after the master had marked it unreachable, or after the job ended",
  offline: "is silent and has no heartbeat",
  silent: "has not accepted the job",
  unfinished: "accepted the job, which ended without its return",
  missing: "has not returned; whether it accepted the job is unknown",
  queued: "accepted the job, and has not returned an earlier one",
  executing: "accepted the job and has not returned",
};

function outcomesOf(job: ReportedJob): Block[] {
  const { peels } = job.story;
  const groups = outcomeGroups(peels, peels);
  const rows = groups.map((group): Words[] => [
    [{ state: group.state }, outcomeWords(group).slice(group.state.length)],
    [count(group.peels.length)],
    [names(group.peels)],
    dataWords(whatText(group, MOST_SHOWN.changes)),
  ]);
  const meanings = statesPresent(peels).flatMap(([state]) => {
    const words = STATES[state];
    return words === undefined ? [] : [text({ state }, `: the peel ${words}.`)];
  });
  return [...cutTable(groupColumns("Outcome"), rows, "outcome", shownBy(job, "show", " --summary")), ...meanings];
}

const ALL_OUTPUT = " --output --all";

class Outputs {
  readonly #diffs = new LineDiffs();
  readonly #groups: readonly OutputGroup[];
  readonly #usual: OutputGroup | undefined;
  readonly #bytes: number;

  /** @param share of the page's bytes for outputs, in the share of one job */
  constructor(
    readonly job: ReportedJob,
    share: number,
  ) {
    this.#groups = outputGroups(sortedByPeel(job.story.peels)).filter(hasReturned);
    this.#usual = usualGroup(this.#groups);
    this.#bytes = Math.min(
      BYTES.group,
      BYTES.all / share / Math.min(MOST_SHOWN.groups, Math.max(1, this.#groups.length)),
    );
  }

  blocks(): Block[] {
    const shown = this.#groups.slice(0, MOST_SHOWN.groups);
    const rest = this.#groups.slice(MOST_SHOWN.groups).flatMap(({ peels }) => peels);
    return [
      ...shown.map((group, i) => this.#group(group, i === 0 && group.state !== "ok")),
      ...(rest.length > 0
        ? [text(`${plural(rest.length, "more peel")}: `, names(rest), ...shownBy(this.job, "show", ALL_OUTPUT))]
        : []),
    ];
  }

  #group(group: OutputGroup, open: boolean): Block {
    const { peels, state } = group;
    const [peel] = peels as readonly [PeelStory];
    const median = medianTook(peels);
    const isOne = peels.length === 1;
    const words = [
      isOne ? "" : plural(peels.length, "peel"),
      median === undefined ? "" : `${isOne ? "took" : "median"} ${formatDuration(median)}`,
      resultsWords(peel),
    ].filter(Boolean);
    const lines = peelLines(peel, isOne);
    return {
      kind: "details",
      title: [{ state }, " ", names(peels, 200), words.length > 0 ? ` · ${words.join(" · ")}` : ""],
      open,
      blocks: lines.length === 0 ? [text("No output.")] : [...this.#lines(lines, peel), ...this.#difference(group)],
    };
  }

  #lines(lines: readonly Line[], { peel }: PeelStory, isDiff = false): Block[] {
    const name = displayPeel(peel);
    const all = isPlainPeel(name) ? shownBy(this.job, "show", `${ALL_OUTPUT} --peel '${name}'`) : [];
    return cutLines(lines, this.#bytes, all, isDiff);
  }

  /** What differs from the output of most peels. */
  #difference(group: OutputGroup): Block[] {
    const usual = this.#usual;
    if (!usual || usual.output === group.output || !hasOutput(group)) return [];
    const hunks = this.#diffs.between(comparedLines(usual), comparedLines(group));
    if (!hunks || hunks.length === 0) return [];
    const title: Words = ["Difference from ", names(usual.peels, 80)];
    const lines = unifiedLines(hunks).map(diffLine);
    return [{ kind: "details", title, open: false, blocks: this.#lines(lines, group.peels[0] as PeelStory, true) }];
  }
}

const hasReturned = ({ peels: [peel] }: OutputGroup) => peel?.returned !== undefined && !peel.returned.unreachable;

const EVENT_COLUMNS: PageTable["columns"] = [
  { title: "After" },
  { title: "Event" },
  { title: "Peel", wide: true },
  { title: "Detail", wide: true },
];

function eventsOf(job: ReportedJob): Block[] {
  const rows = Array.from(eventRuns(job.story.steps), (run): Words[] => {
    const { after, event, peels, detail, state } = eventWords(run);
    const rest = detail.startsWith(state) ? detail.slice(state.length) : detail;
    return [
      [after],
      [safe(event)],
      peels.length > 0 ? [names(peels, 200)] : [],
      state !== "" && rest !== detail
        ? [stateWord(state), ...tail(rest)]
        : run[0].kind === "ack"
          ? [detail]
          : dataWords(detail),
    ];
  });
  if (rows.length === 0) return [text("No event is stored.")];
  return cutTable(EVENT_COLUMNS, rows, "row", shownBy(job, "trace"));
}

/** What follows a state: how it was returned, then a text of the peel. */
const tail = (rest: string): Words => {
  const [, ours = "", foreign = ""] = /^((?:, (?:ok|failed))?(?:, took [^:]*)?(?:: )?)(.*)$/s.exec(rest) ?? [];
  return foreign === "" ? [ours] : [ours, data(foreign, MOST_SHOWN.cell)];
};

/** Texts that a shell takes as they are in single quotes, that are no flag, and have nothing redacted. */
const GREPPED = /^(?!.*\[redacted\])[A-Za-z0-9/][\x20-\x26\x28-\x7e]{3,79}$/;

function nextCommands(job: ReportedJob): (readonly [string, string])[] {
  const jid = argumentOf(job);
  if (jid === undefined) return [];
  const { row, story } = job;
  const again = story.peels.filter(needsAgain);
  const states = new Set(again.map(({ state }) => state));
  const failedOnly = states.size === 1 && states.has("failed");
  const error =
    story.peels
      .find(({ state }) => state === "failed")
      ?.returned?.error?.split("\n")[0]
      ?.trim() ?? "";
  const all: (readonly [string, string] | false)[] = [
    isTerminal(row.status) &&
      again.length > 0 && [
        `retry ${jid} --${failedOnly ? "failed" : "bad"}`,
        `run it again on ${plural(again.length, "peel")}; asks first`,
      ],
    !isTerminal(row.status) && [`watch ${jid}`, "follow it to its end"],
    [`show ${jid} --summary`, "the outcomes, with what is known now"],
    again.some(({ returned }) => returned) && [
      `show ${jid}${ALL_OUTPUT} --bad`,
      "all output of the peels that are not ok",
    ],
    [`trace ${jid}`, "each peel and event"],
    GREPPED.test(error) && [`grep '${error}' --since 7d`, "the same error in other jobs"],
    row.retryOf !== undefined &&
      isPlainJid(row.retryOf) && [`diff ${row.retryOf} ${jid}`, "compare with the first run"],
  ];
  return all.filter((one) => one !== false).map(([words, what]) => [named(`zester job ${words}`), what] as const);
}

/** The sections about one job, below their heading. @param prefix of their ids @param share as in Outputs */
function sectionsOf(job: ReportedJob, prefix: string, share: number, { nowNs }: Report): Section[] {
  const now = new Date(Number(nowNs / 1_000_000n));
  const { row, story } = job;
  const timeline = timelineOf(story, row, nowNs);
  const commands = nextCommands(job);
  const outputs = new Outputs(job, share).blocks();
  const section = (id: string, title: string, blocks: readonly Block[]): Section[] =>
    blocks.length === 0 ? [] : [{ kind: "section", id: `${prefix}${id}`, title: [title], blocks }];
  const notes = [...(wasDryRun(story) ? [`${DRY_RUN}.`] : []), ...job.gaps];
  return [
    ...section("summary", "Summary", [...notes.map((words) => note(prose(words))), factsOf(job, now)]),
    ...section("outcomes", "Outcomes", story.peels.length > 0 ? outcomesOf(job) : []),
    ...section("timeline", "Timeline", timeline ? [{ kind: "timeline", timeline }] : []),
    ...section("output", "Output", outputs),
    ...section("events", "Events", [
      { kind: "details", title: [plural(story.steps.length, "event")], open: false, blocks: eventsOf(job) },
    ]),
    ...section("next", "Next steps", commands.length > 0 ? [{ kind: "commands", commands }] : []),
  ];
}

const callWords = ({ job, row }: Telling, most = 120): Word => ({ data: shortenMiddle(wholeCall(job, row), most) });

function jobsTable({ jobs, nowNs }: Report): Block {
  const now = new Date(Number(nowNs / 1_000_000n));
  const columns = ["Job", "Function", "Target", "User", "Created", "State"].map((title) => ({ title }));
  const rows = jobs.map((job, i): Words[] => {
    const { row, story } = job;
    const took = tookOf(job, now);
    const value = (text: string | undefined): Words => (text ? [data(text, 60)] : ["-"]);
    return [
      [{ data: safe(row.jid), to: `job-${i + 1}` }],
      [callWords(job, 60)],
      value(row.targetExpr),
      value(row.user),
      row.created ? [instant(row.created)] : ["-"],
      [stateOf(row), took === undefined ? "" : ` ${formatDuration(took)}`],
      [changedCounts(story.peels, []) || "0"],
    ];
  });
  return { kind: "table", table: { columns: [...columns, { title: "Peels" }], rows } };
}

function diffSection({ jobs: [before, after], diffs }: Report): Section[] {
  if (!before || !after || !diffs) return [];
  const rows = changeRows(diffs).map(({ change, peels, what }): Words[] => [
    [change],
    [count(peels.length)],
    [names(peels)],
    dataWords(what),
  ]);
  const line = outputLine(diffs).trim();
  const [a, b] = [argumentOf(before), argumentOf(after)];
  const all: Words = a === undefined || b === undefined ? [] : [": ", command(`diff ${a} ${b}`), " shows all"];
  const differences = differencesOf(diffs);
  const bytes = Math.min(BYTES.group, BYTES.all / 2 / Math.max(1, Math.min(MOST_SHOWN.groups, differences.length)));
  const shown = differences.slice(0, MOST_SHOWN.groups).map(({ lines, peels }): Block => {
    const blocks = cutLines((lines ?? [NO_DIFF]).map(diffLine), bytes, all, true);
    return { kind: "details", title: [names(peels, 200), ` · ${plural(peels.length, "peel")}`], open: false, blocks };
  });
  const others = differences.length - shown.length;
  const blocks: Block[] = [
    text("From ", { data: safe(before.row.jid) }, " to ", { data: safe(after.row.jid) }, "."),
    ...(rows.length > 0 ? cutTable(groupColumns("Change"), rows, "change", all) : [text("No peel changed its state.")]),
    ...(line === "" ? [] : [text(`${line[0]?.toUpperCase()}${line.slice(1)}.`)]),
    ...shown,
    ...(others > 0 ? [text(`${plural(others, "more difference")}`, ...all)] : []),
  ];
  return [{ kind: "section", id: "diff", title: ["Comparison"], blocks }];
}

export function reportPage(report: Report): Page {
  const { jobs, redacted, version, nowNs } = report;
  const now = new Date(Number(nowNs / 1_000_000n));
  const [only] = jobs as readonly [ReportedJob];
  const foot: Words[] = [
    ["Made by ", { command: named("zester job report") }, ` ${version} at ${instant(Timestamp.at(nowNs))}.`],
    [redacted ? "Values that look like secrets are redacted." : "Secrets are not redacted."],
  ];
  if (jobs.length === 1)
    return { title: [callWords(only)], lead: leadOf(only, now), blocks: sectionsOf(only, "", 1, report), foot };
  const sections = jobs.map((job, i): Section => {
    const id = `job-${i + 1}`;
    const blocks = [text(...leadOf(job, now)), ...sectionsOf(job, `${id}-`, jobs.length, report)];
    return { kind: "section", id, title: [`Job ${i + 1}: `, callWords(job)], blocks };
  });
  const top: Section = { kind: "section", id: "jobs", title: ["Jobs"], blocks: [jobsTable(report)] };
  const blocks = [top, ...diffSection(report), ...sections];
  const lead = [...Map.groupBy(jobs, ({ row }) => displayState(row))].flatMap(
    ([state, { length }], i): Words => [`${i > 0 ? ", " : ""}${count(length)} `, stateWord(state)],
  );
  return { title: [plural(jobs.length, "job")], lead, blocks, foot };
}
