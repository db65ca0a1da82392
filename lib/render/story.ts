// `trace` as text, and as a document for programs. Pure; the clock is an argument.
import { mapOf, Timestamp, type Value, type ValueMap } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import { peelTime, slowest } from "../model/durations.ts";
import { displayPeel } from "../model/peel.ts";
import { failureOf } from "../model/returns.ts";
import { errorOf, givenUpWords, type Ignored, type PeelStory, type Step, type Story } from "../model/story.ts";
import { stuckWords } from "../model/stuck.ts";
import { plural, safe } from "../text.ts";
import { paintState } from "./colors.ts";
import type { LongDocument } from "./document.ts";
import { furtherFact, renderFacts, type Telling } from "./facts.ts";
import { LONG, shrinks } from "./fit.ts";
import { areMany, renderStories, sharedNames } from "./peels.ts";
import { type Cell, type Look, renderRows, renderTable } from "./table.ts";

const EVENT_NAMES: Record<string, string> = { dispatch: "dispatched", status: "ended" };
const SLOWEST = 3;
/** This many equal events share a line on a terminal, without --all. */
const RUN = 4;
const RUN_NAMES = 40;

/** Least widths are for lines printed one by one. */
const eventColumns = (peelWidth: number) => [
  { title: "AFTER", min: 8 },
  { title: "EVENT", min: 10 },
  { title: "PEEL", min: peelWidth, gives: [shrinks(4, 12)] },
  { title: "DETAIL", gives: LONG, wraps: true },
];

/** Empty for none. */
function stepState({ end, returned, late }: Step): string {
  if (end !== undefined || !returned) return end ?? "";
  if (late) return "late";
  return returned.unreachable ? "unreachable" : returned.ok ? "ok" : "failed";
}

function detail(step: Step): string {
  const { kind, returned } = step;
  if (kind === "ack") return step.deliveredNs === undefined ? "" : `delivered in ${formatDuration(step.deliveredNs)}`;
  if (kind === "cancel") return step.canceler ?? "cancel signal";
  if (kind === "status") return [step.end, step.reason].filter(Boolean).join(": ") || "-";
  if (!returned) return "";
  if (step.givenUp) return `unreachable: ${givenUpWords(step.givenUp)}`;
  const outcome = step.late && returned.ok ? "late, ok" : step.late ? "late, failed" : stepState(step);
  const took = returned.duration === undefined ? "" : `, took ${formatDuration(returned.duration)}`;
  const failure = returned.ok ? "" : failureOf(returned);
  return `${outcome}${took}${failure && `: ${failure}`}`;
}

function eventCells(step: Step, color: boolean): Cell[] {
  return [
    { text: `+${formatDuration(step.afterNs)}` },
    { text: EVENT_NAMES[step.kind] ?? step.kind },
    { text: step.peel === undefined ? "" : displayPeel(step.peel) },
    { text: detail(step), paint: paintState(stepState(step), color) },
  ];
}

export function renderEvents(steps: readonly Step[], look: Look, peelWidth = 0): string {
  return renderTable(
    eventColumns(peelWidth),
    steps.map((step) => eventCells(step, look.color)),
    look.header,
    look,
  );
}

/** What events that share a line have in common; undefined for an event with its own line. */
function runOf(step: Step): string | undefined {
  const { kind, returned } = step;
  if (kind === "ack" || (kind === "return" && stepState(step) === "ok")) return "";
  return kind === "return" && returned
    ? detail({ ...step, returned: { ...returned, duration: undefined } })
    : undefined;
}

/** `399 acks, 397 returns ok`, `5 returns` */
function runWords(steps: readonly Step[]): string {
  const acks = steps.filter(({ kind }) => kind === "ack").length;
  const returns = `${plural(steps.length - acks, "return")}${runOf(steps[0] as Step) ? "" : " ok"}`;
  return [acks > 0 ? plural(acks, "ack") : "", steps.length > acks ? returns : ""].filter(Boolean).join(", ");
}

/** The events in runs: a long one of acks and successful returns, or of like failures; each other event alone. */
export function* eventRuns(steps: readonly Step[]): Generator<readonly [Step, ...Step[]]> {
  for (let i = 0; i < steps.length; ) {
    const first = steps[i] as Step;
    let end = i + 1;
    const same = runOf(first);
    while (same !== undefined && end < steps.length && runOf(steps[end] as Step) === same) end++;
    if (end - i < RUN) end = i + 1;
    yield [first, ...steps.slice(i + 1, end)];
    i = end;
  }
}

