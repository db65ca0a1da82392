// The question of a retry, as text.
import { expect, test } from "bun:test";
import type { Value } from "../../../lib/codec/value.ts";
import { jobRow } from "../../../lib/model/job.ts";
import type { RetryPlan } from "../../../lib/model/retry.ts";
import { toReturn } from "../../../lib/model/returns.ts";
import type { PeelStory } from "../../../lib/model/story.ts";
import { nothingWords, renderPlan, retryDocument, theseWords } from "../../../lib/render/retry.ts";
import { peelStory } from "../../support/story.ts";

const NOW = BigInt(Date.parse("2026-01-15T10:00:00Z")) * 1_000_000n;
const MINUTE = 60_000_000_000n;
const failed = (peel: string, error: string) =>
  peelStory(peel, "failed", toReturn(peel, new Map<string, Value>([["error", error]])));

function plan(
  peels: PeelStory[],
  others = 0,
  more: Partial<RetryPlan> & { fields?: [string, Value][] } = {},
): RetryPlan {
  const job = new Map<string, Value>([
    ["function", "state.apply"],
    ["args", new Map([["state", "nginx"]])],
    ["status", "failed"],
    ["updated", "2026-01-15T09:50:00Z"],
    ["created", "2026-01-15T09:00:00Z"],
    ["user", "root"],
    ["timeout", MINUTE],
    ...(more.fields ?? []),
  ]);
  const targets = [...peels, ...Array.from({ length: others }, (_, i) => peelStory(`ok-${i}`, "ok"))];
  return {
    row: jobRow("2hPx9", job),
    job,
    peels,
    targets,
    offline: new Set(),
    timeoutNs: MINUTE,
    setsTimeout: false,
    warnings: [],
    ...more,
  };
}

const wide = { color: false, columns: undefined };

test("as in a question: who, when, and each outcome, worst first", () => {
  const two = [
    failed("web-137", "write /etc/nginx/nginx.conf: no space left on device"),
    peelStory("web-300", "unreachable"),
  ];
  expect(renderPlan(plan(two, 398), wide, NOW)).toBe(`\
retry of 2hPx9 (failed 10m ago, by root): state.apply nginx on 2 of 400 peels
  failed        web-137  write /etc/nginx/nginx.conf: no space left on device
  unreachable   web-300  may have run
`);
});

test("alike peels share a line with their number; those that are offline now are marked", () => {
  const peels = [
    failed("web-1", "lock 17"),
    failed("web-2", "lock 18"),
    peelStory("db", "unreachable"),
    peelStory("x", "offline"),
  ];
  const text = renderPlan(plan(peels, 0, { offline: new Set(["web-2", "db", "x"]) }), wide, NOW);
  expect(text).toEndWith(`
  failed        2 peels: web-[1-2]  lock 17; offline: web-2
  unreachable   db                  may have run; offline
  offline       x
`);
});

test("a timeout that was given", () => {
  const head = (timeoutNs: bigint, fields: [string, Value][] = [], setsTimeout = true) =>
    renderPlan(plan([failed("a", "e")], 0, { timeoutNs, setsTimeout, fields }), wide, NOW).split("\n")[0];
  expect(head(5n * MINUTE)).toEndWith(" on 1 of 1 peel, timeout 5m instead of 1m");
  expect(head(5n * MINUTE, [["timeout", null]])).toEndWith(" on 1 of 1 peel, timeout 5m");
  expect(head(MINUTE)).toEndWith(" on 1 of 1 peel, timeout 1m");
  expect(head(MINUTE, [], false)).toEndWith(" on 1 of 1 peel");
});

test("a job that goes on, one without times, and a dry run", () => {
  const lines = (fields: [string, Value][]) =>
    renderPlan(plan([failed("a", "e")], 0, { fields }), wide, NOW).split("\n");
  const head = (fields: [string, Value][]) => lines(fields)[0];
  expect(head([["status", "running"]])).toBe(
    "retry of 2hPx9 (running, created 1h ago, by root): state.apply nginx on 1 of 1 peel",
  );
  expect(
    head([
      ["updated", null],
      ["created", null],
      ["user", null],
      ["status", null],
    ]),
  ).toBe("retry of 2hPx9 (without a status): state.apply nginx on 1 of 1 peel");
  const args = new Map<string, Value>([
    ["state", "nginx"],
    ["test", true],
  ]);
  expect(head([["args", args]])).toEndWith(": state.apply nginx (dry run) on 1 of 1 peel");
  expect(lines([["args", args]])[1]).toBe("  with state=nginx test=true");
});

test("on a terminal long lists are cut, and what is left out is counted", () => {
  const words =
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi psi omega".split(
      " ",
    );
  const text = renderPlan(
    plan(words.map((word) => failed(word, `no ${word}ness`))),
    { color: false, columns: 80 },
    NOW,
  );
  expect(text.split("\n")).toHaveLength(1 + 20 + 1 + 1);
  expect(text).toEndWith("\n  … and 4 more outcomes: 4 failed\n");
  expect(renderPlan(plan(words.map((word) => failed(word, `no ${word}ness`))), wide, NOW)).toContain("no omeganess");
});

test("on a terminal no line of the list is wider than it; what has no room stands below", () => {
  const peels = [
    failed(
      "web-137",
      "write /etc/nginx/nginx.conf: no space left on device, and 12 other files were not written either",
    ),
    ...["a", "b", "c"].map((name) => peelStory(`${name}-with-a-long-name`, "unreachable")),
  ];
  for (const columns of [60, 80, 200]) {
    const args = new Map<string, Value>(
      ["name", "refresh", "version", "sources"].map((name) => [name, "long ".repeat(9)]),
    );
    const lines = renderPlan(plan(peels, 0, { fields: [["args", args]] }), { color: false, columns }, NOW).split("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    const words = lines.join(" ").replace(/ +/g, " ");
    for (const word of ["4 of 4 peels", "sources=", "space left", "other files", "written either", "may have run"])
      expect(words).toContain(word);
  }
});

test("nothing to retry, and why", () => {
  const good = plan([], 400);
  const nothing = (of: typeof good, condition: string, skipped = (_: { peel: string }) => false) =>
    nothingWords(of, condition, skipped);
  expect(nothing(good, "")).toBe("Nothing to retry: all 400 peels returned ok.");
  const late = { ...good, targets: [...good.targets, peelStory("l", "late")] };
  expect(nothing(late, "")).toBe("Nothing to retry: all 401 peels returned ok (1 late).");
  expect(nothing(good, "--failed --peel \x1b")).toBe("Nothing to retry: 0 of 400 peels match --failed --peel \\x1b.");
  expect([theseWords([1]), theseWords([1, 2])]).toEqual(["this peel", "these 2 peels"]);
});

test("for programs", () => {
  const of = (...args: Parameters<typeof retryDocument>) => Object.fromEntries(retryDocument(...args));
  expect(of("old", ["a"])).toEqual({ retry_of: "old", targets: ["a"], dispatched: false });
  expect(of("old", ["a"], undefined, undefined, new Error("no"))).toMatchObject({ dispatched: false, reason: "no" });
  expect(of("old", ["a"], "new", { kind: "dispatched", owner: "m", warnings: [] })).toEqual({
    jid: "new",
    retry_of: "old",
    targets: ["a"],
    dispatched: true,
  });
  expect(of("old", [], "new", { kind: "unknown", why: "lost" })).toEqual({
    jid: "new",
    retry_of: "old",
    targets: [],
    dispatched: null,
    reason: "lost",
  });
});
