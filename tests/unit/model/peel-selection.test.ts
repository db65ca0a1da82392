// Which peels the flags of `show` select.
import { expect, test } from "bun:test";
import { type PeelConditions, peelSelection } from "../../../lib/model/peel-selection.ts";
import { toReturn } from "../../../lib/model/returns.ts";
import { peelStory } from "../../support/story.ts";

const MINUTE = 60_000_000_000n;
const PEELS = [
  peelStory("db_eu_example", "missing"),
  peelStory("late-failed", "late", toReturn("late-failed", new Map([["success", false]]))),
  peelStory("late-ok", "late", toReturn("late-ok", new Map([["success", true]]))),
  peelStory("other", "unreachable"),
  peelStory("web-01", "ok", undefined, { tookNs: MINUTE }),
  peelStory("web-02", "failed", undefined, { tookNs: MINUTE + 1n }),
  peelStory("web-03", "unreadable"),
  peelStory("web-04", "executing", undefined, { soFarNs: 2n * MINUTE }),
];

test.each([
  [{ failed: true }, ["late-failed", "web-02"]],
  [{ missing: true }, ["db_eu_example", "web-04"]],
  [{ unreachable: true }, ["other"]],
  [{ late: true }, ["late-failed", "late-ok"]],
  [{ bad: true }, ["db_eu_example", "late-failed", "other", "web-02", "web-03", "web-04"]],
  [{ failed: true, unreachable: true }, ["late-failed", "other", "web-02"]],
  [{ peel: ["web-*"] }, ["web-01", "web-02", "web-03", "web-04"]],
  [{ peel: ["web-*"], failed: true }, ["web-02"]],
  // Either form of the id.
  [{ peel: ["db.eu.*"] }, ["db_eu_example"]],
  [{ peel: ["db_eu_*"] }, ["db_eu_example"]],
  [{ peel: ["L@web-01,db.eu.example"] }, ["db_eu_example", "web-01"]],
  [{ peel: ["nothing"] }, []],
  // Longer, not as long; what goes on counts as well.
  [{ "slower-than": "1m" }, ["web-02", "web-04"]],
  [{ "slower-than": "1m", missing: true }, ["web-04"]],
  [{ "slower-than": "3m" }, []],
  [{ "slower-than": "0.5s", peel: ["*1"] }, ["web-01"]],
] as [PeelConditions, string[]][])("%j selects %j", (flags, ids) => {
  const selection = peelSelection(flags);
  expect(PEELS.filter((peel) => selection?.matches(peel)).map(({ peel }) => peel)).toEqual(ids);
});

test("without flags nothing is selected, which means all", () => {
  expect(peelSelection({})).toBeUndefined();
  expect(peelSelection({ failed: false })).toBeUndefined();
});

test("its words are the flags", () => {
  const flags = { bad: true, peel: ["a\nb*"], "slower-than": "5s" };
  expect(peelSelection(flags)?.text).toBe("--bad --peel a\\nb* --slower-than 5s");
});

test("what is no duration is an error", () => {
  expect(() => peelSelection({ "slower-than": "soon" })).toThrow('invalid duration "soon" for --slower-than.');
});
