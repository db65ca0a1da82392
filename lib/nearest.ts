// "Did you mean …": the nearest valid name.
import { UserError } from "./errors.ts";
import { safe } from "./text.ts";

const letters = (word: string) => [...word].sort().join("");

/** The number of typing errors between `text` and a name; a prefix of a name, or a missing `no-`, counts as one. */
function slips(text: string, name: string): number {
  if (text.length > 3 && (name.startsWith(text) || name === `--no-${text.slice(2)}`)) return 1;
  // Loaded only for an error.
  const { distance } = require("fastest-levenshtein") as typeof import("fastest-levenshtein");
  // Two letters that changed places are one slip, which this distance counts as two replacements.
  return distance(text, name) - (letters(text) === letters(name) ? 1 : 0);
}

/** The nearest of `names`; undefined when none is near. */
export function nearestName(text: string, names: readonly string[]): string | undefined {
  if (text.length > 40) return undefined;
  let best: string | undefined;
  // At most a third of the letters differ: `--foo` is not `--from`.
  let least = Math.max(1, Math.floor(text.replace(/^-+/, "").length / 3)) + 1;
  for (const name of names) {
    const d = slips(text, name);
    if (d < least) [best, least] = [name, d];
  }
  return best;
}

export const didYouMean = (name: string | undefined) => (name === undefined ? "" : ` Did you mean ${name}?`);

export const nearest = (text: string, names: readonly string[]) => didYouMean(nearestName(text, names));

/** `text` as one of `names`. @param from its source, such as a flag @param what it is: `order` @throws UserError for other text */
export function oneOf<T extends string>(names: readonly T[], text: string, from: string, what: string): T {
  const found = names.find((name) => name === text);
  if (found !== undefined) return found;
  throw new UserError(
    `unknown ${what} "${safe(text)}" for ${from}.${nearest(text, names)}`,
    `Use one of: ${names.join(", ")}.`,
  );
}
