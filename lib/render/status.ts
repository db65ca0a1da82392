// `status`: the view. Pure.
import { Timestamp, type Value } from "../codec/value.ts";
import { paintState } from "../colors.ts";
import { formatAge, formatAgo } from "../duration.ts";
import type { ErrorGroup, ErrorState } from "../model/error-groups.ts";
import { displayPeel } from "../model/peel.ts";
import { spanWords } from "../model/stats.ts";
import { type Concern, concernsOf, type FleetStatus, NAMED } from "../model/status.ts";
import { stuckWords } from "../model/stuck.ts";
import { nextCommand } from "../program.ts";
import { count, paragraph, plural, safe, shorten, width } from "../text.ts";
import { callOf } from "./call.ts";
import { targetOf } from "./columns.ts";
import { errorText } from "./errors.ts";
import { peelNames } from "./names.ts";
import { statusMetrics } from "./openmetrics.ts";
import { LONG, leaves, tellingLength } from "./table.ts";
import { type RowColumn, tableOf, type View, type Viewer } from "./view.ts";

/** A longer text does not move the commands of the other lines. */
const WIDEST_TEXT = 240;

/** A text, and the command that shows more. */
type LineWords = readonly [text: string, next: string];

interface StatusLine {
  readonly name: string;
  /** Colors the name. */
  readonly state: string;
  readonly words: LineWords;
}

const LINE_COLUMNS: readonly RowColumn<StatusLine>[] = [
  { name: "name", min: 8, value: ({ name }) => name, paint: ({ state }, { color }) => paintState(state, color) },
  { name: "text", gives: LONG, wraps: true, value: ({ words }) => words[0] },
  { name: "next", gives: [leaves(1)], value: () => null, text: ({ words }) => safe(nextCommand(words[1]) ?? "") },
];

const UNLIMITED = Number.POSITIVE_INFINITY;
/** Columns of each part of a text. */
const LIMITS = {
  terminal: { names: 40, error: 80, call: 40, target: 24 },
  pipe: { names: UNLIMITED, error: UNLIMITED, call: UNLIMITED, target: UNLIMITED },
};
type Limits = typeof LIMITS.terminal;

const firstLines = (lines: readonly LineWords[], next: string): readonly LineWords[] =>
  lines.length <= NAMED ? lines : [...lines.slice(0, NAMED), [`${count(lines.length - NAMED)} more`, next]];

function masterLine({ masters: { alive, gone } }: FleetStatus): LineWords {
  const living = alive === undefined ? [] : [alive === 0 ? "none alive" : `${count(alive)} alive`];
  const words = gone.map(({ master, jobs, heardNs }) => {
    const heard = heardNs === undefined ? "" : ` for ${formatAge(heardNs)}`;
    return `${master} gone${heard}, owns ${plural(jobs, "job")}`;
  });
  return [[...living, ...words].join("; "), gone.length > 0 ? "zester job active" : "zester config check"];
}

function stuckLines({ stuck }: FleetStatus, most: Limits): readonly LineWords[] {
  const length = most === LIMITS.pipe ? undefined : tellingLength(stuck.map(({ jid }) => jid));
  const lines = stuck.map((one): LineWords => {
    const { row, record } = one.job;
    const jid = one.jid.slice(0, length);
    const what = `${callOf(record, row, most.call)} on ${targetOf(row, most.target)}`;
    return [`${jid} ${what}: ${stuckWords(one)}`, `zester job trace ${jid}`];
  });
  return firstLines(lines, "zester job active --wide");
}

/** `95 jobs in 1h` */
const recentWords = ({ sinceNs, nowNs, failed }: FleetStatus) =>
  `${plural(failed.of, "job")} in ${spanWords({ fromNs: sinceNs, toNs: nowNs, slices: 1 })}`;

function failedLine(status: FleetStatus, since: string, most: Limits): LineWords {
  const { states, errors } = status.failed;
  const [worst, ...others] = errors.filter(({ state }) => state === "failed");
  const unreturned = errors.filter(({ state }) => state !== "failed");
  const of = (group: ErrorGroup, what: string) =>
    `${plural(group.peels.length, "peel")}${what} (${peelNames(group.peels, most.names)})`;
  const words = [
    `${states} of ${recentWords(status)}`,
    worst && of(worst, `: ${shorten(errorText(worst), most.error)}`),
    others.length > 0 && plural(others.length, "other error"),
    ...unreturned.map((group) => of(group, ` ${errorText(group)}`)),
  ];
  return [words.filter(Boolean).join("; "), `zester job errors --since ${since}`];
}

function overdueLines({ overdue, nowNs }: FleetStatus, most: Limits): readonly LineWords[] {
  const next = "zester job stats --by schedule";
  const lines = overdue.map(({ entry, peels }): LineWords => {
    const lastNs = peels.reduce((last, one) => (one.lastNs > last ? one.lastNs : last), 0n);
    const where = peelNames(peels, most.names);
    return [`schedule ${entry} on ${where}: last run ${formatAgo(nowNs - lastNs)} ago`, next];
  });
  return firstLines(lines, next);
}

