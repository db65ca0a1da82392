// The jobs that `watch` shows: which, and for how long.
import { expect, test } from "bun:test";
import type { Value } from "../../../lib/codec/value.ts";
import { jobRow } from "../../../lib/model/job.ts";
import { Board, KEPT } from "../../../lib/render/board.ts";

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

test("jobs that ended within an hour are kept, those of before the start too", () => {
  const board = all();
  const ended = (minutes: number) =>
    job("j", { status: "failed", updated: new Date(NOW - minutes * 60_000).toISOString() });
  expect(board.put("old", ended(61), false, NOW)).toBe(false);
  expect(board.put("new", ended(59), false, NOW)).toBe(false);
  expect(board.jobs(NOW)).toEqual([]);
  expect([board.ended(NOW).length, board.ended(NOW + 60_000).length]).toEqual([1, 0]);
});

test("of many that ended the newest are kept", () => {
  const board = all();
  for (let i = 0; i <= KEPT.jobs; i++) {
    expect(board.keepsAll).toBe(true);
    board.put(`j${i}`, job(`j${i}`, { status: "failed", updated: "2026-01-15T09:59:30Z" }), false, NOW);
  }
  expect(board.keepsAll).toBe(false);
  expect(board.ended(NOW).map(({ row }) => row.jid)).not.toContain("j0");
  expect(board.ended(NOW)).toHaveLength(KEPT.jobs);
});
