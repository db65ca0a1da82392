// `trace` as text, and as a document for programs. Pure; the clock is an argument.
import { mapOf, Timestamp, type Value, type ValueMap } from "../codec/value.ts";
import { paintState } from "../colors.ts";
import { formatDuration } from "../duration.ts";
import { peelTime, slowest } from "../model/durations.ts";
import { displayPeel } from "../model/peel.ts";
import { failureOf } from "../model/returns.ts";
import { errorOf, givenUpWords, type Ignored, type PeelStory, type Step, type Story } from "../model/story.ts";
import { stuckWords } from "../model/stuck.ts";
import { plural, safe } from "../text.ts";
import type { LongDocument } from "./document.ts";
import { furtherFact, renderFacts, type Telling } from "./facts.ts";
import { peelNames } from "./names.ts";
import { areMany, renderStories } from "./peels.ts";
import { type Column, LONG, type Look, renderTable, shrinks, tableLines } from "./table.ts";

const EVENT_NAMES: Record<string, string> = { dispatch: "dispatched", status: "ended" };
const SLOWEST = 3;
/** This many equal events share a line on a terminal, without --all. */
const RUN = 4;
const RUN_NAMES = 40;

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

type EventRun = readonly [Step, ...Step[]];

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
export function* eventRuns(steps: readonly Step[]): Generator<EventRun> {
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

/** When and what, on which peels. */
export function eventWords(run: EventRun) {
  const [first, ...others] = run;
  const after = `+${formatDuration(first.afterNs)}`;
  const peels = run.flatMap(({ peel }) => (peel === undefined ? [] : { peel }));
  const state = stepState(first);
  const last = others.at(-1);
  if (!last) return { after, event: EVENT_NAMES[first.kind] ?? first.kind, peels, detail: detail(first), state };
  const until = `${after} … +${formatDuration(last.afterNs)}`;
  return { after: until, event: runWords(run), peels, detail: runOf(first) ?? "", state };
}

/** @param peelWidth for lines printed one by one, as the other minimum widths */
const eventColumns = (peelWidth: number): readonly Column<ReturnType<typeof eventWords>>[] => [
  { title: "AFTER", min: 8, text: ({ after }) => after },
  { title: "EVENT", min: 10, text: ({ event }) => event },
  {
    title: "PEEL",
    min: peelWidth,
    gives: [shrinks(4, 12)],
    text: ({ peels }, _, max) =>
      peels.length > 1 ? peelNames(peels, Math.min(max, RUN_NAMES)) : displayPeel(peels[0]?.peel ?? ""),
  },
  {
    title: "DETAIL",
    gives: LONG,
    wraps: true,
    text: ({ detail }) => detail,
    paint: ({ state }, { color }) => paintState(state, color),
  },
];

export const eventLine = (step: Step, look: Look, peelWidth: number) =>
  renderTable(eventColumns(peelWidth), [eventWords([step])], look);

/** On a terminal, a run of acks and ok returns, or of like failures, is one line, unless `allPeels`. */
export function renderTimeline({ steps }: Story, look: Look, allPeels: boolean): Iterable<string> {
  const each = { length: steps.length, at: (place: number) => eventWords([steps[place] as Step]) };
  const isWhole = look.columns === undefined || allPeels;
  return tableLines(eventColumns(0), isWhole ? each : Array.from(eventRuns(steps), eventWords), look);
}

/** Facts, slowest peels, table of peels, events; on a terminal a table of many peels is last. */
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
  const table = peels.length > 0 ? renderStories(peels, look, allPeels, { worstLast }) : undefined;
  const timeline = events && story.steps.length > 0 ? renderTimeline(story, look, allPeels) : undefined;
  for (const part of worstLast ? [timeline, table] : [table, timeline]) {
    if (!part) continue;
    yield "\n";
    yield* part;
  }
}

/** Durations in ns. */
export function stepDocument(step: Step): ValueMap {
  return mapOf({
    time: Timestamp.at(step.storedNs),
    after: step.afterNs,
    event: step.kind,
    peel_id: step.peel,
    delivered: step.deliveredNs,
    took: step.returned?.unreachable ? undefined : step.returned?.duration,
    success: step.returned?.ok,
    unreachable: step.returned?.unreachable || undefined,
    late: step.late,
    error: step.givenUp ? givenUpWords(step.givenUp) : step.returned?.error,
    status: step.end,
    reason: step.reason,
    canceled_by: step.canceler,
  });
}

const peelDocument = (peel: PeelStory): ValueMap =>
  mapOf({
    peel_id: peel.peel,
    state: peel.state,
    success: peel.returned?.ok,
    delivered: peel.deliveredNs,
    waited: peel.waitedNs,
    took: peel.tookNs,
    so_far: peel.soFarNs,
    behind: peel.behind,
    missed: peel.returnedUnseen && true,
    overwritten_by: peel.overwrittenBy,
    error: errorOf(peel),
  });

function ignoredDocument({ kind, peel, storedNs, why }: Ignored): ValueMap {
  const [words, sentAs, schedule] =
    typeof why === "string"
      ? [why]
      : "schedule" in why
        ? ["result of a schedule", undefined, why.schedule]
        : ["sent as another peel", why.sentAs];
  return mapOf({
    time: Timestamp.at(storedNs),
    event: kind,
    peel_id: peel,
    why: words,
    sent_as: sentAs,
    schedule,
  });
}

/** Durations in ns. */
export function storyDocument(job: ValueMap, { story, stuck }: Pick<Telling, "story" | "stuck">): LongDocument {
  return mapOf<Value | (() => Iterable<Value>)>({
    job,
    stuck: stuck && stuckWords(stuck),
    events: () => story.steps.values().map(stepDocument),
    peels: () => story.peels.values().map(peelDocument),
    ignored: story.ignored.map(ignoredDocument),
  });
}
