// The colours of states, and the escape sequences that colour text.

/** What colours mean: green is well, cyan under way, blue not begun, yellow to be looked at, red wrong. */
const COLORS = {
  complete: "green",
  ok: "green",
  running: "cyan",
  executing: "cyan",
  changed: "cyan",
  pending: "blue",
  claimed: "blue",
  missing: "blue",
  partial: "yellow",
  timeout: "yellow",
  unreachable: "yellow",
  silent: "yellow",
  unfinished: "yellow",
  warn: "yellow",
  canceled: "magenta",
  failed: "red",
  unreadable: "red",
  FAIL: "red",
} as const;

type Color = (typeof COLORS)[keyof typeof COLORS];
const CODES: Record<Color, number> = { red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 };

/** `text` in a colour. */
export const paint = (color: Color, text: string) => `\x1b[${CODES[color]}m${text}\x1b[0m`;

/**
 * Colours text by the state that `state` names: of a job, a peel, a result or a check. Undefined when there is nothing to
 * colour, or when `color` is false.
 */
export function paintState(state: string, color: boolean): ((text: string) => string) | undefined {
  if (!color || !Object.hasOwn(COLORS, state)) return undefined;
  const name = COLORS[state as keyof typeof COLORS];
  return (text) => paint(name, text);
}
