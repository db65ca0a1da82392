import { expect, test } from "bun:test";
import fc from "fast-check";
import { coveredBy, covers } from "../../../lib/nats/subject.ts";

const token = fc.constantFrom("a", "b", "$KV", "2hP");
const subject = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join("."));
const pattern = fc
  .tuple(fc.array(fc.oneof(token, fc.constant("*")), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([tokens, open]) => [...tokens, ...(open ? [">"] : [])].join("."));

test("many patterns cover what one of them covers", () => {
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 6 }), subject, (patterns, given) => {
      expect(coveredBy(patterns)(given)).toBe(patterns.some((one) => covers(one, given)));
    }),
    { numRuns: 2000 },
  );
});
