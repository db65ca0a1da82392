// Many names in a short form: `web-[001-119,121],db-01`, as ClusterShell's `nodeset` and `clush` write and read it. Pure.
import { compareText } from "./peel.ts";

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
/** Of a name with more runs of digits only the last ones are looked at, so that no name takes long. */
const RUNS = 4;

/** One run of digits of a name, and the names that differ from it in that run alone. */
interface Place {
  readonly head: string;
  readonly tail: string;
  readonly width: number;
  readonly numbers: Set<number>;
}

/** A name as it is; in quotes, as JSON has it, where it could be read as others. */
const single = (name: string): Fold => ({
  head: SPECIAL.test(name) ? JSON.stringify(name) : name,
  ranges: [],
  tail: "",
});

/** The runs of digits of a name as places, which names that differ there share. */
function placesOf(name: string, places: Map<string, Place>): [place: Place, number: number][] {
  if (SPECIAL.test(name)) return [];
  return [...name.matchAll(/[0-9]+/g)].slice(-RUNS).flatMap((match): [Place, number][] => {
    const [digits] = match;
    if (digits.length > DIGITS) return [];
    const head = name.slice(0, match.index);
    const tail = name.slice(match.index + digits.length);
    const key = `${digits.length},${head},${tail}`;
    const place = places.get(key) ?? { head, tail, width: digits.length, numbers: new Set() };
    places.set(key, place);
    place.numbers.add(Number(digits));
    return [[place, Number(digits)]];
  });
}

/** @param numbers ascending */
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
  const places = new Map<string, Place>();
  const all = [...new Set(names)].sort(compareText);
  const candidates = all.map((name) => placesOf(name, places));
  // Names that share a place come in the order of their numbers, since these have the same width.
  const chosen = new Map<Place, number[]>();
  const choices = candidates.map((its) => {
    const most = its.reduce((size, [place]) => Math.max(size, place.numbers.size), 0);
    const choice = its.findLast(([place]) => place.numbers.size === most);
    if (!choice) return undefined;
    const [place, number] = choice;
    const numbers = chosen.get(place);
    if (numbers) numbers.push(number);
    else chosen.set(place, [number]);
    return place;
  });
  return all.flatMap((name, i) => {
    const place = choices[i];
    const numbers = place && chosen.get(place);
    if (!numbers) return place ? [] : single(name);
    chosen.delete(place);
    const { head, tail, width } = place;
    return numbers.length === 1 ? single(name) : { head, ranges: rangesOf(numbers, width), tail };
  });
}

/** An element as text. */
export const foldText = ({ head, ranges, tail }: Fold) =>
  ranges.length === 0 ? head : `${head}[${ranges.join(",")}]${tail}`;

/** Names in the short form. */
export const foldNames = (names: Iterable<string>) => fold(names).map(foldText).join(",");
