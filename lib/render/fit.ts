// How the columns of a table shrink or disappear on a narrow terminal. Pure.

/** One step of a column. */
export interface Concession {
  /** Lower ranks first, across all columns. */
  readonly rank: number;
  /** Width after the step; 0: it disappears. */
  readonly to: number;
  /** Either its whole width or exactly `to`. */
  readonly only?: boolean;
}

export interface Yielding {
  readonly gives?: readonly Concession[];
}

export const GAP = 2;

/** Least columns of a long text. */
const LEAST_TEXT = 20;

/** For long texts: they shrink first and never disappear. */
export const LONG: readonly Concession[] = [{ rank: 0, to: LEAST_TEXT }];

export const shrinks = (rank: number, to: number): Concession => ({ rank, to });
export const leaves = (rank: number): Concession => ({ rank, to: 0 });

/** Least characters of an ID: a job that is not shown may share them. */
const SHORTEST = 8;

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

/** IDs may be cut while they stay distinct. */
export const idGives = (jids: readonly string[], rank: number): Concession[] => [
  { rank, to: tellingLength(jids), only: true },
];

/** Width of a row; a width of 0 is no column. */
function total(widths: readonly number[]): number {
  const shown = widths.filter((width) => width > 0);
  return shown.reduce((sum, width) => sum + width + GAP, -GAP);
}

/**
 * Widths that fit into `room`, 0 for a hidden column. The row stays too wide if all steps do not suffice.
 * @param needed widths of the contents
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
  // Space to spare goes back, first to the columns that shrank last.
  for (const { i } of steps.reverse()) {
    const [width, wanted] = [widths[i] as number, needed[i] as number];
    const spare = room - total(widths);
    if (width === 0 || width >= wanted || spare <= 0) continue;
    if (!single.has(i)) widths[i] = Math.min(wanted, width + spare);
    else if (wanted - width <= spare) widths[i] = wanted;
  }
  return widths;
}
