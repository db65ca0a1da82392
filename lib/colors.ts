// One color for each meaning, with its escape sequences, and the meanings of states.

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

/** The states of jobs, peels, results and checks. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  complete: "good",
  ok: "good",
  running: "active",
  executing: "active",
  changed: "active",
  "would change": "active",
  pending: "waiting",
  claimed: "waiting",
  missing: "waiting",
  queued: "waiting",
  partial: "attention",
  timeout: "attention",
  unreachable: "attention",
  late: "attention",
  stuck: "attention",
  offline: "attention",
  silent: "attention",
  unfinished: "attention",
  warn: "attention",
  canceled: "stopped",
  failed: "bad",
  unreadable: "bad",
  FAIL: "bad",
};

/** What a state means; `none` for one without a color. */
export const meaningOf = (state: string): Meaning | "none" =>
  (Object.hasOwn(MEANINGS, state) ? MEANINGS[state] : undefined) ?? "none";

/** The function that colors a text by a state; undefined for a state without a color, or when `color` is false. */
export function paintState(state: string, color: boolean): ((text: string) => string) | undefined {
  const meaning = color ? meaningOf(state) : "none";
  return meaning === "none" ? undefined : (text) => paint(meaning, text);
}
