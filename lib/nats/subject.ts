// NATS subjects: tokens, wildcards, and their form in errors of a server.
import { UserError } from "../errors.ts";
import { quoted, tokenFault } from "../model/jid.ts";

/** `text`, if one literal token: any client can write records, and an ID `*` would address other subjects. @throws UserError */
export function token(text: string): string {
  const fault = tokenFault(text);
  if (fault === undefined) return text;
  throw new UserError(
    `invalid key ${quoted(text)}: ${fault}.`,
    "`nats kv ls jobs` lists keys; remove the invalid one.",
  );
}

/** As `token`, for a key of several tokens. */
export const tokens = (key: string) => key.split(".").map(token).join(".");

/** True when `pattern` matches every subject that `subject` (which may have wildcards) matches. */
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

/** A test whether one of `patterns` covers a subject without wildcards. Its time does not grow with the number of patterns. */
export function coveredBy(patterns: readonly string[]): (subject: string) => boolean {
  const [only] = patterns;
  if (only !== undefined && patterns.length === 1) return (subject) => covers(only, subject);
  // Patterns with wildcards at the same places form a set. A subject with its tokens replaced by these wildcards is in the set
  // exactly when one of them covers it.
  const shapes = Map.groupBy(patterns, (pattern) => pattern.replace(/[^.*>]+/g, ""));
  const likened = [...shapes].map(([shape, alike]) => ({ tokens: shape.split("."), alike: new Set(alike) }));
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
const GO_ESCAPES: Record<string, string> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** The subject from between the quotes of a server's error, where Go's %q has escaped it. */
export function unquote(text: string): string {
  return text.replace(ESCAPED, (all, x?: string, u?: string, long?: string, short?: string) => {
    if (short !== undefined) return GO_ESCAPES[short] ?? short;
    const code = Number.parseInt((x ?? u ?? long) as string, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}