/** What a run says: when, what, about which peels. */
export function eventWords(run: readonly [Step, ...Step[]]) {
  const [first] = run;
  const last = run.at(-1) as Step;
  const after = `+${formatDuration(first.afterNs)}`;
  const peels = run.flatMap(({ peel }) => (peel === undefined ? [] : { peel }));
  const isAlone = run.length === 1;
  return {
    after: isAlone ? after : `${after} … +${formatDuration(last.afterNs)}`,
    event: isAlone ? (EVENT_NAMES[first.kind] ?? first.kind) : runWords(run),
    peels,
    detail: isAlone ? detail(first) : (runOf(first) ?? ""),
    state: stepState(first),
  };
}

/** On a terminal, a run of acks and ok returns, or of like failures, is one line, unless `allPeels`. */
export function renderTimeline({ steps }: Story, look: Look, allPeels: boolean): Iterable<string> {
  if (look.columns === undefined)
    return renderRows(eventColumns(0), steps.length, (row) => eventCells(steps[row] as Step, look.color), look);
  if (allPeels) return [renderEvents(steps, look)];
  const rows = Array.from(eventRuns(steps), (run): Cell[] => {
    if (run.length === 1) return eventCells(run[0], look.color);
    const { after, event, peels, detail, state } = eventWords(run);
    return [
      { text: after },
      { text: event },
      sharedNames(peels, RUN_NAMES),
      { text: detail, paint: paintState(state, look.color) },
    ];
  });
  return [renderTable(eventColumns(0), rows, look.header, look)];
}

/**
 * Facts, slowest peels, table of peels, events; on a terminal a table of many peels is last.
 * @param options `events`: false omits them
 */
export function* renderStory(
  telling: Telling,
  look: Look,
  { now, allPeels, events }: { now: Date; allPeels: boolean; events: boolean },
): Generator<string> {
  const { story } = telling;
  const { peels } = story;
  const slow = slowest(peels, SLOWEST).map(
    (peel) => `${safe(displayPeel(peel.peel))} ${formatDuration(peelTime(peel) as bigint)}`,
  );
  const slowLine = peels.length > 1 && slow.length > 0 ? furtherFact("Slowest", slow.join(", "), look) : "";
  yield renderFacts(telling, look, now) + slowLine;
  const worstLast = areMany(peels, look);
  const table = peels.length > 0 ? [renderStories(peels, look, allPeels, { worstLast })] : undefined;
  const timeline = events && story.steps.length > 0 ? renderTimeline(story, look, allPeels) : undefined;
  for (const part of worstLast ? [timeline, table] : [table, timeline]) {
    if (!part) continue;
    yield "\n";
    yield* part;
  }
}

/** Durations in ns. */
export function stepDocument(step: Step): ValueMap {
  return mapOf([
    ["time", Timestamp.at(step.storedNs)],
    ["after", step.afterNs],
    ["event", step.kind],
    ["peel_id", step.peel],
    ["delivered", step.deliveredNs],
    ["took", step.returned?.unreachable ? undefined : step.returned?.duration],
    ["success", step.returned?.ok],
    ["unreachable", step.returned?.unreachable || undefined],
    ["late", step.late],
    ["error", step.givenUp ? givenUpWords(step.givenUp) : step.returned?.error],
    ["status", step.end],
    ["reason", step.reason],
    ["canceled_by", step.canceler],
  ]);
}

const peelDocument = (peel: PeelStory): ValueMap =>
  mapOf([
    ["peel_id", peel.peel],
    ["state", peel.state],
    ["success", peel.returned?.ok],
    ["delivered", peel.deliveredNs],
    ["waited", peel.waitedNs],
    ["took", peel.tookNs],
    ["so_far", peel.soFarNs],
    ["behind", peel.behind],
    ["missed", peel.missed && true],
    ["overwritten_by", peel.overwrittenBy],
    ["error", errorOf(peel)],
  ]);

function ignoredDocument({ kind, peel, storedNs, why }: Ignored): ValueMap {
  const [words, sentAs, schedule] =
    typeof why === "string"
      ? [why]
      : "schedule" in why
        ? ["result of a schedule", undefined, why.schedule]
        : ["sent as another peel", why.sentAs];
  return mapOf([
    ["time", Timestamp.at(storedNs)],
    ["event", kind],
    ["peel_id", peel],
    ["why", words],
    ["sent_as", sentAs],
    ["schedule", schedule],
  ]);
}

/** Durations in ns. */
export function storyDocument(job: ValueMap, { story, stuck }: Pick<Telling, "story" | "stuck">): LongDocument {
  return mapOf<Value | (() => Iterable<Value>)>([
    ["job", job],
    ["stuck", stuck && stuckWords(stuck)],
    ["events", () => story.steps.values().map(stepDocument)],
    ["peels", () => story.peels.values().map(peelDocument)],
    ["ignored", story.ignored.map(ignoredDocument)],
  ]);
}
