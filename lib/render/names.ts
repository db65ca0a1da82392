// Names of many peels on one line. Pure.
import { type Fold, fold, foldText } from "../model/fold.ts";
import { displayPeel } from "../model/peel.ts";
import { safe, shorten, width } from "../text.ts";

/** `web-[001-136,…,400]`; undefined when even that does not fit. */
function cutRanges({ head, ranges, tail }: Fold, max: number): string | undefined {
  if (ranges.length < 2) return undefined;
  const end = `…,${ranges.at(-1)?.split("-").at(-1)}]${safe(tail)}`;
  let text = `${safe(head)}[`;
  if (width(text) + width(end) > max) return undefined;
  for (const range of ranges) {
    if (width(text) + range.length + 1 + width(end) > max) break;
    text += `${range},`;
  }
  return text + end;
}

/** Peels, or their IDs as stored. */
type Peels = readonly (string | { readonly peel: string })[];

/** Cache: tables need the same names in several widths. */
const folded = new WeakMap<Peels, readonly Fold[]>();
const foldsOf = (peels: Peels) =>
  folded.getOrInsertComputed(peels, () =>
    fold(peels.map((one) => displayPeel(typeof one === "string" ? one : one.peel))),
  );

/** Names of peels, folded, safe for a terminal, in at most `max` columns; `…` replaces omitted ones. */
export function peelNames(peels: Peels, max: number): string {
  const folds = foldsOf(peels);
  const texts = folds.map((one) => safe(foldText(one)));
  const whole = texts.join(",");
  if (max === Number.POSITIVE_INFINITY || width(whole) <= max) return whole;
  let out = "";
  for (const [i, text] of texts.entries()) {
    const more = i < texts.length - 1 ? ",…" : "";
    const room = max - width(out) - width(more);
    if (width(text) <= room) {
      out += `${text},`;
      continue;
    }
    const cut = cutRanges(folds[i] as Fold, room);
    if (cut !== undefined) return out + cut + more;
    return out === "" ? shorten(text, max) : `${out}…`;
  }
  return out;
}

/** Minimum columns of names, however narrow the terminal. */
export const LEAST_NAMES = 20;
/** Minimum columns of names and a text beside them. */
export const LEAST_SHARED = 24;

/** Greatest width, at least `least`. */
export const widest = (texts: readonly string[], least = 0) =>
  texts.reduce((most, text) => Math.max(most, width(text)), least);

/** Fits names of groups and a text about each into `room`; names get at least half. `most`: columns left for texts. */
export function namesBeside<T extends { readonly peels: Peels; readonly what: string }>(
  groups: readonly T[],
  room: number,
  titles: { readonly what: number; readonly where: number },
): { groups: (T & { readonly where: string })[]; most: number } {
  const left =
    room -
    widest(
      groups.map(({ what }) => what),
      titles.what,
    );
  const half = Math.max(Math.floor(room / 2), left);
  const beside = groups.map(({ what, peels }) => (what ? peelNames(peels, half) : ""));
  const alone = Math.max(LEAST_NAMES, left, widest(beside, titles.where));
  const where = groups.map(({ peels }, i) => beside[i] || peelNames(peels, alone));
  return {
    groups: groups.map((group, i) => ({ ...group, where: where[i] as string })),
    most: room - widest(where, titles.where),
  };
}
