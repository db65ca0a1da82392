// Stuck jobs and the sources of jobs, one line a case.
import { expect, test } from "bun:test";
import { Timestamp, type Value, type ValueMap } from "../../../lib/codec/value.ts";
import { jobRow } from "../../../lib/model/job.ts";
import { sourceOf, sourceWords } from "../../../lib/model/source.ts";
import { type MasterSign, stuckOf, stuckWords } from "../../../lib/model/stuck.ts";

const NOW = 1_000_000n * 1_000_000_000n;
const S = 1_000_000_000n;
const row = (status: string, deadlineInS: number | undefined, owner: string | undefined = "m1") =>
  jobRow(
    "J",
    new Map<string, Value>([
      ["status", status],
      ...(owner ? [["owner", owner] as const] : []),
      ...(deadlineInS === undefined ? [] : [["deadline", new Timestamp(1_000_000n + BigInt(deadlineInS), 0)] as const]),
    ]),
  );
const ago = (s: number): MasterSign => ({ agoNs: BigInt(s) * S });

test.each([
  ["running, in time, master alive", row("running", 60), ago(3), undefined],
  ["running, in time, nothing known of its master", row("running", 60), undefined, undefined],
  ["overdue", row("running", -240), ago(3), "4m overdue"],
  ["its master is gone", row("running", 60), "gone", "its master m1 has no heartbeat"],
  [
    "its master is late, in a bucket without a limit",
    row("running", 60),
    ago(120),
    "its master m1 has not been heard for 2m",
  ],
  ["both", row("running", -240), ago(120), "4m overdue; its master m1 has not been heard for 2m"],
  ["claimed counts as well", row("claimed", -1), ago(1), "1.0s overdue"],
  ["without a deadline", row("running", undefined), ago(1), undefined],
  ["without an owner there is no master to miss", row("pending", 60, ""), "gone", undefined],
  ["ended", row("failed", -240), "gone", undefined],
] as const)("%s", (_, job, sign, words) => {
  const stuck = stuckOf(job, NOW, sign);
  expect(stuck && stuckWords(stuck)).toBe(words);
});

const record = (metadata: Record<string, string> | undefined, targets = ["web_01"]): ValueMap =>
  new Map<string, Value>([
    ["targets", targets],
    ...(metadata ? [["metadata", new Map(Object.entries(metadata)) as Value] as const] : []),
  ]);

test.each([
  ["no metadata", record(undefined), "operator", undefined],
  ["a schedule", record({ source: "schedule", schedule: "nightly" }), "schedule", 'schedule "nightly" on web.01'],
  ["a schedule without a name", record({ source: "schedule" }, []), "schedule", "schedule"],
  ["a rule", record({ source: "reactor", rule: "r", event_tag: "beacon/x" }), "reactor", "rule r, event beacon/x"],
  ["a rule without an event", record({ source: "reactor", rule: "r" }), "reactor", "rule r"],
  ["a source that is not known", record({ source: "api" }), "operator", undefined],
] as const)("source: %s", (_, job, source, words) => {
  expect(sourceOf(job)).toBe(source);
  expect(sourceWords(job)).toBe(words);
});
