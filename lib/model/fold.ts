// Many names in short form, as ClusterShell's `nodeset` reads and writes it: `web-[001-119,121],db-01`. Pure.

/** One element: `head` alone, or `head[ranges]tail`. */
export interface Fold {
  readonly head: string;
  readonly ranges: readonly string[];
  readonly tail: string;
}

/** Names that would read as several, or as quoted. */
const SPECIAL = /[[\],\s]|^"|^$/;
/** Digits that a number holds without loss; longer runs stay text. */
const DIGITS = 15;
/** Only the last runs of digits are candidates, so that no name takes long. */
const RUNS = 4;

/** A run of digits, and the names that differ only there. */
interface DigitRun {
  readonly head: string;
  readonly tail: string;
  readonly width: number;
  names: number;
  readonly numbers: number[];
}

/** Quoted like JSON where it would read as several names. */
const nameFold = (name: string): Fold => ({
  head: SPECIAL.test(name) ? JSON.stringify(name) : name,
  ranges: [],
  tail: "",
});

const isDigit = (code: number) => code >= 0x30 && code <= 0x39;

/** Finds the places of names. Neighbors mostly share theirs, so the previous one is tried first. */
class Places {
  readonly #byKey = new Map<string, DigitRun>();
  #last: DigitRun | undefined;

  /** All places of a name, last run first; or the one shared with the previous name. */
  of(name: string): DigitRun[] | DigitRun {
    const last = this.#last;
    if (last && isAt(last, name)) {
      last.names++;
      return last;
    }
    this.#last = undefined;
    const places: DigitRun[] = [];
    if (SPECIAL.test(name)) return places;
    let runs = 0;
    for (let at = name.length; at > 0 && runs < RUNS; at--) {
      if (!isDigit(name.charCodeAt(at - 1))) continue;
      const end = at;
      while (at > 0 && isDigit(name.charCodeAt(at - 1))) at--;
      runs++;
      if (end - at <= DIGITS) places.push(this.#place(name, at, end));
    }
    if (runs === 1) this.#last = places[0];
    return places;
  }

  #place(name: string, start: number, end: number): DigitRun {
    const head = name.slice(0, start);
    const tail = name.slice(end);
    const key = `${end - start},${head},${tail}`;
    const place = this.#byKey.get(key);
    if (place) {
      place.names++;
      return place;
    }
    const added = { head, tail, width: end - start, names: 1, numbers: [] };
    this.#byKey.set(key, added);
    return added;
  }
}

/** True when the name equals the place's names except for the digits. */
function isAt({ head, tail, width }: DigitRun, name: string): boolean {
  const end = head.length + width;
  if (name.length !== end + tail.length || !name.startsWith(head) || !name.endsWith(tail)) return false;
  for (let at = head.length; at < end; at++) if (!isDigit(name.charCodeAt(at))) return false;
  return true;
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
  const all = distinct(names);
  const places = new Places();
  const candidates = all.map((name) => places.of(name));
  // Numbers of equal width sort like their names.
  const choices = candidates.map((its, i) => {
    const choice = Array.isArray(its) ? largestPlace(its) : its;
    const name = all[i] as string;
    choice?.numbers.push(Number(name.slice(choice.head.length, choice.head.length + choice.width)));
    return choice;
  });
  const folds: Fold[] = [];
  const done = new Set<DigitRun>();
  for (let i = 0; i < all.length; i++) {
    const place = choices[i];
    if (!place || place.numbers.length === 1) folds.push(nameFold(all[i] as string));
    else if (!done.has(place)) {
      done.add(place);
      const { head, tail, width, numbers } = place;
      folds.push({ head, ranges: rangesOf(numbers, width), tail });
    }
  }
  return folds;
}

function largestPlace(places: readonly DigitRun[]): DigitRun | undefined {
  let best: DigitRun | undefined;
  for (const place of places) if (best === undefined || place.names > best.names) best = place;
  return best;
}

function distinct(names: Iterable<string>): string[] {
  const all = [...names];
  const isAscending = all.every((name, i) => i === 0 || (all[i - 1] as string) < name);
  // Default sort compares code units, and is faster.
  return isAscending ? all : [...new Set(all)].sort();
}

export const foldText = ({ head, ranges, tail }: Fold) =>
  ranges.length === 0 ? head : `${head}[${ranges.join(",")}]${tail}`;

export const foldNames = (names: Iterable<string>) => fold(names).map(foldText).join(",");
