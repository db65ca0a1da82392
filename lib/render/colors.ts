// The meaning of the states of jobs, peels, results and checks, for their colors.
import { type Meaning, paint } from "../colors.ts";

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
