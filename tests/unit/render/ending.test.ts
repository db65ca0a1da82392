// How jobs ended, as words and for programs.
import { expect, test } from "bun:test";
import { toJsonLine } from "../../../lib/codec/json.ts";
import { jobRow } from "../../../lib/model/job.ts";
import { endingDocument, endingLine } from "../../../lib/render/ending.ts";
import { endLine, stakeWords } from "../../../lib/render/kill.ts";
import { endingWith } from "../../support/story.ts";

const NOW = new Date("2026-01-15T10:00:00Z");
const TIMES = { created: "2026-01-15T09:30:00Z", updated: "2026-01-15T09:30:12Z" };

test.each([
  [endingWith({ status: "complete", ...TIMES }, ["ok", "ok"]), "ended complete after 12s: 2 ok"],
  [endingWith({ status: "failed", ...TIMES }, ["failed", "ok"]), "ended failed after 12s: 1 failed, 1 ok"],
  [endingWith({ status: "failed", ...TIMES }, ["late", "ok"]), "ended failed after 12s: 1 late, 1 ok"],
  [endingWith({ status: "failed" }, []), "ended failed: no peels"],
  [
    endingWith({ status: "failed", ...TIMES }, ["failed", ...Array(400).fill("ok"), "unreachable"]),
    "ended failed after 12s: 1 failed (p0), 1 unreachable (p401), 400 ok",
  ],
  [endingWith({}, ["missing"]), "ended -: 1 missing"],
  [endingWith({ status: "a\nb" }, []), "ended a\\nb: no peels"],
])("%#: %s", (one, words) => expect(endingLine(one, NOW, undefined)).toBe(`Job j ${words}\n`));

test("the question before a kill names many targets folded", () => {
  const words = (n: number) => {
    const targets = Array.from({ length: n }, (_, i) => `web-${String(i + 1).padStart(3, "0")}`);
    const ending = endingWith({ function: "test.ping" }, []);
    const job = new Map([...ending.job, ["targets", targets] as const]);
    return stakeWords({ ...ending, job, row: jobRow("j", job), stuck: undefined }, NOW);
  };
  expect(words(2)).toBe("test.ping on [web-001 web-002] (every peel has returned)");
  expect(words(400)).toBe("test.ping on web-[001-400] (every peel has returned)");
});

test("for programs every state is counted", () => {
  expect(toJsonLine(endingDocument(endingWith({ status: "failed" }, ["failed", "ok", "ok"])))).toBe(
    '{"jid":"j","status":"failed","failed":1,"unreadable":0,"unreachable":0,"late":0,"offline":0,"silent":0,"unfinished":0,"missing":0,"queued":0,"executing":0,"ok":2}',
  );
  expect(toJsonLine(endingDocument(endingWith({}, [])))).toStartWith('{"jid":"j","status":null,');
});

test.each([
  [endingWith({ status: "canceled" }, ["missing"]), "Job j canceled, 0 of 1 peel had returned\n"],
  [endingWith({ status: "canceled" }, []), "Job j canceled, 0 of 0 peels had returned\n"],
  [endingWith({ status: "complete" }, ["ok"]), "Job j ended complete before the signal took effect: 1 ok\n"],
])("after a cancel signal, %#: %s", (one, line) => expect(endLine(one, undefined)).toBe(line));
