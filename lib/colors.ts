// One color for each meaning, with its escape sequences.

/** In the palette of 256 colors, which no theme changes. Each contrasts with white and with black; basic blue or green do not. */
export const COLORS = {
  good: 28,
  active: 31,
  waiting: 61,
  attention: 130,
  stopped: 133,
  bad: 160,
} as const;

export type Meaning = keyof typeof COLORS;

/** The nearest of the eight basic colors, for terminals without others. */
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

export const paint = (meaning: Meaning, text: string) =>
  `\x1b[${many ? `38;5;${COLORS[meaning]}` : EIGHT[meaning]}m${text}\x1b[39m`;

export const dim = (text: string) => `\x1b[2m${text}\x1b[22m`;

/** `text` as a selection; it may have colors. */
export const inverse = (text: string) => `\x1b[7m${text}\x1b[27m`;
