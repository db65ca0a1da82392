// Cancellation as values: plan, refusals, outcomes. Pure.

import type { ValueMap } from "../codec/value.ts";
import { EXIT, UserError } from "../errors.ts";
import { safe } from "../text.ts";
import type { JobRow } from "./job.ts";
import type { Ending } from "./job-end.ts";
import type { PeelStory } from "./story.ts";

/** A job to cancel: this key's job, not a later one of the same key. */
export interface Target {
  readonly jid: string;
  readonly row: JobRow | undefined;
  readonly record?: ValueMap | undefined;
  /** Needs confirmation: not named in full, or in an unknown state. */
  readonly ask: boolean;
  readonly unchecked?: string | undefined;
}

/** A job without a signal: ended, not found or replaced, or not confirmed. */
export interface Refused {
  readonly jid: string;
  readonly why: "ended" | "not found" | "not confirmed";
  readonly error: UserError;
  readonly ended?: string | undefined;
}

export type Plan = readonly (Target | Refused)[];

export const isTarget = (entry: Target | Refused): entry is Target => !("why" in entry);

export const refuseEnded = ({ jid, status }: JobRow): Refused => ({
  jid,
  why: "ended",
  ended: status,
  error: new UserError(
    `job ${safe(jid)} has already ended: ${status}. No signal was sent.`,
    `\`zester job show ${safe(jid)}\` shows its returns.`,
  ),
});

export const SIGNAL_RESULTS = ["sent", "sent, no listener", "unknown", "not sent", "none (dry run)"] as const;

export interface Outcome {
  readonly jid: string;
  readonly signal: (typeof SIGNAL_RESULTS)[number];
  readonly error?: UserError;
  /** Doubts about a signal that may have been sent. */
  readonly warnings: readonly string[];
  readonly ended?: string | undefined;
  readonly ending?: Ending | undefined;
}

export const notSent = ({ jid, error, ended }: Omit<Refused, "why">): Outcome => ({
  jid,
  signal: "not sent",
  error,
  ended,
  warnings: [],
});

export const notMeant = (entry: Target | Refused): Outcome =>
  isTarget(entry) ? { jid: entry.jid, signal: "none (dry run)", warnings: [] } : notSent(entry);

/** Accepted by the server, with a listener. */
export const isSent = ({ signal }: Outcome) => signal === "sent";

/** Peels of a canceled job by fate; each is in one list. */
export function peelFates({ story: { peels } }: Ending) {
  const since = (what: PeelStory["sinceCancel"]) => peels.filter(({ sinceCancel }) => sinceCancel === what);
  const others = since(undefined);
  return {
    returned: others.filter(({ returned }) => returned && !returned.unreachable),
    stopped: since("stopped"),
    finished: since("finished"),
    unanswered: since("unanswered"),
    /** Nothing shows that they got the job. */
    others: others.filter(({ returned }) => !returned || returned.unreachable),
  };
}

/** How long peels are waited for after the last cancel signal, in ns. */
const ANSWER_NS = 10_000_000_000n;

/** True while a peel of a job that has ended may still answer the last cancel signal. */
export function mayAnswer({ row, story: { peels, steps } }: Ending, nowNs: bigint): boolean {
  const signal = steps.findLast(({ kind, end }) => kind === "cancel" || end === "canceled");
  if (!signal || nowNs >= signal.storedNs + ANSWER_NS) return false;
  // A silent peel of a canceled job may not have received the job yet.
  const isCanceled = row.status === "canceled";
  return peels.some(({ state, sinceCancel }) => sinceCancel === "unanswered" || (isCanceled && state === "silent"));
}

/** An error unless every signal was sent; then whether each job was canceled. */
export function killCode(outcomes: readonly Outcome[]): number {
  if (!outcomes.every(isSent)) return EXIT.error;
  const otherwise = outcomes.some(({ ending }) => ending && ending.row.status !== "canceled");
  return otherwise ? EXIT.endedOtherwise : EXIT.done;
}
