// A cancellation as values: which jobs are meant, which are not to be canceled, and what became of the signals. Pure.

import type { ValueMap } from "../codec/value.ts";
import { EXIT, UserError } from "../errors.ts";
import { safe } from "../text.ts";
import type { JobRow } from "./job.ts";
import type { Ending } from "./job-end.ts";
import type { PeelStory } from "./story.ts";

/** A job to cancel: the one under this key, and no other that may stand there later. */
export interface Target {
  readonly jid: string;
  /** What its record said; undefined when it was not looked up, or could not be. */
  readonly row: JobRow | undefined;
  readonly record?: ValueMap | undefined;
  /** A person must confirm first: the job was not named in full, or its status tells nothing. */
  readonly ask: boolean;
  /** What could not be checked, and why. */
  readonly unchecked?: string;
}

/** A job that gets no signal: it has ended, it is not (or no longer) the one that was meant, or no one confirmed. */
export interface Refused {
  readonly jid: string;
  readonly why: "ended" | "not found" | "not agreed";
  readonly error: UserError;
  /** The state that it has ended in, as far as that is the reason. */
  readonly ended?: string | undefined;
}

/** In the order in which jobs were named, or of the selection. */
export type Plan = readonly (Target | Refused)[];

export const isTarget = (entry: Target | Refused): entry is Target => !("why" in entry);

/** The refusal of a job that can't be canceled any more. */
export const refuseEnded = ({ jid, status }: JobRow): Refused => ({
  jid,
  why: "ended",
  ended: status,
  error: new UserError(
    `job ${safe(jid)} has already ended: ${status}. No signal was sent.`,
    `\`zester job show ${safe(jid)}\` shows its returns.`,
  ),
});

/** The result of a signal, as JSON and CSV have it. `unknown`: it was handed over, and the connection failed before the answer. */
export const SIGNAL_RESULTS = ["sent", "sent, no listener", "unknown", "not sent", "none (dry run)"] as const;

export interface Outcome {
  readonly jid: string;
  readonly signal: (typeof SIGNAL_RESULTS)[number];
  /** Why it was not sent, or not confirmed. */
  readonly error?: UserError;
  /** What is not known of a signal that may have been sent. */
  readonly warnings: readonly string[];
  /** The state that the job had ended in before a signal was sent. */
  readonly ended?: string | undefined;
  /** How the job ended after it, when that was waited for. */
  readonly ending?: Ending | undefined;
}

export const notSent = ({ jid, error, ended }: Omit<Refused, "why">): Outcome => ({
  jid,
  signal: "not sent",
  error,
  warnings: [],
  ...(ended !== undefined && { ended }),
});

/** The outcome of an entry of a plan that is only shown. */
export const notMeant = (entry: Target | Refused): Outcome =>
  isTarget(entry) ? { jid: entry.jid, signal: "none (dry run)", warnings: [] } : notSent(entry);

/** True for a signal that was taken, and that a master or peel hears. */
export const isSent = ({ signal }: Outcome) => signal === "sent";

/** The peels of a job that was to be canceled, by what became of them; each is in one list. */
export function peelFates({ story: { peels } }: Ending) {
  const since = (what: PeelStory["sinceCancel"]) => peels.filter(({ sinceCancel }) => sinceCancel === what);
  const others = since(undefined);
  return {
    /** Those that returned before the job ended. */
    returned: others.filter(({ returned }) => returned && !returned.unreachable),
    stopped: since("stopped"),
    finished: since("finished"),
    unanswered: since("unanswered"),
    /** Those of which nothing shows that they got the job. */
    others: others.filter(({ returned }) => !returned || returned.unreachable),
  };
}

/** True while a peel of a canceled job may still tell that it stopped: what it returns now is in the events alone. */
export const mayAnswer = ({ row, story: { peels, steps } }: Ending) =>
  row.status === "canceled" &&
  steps.length > 0 &&
  peels.some(({ state, sinceCancel }) => state === "silent" || sinceCancel === "unanswered");

/** The exit code that the outcomes make: an error, unless every signal was sent; then whether each job was canceled. */
export function killCode(outcomes: readonly Outcome[]): number {
  if (!outcomes.every(isSent)) return EXIT.error;
  const otherwise = outcomes.some(({ ending }) => ending && ending.row.status !== "canceled");
  return otherwise ? EXIT.endedOtherwise : EXIT.done;
}
