// What a peel answered, one line a case.
import { expect, test } from "bun:test";
import type { Value } from "../../../lib/codec/value.ts";
import { countOutcomes, readReturnData } from "../../../lib/model/return-data.ts";

const toValue = (value: unknown): Value => {
  if (Array.isArray(value)) return value.map(toValue);
  if (value !== null && typeof value === "object")
    return new Map(Object.entries(value).map(([key, item]) => [key, toValue(item)]));
  return value as Value;
};
const one = (result: unknown, test = false) =>
  readReturnData(toValue({ v: 1, peel_id: "a", jid: "J", success: true, ...(test && { test }), results: [result] }))
    ?.results[0];

test.each([
  ["changed", { changed: true }, false, "changed"],
  ["would change in a dry run", { changed: true }, true, "would change"],
  ["unchanged", { changed: false }, false, "unchanged"],
  ["unchanged in a dry run", { changed: false }, true, "unchanged"],
  ["failed, whatever it changed", { changed: true, error: "no" }, false, "failed"],
  ["an empty error is none", { changed: false, error: "" }, false, "unchanged"],
  ["an error that is no text is one", { error: { code: 1 } }, false, "failed"],
  ["skipped", { changed: true, skipped: true }, false, "skipped"],
  ["skipped in the older form, with the reason in its place", { skipped: "onlyif" }, false, "skipped"],
  ["not skipped", { skipped: false }, false, "unchanged"],
  ["a result that is no map", "text", false, "unchanged"],
])("%s", (_, result, dry, outcome) => {
  expect(one(result, dry)?.outcome).toBe(outcome as never);
});

test("the parts of a result by name, details by their own names, a diff last; nothing twice, nothing empty", () => {
  const result = {
    name: "cmd.run:x",
    changed: true,
    diff: "+a",
    duration: 5,
    details: { stdout: "out", path: "/x", stderr: "" },
    comment: "c",
  };
  expect(one(result)?.parts).toEqual([
    ["comment", "c"],
    ["path", "/x"],
    ["stdout", "out"],
    ["diff", "+a"],
  ]);
  expect(one({ skipped: true, skip_reason: "unless" })).toMatchObject({ skipReason: "unless", parts: [] });
  expect(one({ skipped: "onlyif" })).toMatchObject({ skipReason: "onlyif", parts: [] });
  expect(one({ error: { code: 1 } })?.parts).toEqual([["error", toValue({ code: 1 })]]);
  expect(one({ details: "text" })?.parts).toEqual([["details", "text"]]);
  expect(one("text")).toMatchObject({ name: "-", parts: [["result", "text"]] });
});

test("the answer's envelope is not repeated, an error only when it is another one", () => {
  const data = toValue({ v: 1, peel_id: "a", jid: "J", success: false, results: [], error: "e", note: "n" });
  expect(readReturnData(data, "e")?.parts).toEqual([["note", "n"]]);
  expect(readReturnData(data, "other")?.parts).toEqual([
    ["error", "e"],
    ["note", "n"],
  ]);
});

test.each([
  ["null", null],
  ["text", "up 3 days"],
  ["a map without results", { stdout: "x" }],
  ["results that are no list", { results: "x" }],
])("another shape is shown as it is: %s", (_, data) => {
  expect(readReturnData(toValue(data))).toBeUndefined();
});

test("outcomes are counted worst first, without zeros", () => {
  const results = ["a", "b", "c", "d"].map((name, i) => ({
    name,
    changed: i > 1,
    error: i === 3 ? "e" : "",
  }));
  expect(countOutcomes(readReturnData(toValue({ results }))?.results ?? [])).toEqual([
    ["failed", 1],
    ["changed", 1],
    ["unchanged", 2],
  ]);
});
