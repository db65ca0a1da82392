// The live table of `watch`: which jobs are on it, and how it fits.
import { expect, test } from "bun:test";
import type { Value } from "../../../lib/codec/value.ts";
import { jobRow } from "../../../lib/model/job.ts";
import { Board, renderBoard } from "../../../lib/render/board.ts";
import { width } from "../../../lib/text.ts";

const NOW = Date.parse("2026-01-15T10:00:00Z");
const job = (jid: string, fields: Record<string, Value> = {}) => {
  const record = new Map<string, Value>(
    Object.entries({
      function: "state.apply",
      target_expr: "web*",
      targets: ["web-01", "web-02", "web-03", "web-04"],
      status: "running",
      created: "2026-01-15T09:59:00Z",
      deadline: "2026-01-15T10:05:00Z",
      return_count: 2n,
      success_count: 1n,
      ...fields,
    }),
  );
  return { row: jobRow(jid, record), record };
};
const all = () => new Board(() => true);
const jids = (board: Board, nowMs: number) => board.rows(nowMs).map(({ jid }) => jid);

test.each([
  ["pending", true],
  ["claimed", true],
  ["running", true],
  // Until it is known to have ended.
  ["Running", true],
  ["complete", false],
])("at the start a job that is %s is shown: %p", (status, shown) => {
  const board = all();
  expect(board.put("j", job("j", { status }), false, NOW)).toBe(shown);
  expect(jids(board, NOW)).toEqual(shown ? ["j"] : []);
});

test("a job that ends stays for five seconds", () => {
  const board = all();
  board.put("j", job("j"), false, NOW);
  expect(board.put("j", job("j", { status: "complete" }), true, NOW)).toBe(true);
  expect([jids(board, NOW + 4_999), jids(board, NOW + 5_000)]).toEqual([["j"], []]);
  expect(board.activeCount).toBe(0);
});

test("a job that leaves the selection is shown once more, one that never was in it is not", () => {
  const board = new Board(({ status }) => status === "pending");
  board.put("j", job("j", { status: "pending" }), false, NOW);
  expect(board.put("j", job("j"), true, NOW)).toBe(true);
  expect(board.put("other", job("other"), true, NOW)).toBe(false);
  expect(jids(board, NOW)).toEqual(["j"]);
});

test("a new picture drops what is not in it any more", () => {
  const board = all();
  for (const jid of ["a", "b"]) board.put(jid, job(jid), false, NOW);
  board.beginPicture();
  board.put("b", job("b"), false, NOW);
  board.endPicture();
  expect(jids(board, NOW)).toEqual(["b"]);
  expect(board.put("b", undefined, true, NOW)).toBe(true);
  expect(jids(board, NOW)).toEqual([]);
});

const table = (columns: number, rows = 24, jobs = 1) => {
  const board = all();
  for (let i = 0; i < jobs; i++) board.put(`job-${i}`, job(`job-${i}`), false, NOW);
  return renderBoard(board, "", { color: false, utf8: true }, { columns, rows }, NOW);
};

test.each([
  [100, "JID    WHAT         TARGET  STATE    RETURNS         FAILED  TIME  LEFT"],
  // Less room: first the bar goes, then columns, the least important first.
  [68, "JID    WHAT         TARGET  STATE    RETURNS  FAILED  TIME  LEFT"],
  [50, "JID    WHAT         STATE    RETURNS  FAILED  LEFT"],
  [40, "JID    WHAT        STATE    FAILED  LEFT"],
  [20, "JID    STATE    FAI…"],
])("%i columns", (columns, titles) => {
  const lines = table(columns);
  expect(lines[2]).toBe(titles);
  for (const line of lines) expect(width(line)).toBeLessThanOrEqual(columns);
});

test("the row of a job: returns with a bar, failures, the time so far and the time left", () => {
  expect(table(100)[3]).toBe("job-0  state.apply  web*    running  █████░░░░░ 2/4  1       1m    5m");
});

test.each([
  [24, 3, ["job-0", "job-1", "job-2"]],
  [7, 3, ["job-0", "job-1", "job-2"]],
  [6, 3, ["job-0", "… and 2 jobs more"]],
])("%i lines for %i jobs", (rows, jobs, shown) => {
  const lines = table(100, rows, jobs);
  expect(lines.slice(3).map((line) => (line.startsWith("job") ? line.slice(0, 5) : line))).toEqual(shown);
  expect(lines.length).toBeLessThanOrEqual(rows);
});

test("an id is cut to what tells it from the others, and never within", () => {
  const board = all();
  const ids = ["2hPx7KkVnR7YmWqTz4PLsCfNjA1", "2hPx7KkVnR9YmWqTz4PLsCfNjA2", "rxn-0123456789abcdef"];
  for (const jid of ids) board.put(jid, job(jid), false, NOW);
  const shown = (columns: number) => {
    const lines = renderBoard(board, "", { color: false, utf8: true }, { columns, rows: 24 }, NOW).slice(3);
    return lines.map((line) => line.split(" ")[0]);
  };
  expect(shown(120)).toEqual(ids);
  expect(shown(70)).toEqual(["2hPx7KkVnR7", "2hPx7KkVnR9", "rxn-0123456"]);
});
