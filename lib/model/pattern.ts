// Regular expressions as trees. What one character may be (a class, an escape) stays as it is written. Pure.
import { UserError } from "../errors.ts";
import { safe } from "../text.ts";

/** A pattern as a tree. */
export type Node =
  | { readonly kind: "one"; readonly source: string }
  | { readonly kind: "at"; readonly place: Place }
  | { readonly kind: "all"; readonly of: readonly Node[] }
  | { readonly kind: "any"; readonly of: readonly Node[] }
  | {
      readonly kind: "times";
      readonly of: Node;
      readonly min: number;
      readonly max: number;
      readonly lazy: boolean;
    };

export type Place = "^" | "$" | "\\b" | "\\B";

/** The error for a pattern that can't be searched for. */
export const cannot = (pattern: string, why: string) =>
  new UserError(
    `-e: "${safe(pattern)}" ${why}.`,
    "Patterns are JavaScript's, without look-around and references to groups.",
  );

/** What stands at one place of a pattern, and can't be taken apart: an escape, a class, or a character. */
const ONE =
  /\\(?:[pP]\{[^}]*\}|u\{[^}]*\}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[\s\S])|\[(?:\\[\s\S]|[^\]\\])*\]|[\s\S]/uy;
const TIMES = /(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})(\??)/y;

class Parser {
  #at = 0;

  constructor(readonly pattern: string) {}

  parse(): Node {
    return this.#any();
  }

  #take(what: RegExp): RegExpExecArray | null {
    what.lastIndex = this.#at;
    const match = what.exec(this.pattern);
    if (match) this.#at += match[0].length;
    return match;
  }

  #any(): Node {
    const of = [this.#all()];
    while (this.pattern[this.#at] === "|") {
      this.#at++;
      of.push(this.#all());
    }
    return of.length === 1 ? (of[0] as Node) : { kind: "any", of };
  }

  #all(): Node {
    const of: Node[] = [];
    while (this.#at < this.pattern.length && !"|)".includes(this.pattern[this.#at] as string)) {
      const one = this.#one();
      const times = this.#take(TIMES);
      if (!times) {
        of.push(one);
        continue;
      }
      const [, sign, least, comma, most, lazy] = times;
      const min = least === undefined ? (sign === "+" ? 1 : 0) : Number(least);
      const open = sign === "*" || sign === "+" || (comma !== undefined && most === "");
      const max = open ? Number.POSITIVE_INFINITY : sign === "?" ? 1 : Number(comma === undefined ? least : most);
      of.push({ kind: "times", of: one, min, max, lazy: lazy === "?" });
    }
    return { kind: "all", of };
  }

  #one(): Node {
    if (this.pattern[this.#at] === "(") return this.#group();
    const source = (this.#take(ONE) as RegExpExecArray)[0];
    if (source === "^" || source === "$" || source === "\\b" || source === "\\B") return { kind: "at", place: source };
    if (/^\\[1-9k]/.test(source)) throw cannot(this.pattern, "refers to a group");
    return { kind: "one", source };
  }

  #group(): Node {
    if (!this.#take(/\((?:\?:|\?<[^=!>][^>]*>|(?!\?))/y))
      throw cannot(this.pattern, "looks around, or has flags inside");
    const inner = this.#any();
    this.#at++; // the closing parenthesis, which the check of the whole pattern has seen
    return inner;
  }
}

/**
 * The tree of a pattern that JavaScript takes, with its flag u.
 * @throws UserError for one that looks around, refers to a group, or has flags inside
 */
export const parsePattern = (pattern: string): Node => new Parser(pattern).parse();
