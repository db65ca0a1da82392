// Many names in a short form: `web-[001-119,121],db-01`, as ClusterShell's `nodeset` and `clush` write and read it. Pure.

/** One element of the short form: a name as it is when `ranges` is empty, else `head[ranges]tail`. */
export interface Fold {
  readonly head: string;
  /** Such as `001-119` or `121`, ascending. */
  readonly ranges: readonly string[];
  readonly tail: string;
}

/** Names that the short form could read as others: with what separates names, or like one in quotes. */
const SPECIAL = /[[\],\s]|^"|^$/;
/** Runs of digits that are numbers without loss; longer ones are part of the name. */
const DIGITS = 15;
/** Of a name with more runs of digits only the last ones count, so that no name takes long. */
const RUNS = 4;

/** One run of digits of a name, and the names that differ from it in that run alone. */
interface Place {
  readonly head: string;
  readonly tail: string;
  readonly width: number;
  names: number;
  /** The numbers of those that fold there, ascending. */
  readonly numbers: number[];
}

/** A name as it is; in quotes, as JSON has it, where it could be read as others. */
const nameFold = (name: string): Fold => ({
  head: SPECIAL.test(name) ? JSON.stringify(name) : name,
  ranges: [],
  tail: "",
});

const isDigit = (code: number) => code >= 0x30 && code <= 0x39;

/** Finds the places of names. Neighbours mostly share theirs, so that of the last name is tried first. */
class Places {
  readonly #byKey = new Map<string, Place>();
  #last: Place | undefined;

  /** The places of a name, the last one first, or the one that it shares with the name before. */
  of(name: string): Place[] | Place {
    const last = this.#last;
    if (last && isAt(last, name)) {
      last.names++;
      return last;
    }
    this.#last = undefined;
    const places: Place[] = [];
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

  #place(name: string, start: number, end: number): Place {
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

/** True for a name that differs from others in this run of digits: the place has all that is no digit of it. */
function isAt({ head, tail, width }: Place, name: string): boolean {
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
 * Folds names; unfolding gives exactly the same set.
 *
 * - Names that differ in one run of digits, of the same width, fold into ranges: `web-01`, `web-02` are `web-[01-02]`. Leading
 *   zeros are part of the width: `web-1` and `web-01` don't fold together, nor do `web-9` and `web-10`.
 * - A number alone is no range: `web-[01,03-04]`; two neighbours are one: `[01-02]`. A name that no other differs from in
 *   this way stays as it is, without brackets.
 * - Of a name with several runs of digits one folds: the one in which it differs from most names, of equal ones the last.
 *   `r1-n1`, `r1-n2`, `r2-n1` are `r1-n[1-2],r2-n1`. A run of more than 15 digits never folds, nor one before the last four.
 * - Names are those that operators see, with dots; a dot is a character like others. A name that is given twice counts once.
 * - A name with `[`, `]`, a comma or white space is never folded, and stands in quotes, as JSON has it, as does one that
 *   is empty or begins with a quote: else the form could be read as other names.
 *
 * @returns the elements in the order of their lowest name
 */
export function fold(names: Iterable<string>): Fold[] {
  const all = distinct(names);
  const places = new Places();
  const candidates = all.map((name) => places.of(name));
  // Names that share a place come in the order of their numbers, since these have the same width.
  const choices = candidates.map((its, i) => {
    const choice = Array.isArray(its) ? largestPlace(its) : its;
    const name = all[i] as string;
    choice?.numbers.push(Number(name.slice(choice.head.length, choice.head.length + choice.width)));
    return choice;
  });
  const folds: Fold[] = [];
  const done = new Set<Place>();
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

/** The place that most names share, the first of equal ones; undefined for none. */
function largestPlace(places: readonly Place[]): Place | undefined {
  let best: Place | undefined;
  for (const place of places) if (best === undefined || place.names > best.names) best = place;
  return best;
}

function distinct(names: Iterable<string>): string[] {
  const all = [...names];
  const isAscending = all.every((name, i) => i === 0 || (all[i - 1] as string) < name);
  // Without a function, sort compares by code units as well, and faster.
  return isAscending ? all : [...new Set(all)].sort();
}

export const foldText = ({ head, ranges, tail }: Fold) =>
  ranges.length === 0 ? head : `${head}[${ranges.join(",")}]${tail}`;

export const foldNames = (names: Iterable<string>) => fold(names).map(foldText).join(",");
