// Which columns of a table give way on a terminal that is too narrow, and by how much. Pure.

/** One thing that a column can do without. */
export interface Concession {
  /** Those of lower rank are made first, whatever column they belong to. */
  readonly rank: number;
  /** The columns that it then takes at least; 0: it is left out. */
  readonly to: number;
  /** It takes either all that it needs or just `to`. */
  readonly only?: boolean;
}

export interface Yielding {
  readonly gives?: readonly Concession[];
}

/** What stands between two columns. */
export const GAP = 2;

/** The least columns of a long text that something else stands beside. */
const LEAST_TEXT = 20;

/** A column of long texts: it gives way first, and is never left out. */
export const LONG: readonly Concession[] = [{ rank: 0, to: LEAST_TEXT }];

export const shrinks = (rank: number, to: number): Concession => ({ rank, to });
export const leaves = (rank: number): Concession => ({ rank, to: 0 });

/** Characters of an id that are shown at least: a job that is not shown may have the same first ones. */
const SHORTEST = 8;

/** How many characters tell the ids apart. */
function tellingLength(jids: readonly string[]): number {
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

/** A column of job ids, which may be cut to what tells them apart. */
export const idGives = (jids: readonly string[], rank: number): Concession[] => [
  { rank, to: tellingLength(jids), only: true },
];

/** The terminal's columns that columns of these widths take; those of none are left out. */
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
  // What was freed beyond need goes back, to those that gave last first.
  for (const { i } of steps.reverse()) {
    const [width, wanted] = [widths[i] as number, needed[i] as number];
    const spare = room - total(widths);
    if (width === 0 || width >= wanted || spare <= 0) continue;
    if (!single.has(i)) widths[i] = Math.min(wanted, width + spare);
    else if (wanted - width <= spare) widths[i] = wanted;
  }
  return widths;
}
