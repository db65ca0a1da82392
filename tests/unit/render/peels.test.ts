// The tables of peels, as text.
import { expect, test } from "bun:test";
import { worstFirst } from "../../../lib/model/peel-state.ts";
import { peelsOf, returnedPeel, toReturn, unreadableReturn } from "../../../lib/model/returns.ts";
import {
  namedCounts,
  peelCounts,
  renderPeels,
  renderReturns,
  renderStories,
  returnLine,
} from "../../../lib/render/peels.ts";
import { peelStory } from "../../support/story.ts";

const PIPED = { color: false, columns: undefined };
const TERMINAL = { color: false, columns: 80 };
const COLORED = { color: true, columns: undefined };

const storyText = (...args: Parameters<typeof renderStories>) => [...renderStories(...args)].join("");

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
const peels = peelsOf(new Map([["targets", ["web-01", "web_02", "web-03", "web-04", "web-05"]]]), [
  item("web-01", true),
  item("web_02", false, "exit status 1"),
  unreachable("web-03"),
  unreadableReturn("web-05", "not MessagePack"),
]);
const returned = peels.filter((peel) => peel.returned);
const stories = worstFirst(peels).map(({ peel, state, returned }) => peelStory(peel, state, returned));

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

test("returns: those of peels that are no targets say so", () => {
  const others = peelsOf(new Map([["targets", ["web-01"]]]), [
    item("web-01", true),
    item("evil-01", true),
    item("evil-02", false, "no lock"),
  ]);
  expect(renderReturns(others, PIPED, false)).toBe(`\
PEEL      SUCCESS  DURATION  ERROR
evil-01   true     1.2s      not a target
evil-02   false    1.2s      not a target; no lock
web-01    true     1.2s
`);
});

test("the peels of a summary are worst first", () => {
  expect(renderPeels(stories, PIPED, false)).toBe(`\
PEEL      STATE        TOOK  DETAIL
web.02    failed       1.2s  exit status 1
web-05    unreadable   -     cannot be decoded: not MessagePack
web-03    unreachable  -
web-04    missing      -
web-01    ok           1.2s
`);
});

test("trace: delivered, waited and took; what a peel waits for, and what came late", () => {
  const ms = (n: number) => BigInt(n) * 1_000_000n;
  const failed = item("c", false, "no\nspace");
  const rows = [
    peelStory("c", "failed", failed, { deliveredNs: ms(4), waitedNs: ms(2_500) }),
    peelStory("e", "late", item("e", true), { waitedNs: 0n }),
    peelStory("f", "late", failed),
    peelStory("g", "late", item("g", true), { afterEnd: true }),
    peelStory("b", "silent"),
    peelStory("d", "queued", undefined, { deliveredNs: ms(4), soFarNs: ms(2_500), behind: "2hPx9" }),
    peelStory("web_01", "executing", undefined, { deliveredNs: ms(4), soFarNs: ms(2_500) }),
  ];
  expect(storyText(rows, PIPED, false)).toBe(`\
PEEL      STATE      DELIVERED  WAITED  TOOK         DETAIL
c         failed     4ms        2.5s    1.2s         no\\nspace
e         late       -          0s      1.2s         returned after it was marked unreachable: ok
f         late       -          -       1.2s         returned after it was marked unreachable: no\\nspace
g         late       -          -       1.2s         returned after the job ended: ok
b         silent     -          -       -
d         queued     4ms        2.5s    -            waiting for job 2hPx9
web.01    executing  4ms        -       2.5s so far
`);
});

test("lines that come one by one stay in columns", () => {
  const lines = stories
    .filter((peel) => peel.returned)
    .map((peel) => returnLine(peel, { color: false, columns: undefined }, 12))
    .join("");
  expect(lines).toBe(`\
web.02        failed       1.2s  exit status 1
web-05        unreadable   -     cannot be decoded: not MessagePack
web-03        unreachable  -
web-01        ok           1.2s
`);
});

test("colours: one is well, one failed, one did not answer", () => {
  const painted = (state: string, code: number) => `\x1b[38;5;${code}m${state}\x1b[39m`;
  const summary = renderPeels(stories, COLORED, false);
  for (const [state, code] of [
    ["failed", 160],
    ["unreadable", 160],
    ["unreachable", 130],
    ["missing", 61],
    ["ok", 28],
  ] as const)
    expect(summary).toContain(painted(state, code));
  expect(renderReturns(returned, COLORED, false)).toContain(painted("true", 28));
});

/** 50 peels, of which 45 are fine. */
const many = peelsOf(
  new Map(),
  Array.from({ length: 50 }, (_, i) => item(`web-${String(i).padStart(2, "0")}`, i % 10 !== 9)),
);

const summary: typeof renderReturns = (peels, look, all) =>
  renderPeels(
    worstFirst(peels).map(({ peel, state, returned }) => peelStory(peel, state, returned)),
    look,
    all,
  );

