// Which lines differ between two texts, by the package `diff`, within bounds. Pure.

/** Lines that both texts have, or that only one has. */
export interface Stretch {
  readonly kind: "same" | "removed" | "added";
  readonly lines: readonly string[];
}

/** More lines than this are not found one by one: the time that it takes grows with their square (1,000: 0.3 s). */
const MOST_EDITS = 1_000;
/** So much may all diffs of one answer take together, in units of edits squared. */
const BUDGET = 10 * MOST_EDITS ** 2;

/** Compares texts one pair after the other; when that has taken long enough, it gives up. */
export class LineDiffs {
  #left = BUDGET;

  /** The second text as a change of the first; undefined when too many lines differ, or too many have differed before. */
  between(before: readonly string[], after: readonly string[]): readonly Stretch[] | undefined {
    const most = Math.min(MOST_EDITS, Math.floor(Math.sqrt(this.#left)));
    // Loaded on use: few calls compare anything.
    const { diffArrays } = require("diff") as typeof import("diff");
    const found = diffArrays([...before], [...after], { maxEditLength: most });
    const edits = found?.reduce((sum, { added, removed, count = 0 }) => sum + (added || removed ? count : 0), 0);
    this.#left -= (edits ?? most) ** 2;
    return found?.map(({ added, removed, value }) => ({
      kind: added ? "added" : removed ? "removed" : "same",
      lines: value,
    }));
  }
}

/** Unchanged lines around changed ones. */
const CONTEXT = 3;
const SIGNS = { same: " ", removed: "-", added: "+" } as const;

interface Hunk {
  readonly lines: string[];
  before: number;
  after: number;
  readonly from: readonly [before: number, after: number];
}

/** `3,7`, as unified diffs have it: a range of no lines names the one before it. */
const rangeText = (from: number, count: number) => `${count === 0 ? from : from + 1}${count === 1 ? "" : `,${count}`}`;

const hunkLines = ({ lines, before, after, from: [a, b] }: Hunk) => [
  `@@ -${rangeText(a, before)} +${rangeText(b, after)} @@`,
  ...lines,
];

/** The hunks of a unified diff, without the lines that name the files. */
export function unifiedHunks(stretches: readonly Stretch[]): string[] {
  const hunks: Hunk[] = [];
  let [before, after] = [0, 0];
  let open: Hunk | undefined;
  /** Unchanged lines that a hunk may begin with. */
  let lead: readonly string[] = [];
  for (const [i, { kind, lines }] of stretches.entries()) {
    if (kind === "same") {
      const isLast = i === stretches.length - 1;
      // Between two changes that are close everything stands.
      const whole = open !== undefined && !isLast && lines.length <= 2 * CONTEXT;
      const tail = open ? lines.slice(0, whole ? lines.length : CONTEXT) : [];
      if (open) {
        open.lines.push(...tail.map((line) => ` ${line}`));
        open.before += tail.length;
        open.after += tail.length;
      }
      if (!whole) open = undefined;
      lead = whole ? [] : lines.slice(-CONTEXT);
      before += lines.length;
      after += lines.length;
      continue;
    }
    if (!open) {
      open = {
        lines: lead.map((line) => ` ${line}`),
        before: lead.length,
        after: lead.length,
        from: [before - lead.length, after - lead.length],
      };
      hunks.push(open);
    }
    for (const line of lines) open.lines.push(SIGNS[kind] + line);
    if (kind === "removed") {
      open.before += lines.length;
      before += lines.length;
    } else {
      open.after += lines.length;
      after += lines.length;
    }
  }
  return hunks.flatMap(hunkLines);
}

/** The lines that differ alone, with their signs. */
export const changedLines = (stretches: readonly Stretch[]): string[] =>
  stretches.flatMap(({ kind, lines }) => (kind === "same" ? [] : lines.map((line) => SIGNS[kind] + line)));
