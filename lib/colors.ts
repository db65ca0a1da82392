// The colours of everything that is shown: one for each meaning, with the escape sequences that write it.

/**
 * Signs of the palette of 256 colours, whose values no theme changes: each stands out from white as well as from black, which
 * plain blue, yellow and green do not.
 */
export const COLORS = {
  good: 28,
  active: 31,
  waiting: 61,
  attention: 130,
  stopped: 133,
  bad: 160,
} as const;

/**
 * What a colour says: it is well, it goes on, it has not begun, it needs a look, it was ended by a person, it is wrong.
 */
export type Meaning = keyof typeof COLORS;

/** The nearest of the eight basic colours, for terminals with no more. */
const EIGHT: Readonly<Record<Meaning, number>> = {
  good: 32,
  active: 36,
  waiting: 34,
  attention: 33,
  stopped: 35,
  bad: 31,
};

let many = true;

/** Sets the number of colours; called once, before the first `paint`. */
export function useColors(number: 8 | 256): void {
  many = number === 256;
}

/** `text` in the colour of a meaning. The caller decides whether there is colour. */
export const paint = (meaning: Meaning, text: string) =>
  `\x1b[${many ? `38;5;${COLORS[meaning]}` : EIGHT[meaning]}m${text}\x1b[39m`;

/** `text` that matters less than what follows. */
export const dim = (text: string) => `\x1b[2m${text}\x1b[22m`;

/** `text` as what is selected; it may have colours. */
export const inverse = (text: string) => `\x1b[7m${text}\x1b[27m`;
