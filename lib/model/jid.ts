// What the ID of a job may look like, and which IDs of jobs and peels a script can pass on. Pure.
import { UserError } from "../errors.ts";
import { safe, shorten } from "../text.ts";

const NO_TOKEN = /[\u0000-\u0020\u007f-\u00a0\u2028\u2029\ufffd.*>]/;
const LONGEST_JID = 255;

/** Why `text` is not one literal token of a NATS subject, as a job ID has to be; undefined when it is one. */
export function tokenFault(text: string): string | undefined {
  if (text === "") return "it is empty";
  if (NO_TOKEN.test(text) || !text.isWellFormed()) return "white space, control characters and . * > are not allowed";
  return Buffer.byteLength(text) > LONGEST_JID ? `it is longer than ${LONGEST_JID} bytes` : undefined;
}

/** `text` in quotes, for messages about it. */
export const quoted = (text: string) => `"${shorten(safe(text.slice(0, 200)), 60)}"`;

/**
 * The JID of an argument, unchanged.
 * @throws UserError when it is not one NATS subject token: it would address other subjects than the job's own
 */
export function parseJid(text: string): string {
  const fault = tokenFault(text);
  if (fault === undefined) return text;
  throw new UserError(`invalid job ID ${quoted(text)}: ${fault}.`, "`zester job list` shows all job IDs.");
}

/** Characters of a KSUID, which most job IDs are. */
export const KSUID_LENGTH = 27;

/** A KSUID, or the id of a job that a rule made: the two forms whose length tells that nothing is missing. */
const WHOLE_JID = /^(?:[0-9A-Za-z]{27}|rxn-[0-9a-f]{32})$/;

/** True for a text that cannot be a prefix of a longer JID. */
export const isWholeJid = (text: string) => WHOLE_JID.test(text);

/** Characters that a shortened JID has at least. */
export const LEAST_PREFIX = 4;

export class JobNotFound extends UserError {
  constructor(jid: string) {
    const hint =
      jid.length < LEAST_PREFIX
        ? `An ID prefix needs at least ${LEAST_PREFIX} characters.`
        : "Jobs are kept for 7 days. `zester job list` shows them.";
    super(`no job ${quoted(jid)}.`, hint);
  }
}

// IDs come from keys and records, which anyone may have written, and lists of them go into `xargs zester job kill`: there an ID
// must stay one word, the same word, and no flag.

/** Letters and digits of any script, and signs that no shell, and not `xargs`, takes for anything but themselves. */
const PLAIN_JID = /^[\p{L}\p{N}_@%+:,/][\p{L}\p{N}\p{M}_@%+:,/=#~-]*$/u;
/** The same for a peel ID as shown, without what targets have a meaning for: `@` and the comma. */
const PLAIN_PEEL = /^[\p{L}\p{N}_][\p{L}\p{N}\p{M}_.:+%=-]*$/u;

const isShownAsIs = (text: string) => safe(text) === text;

/** True for a job ID that a script can hand on to `zester job kill`. */
export function isPlainJid(text: string): boolean {
  if (!PLAIN_JID.test(text) || !isShownAsIs(text)) return false;
  try {
    return parseJid(text) === text;
  } catch {
    return false;
  }
}

/** True for a peel ID, as shown, that a script can target again. */
export const isPlainPeel = (text: string) => PLAIN_PEEL.test(text) && isShownAsIs(text);
