// Which peels need a job again, and what is to be said before it is sent.
import { expect, test } from "bun:test";
import type { Value } from "../../../lib/codec/value.ts";
import { jobRow } from "../../../lib/model/job.ts";
import { needsAgain } from "../../../lib/model/peel-selection.ts";
import { type PeelState, WORST_FIRST } from "../../../lib/model/peel-state.ts";
import { doubtOf, retrySelection, retryWarnings } from "../../../lib/model/retry.ts";
import { toReturn } from "../../../lib/model/returns.ts";
import { peelStory } from "../../support/story.ts";

const returned = (success: boolean) => toReturn("p", new Map<string, Value>([["success", success]]));
const ALL = WORST_FIRST.map((state) => peelStory(`${state}-1`, state, state === "late" ? returned(false) : undefined));
const LATE_OK = peelStory("late-ok", "late", returned(true));

test.each([
  [{}, "failed unreadable unreachable late offline silent unfinished missing queued executing"],
  [{ bad: true }, "failed unreadable unreachable late offline silent unfinished missing queued executing"],
  [{ failed: true }, "failed late"],
  [{ unreachable: true, failed: true }, "failed unreachable late"],
  [{ missing: true }, "offline silent unfinished missing queued executing"],
  [
    { bad: true, failed: true },
    "failed unreadable unreachable late offline silent unfinished missing queued executing",
  ],
  [{ all: true }, WORST_FIRST.join(" ")],
  [{ peel: ["?[ai]*-1"] }, "failed late silent missing"],
  [{ all: true, peel: ["ok*"] }, "ok"],
  [{ peel: ["ok*"] }, ""],
])("%j selects %s", (flags, names) => {
  const selected = ALL.filter(retrySelection(flags).matches).map(({ peel }) => peel.replace("-1", ""));
  expect(selected.join(" ")).toBe(names);
});

test("a late return that is ok is enough, unless all are asked for", () => {
  expect(needsAgain(LATE_OK)).toBe(false);
  expect(
    [{}, { bad: true }, { failed: true }, { all: true }].map((flags) => retrySelection(flags).matches(LATE_OK)),
  ).toEqual([false, false, false, true]);
});

test("what may have run, or may run yet, is warned of; so are peels that are ok, and old jobs", () => {
  const row = jobRow("j", new Map([["status", "failed"]]));
  const warnings = (states: PeelState[], nowNs = 0n) =>
    retryWarnings(
      { row, job: new Map(), peels: states.map((state, i) => peelStory(`p${i}`, state, returned(false))) },
      nowNs,
    );
  expect(warnings(["failed", "silent", "offline"])).toEqual([]);
  for (const state of ["late", "unreachable", "unfinished", "missing", "queued", "executing", "unreadable"] as const)
    expect(warnings([state, "failed"])).toEqual([
      `1 peel may have run the job, or still run it (1 ${state}); \`zester job trace j\` shows details.`,
    ]);
  expect(warnings(["ok", "ok"])).toEqual(["2 peels returned ok and will run it again."]);
  expect(doubtOf("failed")).toBeUndefined();
  const created = "2026-01-15T09:30:00Z";
  const aged = jobRow("j", new Map([["created", created]]));
  const at = (hours: number) => BigInt(Date.parse(created)) * 1_000_000n + BigInt(hours) * 3_600_000_000_000n;
  const about = (hours: number) =>
    retryWarnings({ row: aged, job: new Map(), peels: [peelStory("p", "failed")] }, at(hours));
  expect(about(24)).toEqual([]);
  expect(about(25)).toEqual(["job j was created 25h ago: check that it is still wanted."]);
});

test("a peel that the cancel signal stopped is no doubt: it returned", () => {
  const late = (sinceCancel: "stopped" | "finished") => peelStory("p", "late", returned(false), { sinceCancel });
  const words = (sinceCancel: "stopped" | "finished") =>
    retryWarnings({ row: jobRow("j", new Map()), job: new Map(), peels: [late(sinceCancel)] }, 0n);
  expect(words("stopped")).toEqual([]);
  expect(words("finished")).toEqual([expect.stringContaining("1 late")]);
});
