// NATS subjects: the tokens they are made of, wildcards, and how servers write them in errors.
import { UserError } from "../errors.ts";
import { safe, shorten } from "../text.ts";

const NO_TOKEN = /[\u0000-\u0020\u007f-\u00a0\u2028\u2029\ufffd.*>]/;
const MOST_BYTES = 255;

/** Why `text` is not one literal token of a subject; undefined when it is one. */
export function tokenFault(text: string): string | undefined {
  if (text === "") return "it is empty";
  if (NO_TOKEN.test(text) || !text.isWellFormed())
    return "white space, control characters and . * > are not allowed in one";
  return Buffer.byteLength(text) > MOST_BYTES ? `it is longer than ${MOST_BYTES} bytes` : undefined;
}

/** `text` in quotes, for messages about it. */
export const quoted = (text: string) => `"${shorten(safe(text.slice(0, 200)), 60)}"`;

/**
 * `text` as a token of a subject, unchanged. Every subject that is made for a job, a peel or a master goes through here:
 * keys come from records that anybody may have written, and one like `*` would address other subjects than its own.
 * @throws UserError when it is not one literal token
 */
export function token(text: string): string {
  const fault = tokenFault(text);
  if (fault === undefined) return text;
  throw new UserError(
    `${quoted(text)} cannot be part of a subject: ${fault}.`,
    "`nats kv ls jobs` shows such keys; whoever wrote it has to remove it.",
  );
}

/** The same for a key that may have several tokens, each of them literal. */
export const tokens = (key: string) => key.split(".").map(token).join(".");

/** True when every subject that `subject` stands for also matches `pattern`. */
export function covers(pattern: string, subject: string): boolean {
  const wanted = pattern.split(".");
  const given = subject.split(".");
  for (const [i, want] of wanted.entries()) {
    if (want === ">") return given.length > i;
    const other = given[i];
    if (other === undefined || other === ">" || (want !== "*" && want !== other)) return false;
  }
  return wanted.length === given.length;
}

const ESCAPED = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([abfnrtv\\"']))/g;
const SHORT: Record<string, string> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** A subject as it is, from between the quotes of a server's error: servers write it with Go's %q, which escapes much. */
export function unquote(text: string): string {
  return text.replace(ESCAPED, (all, x?: string, u?: string, long?: string, short?: string) => {
    if (short !== undefined) return SHORT[short] ?? short;
    const code = Number.parseInt((x ?? u ?? long) as string, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}
