// Peels and returns: in which state each is, and which of them flags select.
import { expect, test } from "bun:test";
import type { Value } from "../../../lib/codec/value.ts";
import { countStates, statesPresent, WORST_FIRST, worstFirst } from "../../../lib/model/peel-state.ts";
import { peelsOf, peelWidth, toReturn, unreadableReturn } from "../../../lib/model/returns.ts";

const returned = (peel: string, fields: Record<string, Value>) => toReturn(peel, new Map(Object.entries(fields)));

test.each([
  [{ success: true }, "ok", undefined],
  [{ success: true, error: "" }, "ok", undefined],
  [{ success: true, error: null }, "ok", undefined],
  [{ success: true, error: "exit status 1" }, "failed", "exit status 1"],
  [{ success: true, error: 5 }, "failed", "error is not text"],
  [{ success: false }, "failed", undefined],
  [{ success: "true" }, "failed", undefined],
  [{}, "failed", undefined],
  [{ success: false, unreachable: true }, "unreachable", undefined],
  [{ success: false, unreachable: "true" }, "failed", undefined],
] as [Record<string, Value>, string, string | undefined][])("the return %j is %s", (fields, state, error) => {
  const [peel] = peelsOf(new Map(), [returned("p", fields)]);
  expect([peel?.state, peel?.returned?.error]).toEqual([state as never, error]);
});

const JOB = new Map([["targets", ["db_eu_example", "web-02", "web-01", 7n, "web-03"]]]);
const RETURNS = [
  returned("web-02", { success: false }),
  returned("web-01", { success: true }),
  returned("other", { success: false, unreachable: true }),
  unreadableReturn("web-03", "because"),
];
const PEELS = peelsOf(JOB, RETURNS);

test("every target and every peel that returned, sorted as shown", () => {
  expect(PEELS.map(({ peel, state }) => `${peel} ${state}`)).toEqual([
    "db_eu_example missing",
    "other unreachable",
    "web-01 ok",
    "web-02 failed",
    "web-03 unreadable",
  ]);
  expect(worstFirst(PEELS).map(({ state }) => state)).toEqual(["failed", "unreadable", "unreachable", "missing", "ok"]);
});

test("counts: every state, or those that any peel is in, worst first", () => {
  const some = PEELS.filter(({ state }) => state !== "unreachable");
  expect(countStates(some)).toEqual(
    WORST_FIRST.map((state) => [state, some.some((peel) => peel.state === state) ? 1 : 0]),
  );
  expect(statesPresent([...some, { state: "silent" as const }]).map(([state]) => state)).toEqual([
    "failed",
    "unreadable",
    "silent",
    "missing",
    "ok",
  ]);
});

test("the width of lines that come one by one: the widest target, 12 at least", () => {
  expect([peelWidth(JOB), peelWidth(new Map()), peelWidth(new Map([["targets", ["ab"]]]))]).toEqual([13, 12, 12]);
});
