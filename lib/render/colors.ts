// What the states of jobs, peels, results and checks mean, as colours say it.
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

/**
 * Colours text by the state that `state` names: of a job, a peel, a result or a check. Undefined when there is nothing to
 * colour, or when `color` is false.
 */
export function paintState(state: string, color: boolean): ((text: string) => string) | undefined {
  const meaning = color && Object.hasOwn(MEANINGS, state) ? MEANINGS[state] : undefined;
  return meaning && ((text) => paint(meaning, text));
}
