// The exit code of a cancellation.
import { expect, test } from "bun:test";
import { UserError } from "../../../lib/errors.ts";
import { jobRow } from "../../../lib/model/job.ts";
import { isTarget, killCode, notMeant, notSent, type Outcome, refuseEnded } from "../../../lib/model/kill.ts";
import { endingWith } from "../../support/story.ts";

const row = (status: string) => jobRow("j", new Map([["status", status]]));
const outcome = (signal: Outcome["signal"], status?: string): Outcome => ({
  jid: "j",
  signal,
  warnings: [],
  ending: status === undefined ? undefined : endingWith({ status }, []),
});

test.each([
  [[outcome("sent")], 0],
  [[], 0],
  [[outcome("sent"), outcome("not sent")], 1],
  [[outcome("unknown")], 1],
  [[outcome("sent, no listener")], 1],
  [[outcome("sent", "canceled"), outcome("sent", "canceled")], 0],
  [[outcome("sent", "canceled"), outcome("sent", "complete")], 6],
  // A signal that was not sent weighs more than an end that came first.
  [[outcome("sent", "complete"), outcome("not sent")], 1],
] as [Outcome[], number][])("%j: %i", (outcomes, code) => expect(killCode(outcomes)).toBe(code));

test("a job that has ended is refused, and a refusal is no target", () => {
  const refused = refuseEnded(row("failed"));
  expect([refused.why, refused.error.message]).toEqual([
    "ended",
    "job j has already ended: failed. No signal was sent.",
  ]);
  expect([isTarget(refused), isTarget({ jid: "j", row: undefined, ask: false })]).toEqual([false, true]);
});

test("a plan that is only shown", () => {
  const refused = refuseEnded(row("failed"));
  const { error } = refused;
  expect(notMeant(refused)).toEqual({ jid: "j", signal: "not sent", error, ended: "failed", warnings: [] });
  expect(notMeant({ jid: "j", row: undefined, ask: true })).toEqual({
    jid: "j",
    signal: "none (dry run)",
    warnings: [],
  });
  const other = new UserError("why");
  expect(notSent({ jid: "j", error: other })).toEqual({ jid: "j", signal: "not sent", error: other, warnings: [] });
});
