// Many names in short form, as ClusterShell's `nodeset` reads and writes it: `web-[001-119,121],db-01`. Pure.

/** One element: `head` alone, or `head[ranges]tail`. */
export interface Fold {
  readonly head: string;
  readonly ranges: readonly string[];
  readonly tail: string;
}

/** Names that would read as several, or as quoted. */
const SPECIAL = /[[\],\s]|^"|^$/;
/** Digits that a number can have without loss; longer runs stay text. */
const DIGITS = 15;
/** Only the last runs of digits are candidates, so that no name takes long. */
const RUNS = 4;

const isDigit = (code: number) => code >= 0x30 && code <= 0x39;

/** A run of digits, and the names that differ only there. */
interface DigitRun {
  readonly head: string;
  readonly tail: string;
  readonly width: number;
  names: number;
  readonly numbers: number[];
}

function rangesOf(numbers: readonly number[], width: number): string[] {
  const text = (n: number | undefined) => String(n).padStart(width, "0");
  const ranges: string[] = [];
  for (let i = 0; i < numbers.length; ) {
    const from = i++;
    while (i < numbers.length && numbers[i] === (numbers[i - 1] as number) + 1) i++;
    ranges.push(i - from === 1 ? text(numbers[from]) : `${text(numbers[from])}-${text(numbers[i - 1])}`);
  }
  return ranges;
}

/**
 * Folds names. Unfolding gives the same set; duplicates count once. Only runs of digits of equal width fold: `web-1`
 * and `web-01` stay apart. Of several runs, the one shared by most names folds. A name with `[`, `]`, a comma or white
 * space is quoted.
 * @returns elements in the order of their lowest name
 */
export function fold(names: Iterable<string>): Fold[] {
  const all = [...new Set(names)].sort();
  const runs = new Map<string, DigitRun>();
  const runOf = (name: string, start: number, end: number): DigitRun => {
    const [width, head, tail] = [end - start, name.slice(0, start), name.slice(end)];
    const run = runs.getOrInsertComputed(`${width},${head},${tail}`, () => ({
      head,
      tail,
      width,
      names: 0,
      numbers: [],
    }));
    run.names++;
    return run;
  };
  const runsOf = (name: string): DigitRun[] => {
    const found: DigitRun[] = [];
    if (SPECIAL.test(name)) return found;
    let left = RUNS;
    for (let end = name.length; end > 0 && left > 0; end--) {
      let start = end;
      while (isDigit(name.charCodeAt(start - 1))) start--;
      if (start === end) continue;
      if (end - start <= DIGITS) found.push(runOf(name, start, end));
      end = start;
      left--;
    }
    return found;
  };
  const candidates = all.map(runsOf);
  const chosen = candidates.map((its, i) => {
    const [first, ...others] = its;
    const run = first && others.reduce((best, one) => (one.names > best.names ? one : best), first);
    // Numbers of equal width sort like their names.
    run?.numbers.push(Number(all[i]?.slice(run.head.length, run.head.length + run.width)));
    return run;
  });
  const folds = all.map((name, i): Fold | DigitRun => {
    const run = chosen[i];
    if (run && run.numbers.length > 1) return run;
    return { head: SPECIAL.test(name) ? JSON.stringify(name) : name, ranges: [], tail: "" };
  });
  return Array.from(new Set(folds), (one) =>
    "ranges" in one ? one : { head: one.head, ranges: rangesOf(one.numbers, one.width), tail: one.tail },
  );
}

export const foldText = ({ head, ranges, tail }: Fold) =>
  ranges.length === 0 ? head : `${head}[${ranges.join(",")}]${tail}`;

export const foldNames = (names: Iterable<string>) => fold(names).map(foldText).join(",");
