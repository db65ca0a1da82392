// How jobs ended, as words and for programs.
import { expect, test } from "bun:test";
import { toJsonLine } from "../../../lib/codec/json.ts";
import { jobRow } from "../../../lib/model/job.ts";
import { toReturn } from "../../../lib/model/returns.ts";
import type { PeelStory } from "../../../lib/model/story.ts";
import { endingDocument, endingLine, nextLine } from "../../../lib/render/ending.ts";
import { endLine, stakeWords } from "../../../lib/render/kill.ts";
import { endingWith, peelStory, storyWith } from "../../support/story.ts";

const NOW = new Date("2026-01-15T10:00:00Z");
const TIMES = { created: "2026-01-15T09:30:00Z", updated: "2026-01-15T09:30:12Z" };

test.each([
  [endingWith({ status: "complete", ...TIMES }, ["ok", "ok"]), "complete in 12s: 2 ok"],
  [endingWith({ status: "failed", ...TIMES }, ["failed", "ok"]), "failed in 12s: 1 failed, 1 ok"],
  [endingWith({ status: "failed", ...TIMES }, ["late", "ok"]), "failed in 12s: 1 late, 1 ok"],
  [endingWith({ status: "failed" }, []), "failed: no peels"],
  [
    endingWith({ status: "failed", ...TIMES }, ["failed", ...Array(400).fill("ok"), "unreachable"]),
    "failed in 12s: 1 failed (p0), 1 unreachable (p401), 400 ok",
  ],
  [endingWith({}, ["missing"]), "-: 1 missing"],
  [endingWith({ status: "a\nb" }, []), "a\\nb: no peels"],
])("%#: %s", (one, words) => expect(endingLine(one, NOW, undefined)).toBe(`Job j ${words}\n`));

test.each([
  [[endingWith({ status: "complete" }, ["ok"])], undefined],
  [[endingWith({ status: "canceled" }, ["failed"])], undefined],
  [[endingWith({ status: "failed" }, ["failed", "ok"])], "retry j --failed"],
  [[endingWith({ status: "failed" }, ["failed", "unreachable"])], "show j --summary"],
  [[endingWith({ status: "partial" }, ["unfinished", "ok"])], "show j --summary"],
  [[endingWith({ status: "failed" }, [])], "show j --summary"],
  [
    [
      endingWith({ status: "failed" }, ["failed"]),
      endingWith({ status: "partial" }, ["missing"]),
      endingWith({ status: "complete" }, ["ok"]),
    ],
    "show j --summary",
  ],
  [
    [{ ...endingWith({ status: "failed" }, ["failed"]), row: jobRow("$(reboot)", new Map([["status", "failed"]])) }],
    undefined,
  ],
])("%#: the command that leads on", (endings, command) =>
  expect(nextLine(endings)).toBe(command === undefined ? undefined : `Next: zester job ${command}`),
);

test("the question before a kill names many targets folded", () => {
  const words = (n: number) => {
    const targets = Array.from({ length: n }, (_, i) => `web-${String(i + 1).padStart(3, "0")}`);
    const ending = endingWith({ function: "test.ping" }, []);
    const job = new Map([...ending.job, ["targets", targets] as const]);
    return stakeWords({ ...ending, job, row: jobRow("j", job), stuck: undefined }, NOW);
  };
  expect(words(2)).toBe("test.ping on [web-001 web-002] (all peels returned)");
  expect(words(400)).toBe("test.ping on web-[001-400] (all peels returned)");
});

test("for programs every state is counted", () => {
  expect(toJsonLine(endingDocument(endingWith({ status: "failed" }, ["failed", "ok", "ok"])))).toBe(
    '{"jid":"j","status":"failed","failed":1,"unreadable":0,"unreachable":0,"late":0,"offline":0,"silent":0,"unfinished":0,"missing":0,"queued":0,"executing":0,"ok":2}',
  );
  expect(toJsonLine(endingDocument(endingWith({}, [])))).toStartWith('{"jid":"j","status":null,');
});

const peels = (sinceCancel: PeelStory["sinceCancel"], ...names: string[]) =>
  names.map((name) => peelStory(name, "late", undefined, { sinceCancel }));
const numbered = (n: number) => Array.from({ length: n }, (_, i) => `db-${String(i + 1).padStart(2, "0")}`);
const back = (...names: string[]) => names.map((name) => peelStory(name, "ok", toReturn(name, new Map())));

test.each([
  [[], ""],
  [peels("stopped", "a", "b"), "; 2 of 2 peels stopped"],
  [[...back("a", "b"), ...peels("stopped", "c")], ", 2 of 3 peels had returned; 1 of 1 peel stopped"],
  [peels("unanswered", "db-01"), "; db-01 has not answered and may still be executing"],
  [
    [...peels("stopped", "a"), ...peels("unanswered", "db_x")],
    "; 1 of 2 peels stopped; db.x has not answered and may still be executing",
  ],
  [peels("unanswered", ...numbered(12)), "; 12 peels have not answered and may still be executing: db-[01-12]"],
  [
    [
      ...peels("finished", "a"),
      ...peels("unanswered", "b", "c"),
      peelStory("d", "unreachable"),
      peelStory("e", "offline"),
    ],
    "; a finished anyway; 2 peels have not answered and may still be executing: b,c; 1 unreachable: d; 1 offline: e",
  ],
])("after a cancel signal, %#: canceled%s", (told, words) => {
  const ending = { ...endingWith({ status: "canceled" }, []), story: storyWith(told) };
  expect(endLine(ending, undefined)).toBe(`Job j canceled${words}\n`);
});

test("a job that a cancel signal did not end", () => {
  const line = "Job j ended before the signal took effect: complete, 1 ok\n";
  expect(endLine(endingWith({ status: "complete" }, ["ok"]), undefined)).toBe(line);
});
