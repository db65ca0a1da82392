// Stuck jobs and the sources of jobs, one line a case.
import { expect, test } from "bun:test";
import { Timestamp, type Value, type ValueMap } from "../../../lib/codec/value.ts";
import { type JobRow, jobRow, sourceWords } from "../../../lib/model/job.ts";
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
const ago = (s: number, jids?: readonly string[]): MasterSign => ({
  agoNs: BigInt(s) * S,
  watches: jids && { jids: new Set(jids), asOfNs: NOW - BigInt(s) * S },
});
/** A job whose record last changed so many seconds ago. */
const changed = (s: number, status = "running"): JobRow => ({
  ...row(status, 60),
  updated: Timestamp.at(NOW - BigInt(s) * S),
});
const IDLE = "its master m1 is alive but does not watch the job, which ends when that master restarts";

test.each([
  ["running, in time, master alive", row("running", 60), ago(3), undefined],
  ["running, in time, nothing known of its master", row("running", 60), undefined, undefined],
  ["overdue", row("running", -240), ago(3), "4m overdue"],
  ["its master is gone", row("running", 60), "gone", "no heartbeat from its master m1"],
  [
    "its master is late, in a bucket without a limit",
    row("running", 60),
    ago(120),
    "no heartbeat from its master m1 for 2m",
  ],
  ["both", row("running", -240), ago(120), "4m overdue; no heartbeat from its master m1 for 2m"],
  ["claimed counts as well", row("claimed", -1), ago(1), "1.0s overdue"],
  ["without a deadline", row("running", undefined), ago(1), undefined],
  ["without an owner there is no master to miss", row("pending", 60, ""), "gone", undefined],
  ["ended", row("failed", -240), "gone", undefined],
  ["its master watches it", changed(60), ago(3, ["I", "J"]), undefined],
  ["its master does not say what it watches", changed(60), ago(3), undefined],
  ["its master does not watch it", changed(60), ago(3, ["I"]), IDLE],
  ["claimed, and its master does not watch it", changed(60, "claimed"), ago(3, []), IDLE],
  ["ended, and not watched any more", changed(60, "failed"), ago(3, []), undefined],
  ["a status of another version", changed(60, "Running"), ago(3, []), undefined],
  ["the heartbeat is older than the job", changed(2), ago(3, []), undefined],
  ["the heartbeat came while the requests were sent", changed(3), ago(3, []), undefined],
  ["nothing watches what a dead master owned", changed(60), ago(20, []), "no heartbeat from its master m1 for 20s"],
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
  // What a caller of the REST interface may write as well: then the record has not the shape of a schedule's.
  ["a schedule without a name", record({ source: "schedule" }), "operator", undefined],
  ["a schedule of two peels", record({ source: "schedule", schedule: "nightly" }, ["a", "b"]), "operator", undefined],
  [
    "a schedule with a master",
    record({ source: "schedule", schedule: "nightly" }).set("owner", "m1"),
    "operator",
    undefined,
  ],
  ["a rule", record({ source: "reactor", rule: "r", event_tag: "beacon/x" }), "reactor", "rule r, event beacon/x"],
  ["a rule without an event", record({ source: "reactor", rule: "r" }), "reactor", "rule r"],
  ["a source that is not known", record({ source: "api" }), "operator", undefined],
] as const)("source: %s", (_, job, source, words) => {
  expect(jobRow("j", job).source).toBe(source);
  expect(sourceWords(job)).toBe(words);
});
