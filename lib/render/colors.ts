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

/** `text` in a colour. Whether there is colour at all is decided before: what stdout is does not matter here. */
export function paint(color: Color, text: string): string {
  // Loaded on use: that takes milliseconds, and most output has no colour.
  const { styleText } = require("node:util") as typeof import("node:util");
  return styleText(color, text, { validateStream: false });
}

/**
 * Colours text by the state that `state` names: of a job, a peel, a result or a check. Undefined when there is nothing to
 * colour, or when `color` is false.
 */
export function paintState(state: string, color: boolean): ((text: string) => string) | undefined {
  if (!color || !Object.hasOwn(COLORS, state)) return undefined;
  const name = COLORS[state as keyof typeof COLORS];
  return (text) => paint(name, text);
}
