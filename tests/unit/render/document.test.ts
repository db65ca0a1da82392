// Jobs as documents: the array that is written piece by piece is the one that a whole text would be.
import { expect, test } from "bun:test";
import { toJson } from "../../../lib/codec/json.ts";
import type { Value } from "../../../lib/codec/value.ts";
import type { Job } from "../../../lib/model/job.ts";
import { jobRow } from "../../../lib/model/job.ts";
import { documentText, jobDocument, jobLine, jsonArray } from "../../../lib/render/document.ts";

function job(jid: string, fields: Record<string, Value>): Job {
  const record = new Map(Object.entries(fields));
  return { row: jobRow(jid, record), record };
}
const good = job("a", { function: "f", args: new Map([["x", [1, 2]]]) });
const bad: Job = { row: { jid: "b", unreadable: "it is empty" }, record: undefined };
const long = job("c", { jid: "other", targets: Array.from({ length: 30 }, (_, i) => `peel-${i}`) });

test.each([[[]], [[good]], [[good, bad]], [[long, good, bad, long]]])("%# jobs in one array", (jobs: Job[]) => {
  expect([...jsonArray(jobs.map(jobDocument))].join("")).toBe(`${toJson(jobs.map(jobDocument))}\n`);
});

test.each([
  ["a record", good, '{"jid":"a","function":"f","args":{"x":[1,2]}}'],
  ["one that can't be decoded", bad, '{"jid":"b","unreadable":"it is empty"}'],
  ["a record with another's id", job("c", { jid: "d" }), '{"jid":"c","record_jid":"d"}'],
])("%s on a line", (_, one, line) => expect(jobLine(one)).toBe(`${line}\n`));

test("a document in either format", async () => {
  const value = new Map<string, Value>([["a", [1]]]);
  expect(await documentText(value, "json")).toBe('{\n  "a": [1]\n}\n');
  expect(await documentText(value, "yaml")).toBe('"a":\n  - 1\n');
});
