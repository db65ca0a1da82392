// Words for jobs.
import { expect, test } from "bun:test";
import { noSuchReference, parseJobReference } from "../../../lib/model/job-reference.ts";

test.each([
  ["@last", { bad: false, back: 0 }],
  ["@last-bad", { bad: true, back: 0 }],
  ["@last~0", { bad: false, back: 0 }],
  ["@last~2", { bad: false, back: 2 }],
  ["@last-bad~12", { bad: true, back: 12 }],
])("%s", (text, word) => expect(parseJobReference(text)).toEqual({ text, ...word }));

test.each([
  "last",
  "@lastly",
  "@last~",
  "@last~-1",
  "@last~1x",
  "@last-bad-",
  " @last",
  "@last\n",
  "@last~1234567",
  "@",
])("%j is none", (text) => expect(parseJobReference(text)).toBeUndefined());

test("a slip", () => expect(noSuchReference("@lst").message).toBe('no job "@lst". Did you mean @last?'));
