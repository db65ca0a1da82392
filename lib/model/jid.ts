// IDs of jobs: what is valid, and which IDs are safe in scripts. Pure.
import { UserError } from "../errors.ts";
import { didYouMean } from "../nearest.ts";
import { nextCommand, readsFiles } from "../program.ts";
import { safe, shorten } from "../text.ts";

const NO_TOKEN = /[\u0000-\u0020\u007f-\u00a0\u2028\u2029\ufffd.*>]/;
const LONGEST_JID = 255;

/** Why `text` is not one literal token of a NATS subject; undefined when it is. */
export function tokenFault(text: string): string | undefined {
  if (text === "") return "it is empty";
  if (NO_TOKEN.test(text) || !text.isWellFormed()) return "white space, control characters and . * > are not allowed";
  return Buffer.byteLength(text) > LONGEST_JID ? `it is longer than ${LONGEST_JID} bytes` : undefined;
}

export const quoted = (text: string) => `"${shorten(safe(text.slice(0, 200)), 60)}"`;

/** The unchanged argument. @throws UserError unless it is one subject token: it would address other subjects */
export function parseJid(text: string): string {
  const fault = tokenFault(text);
  if (fault === undefined) return text;
  throw new UserError(`invalid job ID ${quoted(text)}: ${fault}.`, "`zester job list` shows all job IDs.");
}

export const KSUID_LENGTH = 27;

/** A KSUID, or the ID of a reactor's job: forms of fixed length. */
const WHOLE_JID = /^(?:[0-9A-Za-z]{27}|rxn-[0-9a-f]{32})$/;

/** True for a text that cannot be the prefix of a longer JID. */
export const isWholeJid = (text: string) => WHOLE_JID.test(text);

export const LEAST_PREFIX = 4;

export class JobNotFound extends UserError {
  constructor(jid: string) {
    const list = `\`${nextCommand("zester job list")}\``;
    const where = readsFiles() ? `${list} shows the exported jobs.` : `Jobs are kept for 7 days. ${list} shows them.`;
    const isShort = jid.length < LEAST_PREFIX;
    const hint = isShort ? `An ID prefix needs at least ${LEAST_PREFIX} characters.` : where;
    const word = /^(?:last|latest|newest)(-bad)?(~\d+)?$/.test(jid) ? jid.replace(/^[a-z]+/, "@last") : undefined;
    super(`no job ${quoted(jid)}.${didYouMean(word)}`, hint);
  }
}

/** A text that is not a job, but a prefix of some. */
export class JobPrefix extends UserError {}

// Anyone can write keys and records, and lists of IDs go into `xargs zester job kill`. There an ID must stay one word,
// unchanged, and not be a flag.

/** Letters, digits and signs without a meaning for shells and xargs. */
const PLAIN_JID = /^[\p{L}\p{N}_@%+:,/][\p{L}\p{N}\p{M}_@%+:,/=#~-]*$/u;
/** For a peel ID as shown: without `@` and the comma, which targets interpret. */
const PLAIN_PEEL = /^[\p{L}\p{N}_][\p{L}\p{N}\p{M}_.:+%=-]*$/u;

const isShownAsIs = (text: string) => safe(text) === text;

/** True for a job ID that scripts can pass to `zester job kill`. */
export const isPlainJid = (text: string) => PLAIN_JID.test(text) && isShownAsIs(text) && tokenFault(text) === undefined;

/** True for a shown peel ID that scripts can target. */
export const isPlainPeel = (text: string) => PLAIN_PEEL.test(text) && isShownAsIs(text);
