// NATS subjects: the tokens they are made of, wildcards, and how servers write them in errors.
import { UserError } from "../errors.ts";
import { quoted, tokenFault } from "../model/jid.ts";

/**
 * `text` as a token of a subject, unchanged. Every subject that is made for a job, a peel or a master goes through here:
 * keys come from records that any client may have written, and one like `*` would address other subjects than its own.
 * @throws UserError when it is not one literal token
 */
export function token(text: string): string {
  const fault = tokenFault(text);
  if (fault === undefined) return text;
  throw new UserError(
    `${quoted(text)} cannot be part of a subject: ${fault}.`,
    "`nats kv ls jobs` shows such keys; its writer has to remove it.",
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

/** The test for subjects without wildcards that one of `patterns` covers; many patterns take no longer than a few. */
export function coveredBy(patterns: readonly string[]): (subject: string) => boolean {
  const [only] = patterns;
  if (only !== undefined && patterns.length === 1) return (subject) => covers(only, subject);
  // Those with wildcards at the same places differ in the other tokens alone: a subject that is given the same wildcards
  // is one of them, or it is covered by none of them.
  const shapes = new Map<string, Set<string>>();
  for (const pattern of patterns) {
    const shape = pattern.replace(/[^.*>]+/g, "");
    const alike = shapes.get(shape);
    if (alike) alike.add(pattern);
    else shapes.set(shape, new Set([pattern]));
  }
  const likened = [...shapes].map(([shape, alike]) => ({ tokens: shape.split("."), alike }));
  return (subject) => {
    const given = subject.split(".");
    return likened.some(({ tokens, alike }) => {
      const open = tokens.at(-1) === ">";
      if (open ? given.length < tokens.length : given.length !== tokens.length) return false;
      return alike.has(tokens.map((token, i) => token || given[i]).join("."));
    });
  };
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
