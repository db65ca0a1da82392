// The words of `kill`.
import { expect, test } from "bun:test";
import { toJsonLine } from "../../../lib/codec/json.ts";
import { UserError } from "../../../lib/errors.ts";
import { jobRow } from "../../../lib/model/job.ts";
import { notSent, type Outcome, refuseEnded, type Target } from "../../../lib/model/kill.ts";
import { interruptedWords, outcomeDocument, renderTargets, sentLines, sightWords } from "../../../lib/render/kill.ts";
import { endingWith, peelStory, storyWith } from "../../support/story.ts";

const row = (jid: string, status: string) => jobRow(jid, new Map([["status", status]]));
const target = (jid: string, status?: string): Target => ({
  jid,
  row: status === undefined ? undefined : row(jid, status),
  ask: false,
});
const sent = (jid: string): Outcome => ({ jid, signal: "sent", warnings: [] });

const owned = jobRow("j", new Map([["owner", "m1"]]));
const stuck = { jid: "j", overdueNs: 240_000_000_000n, goneMaster: undefined, heardNs: undefined };
test.each([
  [undefined, undefined, [], "all peels returned"],
  [undefined, undefined, [peelStory("a", "ok")], "all peels returned"],
  [undefined, { agoNs: 1n }, [peelStory("db_1", "executing")], "its master m1 is alive; 1 executing: db.1"],
  [undefined, undefined, ["a", "b", "c", "d"].map((peel) => peelStory(peel, "executing")), "4 executing: a,b,c,d"],
  [stuck, "gone", [peelStory("a", "silent"), peelStory("b", "queued")], "4m overdue; 1 queued: b; 1 silent: a"],
] as const)("what is seen of a job that goes on, %#", (stuck, sign, peels, words) =>
  expect(sightWords({ row: owned, stuck, story: storyWith(peels), sign })).toBe(words),
);

test.each([
  [0, "interrupted: cancel signals sent for 0 of 3 jobs; cannot tell whether one was sent for job a."],
  // The next one was refused before: nothing of it was under way.
  [1, "interrupted: cancel signals sent for 1 of 3 jobs."],
  [3, "interrupted: cancel signals sent for 2 of 3 jobs."],
])("interrupted after %i outcomes", (done, words) => {
  const plan = [target("a", "running"), refuseEnded(row("b", "failed")), target("c", "running")];
  const outcomes = [sent("a"), notSent({ jid: "b", error: new UserError("ended") }), sent("c")].slice(0, done);
  expect(interruptedWords(outcomes, plan)).toBe(words);
});

test("a line for each signal that was sent", () => {
  const unheard: Outcome = { jid: "c", signal: "sent, no listener", warnings: [] };
  expect(sentLines([sent("a\nb"), notSent(refuseEnded(row("b", "failed"))), unheard, sent("d")])).toBe(
    "Cancel signal sent for job a\\nb\nCancel signal sent for job d\n",
  );
});

test("for programs: the reason beside a signal that was not sent, the end beside one that was", () => {
  expect(toJsonLine(outcomeDocument(notSent({ jid: "j", error: new UserError("why") })))).toBe(
    '{"jid":"j","signal":"not sent","reason":"why"}',
  );
  expect(toJsonLine(outcomeDocument(notSent(refuseEnded(row("j", "failed")))))).toBe(
    '{"jid":"j","signal":"not sent","reason":"job j has already ended: failed. No signal was sent.","ended":"failed"}',
  );
  const ending = endingWith({ status: "canceled" }, ["missing"]);
  expect(toJsonLine(outcomeDocument({ ...sent("j"), ending }))).toBe(
    '{"jid":"j","signal":"sent","ended":"canceled","returned":0,"peels":1,"stopped":0,"finished":0,"unanswered":[],"unreached":["p0"]}',
  );
  const gone = peelStory("db_1", "unfinished", undefined, { sinceCancel: "unanswered" });
  const back = peelStory("db_2", "late", undefined, { sinceCancel: "stopped" });
  expect(toJsonLine(outcomeDocument({ ...sent("j"), ending: { ...ending, story: storyWith([back, gone]) } }))).toBe(
    '{"jid":"j","signal":"sent","ended":"canceled","returned":0,"peels":2,"stopped":1,"finished":0,"unanswered":["db_1"],"unreached":[]}',
  );
});

test("targets are shown with what they run, also those that were not looked up", () => {
  const look = { color: false, columns: undefined };
  expect([...renderTargets([target("a", "running"), target("b")], look, new Date(0))].join("")).toBe(`\
JID                   WHAT          TARGET    STATE
a                     -             -         running
b                     -             -         -
`);
});
