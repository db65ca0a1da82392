// Patterns: what they match.
import { expect, test } from "bun:test";
import { glob, globs, splitList } from "../../../lib/model/glob.ts";

test.each([
  ["db*", "db-01", true],
  ["db*", "adb", false],
  ["*.example.?om", "x.example.com", true],
  ["a.b", "axb", false],
  ["web-[0-2]", "web-1", true],
  ["web-[!0-2]", "web-1", false],
  ["G@os:ubuntu*", "G@os:ubuntu and web*", true],
  ["a|b", "a", false],
  ["(", "(", true],
  ["[", "[", true],
  ["*", "line\nbreak", true],
  ["web-[67]", "web-6", true],
  // Names as screens fold them.
  ["app-[08-12]", "app-08", true],
  ["app-[08-12]", "app-12", true],
  ["app-[08-12]", "app-13", false],
  ["app-[08-12]", "app-1", false],
  ["app-[08-12]", "app-0x", false],
  ["w[001-119,121].eu", "w121.eu", true],
  ["w[001-119,121].eu", "w120.eu", false],
  ["w[001-119,121].eu", "w121.us", false],
])("glob %s on %s: %p", (pattern, text, hit) => expect(glob(pattern)(text)).toBe(hit));

test.each([
  [["a,b"], ["a", "b"]],
  [
    ["a", "b,c"],
    ["a", "b", "c"],
  ],
  [["web-[1,2]"], ["web-[1,2]"]],
  [["web-[1,2],db-[!a,b]*"], ["web-[1,2]", "db-[!a,b]*"]],
  [["a],b"], ["a]", "b"]],
])("%j is the list %j", (values, patterns) => expect(splitList(values)).toEqual(patterns));

test("one of several patterns has to fit", () => {
  expect(["db-1", "web-1", "api-1"].filter(globs(["db*", "web-[1,2]"]))).toEqual(["db-1", "web-1"]);
});
