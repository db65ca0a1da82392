// How a job ended, as an exit code.
import { expect, test } from "bun:test";
import { endingCode, worstCode } from "../../../lib/model/ending.ts";
import { jobRow } from "../../../lib/model/job.ts";
import type { PeelState } from "../../../lib/model/peel-state.ts";

const ending = (status: string | undefined, states: readonly PeelState[]) => ({
  row: jobRow("j", new Map(status === undefined ? [] : [["status", status]])),
  peels: states.map((state, i) => ({ peel: `p${i}`, state, returned: undefined })),
});

test.each([
  ["complete", ["ok", "ok"], 0],
  ["complete", [], 0],
  // The record decides where it is clear.
  ["complete", ["ok", "failed"], 0],
  ["canceled", ["ok", "failed", "missing"], 5],
  ["failed", ["ok", "failed"], 2],
  ["failed", ["ok", "unreadable"], 2],
  ["failed", ["unreachable"], 3],
  ["failed", ["failed", "missing"], 4],
  ["failed", ["unreadable", "unreachable"], 4],
  // The returns are gone: what the record says remains.
  ["failed", [], 2],
  ["partial", [], 3],
  ["timeout", [], 3],
  ["timeout", ["ok", "missing"], 3],
  ["partial", ["failed"], 4],
  // A status of another version: no success is claimed.
  ["Complete", ["ok"], 2],
  [undefined, [], 2],
] as [string | undefined, PeelState[], number][])("%s with %j: exit code %i", (status, states, code) => {
  expect(endingCode(ending(status, states))).toBe(code);
});

test.each([
  [[0], 0],
  [[0, 2], 2],
  [[0, 3], 3],
  [[2, 3], 4],
  [[3, 2, 0], 4],
  [[2, 4], 4],
  [[3, 5], 5],
])("of several jobs, %j: %i", (codes, worst) => expect(worstCode(codes)).toBe(worst));
