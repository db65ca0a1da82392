// Patterns against texts that strangers stored: the time is bounded, and the meaning is that of the expression they were.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { glob } from "../../lib/model/glob.ts";
import { createBuckets, encode, jobRecord, startServer, zester } from "../support/harness.ts";

/** What the pattern means, as a regular expression: exact on short texts, and endless on others. */
function expression(pattern: string): RegExp | undefined {
  const source = pattern.replace(
    /\[(!?)([^\]]+)\]|[*?]|./gs,
    (part, not: string | undefined, set: string | undefined) => {
      if (part === "*") return ".*";
      if (part === "?") return ".";
      if (set !== undefined) return `[${not ? "^" : ""}${set.replace(/[\\\]^]/g, "\\$&")}]`;
      return part.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
    },
  );
  try {
    return new RegExp(`^(?:${source})$`, "su");
  } catch {
    return undefined;
  }
}

const letter = fc.constantFrom("a", "b", "c", "-", "!", "^", "\\", "]", ".", "\n", "世", "\u{1f468}", "\u{10ffff}");
const piece = fc.oneof(
  { arbitrary: fc.constantFrom("*", "*", "?"), weight: 2 },
  { arbitrary: letter, weight: 3 },
  {
    arbitrary: fc.constantFrom("[", "[!", "[a-c]", "[!a-b]", "[世-\u{1f468}]", "[-a]", "[!]", "[]", "[c-a]", "[a-b-c]"),
    weight: 1,
  },
  { arbitrary: fc.array(letter, { maxLength: 4 }).map((set) => `[${set.join("")}]`), weight: 1 },
);
const join = (parts: string[]) => parts.join("");

test("any pattern means what it meant", () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 7 }).map(join),
      fc.array(letter, { maxLength: 7 }).map(join),
      (pattern, text) => {
        const meant = expression(pattern);
        if (meant) expect([pattern, text, glob(pattern)(text)]).toEqual([pattern, text, meant.test(text)]);
        else expect(() => glob(pattern)).toThrow("invalid pattern");
      },
    ),
    { numRuns: 20_000 },
  );
});

test("texts made from the pattern match it", () => {
  const made = fc.array(
    fc.oneof(
      letter.filter((c) => !"[]*?".includes(c)).map((c): [string, string] => [c, c]),
      fc.tuple(fc.constantFrom("*", "**"), fc.array(letter, { maxLength: 3 }).map(join)),
      fc.tuple(fc.constant("?"), letter),
    ),
  );
  fc.assert(
    fc.property(made, (parts) => {
      const pattern = join(parts.map(([part]) => part));
      return glob(pattern)(join(parts.map(([, text]) => text)));
    }),
  );
});

test.each([
  ["*a*a*b", "a".repeat(5000)],
  [`${"*a".repeat(30)}*b`, "a".repeat(60_000)],
  [`${"*a?".repeat(30)}*b`, "a".repeat(60_000)],
  [`${"*[a-z]".repeat(30)}*[!a]`, "a".repeat(60_000)],
  [`*${"a".repeat(100)}b`, "a".repeat(60_000)],
  ["*".repeat(60_000), "a".repeat(60_000)],
])("pattern %# in no time", (pattern, text) => {
  const began = performance.now();
  glob(pattern)(text);
  expect(performance.now() - began).toBeLessThan(1000);
});

test("the executable on a function and a target expression of many letters", async () => {
  const server = await startServer();
  const nc = await server.connect();
  const { jobs } = await createBuckets(nc);
  await jobs.put("long", encode(jobRecord("long", { function: "a".repeat(5000) })));
  await jobs.put("wide", encode(jobRecord("wide", { target_expr: "a".repeat(60_000), targets: [] })));
  const began = performance.now();
  for (const flag of ["--function", "--target", "--user", "--owner"])
    expect(await zester(["job", "list", flag, "*a*a*a*b"], { env: { NATS_URL: server.url } })).toEqual({
      stdout: `No jobs match ${flag} *a*a*a*b (of 2).\n`,
      stderr: "",
      code: 0,
    });
  expect(performance.now() - began).toBeLessThan(3000);
  await nc.close();
  await server.stop();
}, 10_000);
