// Tables of peels: returns, states, times. Pure.

import { paintState } from "../colors.ts";
import { formatDuration } from "../duration.ts";
import { displayPeel } from "../model/peel.ts";
import { type PeelState, statesPresent, worstFirst } from "../model/peel-state.ts";
import type { Peel } from "../model/returns.ts";
import { noteOf, type PeelStory } from "../model/story.ts";
import { count, paragraph } from "../text.ts";
import { peelNames } from "./names.ts";
import {
  andMore,
  type Column,
  LONG,
  type Look,
  leaves,
  type Rows,
  renderTable,
  rowLimit,
  shrinks,
  tableLines,
} from "./table.ts";

/** Rows on a terminal, without --all. */
const ROW_LIMITS = { returns: 40, stories: 20 } as const;

interface AnyPeel extends Pick<Partial<PeelStory>, "sinceCancel" | "returned"> {
  readonly peel: string;
  readonly state: PeelState;
}

/** A row is for peels that have equal cells. */
type PeelColumn<T> = Column<readonly T[]>;

const first = <T>(peels: readonly T[]) => peels[0] as T;

const SHARED_NAMES = 24;

/** `1.2s`, or the longest of different ones: `≤1.2s`. */
function longest(times: readonly (bigint | undefined)[]): string {
  if (times.length === 1) return times[0] === undefined ? "-" : formatDuration(times[0]);
  const known = times.filter((ns) => ns !== undefined);
  if (known.length === 0) return "-";
  const text = formatDuration(known.reduce((a, b) => (b > a ? b : a)));
  return known.every((ns) => formatDuration(ns) === text) ? text : `≤${text}`;
}

const PEEL: PeelColumn<AnyPeel> = {
  title: "PEEL",
  min: 8,
  gives: [shrinks(4, 12)],
  text: (peels, _, max) =>
    peels.length > 1 ? peelNames(peels, Math.min(max, SHARED_NAMES)) : displayPeel(first(peels).peel),
};
const STATE: PeelColumn<AnyPeel> = {
  title: "STATE",
  text: (peels) => (peels.length > 1 ? `${count(peels.length)} ${first(peels).state}` : first(peels).state),
  paint: (peels, { color }) => paintState(first(peels).state, color),
};

/** `show` without --summary: scripts rely on these columns. */
const RETURNS: readonly PeelColumn<Peel>[] = [
  PEEL,
  {
    title: "SUCCESS",
    min: 7,
    text: ([peel]) => (peel?.state === "unreadable" ? "-" : String(peel?.returned?.ok)),
    paint: ([peel], { color }) => paintState(peel?.returned?.ok ? "ok" : "failed", color),
  },
  {
    title: "DURATION",
    gives: [leaves(3)],
    // Masters write 0 for unreachable peels, and peels for jobs that they do not run.
    text: ([peel]) => longest([peel?.returned?.duration || undefined]),
  },
];

/** Empty for a good return. A master's error is omitted: it is always "no heartbeat at dispatch". */
const troubleOf = ({ returned, foreign }: Peel) =>
  [foreign ? "not a target" : "", returned?.unreachable ? "unreachable" : (returned?.error ?? "")]
    .filter(Boolean)
    .join("; ");

/** Only when a return has a problem. */
const TROUBLE: PeelColumn<Peel> = {
  title: "ERROR",
  gives: LONG,
  wraps: true,
  text: (peels) => troubleOf(first(peels)),
};

/** How long peels in the same state took, or have taken so far. */
export const tookText = (peels: readonly PeelStory[]) =>
  peels[0]?.soFarNs === undefined
    ? longest(peels.map(({ tookNs }) => tookNs))
    : `${longest(peels.map(({ soFarNs }) => soFarNs))} so far`;

const TOOK: PeelColumn<PeelStory> = { title: "TOOK", gives: [leaves(3)], text: tookText };
const DETAIL: PeelColumn<PeelStory> = {
  title: "DETAIL",
  gives: LONG,
  wraps: true,
  text: (peels) => noteOf(first(peels)),
};

/** `trace` */
const STORIES: readonly PeelColumn<PeelStory>[] = [
  PEEL,
  STATE,
  { title: "DELIVERED", gives: [leaves(1)], text: (peels) => longest(peels.map(({ deliveredNs }) => deliveredNs)) },
  {
    title: "WAITED",
    gives: [leaves(2)],
    text: (peels) => longest(peels.map(({ state, waitedNs, soFarNs }) => (state === "queued" ? soFarNs : waitedNs))),
  },
  { ...TOOK, text: (peels) => (peels[0]?.state === "queued" ? "-" : tookText(peels)) },
  DETAIL,
];

