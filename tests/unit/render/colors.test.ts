// Which states have a colour, and how it is written.
import { expect, test } from "bun:test";
import { ACTIVE_STATES, TERMINAL_STATES } from "../../../lib/model/job.ts";
import { WORST_FIRST } from "../../../lib/model/peel-state.ts";
import { paintState } from "../../../lib/render/colors.ts";

test.each([
  [32, ["complete", "ok"]],
  [36, ["running", "executing", "changed"]],
  [34, ["pending", "claimed", "missing"]],
  [33, ["partial", "timeout", "unreachable", "silent", "unfinished", "warn"]],
  [35, ["canceled"]],
  [31, ["failed", "unreadable", "FAIL"]],
])("\\x1b[%im: %j", (code, states) => {
  for (const state of states) {
    expect(paintState(state, true)?.("text")).toBe(`\x1b[${code}mtext\x1b[39m`);
    expect(paintState(state, false)).toBeUndefined();
  }
});

test("every state of jobs and peels has a colour, other texts have none", () => {
  for (const state of [...ACTIVE_STATES, ...TERMINAL_STATES, ...WORST_FIRST])
    expect([state, paintState(state, true) !== undefined]).toEqual([state, true]);
  for (const text of ["", "-", "Complete", "constructor", "__proto__"]) expect(paintState(text, true)).toBeUndefined();
});
