// Facts about a job, as lines of name and value. Pure; the clock is an argument.
import { mapOf, type Timestamp, type ValueMap } from "../codec/value.ts";
import { paintState } from "../colors.ts";
import { formatAge, formatDuration } from "../duration.ts";
import { displayState, isActive, isTerminal, type JobRow, jobDuration, sourceWords } from "../model/job.ts";
import { doneOf, whyOf } from "../model/job-end.ts";
import { displayPeel } from "../model/peel.ts";
import type { PeelState } from "../model/peel-state.ts";
import { isDryRun } from "../model/return-data.ts";
import type { Ignored, Story } from "../model/story.ts";
import { type Stuck, stuckHint, stuckWords } from "../model/stuck.ts";
import { count, firstOf, paragraph, plural, safe, shortenMiddle, width, wrapWords } from "../text.ts";
import { nsOf } from "../time.ts";
import { furtherArguments, wholeCall } from "./call.ts";
import { peelNames } from "./names.ts";
import { peelCounts } from "./peels.ts";
import type { Look } from "./table.ts";
import { timeText } from "./time.ts";

export interface Telling {
  readonly row: JobRow;
  readonly job: ValueMap;
  readonly story: Story;
  readonly stuck: Stuck | undefined;
  /** Retries among the newest jobs, oldest first. */
  readonly retries?: readonly JobRow[];
}

function when(time: Timestamp, now: bigint, person: boolean, [future, past]: readonly [string, string]): string {
  const distance = time.ns - now;
  return `${timeText(time, person)} (${distance >= 0n ? `${formatAge(distance)} ${future}` : `${formatAge(-distance)} ${past}`})`;
}

/** In ns; undefined when unknown. The record of a scheduled run is written at its end, so its peel's time counts. */
export function tookOf({ row, story }: Omit<Telling, "stuck">, now: Date): bigint | undefined {
  if (row.source !== "schedule") return jobDuration(row, now);
  return story.peels.find(({ tookNs }) => tookNs !== undefined)?.tookNs;
}

/** `cancelled by user`, from the event; undefined if not canceled. */
export const cancelerOf = ({ row, story }: Pick<Telling, "row" | "story">): string | undefined =>
  row.status === "canceled" ? story.steps.find(({ canceler }) => canceler !== undefined)?.canceler : undefined;

/** A longer name moves its value to the right. */
const FACT_NAME = 9;

/** @param value safe for a terminal; wrapped to `columns` */
function factLine(name: string, value: string, columns: number | undefined): string {
  const room =
    columns === undefined ? Number.POSITIVE_INFINITY : Math.max(1, columns - Math.max(FACT_NAME, name.length) - 1);
  const lines = width(value) <= room ? [value] : wrapWords(value, room);
  return lines.map((line, i) => `${(i === 0 ? name : "").padEnd(FACT_NAME)} ${line}\n`).join("");
}

const RETRIES = 3;

/** `2hQaXk… (complete), 2hQbYl… (running)`, newest first. */
export function retriesWords(retries: readonly JobRow[]): string | undefined {
  const named = retries.map((row) => `${row.jid} (${displayState(row)})`);
  return named.length > 0 ? firstOf(named.reverse(), RETRIES) : undefined;
}

const ARGUMENT_LINES = 3;

function argumentWords({ row, job }: Telling, columns: number | undefined): string {
  const all = furtherArguments(job, row);
  return columns === undefined ? all : shortenMiddle(all, ARGUMENT_LINES * Math.max(1, columns - FACT_NAME - 1));
}

function facts(telling: Telling, now: Date, columns: number | undefined): [string, string][] {
  const person = columns !== undefined;
  const { row, job, stuck } = telling;
  const nowNs = nsOf(now);
  const took = tookOf(telling, now);
  const ended = isTerminal(row.status);
  const all = mapOf<string>({
    Job: row.jid,
    State: row.status ?? "-",
    Reason: whyOf(telling) ?? cancelerOf(telling),
    Args: argumentWords(telling, columns),
    Target: row.targetExpr,
    Source: sourceWords(job),
    "Retry of": row.retryOf,
    "Retried as": retriesWords(telling.retries ?? []),
    User: row.user,
    Owner: row.owner,
    Created: row.created && when(row.created, nowNs, person, ["in the future", "ago"]),
    [ended ? "Duration" : "Elapsed"]: took === undefined ? undefined : formatDuration(took),
    Deadline: row.deadline && isActive(row.status) ? when(row.deadline, nowNs, person, ["left", "overdue"]) : undefined,
    Stuck: stuck && stuckWords(stuck),
    "": stuck && stuckHint(stuck),
  });
  return [...all].filter(([, value]) => value !== "");
}