/** The first `most` peels, a row each, made when it is asked for. */
const alone = <T>(peels: readonly T[], most: number): Rows<readonly T[]> => ({
  length: Math.min(peels.length, most),
  at: (place) => [peels[place] as T],
});

/** Equal state and detail share a row. */
export const inSharedRows = (peels: readonly PeelStory[]): PeelStory[][] => [
  ...Map.groupBy(peels, (peel) => `${peel.state} ${noteOf(peel)}`).values(),
];

/** A line about peels without a row; empty for none. */
const moreLine = (rest: readonly AnyPeel[], counts: string, look: Look) =>
  rest.length === 0 ? "" : paragraph(`${andMore(rest.length, "peel")}: ${counts}; --all shows them`, look.columns);

function limitedTable<T extends AnyPeel>(
  columns: readonly PeelColumn<T>[],
  peels: readonly T[],
  most: number,
  look: Look,
): string {
  const rest = peels.slice(most);
  return renderTable(columns, alone(peels, most), look) + moreLine(rest, peelCounts(rest), look);
}

/**
 * `1 failed, 8 late (6 stopped; 1 failed), 2 ok`: the number of peels in each state, worst first; of those that a cancel signal
 * stopped, and of other late ones that failed.
 * @param more words about the peels in a state
 */
export function peelCounts<T extends AnyPeel>(
  peels: readonly T[],
  more: (there: readonly T[], state: PeelState) => string = () => "",
): string {
  const words = ([state, n]: [PeelState, number]) => {
    const there = peels.filter((peel) => peel.state === state);
    const stopped = there.filter(({ sinceCancel }) => sinceCancel === "stopped").length;
    const late = there.filter(({ sinceCancel }) => state === "late" && sinceCancel !== "stopped");
    const failed = late.filter(({ returned }) => returned?.ok === false).length;
    const known = [
      stopped > 0 && `${count(stopped)} stopped`,
      failed > 0 && `${count(failed)} failed`,
      more(there, state),
    ];
    const words = known.filter(Boolean).join("; ");
    return `${count(n)} ${state}${words && ` (${words})`}`;
  };
  return statesPresent(peels).map(words).join(", ");
}

/** From this many peels on, names in this many columns per state. */
const NAMED_COUNTS = { from: 10, columns: 40 } as const;

/** As `peelCounts`; many peels with names: `1 failed (web-137), 398 ok`. @param all names of ok peels too */
export const namedCounts = (peels: readonly AnyPeel[], all = false): string =>
  peelCounts(peels, (there, state) =>
    peels.length >= NAMED_COUNTS.from && (all || state !== "ok") ? peelNames(there, NAMED_COUNTS.columns) : "",
  );

/** By name; worst first when there are more than rows. */
export function renderReturns(returned: readonly Peel[], look: Look, all: boolean): string {
  const rows = rowLimit(ROW_LIMITS.returns, look, all);
  const sorted = returned.length > rows ? worstFirst(returned) : returned;
  const troubled = sorted.slice(0, rows).some((peel) => troubleOf(peel) !== "");
  return limitedTable(troubled ? [...RETURNS, TROUBLE] : RETURNS, sorted, rows, look);
}

export const renderPeels = (peels: readonly PeelStory[], look: Look, all: boolean) =>
  limitedTable([PEEL, STATE, TOOK, DETAIL], peels, rowLimit(ROW_LIMITS.returns, look, all), look);

/** True for more peels than fit: a terminal then shows the worst last, above the prompt. */
export const areMany = (peels: readonly PeelStory[], { columns }: Look) =>
  columns !== undefined && peels.length > ROW_LIMITS.stories;

/** Worst first, or last. More peels than rows share rows by state and detail, unless `all`. */
export function* renderStories(
  peels: readonly PeelStory[],
  look: Look,
  all: boolean,
  { worstLast = false } = {},
): Generator<string> {
  const most = rowLimit(ROW_LIMITS.stories, look, all);
  if (peels.length <= most)
    return yield* tableLines(STORIES, alone(worstLast ? peels.toReversed() : peels, most), look);
  const shared = inSharedRows(peels);
  const shown = shared.slice(0, most);
  const rest = shared.slice(most).flat();
  const more = moreLine(rest, namedCounts(rest, true), look);
  if (worstLast) yield more;
  yield* tableLines(STORIES, worstLast ? shown.reverse() : shown, look);
  if (!worstLast) yield more;
}

/** A peel that returned, as a line. @param peelWidth minimum columns of PEEL, the same for all lines */
export function returnLine(peel: PeelStory, look: Look, peelWidth: number): string {
  const columns: PeelColumn<PeelStory>[] = [{ ...PEEL, min: peelWidth }, { ...STATE, min: 11 }, TOOK, DETAIL];
  return renderTable(columns, [[peel]], { ...look, header: false });
}
