// The tables of peels, as text.
import { expect, test } from "bun:test";
import { peelsOf, returnedPeel, toReturn, unreadableReturn } from "../../../lib/model/returns.ts";
import {
  peelCounts,
  renderLives,
  renderPeels,
  renderReturns,
  returnLine,
} from "../../../lib/render/peels.ts";

const PIPED = { color: false, columns: undefined };
const TERMINAL = { color: false, columns: 80 };
const COLORED = { color: true, columns: undefined };

const item = (peel: string, ok: boolean, error = "") =>
  toReturn(
    peel,
    new Map<string, string | boolean | bigint>([
      ["success", ok],
      ["error", error],
      ["duration", 1_200_000_000n],
    ]),
  );
const unreachable = (peel: string) => toReturn(peel, new Map([["unreachable", true]]));
const peels = peelsOf(new Map([["targets", ["web-04"]]]), [
  item("web-01", true),
  item("web_02", false, "exit status 1"),
  unreachable("web-03"),
  unreadableReturn("web-05", "not MessagePack"),
]);
const returned = peels.filter((peel) => peel.returned);

test("returns: no column for errors without any", () => {
  const [first] = returned;
  expect(renderReturns(first ? [first] : [], PIPED, false)).toBe(`\
PEEL      SUCCESS  DURATION
web-01    true     1.2s
`);
});

test("returns: what peels said, and what they did not", () => {
  expect(renderReturns(returned, PIPED, false)).toBe(`\
PEEL      SUCCESS  DURATION  ERROR
web-01    true     1.2s
web-03    false    -         unreachable
web-05    -        -         cannot be decoded: not MessagePack
web.02    false    1.2s      exit status 1
`);
});

test("the peels of a summary are worst first", () => {
  expect(renderPeels(peels, PIPED, false)).toBe(`\
PEEL      STATE        DURATION  ERROR
web.02    failed       1.2s      exit status 1
web-05    unreadable   -         cannot be decoded: not MessagePack
web-03    unreachable  -
web-04    missing      -
web-01    ok           1.2s
`);
});

test("lives: delivered, and how long they ran", () => {
  const life = { peel: "web_01", error: undefined, deliveredNs: 4_000_000n, ranNs: 2_500_000_000n };
  const lives = [
    { ...life, state: "executing" as const },
    { ...life, peel: "b", state: "silent" as const, deliveredNs: undefined, ranNs: undefined },
    { ...life, peel: "c", state: "failed" as const, error: "no\nspace" },
  ];
  expect(renderLives(lives, PIPED, false)).toBe(`\
PEEL      STATE      DELIVERED  RAN          ERROR
web.01    executing  4ms        2.5s so far
b         silent     -          -
c         failed     4ms        2.5s         no\\nspace
`);
});

test("lines that come one by one stay in columns", () => {
  const lines = returned.map((peel) => returnLine(peel, false, 12)).join("");
  expect(lines).toBe(`\
web-01        ok           1.2s
web-03        unreachable  -
web-05        failed       -         cannot be decoded: not MessagePack
web.02        failed       1.2s      exit status 1
`);
});

test("colours: green is well, red failed, yellow did not answer", () => {
  const painted = (state: string, code: number) => `\x1b[${code}m${state}\x1b[39m`;
  const summary = renderPeels(peels, COLORED, false);
  for (const [state, code] of [
    ["failed", 31],
    ["unreadable", 31],
    ["unreachable", 33],
    ["missing", 34],
    ["ok", 32],
  ] as const)
    expect(summary).toContain(painted(state, code));
  expect(renderReturns(returned, COLORED, false)).toContain(painted("true", 32));
});

/** 50 peels, of which 45 are fine. */
const many = peelsOf(
  new Map(),
  Array.from({ length: 50 }, (_, i) => item(`web-${String(i).padStart(2, "0")}`, i % 10 !== 9)),
);

test.each([
  ["returns", renderReturns, TERMINAL, false, 42, "… and 10 peels more: 10 ok (--all-peels shows them)"],
  ["a summary", renderPeels, TERMINAL, false, 42, "… and 10 peels more: 10 ok (--all-peels shows them)"],
  ["returns, piped", renderReturns, PIPED, false, 51, "web-49    false    1.2s"],
  ["returns, --all-peels", renderReturns, TERMINAL, true, 51, "web-49    false    1.2s"],
  ["a summary, piped", renderPeels, PIPED, false, 51, "web-48    ok      1.2s"],
] as const)("many peels: %s", (_, render, look, all, rows, last) => {
  const lines = render(many, look, all).trimEnd().split("\n");
  expect([lines.length, lines.at(-1)]).toEqual([rows, last]);
});

test("what is left of many lives is counted by state, best first", () => {
  const lives = Array.from({ length: 25 }, (_, i) => ({
    peel: `p${i}`,
    state: i < 22 ? ("failed" as const) : ("ok" as const),
    deliveredNs: undefined,
    ranNs: undefined,
    error: undefined,
  }));
  const lines = renderLives(lives, TERMINAL, false).trimEnd().split("\n");
  expect([lines.length, lines.at(-1)]).toEqual([
    22,
    "… and 5 peels more: 3 ok, 2 failed (--all-peels shows them)",
  ]);
});

test("counts of peels: best first, without states that none is in", () => {
  expect(peelCounts(peels)).toBe("1 ok, 1 missing, 1 unreachable, 1 unreadable, 1 failed");
  expect(peelCounts([returnedPeel(item("a", true))])).toBe("1 ok");
  expect(peelCounts([])).toBe("");
});
