// Ids that a script can hand on. Ids come from keys and records, which anyone may have written, and lists of them go into
// `xargs zester job kill`: there an id must stay one word, the same word, and no flag. Pure.

import { safe } from "../text.ts";
import { parseJid } from "./jid.ts";

/** Letters and digits of any script, and signs that no shell, and not `xargs`, takes for anything but themselves. */
const JID = /^[\p{L}\p{N}_@%+:,/][\p{L}\p{N}\p{M}_@%+:,/=#~-]*$/u;
/** The same for a peel id as shown, without what targets have a meaning for: `@` and the comma. */
const PEEL = /^[\p{L}\p{N}_][\p{L}\p{N}\p{M}_.:+%=-]*$/u;

const isSafe = (text: string) => safe(text) === text;

/** True for a job id that a script can hand on to `zester job kill`. */
export function isPlainJid(text: string): boolean {
  if (!JID.test(text) || !isSafe(text)) return false;
  try {
    return parseJid(text) === text;
  } catch {
    return false;
  }
}

/** True for a peel id, as shown, that a script can target again. */
export const isPlainPeel = (text: string) => PEEL.test(text) && isSafe(text);
