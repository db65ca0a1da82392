// What a job id may look like.
import { UserError } from "./errors.ts";
import { safe, shorten } from "./text.ts";

const BAD = /[\u0000-\u0020\u007f-\u00a0\u2028\u2029\ufffd.*>]/;

/**
 * The JID of an argument, unchanged.
 * @throws UserError when it is not one NATS subject token: it would address other subjects than the job's own
 */
export function parseJid(text: string): string {
  const shown = `"${shorten(safe(text.slice(0, 200)), 60)}"`;
  if (text === "")
    throw new UserError("the job id is empty.", "`zester job list` shows the ids of all jobs.");
  if (BAD.test(text) || !text.isWellFormed()) {
    throw new UserError(
      `${shown} is not a job id: white space, control characters and . * > are not allowed in one.`,
      "`zester job list` shows the ids of all jobs.",
    );
  }
  if (Buffer.byteLength(text) > 255) {
    throw new UserError(
      `${shown} is not a job id: it is longer than 255 bytes.`,
      "`zester job list` shows the ids of all jobs.",
    );
  }
  return text;
}

/** Characters that a shortened JID has at least. */
export const LEAST_PREFIX = 4;

/** The bucket doesn't have the job. */
export class JobNotFound extends UserError {
  constructor(jid: string) {
    super(
      `job ${safe(jid)} was not found.`,
      "Jobs are kept for 7 days; `zester job list` shows those that are there.",
    );
  }
}

const CANDIDATES = 5;

/** The error for a shortened JID that fits several jobs. */
export function ambiguousJid(text: string, jids: readonly string[]): UserError {
  const shown = [...jids].sort().slice(0, CANDIDATES).join(", ");
  const rest = jids.length > CANDIDATES ? ` and ${jids.length - CANDIDATES} more` : "";
  return new UserError(
    `${safe(text)} is short for ${jids.length} jobs: ${shown}${rest}.`,
    "Give more of the id.",
  );
}
