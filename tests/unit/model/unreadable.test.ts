import { expect, test } from "bun:test";
import { unreadableWords } from "../../../lib/model/job.ts";

const rows = (n: number) => Array.from({ length: n }, (_, i) => ({ jid: `j${i}`, unreadable: "because" }));

test.each([
  [1, "1 job cannot be decoded: j0: because"],
  [2, "2 jobs cannot be decoded: j0: because; j1: because"],
  [5, expect.not.stringContaining("more")],
  [1005, expect.stringMatching(/^1,005 jobs .*j4: because; and 1000 more$/)],
])("%d jobs that can't be decoded", (n, words) => expect(unreadableWords(rows(n))).toEqual(words));
