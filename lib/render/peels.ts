// The tables of peels: what they returned, how they are, and what they did. Pure.

import { formatDuration } from "../duration.ts";
import { displayPeel } from "../model/peel.ts";
import { type PeelState, statesPresent, worstFirst } from "../model/peel-state.ts";
import type { Peel } from "../model/returns.ts";
import { noteOf, type PeelStory } from "../model/story.ts";
import { count, paragraph } from "../text.ts";
import { paintState } from "./colors.ts";
import { LONG, leaves, shrinks } from "./fit.ts";
import { peelNames } from "./names.ts";
import { andMore, type Cell, type Column, type Look, renderTable } from "./table.ts";

/** Rows that a person reads on a terminal; piped, and with --all-peels, there is no limit. */
const MOST = { returns: 40, stories: 20 } as const;

interface AnyPeel {
  readonly peel: string;
  readonly state: PeelState;
}

interface PeelColumn<T> extends Column {
  cell(peel: T, color: boolean): Cell;
}

const duration = (ns: bigint | undefined) => (ns === undefined ? "-" : formatDuration(ns));

const PEEL: PeelColumn<AnyPeel> = {
  title: "PEEL",
  min: 8,
  gives: [shrinks(4, 12)],
  cell: ({ peel }) => ({ text: displayPeel(peel) }),
};
const STATE: PeelColumn<AnyPeel> = {
  title: "STATE",
  cell: ({ state }, color) => ({ text: state, paint: paintState(state, color) }),
};
const DURATION: PeelColumn<Peel> = {
  title: "DURATION",
  gives: [leaves(3)],
  // A master that gives a peel up, and a peel that does not run the job, write 0.
  cell: ({ returned }) => ({ text: duration(returned?.duration || undefined) }),
};

/** `show`: the reference page has these columns. */
const RETURNS: readonly PeelColumn<Peel>[] = [
  PEEL,
  {
    title: "SUCCESS",
    min: 7,
    cell: ({ state, returned }, color) => ({
      text: state === "unreadable" ? "-" : String(returned?.ok),
      paint: paintState(returned?.ok ? "ok" : "failed", color),
    }),
  },
  DURATION,
];
/**
 * What is wrong with a return in the bucket; empty when nothing is. The error of one that a master wrote is left out: it says
 * "no heartbeat at dispatch" whether that is so or not.
 */
const troubleOf = ({ returned, foreign }: Peel) =>
  [foreign ? "not a target" : "", returned?.unreachable ? "unreachable" : (returned?.error ?? "")]
    .filter(Boolean)
    .join("; ");

/** Its last one, where anything is wrong with a return. */
const TROUBLE: PeelColumn<Peel> = {
  title: "ERROR",
  gives: LONG,
  wraps: true,
  cell: (peel) => ({ text: troubleOf(peel) }),
};

const TOOK: PeelColumn<PeelStory> = {
  title: "TOOK",
  gives: [leaves(3)],
  cell: ({ tookNs, soFarNs }) => ({
    text: soFarNs === undefined ? duration(tookNs) : `${duration(soFarNs)} so far`,
  }),
};
const DETAIL: PeelColumn<PeelStory> = {
  title: "DETAIL",
  gives: LONG,
  wraps: true,
  cell: (peel) => ({ text: noteOf(peel) }),
};

/** `show --summary` */
const SUMMARY: readonly PeelColumn<PeelStory>[] = [PEEL, STATE, TOOK, DETAIL];

/** `trace` */
const STORIES: readonly PeelColumn<PeelStory>[] = [
  PEEL,
  STATE,
  { title: "DELIVERED", gives: [leaves(1)], cell: ({ deliveredNs }) => ({ text: duration(deliveredNs) }) },
  { title: "WAITED", gives: [leaves(2)], cell: ({ waitedNs }) => ({ text: duration(waitedNs) }) },
  TOOK,
  DETAIL,
];

/** `watch <jid>`: lines that come one by one, so that each column has a width of its own. */
const lineColumns = (peelWidth: number): readonly PeelColumn<PeelStory>[] => [
  { ...PEEL, min: peelWidth },
  { ...STATE, min: 11 },
  TOOK,
  DETAIL,
];

function table<T>(columns: readonly PeelColumn<T>[], peels: readonly T[], look: Look): string {
  const rows = peels.map((peel) => columns.map((column) => column.cell(peel, look.color)));
  return renderTable(columns, rows, look.header, look);
}

/** The first `most` rows, and what the rest is; `counts` makes the words for it. */
function limited<T extends AnyPeel>(
  columns: readonly PeelColumn<T>[],
  peels: readonly T[],
  most: number,
  look: Look,
  counts: (rest: readonly T[]) => string = peelCounts,
): string {
  const rest = peels.slice(most);
  const words = `${andMore(rest.length, "peel")}: ${counts(rest)}; --all-peels shows them`;
  const more = rest.length === 0 ? "" : paragraph(words, look.columns);
  return table(columns, peels.slice(0, most), look) + more;
}

/** Of fewer peels the names are no news; columns that those of each state take. */
const NAMED = { from: 10, columns: 40 } as const;

/** The same with the names of those that are not ok, of a job with many peels: `1 failed (web-137), 398 ok`. */
export function namedCounts(peels: readonly AnyPeel[], all = false): string {
  if (peels.length < NAMED.from) return peelCounts(peels);
  const words = ([state, n]: [PeelState, number]) => {
    const named = all || state !== "ok";
    const names = named ? ` (${peelNames(inState(peels, state), NAMED.columns)})` : "";
    return `${count(n)} ${state}${names}`;
  };
  return statesPresent(peels).map(words).join(", ");
}

const inState = (peels: readonly AnyPeel[], wanted: PeelState) => peels.filter(({ state }) => state === wanted);

/** `1 failed, 2 ok`: how many peels are in each state that any is in, worst first. */
export const peelCounts = (peels: readonly AnyPeel[]) =>
  statesPresent(peels)
    .map(([state, n]) => `${count(n)} ${state}`)
    .join(", ");

/** How many rows are shown at most: on a terminal not all. */
const most = (rows: number, look: Look, all: boolean) =>
  all || look.columns === undefined ? Number.POSITIVE_INFINITY : rows;

/** The peels that returned, sorted by peel; where there are too many of them, the worst. */
export function renderReturns(returned: readonly Peel[], look: Look, all: boolean): string {
  const rows = most(MOST.returns, look, all);
  const sorted = returned.length > rows ? worstFirst(returned) : returned;
  const troubled = sorted.slice(0, rows).some((peel) => troubleOf(peel) !== "");
  return limited(troubled ? [...RETURNS, TROUBLE] : RETURNS, sorted, rows, look);
}

/** Peels and how they are, worst first as they come. */
export const renderPeels = (peels: readonly PeelStory[], look: Look, all: boolean) =>
  limited(SUMMARY, peels, most(MOST.returns, look, all), look);

/** Peels and what they did, as they come. @param rows how many a terminal has room for */
export const renderStories = (peels: readonly PeelStory[], look: Look, all: boolean, rows: number = MOST.stories) =>
  limited(STORIES, peels, most(rows, look, all), look, (rest) => namedCounts(rest, true));

/** One peel that returned, on one line; `peelWidth` keeps lines that come one by one in columns. */
export const returnLine = (peel: PeelStory, look: Look, peelWidth: number) =>
  table(lineColumns(peelWidth), [peel], { ...look, header: false });
