// Which states have a colour, and that each can be read.
import { expect, test } from "bun:test";
import { COLORS, dim, type Meaning, paint, paintState } from "../../../lib/colors.ts";
import { ACTIVE_STATES, TERMINAL_STATES } from "../../../lib/model/job.ts";
import { WORST_FIRST } from "../../../lib/model/peel-state.ts";
import { renderTable } from "../../../lib/render/table.ts";

test.each([
  ["good", ["complete", "ok"]],
  ["active", ["running", "executing", "changed"]],
  ["waiting", ["pending", "claimed", "missing"]],
  ["attention", ["partial", "timeout", "unreachable", "silent", "unfinished", "warn"]],
  ["stopped", ["canceled"]],
  ["bad", ["failed", "unreadable", "FAIL"]],
] as [Meaning, string[]][])("%s: %j", (meaning, states) => {
  for (const state of states) {
    expect(paintState(state, true)?.("text")).toBe(`\x1b[38;5;${COLORS[meaning]}mtext\x1b[39m`);
    expect(paintState(state, false)).toBeUndefined();
  }
});

test("every state of jobs and peels has a colour, other texts have none", () => {
  for (const state of [...ACTIVE_STATES, ...TERMINAL_STATES, ...WORST_FIRST])
    expect([state, paintState(state, true) !== undefined]).toEqual([state, true]);
  for (const text of ["", "-", "Complete", "constructor", "__proto__"]) expect(paintState(text, true)).toBeUndefined();
});

/** How bright a colour of the cube of 6 × 6 × 6 in the palette of 256 is, as WCAG 2 counts it. */
function luminance(color: number): number {
  const [r, g, b] = [36, 6, 1].map((step) => {
    const level = Math.floor((color - 16) / step) % 6;
    const part = (level === 0 ? 0 : 55 + 40 * level) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

test("every colour can be read on white and on black, and no two are the same", () => {
  for (const [meaning, color] of Object.entries(COLORS)) {
    const [onWhite, onBlack] = [1.05 / (luminance(color) + 0.05), (luminance(color) + 0.05) / 0.05];
    expect([meaning, onWhite > 3.4, onBlack > 3.4]).toEqual([meaning, true, true]);
  }
  expect(new Set(Object.values(COLORS)).size).toBe(Object.keys(COLORS).length);
  expect(paint("bad", "x")).toBe("\x1b[38;5;160mx\x1b[39m");
});

test("titles are dim, and only where there is colour", () => {
  const table = (color: boolean) =>
    renderTable(
      ["A", "B"].map((title, i) => ({ title, text: (row: string[]) => row[i] as string })),
      [["1", "2"]],
      { color, columns: undefined },
    );
  expect(table(true)).toBe(`${dim("A")}  ${dim("B")}\n1  2\n`);
  expect(table(false)).toBe("A  B\n1  2\n");
});
