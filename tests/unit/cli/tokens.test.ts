// argv → tokens, beside `parseArgs` of node:util, which it stands in for.
import { expect, test } from "bun:test";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { tokensOf } from "../../../lib/cli/tokens.ts";
import { times } from "../../support/length.ts";

const OPTIONS = {
  limit: { type: "string", short: "n" },
  quiet: { type: "boolean", short: "q" },
  state: { type: "string" },
  yes: { type: "boolean", short: "y" },
} as const;
const SHORTS = new Map(Object.entries({ n: "limit", q: "quiet", y: "yes" }));
const NAMES = {
  nameOf: (letter: string) => SHORTS.get(letter),
  takesValue: (name: string) => name === "limit" || name === "state",
};

/** Names of flags and pieces of words, joined at random: most of what comes out has some meaning. */
const piece = fc.constantFrom(
  "-",
  "--",
  "=",
  "n",
  "q",
  "y",
  "x",
  "5",
  "limit",
  "quiet",
  "state",
  "no-",
  " ",
  "é",
  "__proto__",
);
const word = fc.oneof(
  fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join("")),
  fc.constantFrom("--", "-", "", "-n", "-q", "-qn5", "-nq", "-xq", "--limit", "--limit=", "-=", "--no-quiet", "a=b"),
);

test("the tokens are those of node:util", () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (argv) => {
      fc.pre(!argv.some((word) => word.startsWith("--="))); // no flag, under whatever name
      const { tokens } = parseArgs({
        args: argv,
        options: OPTIONS,
        strict: false,
        allowPositionals: true,
        tokens: true,
      });
      const wanted = tokens.map(({ index, ...token }) =>
        token.kind === "option" ? { ...token, inlineValue: token.inlineValue === true } : token,
      );
      expect(tokensOf(argv, NAMES) as unknown).toEqual(wanted);
    }),
    { numRuns: times(2_000, 100_000) },
  );
});
