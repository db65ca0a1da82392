// Which columns of a table shrink or disappear on a terminal that is too narrow, and by how much. Pure.

/** One step by which a column shrinks, or disappears. */
export interface Concession {
  /** Steps of lower rank come first, across all columns. */
  readonly rank: number;
  /** Its width after the step; 0: it disappears. */
  readonly to: number;
  /** It has either its whole width or exactly `to`. */
  readonly only?: boolean;
}

export interface Yielding {
  readonly gives?: readonly Concession[];
}

/** Spaces between two columns. */
export const GAP = 2;

/** The least columns of a long text that something else stands beside. */
const LEAST_TEXT = 20;

/** For a column of long texts: it shrinks first, and never disappears. */
export const LONG: readonly Concession[] = [{ rank: 0, to: LEAST_TEXT }];

export const shrinks = (rank: number, to: number): Concession => ({ rank, to });
export const leaves = (rank: number): Concession => ({ rank, to: 0 });

/** Characters of an id that are shown at least: a job that is not shown may have the same first ones. */
const SHORTEST = 8;

/** How many characters make the IDs distinct. */
export function tellingLength(jids: readonly string[]): number {
  const sorted = jids.toSorted();
  let length = SHORTEST;
  for (const [i, jid] of sorted.entries()) {
    const next = sorted[i + 1] ?? "";
    let same = 0;
    while (same < jid.length && jid[same] === next[same]) same++;
    length = Math.max(length, same + 1);
  }
  return length;
}

/** For a column of job IDs: they may be cut as long as they stay distinct. */
export const idGives = (jids: readonly string[], rank: number): Concession[] => [
  { rank, to: tellingLength(jids), only: true },
];

/** The width of a row with columns of these widths; a width of 0 is no column. */
function total(widths: readonly number[]): number {
  const shown = widths.filter((width) => width > 0);
  return shown.reduce((sum, width) => sum + width + GAP, -GAP);
}

/**
 * The most that each column may take so that a row has room; 0 for one that is left out. A row is still wider when all
 * that can be given up does not suffice.
 * @param needed what each column would take
 */
export function fitted(columns: readonly Yielding[], needed: readonly number[], room: number): number[] {
  const widths = needed.map((width) => Math.max(1, width));
  const steps = columns.flatMap(({ gives = [] }, i) => gives.map((step) => ({ ...step, i })));
  steps.sort((a, b) => a.rank - b.rank);
  const single = new Set<number>();
  for (const { i, to, only } of steps) {
    if (total(widths) <= room) break;
    if (to >= (widths[i] as number)) continue;
    widths[i] = to;
    if (only) single.add(i);
  }
  // Space freed beyond need goes back, first to the columns that shrank last.
  for (const { i } of steps.reverse()) {
    const [width, wanted] = [widths[i] as number, needed[i] as number];
    const spare = room - total(widths);
    if (width === 0 || width >= wanted || spare <= 0) continue;
    if (!single.has(i)) widths[i] = Math.min(wanted, width + spare);
    else if (wanted - width <= spare) widths[i] = wanted;
  }
  return widths;
}