function peelLine({ peels: { targeted, silent } = { targeted: 0, silent: [] } }: FleetStatus, most: Limits): LineWords {
  const alive = `${count(targeted - silent.length)} of ${count(targeted)} alive (targeted in 24h)`;
  return [`${alive}; silent: ${peelNames(silent, most.names)}`, `zester job history ${displayPeel(silent[0] ?? "")}`];
}

/** One line for all that needs heartbeats. */
function unheardLine({ masters, peels, unheard }: FleetStatus): LineWords {
  const who = [masters.alive === undefined ? "masters" : [], peels ? [] : "peels"].flat().join(" and ");
  return [`cannot tell which ${who || "masters"} are alive: ${unheard}`, "zester config check"];
}

/** `3 jobs, 78/127 returned; oldest 4m` */
function activeWords({ active: { jobs, returned, targeted, oldestNs } }: FleetStatus): string {
  const progress = returned === undefined ? "" : `, ${count(returned)}/${count(targeted)} returned`;
  return `${plural(jobs, "job")}${progress}${oldestNs === undefined ? "" : `; oldest ${formatAgo(oldestNs)}`}`;
}

function wellWords(status: FleetStatus): string {
  const { masters, peels, failed, active } = status;
  const alive = `${plural(masters.alive ?? 0, "master")} and ${plural(peels?.targeted ?? 0, "peel")} alive`;
  const recent = `${failed.of > 0 ? "0 of " : ""}${recentWords(status)}${failed.of > 0 ? " failed" : ""}`;
  return `No problems: ${alive}; ${plural(active.jobs, "active job")}; ${recent}`;
}

/** Worst first; empty when there is no problem. @param since as typed, for a command */
function statusLines(status: FleetStatus, since: string, most: Limits): StatusLine[] {
  const known: Record<Concern, readonly [state: string, wordsOf: () => readonly LineWords[]]> = {
    masters: ["failed", () => [masterLine(status)]],
    stuck: ["stuck", () => stuckLines(status, most)],
    failed: ["failed", () => [failedLine(status, since, most)]],
    overdue: ["late", () => overdueLines(status, most)],
    peels: ["silent", () => [peelLine(status, most)]],
  };
  const lines = concernsOf(status).flatMap((name) => {
    const [state, wordsOf] = known[name];
    return wordsOf().map((words): StatusLine => ({ name, state, words }));
  });
  if (status.unheard !== undefined) lines.push({ name: "unknown", state: "late", words: unheardLine(status) });
  if (lines.length > 0 && status.active.jobs > 0)
    lines.push({ name: "active", state: "running", words: [activeWords(status), "zester job watch"] });
  return lines;
}

function statusText(status: FleetStatus, since: string, viewer: Viewer): Iterable<string> {
  const lines = statusLines(status, since, viewer.columns === undefined ? LIMITS.pipe : LIMITS.terminal);
  if (lines.length === 0) return [paragraph(wellWords(status), viewer.columns)];
  const wide = Math.max(...lines.map(({ words }) => width(words[0])));
  const min = viewer.columns === undefined && wide <= WIDEST_TEXT ? wide : 0;
  const columns = LINE_COLUMNS.map((column) => (column.name === "text" ? { ...column, min } : column));
  return tableOf(columns, lines, { ...viewer, header: false, onHidden: undefined });
}

const document = (fields: Readonly<Record<string, Value | undefined>>) =>
  new Map(Object.entries(fields).map(([name, value]) => [name, value ?? null]));

const errorDocument = ({ error, peels, jobs }: ErrorGroup) =>
  document({ error: error || null, jobs: jobs.length, where: [...peels].sort() });

function statusDocument(status: FleetStatus): Value {
  const { masters, failed, peels } = status;
  const { jobs, returned, targeted, oldestNs: oldest } = status.active;
  const inState = (state: ErrorState) => failed.errors.filter((group) => group.state === state);
  const peelsIn = (state: ErrorState) => inState(state).flatMap(({ peels }) => [...peels].sort());
  return document({
    trouble: concernsOf(status),
    since: Timestamp.at(status.sinceNs),
    masters: document({
      alive: masters.alive,
      gone: masters.gone.map(({ master, jobs, heardNs }) => document({ master, jobs, heard: heardNs })),
    }),
    active: document({ jobs, returned, targeted, oldest }),
    stuck: status.stuck.map((one) =>
      document({
        jid: one.jid,
        function: one.job.row.fn,
        target: targetOf(one.job.row, UNLIMITED),
        why: stuckWords(one),
      }),
    ),
    failed: document({
      jobs: failed.jobs,
      of: failed.of,
      errors: inState("failed").map(errorDocument),
      unreachable: peelsIn("unreachable"),
      missing: peelsIn("missing"),
    }),
    overdue: status.overdue.flatMap(({ entry, fn, peels }) =>
      peels.map(({ peel, lastNs }) =>
        document({ schedule: entry, function: fn, peel_id: peel, last_run: Timestamp.at(lastNs) }),
      ),
    ),
    peels: peels && document({ targeted: peels.targeted, silent: [...peels.silent].sort() }),
    unknown: status.unheard,
  });
}

/** @param since as typed, for a command */
export const statusView = (status: FleetStatus, since: string, asMetrics: boolean): View => ({
  size: 1,
  isOne: true,
  text: (viewer) => (asMetrics ? [statusMetrics(status)] : statusText(status, since, viewer)),
  documents: () => [statusDocument(status)],
});