test.each([
  ["returns", renderReturns, TERMINAL, false, 42, "… and 10 more peels: 10 ok; --all shows them"],
  ["a summary", summary, TERMINAL, false, 42, "… and 10 more peels: 10 ok; --all shows them"],
  ["returns, piped", renderReturns, PIPED, false, 51, "web-49    false    1.2s"],
  ["returns, --all", renderReturns, TERMINAL, true, 51, "web-49    false    1.2s"],
  ["a summary, piped", summary, PIPED, false, 51, "web-48    ok      1.2s"],
] as const)("many peels: %s", (_, render, look, all, rows, last) => {
  const lines = render(many, look, all).trimEnd().split("\n");
  expect([lines.length, lines.at(-1)]).toEqual([rows, last]);
});

test("of many peels the names of those that are not ok stand beside their number", () => {
  const id = (n: number) => `web-${String(n).padStart(3, "0")}`;
  const peels = Array.from({ length: 400 }, (_, i) => peelStory(id(i + 1), i % 50 === 7 ? "failed" : "ok"));
  expect(namedCounts(peels)).toBe("8 failed (web-[008,058,108,158,208,258,308,358]), 392 ok");
  expect(namedCounts(peels.slice(0, 12), true)).toBe("1 failed (web-008), 11 ok (web-[001-007,009-012])");
  expect(namedCounts(peels.slice(0, 9))).toBe("1 failed, 8 ok");
});

test("of many peels those in the same state and detail share a row, with the most of their times", () => {
  const id = (n: number) => `web-${String(n).padStart(3, "0")}`;
  const story = (n: number, more: object) =>
    peelStory(id(n), "executing", undefined, { soFarNs: BigInt(n) * 1_000_000_000n, ...more });
  const all = [story(1, { state: "queued", behind: "j1" }), story(2, { state: "queued", behind: "j2" })];
  for (let n = 3; n <= 24; n++) all.push(story(n, { deliveredNs: n === 24 ? 2_000_000n : 1_000_000n, waitedNs: 0n }));
  expect(storyText(all, TERMINAL, false)).toBe(`\
PEEL           STATE         DELIVERED  WAITED  TOOK         DETAIL
web-001        queued        -          1.0s    -            waiting for job j1
web-002        queued        -          2.0s    -            waiting for job j2
web-[003-024]  22 executing  ≤2ms       0s      ≤24s so far
`);
  const last = storyText(all, TERMINAL, false, { worstLast: true }).split("\n");
  expect(last.map((line) => line.slice(0, 7))).toEqual(["PEEL   ", "web-[00", "web-002", "web-001", ""]);
  // A row each: few peels, --all, and a pipe.
  for (const [peels, look, every] of [
    [all.slice(4), TERMINAL, false],
    [all, TERMINAL, true],
    [all, PIPED, false],
  ] as const)
    expect(storyText(peels, look, every).split("\n")).toHaveLength(peels.length + 2);
});

test("what is left of many peels is counted by state, worst first", () => {
  const rows = Array.from({ length: 25 }, (_, i) =>
    i < 22 ? peelStory(`p${i}`, "queued", undefined, { behind: `j${i}` }) : peelStory(`p${i}`, "ok"),
  );
  const lines = storyText(rows, TERMINAL, false).trimEnd().split("\n");
  const more = "… and 5 more peels: 2 queued, 3 ok; --all shows them";
  expect([lines.length, lines.at(-1)]).toEqual([22, more]);
  const turned = storyText(rows, TERMINAL, false, { worstLast: true }).trimEnd().split("\n");
  expect([turned.length, turned[0], turned.at(-1)?.slice(0, 3)]).toEqual([22, more, "p0 "]);
});

test("counts of peels: worst first, without states that none is in", () => {
  expect(peelCounts(peels)).toBe("1 failed, 1 unreadable, 1 unreachable, 1 missing, 1 ok");
  expect(peelCounts([returnedPeel(item("a", true))])).toBe("1 ok");
  expect(peelCounts([])).toBe("");
});

test("counts of peels that a cancel signal stopped, in any state, before their names", () => {
  const stopped = { sinceCancel: "stopped" } as const;
  const peels = [
    peelStory("a", "failed", undefined, stopped),
    ...["b", "c"].map((peel) => peelStory(peel, "late", undefined, stopped)),
    peelStory("d", "late", undefined, { sinceCancel: "finished" }),
  ];
  expect(peelCounts(peels)).toBe("1 failed (1 stopped), 3 late (2 stopped)");
  const many = [...peels, ..."efghij".split("").map((peel) => peelStory(peel, "ok"))];
  expect(namedCounts(many)).toBe("1 failed (1 stopped; a), 3 late (2 stopped; b,c,d), 6 ok");
});
