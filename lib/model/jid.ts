// What a job id may look like.
import { UserError } from "../errors.ts";
import { quoted, tokenFault } from "../nats/subject.ts";
import { safe } from "../text.ts";

/**
 * The JID of an argument, unchanged.
 * @throws UserError when it is not one NATS subject token: it would address other subjects than the job's own
 */
export function parseJid(text: string): string {
  const fault = tokenFault(text);
  if (fault === undefined) return text;
  throw new UserError(
    text === "" ? "the job id is empty." : `${quoted(text)} is not a job id: ${fault}.`,
    "`zester job list` shows the ids of all jobs.",
  );
}

/** A KSUID, or the id of a job that a rule made: the two forms whose length tells that nothing is missing. */
const WHOLE = /^(?:[0-9A-Za-z]{27}|rxn-[0-9a-f]{32})$/;

/** True for a text that can't be the beginning of a longer JID. */
export const isWholeJid = (text: string) => WHOLE.test(text);

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
