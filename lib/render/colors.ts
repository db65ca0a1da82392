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

/** The function that colors a text by a state; undefined for a state without a color, or when `color` is false. */
export function paintState(state: string, color: boolean): ((text: string) => string) | undefined {
  const meaning = color && Object.hasOwn(MEANINGS, state) ? MEANINGS[state] : undefined;
  return meaning && ((text) => paint(meaning, text));
}
