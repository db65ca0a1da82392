import { expect, test } from "bun:test";
import type { Value } from "../../../lib/codec/value.ts";
import { toReturn } from "../../../lib/model/returns.ts";
import { renderEach } from "../../../lib/render/output.ts";
import { peelStory } from "../../support/story.ts";

/** A value of JSON as a record holds it. */
function fromJson(json: unknown): Value {
  if (Array.isArray(json)) return json.map(fromJson);
  if (typeof json === "object" && json !== null)
    return new Map(Object.entries(json).map(([name, one]) => [name, fromJson(one)]));
  return json as Value;
}

/** What is shown of a peel `p` with this answer. */
function output(return_data: unknown, error?: string): string {
  const record = { success: error === undefined, return_data, ...(error === undefined ? {} : { error }) };
  const returned = toReturn("p", fromJson(record) as Map<string, Value>);
  return [...renderEach([peelStory("p", returned.ok ? "ok" : "failed", returned)], false, false)].join("");
}
const answer = (...results: unknown[]) => ({ v: 1, peel_id: "p", jid: "j", success: true, results });

test.each([
  ["no answer", null, undefined, "p  ok\n"],
  ["a result", answer({ name: "a", changed: true }), undefined, "p  ok\n  a  changed\n"],
  [
    "short details on a line, long ones below their name",
    answer({ name: "a", details: { stdout: "one\n", stderr: "one\ntwo\n" }, diff: "+x" }),
    undefined,
    "p  ok\n  a  unchanged\n    stderr:\n      one\n      two\n    stdout: one\n    diff:\n      +x\n",
  ],
  [
    "a dry run, and a result that was skipped",
    { ...answer({ name: "a", changed: true }, { name: "b", skipped: true, skip_reason: "why" }), test: true },
    undefined,
    "p  ok  2 results: 1 would change, 1 skipped\n  a  would change\n  b  skipped  why\n",
  ],
  [
    "an error in the return, the answer and the result stands there once",
    { ...answer({ name: "a", error: "no lock" }), error: "no lock" },
    "no lock",
    "p  failed  1 result: 1 failed\n  a  failed\n    error: no lock\n",
  ],
  [
    "an error that repeats stderr, but not one that only begins with it",
    answer(
      { name: "a", error: "no lock\nheld", details: { stderr: "no lock\r\nheld\n", exit: "1" } },
      { name: "b", error: "no lock: 7", details: { stderr: "no lock" } },
    ),
    "x",
    "p  failed  2 results: 2 failed\n  error: x\n  a  failed\n    error:\n      no lock\n      held\n    exit: 1\n  b  failed\n    error: no lock: 7\n    stderr: no lock\n",
  ],
  ["an error without a result", { ...answer(), error: "gone" }, "gone", "p  failed\n  error: gone\n"],
  ["a text", "hello", undefined, "p  ok\n    data: hello\n"],
  ["a number", 5, undefined, "p  ok\n    data: 5\n"],
  [
    "terminal escapes",
    answer({ name: "\x1b[2Ja", details: { stdout: "\x1b]0;x\x07" } }),
    undefined,
    "p  ok\n  \\x1b[2Ja  unchanged\n    stdout: \\x1b]0;x\\x07\n",
  ],
] as [string, unknown, string | undefined, string][])("%s", (_, data, error, text) => {
  expect(output(data, error)).toBe(text);
});

test("data of another shape is shown as it is", () => {
  expect(output({ rc: 0, results: "none" })).toBe(
    'p  ok\n    data:\n      {\n        "rc": 0,\n        "results": "none"\n      }\n',
  );
});
