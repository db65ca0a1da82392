// Patterns: what they match.
import { expect, test } from "bun:test";
import { glob } from "../../../lib/model/glob.ts";

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
])("glob %s on %s: %p", (pattern, text, hit) => expect(glob(pattern)(text)).toBe(hit));