export function wasDryRun({ peels }: Story): boolean {
  // Equal outputs may be one shared value.
  const answers = new Set(peels.map(({ returned }) => returned?.record.get("return_data")));
  answers.delete(undefined);
  answers.delete(null);
  return answers.size > 0 && [...answers].every(isDryRun);
}

export const DRY_RUN = "Dry run: nothing was changed";

const IGNORED_REASONS = 5;

function ignoredReason({ kind, peel, why }: Ignored): string {
  const name = displayPeel(peel);
  const what = kind === "ack" ? "an ack" : "a return";
  if (why === "no target") return `${name} is not a target`;
  if (why === "returned again") return `${name} returned again`;
  if (why === "undecodable") return `${name} sent ${what} that cannot be decoded`;
  if ("schedule" in why) return `${name} sent the result of schedule "${why.schedule}"`;
  return why.sentAs === ""
    ? `${name} sent ${what} without a peel ID`
    : `${name} sent ${what} as ${displayPeel(why.sentAs)}`;
}

/** `2 messages ignored: evil-01 is not a target, db-01 sent a return as db-02`. */
export function ignoredWords(ignored: readonly Ignored[]): string | undefined {
  if (ignored.length === 0) return undefined;
  const reasons = [...new Set(ignored.map(ignoredReason))];
  return `${plural(ignored.length, "message")} ignored: ${firstOf(reasons, IGNORED_REASONS)}`;
}

/** The head of `trace` and `show --summary`. @param words `counts` replaces the counts by state */
export function renderFacts(
  telling: Telling,
  look: Look,
  now: Date,
  words: { readonly counts?: string; readonly peelsTook?: string | undefined } = {},
): string {
  const { row, story } = telling;
  const paint = paintState(row.status ?? "", look.color);
  const lines = facts(telling, now, look.columns).map(([name, value]) => {
    const text = safe(value);
    return factLine(name, name === "State" && paint ? paint(text) : text, name === "State" ? undefined : look.columns);
  });
  const dry = wasDryRun(story) ? `${DRY_RUN}\n` : "";
  const { peels } = story;
  const all = count(peels.length);
  const head = isActive(row.status) ? `${count(doneOf(telling))}/${all} done` : all;
  const counts = peels.length > 0 ? `${head}: ${words.counts ?? peelCounts(peels)}` : "0";
  const ignored = ignoredWords(story.ignored);
  const call = paragraph(headWords(telling, look), look.columns);
  const below = words.peelsTook === undefined ? "" : factLine("Peels took", safe(words.peelsTook), look.columns);
  const text = `${call}${dry}${lines.join("")}${factLine("Peels", counts, look.columns)}${below}`;
  return text + (ignored === undefined ? "" : paragraph(safe(ignored), look.columns));
}

export const furtherFact = (name: string, value: string, { columns }: Look) => factLine(name, safe(value), columns);

/** `3 of 10 peels done` */
export const doneWords = (job: Pick<Telling, "row" | "story">) =>
  `${count(doneOf(job))} of ${plural(job.story.peels.length, "peel")} done`;

const WAITED_FOR: readonly PeelState[] = ["executing", "queued", "silent", "offline", "missing"];
const WAITING_COLUMNS = 60;

/** `2 executing: cache-[01-02]; 1 silent: web-09`. */
export function waitingWords({ peels }: Story): string | undefined {
  const words = WAITED_FOR.flatMap((state) => {
    const there = peels.filter((peel) => peel.state === state);
    return there.length === 0 ? [] : [`${count(there.length)} ${state}: ${peelNames(there, WAITING_COLUMNS)}`];
  });
  return words.length > 0 ? words.join("; ") : undefined;
}

const LEAST_CALL = 30;

/** `state.apply nginx on web* by ops, 400 peels`; one line on a terminal. */
function headWords(telling: Telling, { columns }: Look): string {
  const { row, job, story } = telling;
  const rest = safe(
    [
      row.targetExpr && ` on ${row.targetExpr}`,
      row.user && ` by ${row.user}`,
      `, ${plural(story.peels.length, "peel")}`,
    ]
      .filter(Boolean)
      .join(""),
  );
  const call = wholeCall(job, row);
  return (columns === undefined ? call : shortenMiddle(call, Math.max(LEAST_CALL, columns - width(rest)))) + rest;
}
