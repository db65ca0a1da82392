// What the status of a job means, and how long it took.
import { expect, test } from "bun:test";
import type { Value } from "../../../lib/codec/value.ts";
import {
  ACTIVE_STATES,
  badOf,
  isActive,
  isTerminal,
  isUnknownStatus,
  jobDuration,
  jobRow,
  LISTED_AS_ACTIVE,
  returnedOf,
  unknownStateWords,
} from "../../../lib/model/job.ts";

test.each([
  ["pending", { active: true, terminal: false, listed: true }],
  ["claimed", { active: true, terminal: false, listed: false }],
  ["running", { active: true, terminal: false, listed: true }],
  ["complete", { active: false, terminal: true, listed: false }],
  ["failed", { active: false, terminal: true, listed: false }],
  ["partial", { active: false, terminal: true, listed: false }],
  ["timeout", { active: false, terminal: true, listed: false }],
  ["canceled", { active: false, terminal: true, listed: false }],
  // Neither: it is not known whether such a job has ended.
  ["Complete", { active: false, terminal: false, listed: false }],
  ["", { active: false, terminal: false, listed: false }],
  [undefined, { active: false, terminal: false, listed: false }],
])("status %p: %j", (status, { active, terminal, listed }) => {
  expect(ACTIVE_STATES.includes(status ?? "")).toBe(active);
  expect(isTerminal(status)).toBe(terminal);
  expect(LISTED_AS_ACTIVE.includes(status ?? "")).toBe(listed);
  expect(isActive(status)).toBe(active);
  expect(isUnknownStatus(status)).toBe(!active && !terminal);
});

test("what to say of states that tell nothing: the first five, and how many more", () => {
  const row = (jid: string, status?: string) => jobRow(jid, new Map(status === undefined ? [] : [["status", status]]));
  expect(unknownStateWords([row("a", "running"), row("b", "claimed"), row("c", "failed")])).toBeUndefined();
  expect(unknownStateWords([row("a", "running"), row("b", "error")])).toBe(
    'job b: state "error" is unknown: cannot tell whether the job has ended',
  );
  expect(unknownStateWords([row("a", "Complete"), row("c")])).toBe(
    'the states of 2 jobs are unknown: cannot tell whether the jobs have ended: a: "Complete"; c: ""',
  );
  const many = Array.from({ length: 7 }, (_, i) => row(`j${i}`, "Odd"));
  expect(unknownStateWords(many)).toEndWith('; j4: "Odd"; and 2 more');
});

const NOW = new Date("2026-01-15T10:00:00Z");
const CREATED = "2026-01-15T09:30:00Z";
test.each([
  [{ status: "running", created: CREATED }, 1800n],
  // The clock decides for a job that goes on, its last change for one that has ended.
  [{ status: "running", created: CREATED, updated: "2026-01-15T09:30:12Z" }, 1800n],
  [{ status: "complete", created: CREATED, updated: "2026-01-15T09:30:12Z" }, 12n],
  [{ status: "complete", created: CREATED }, undefined],
  [{ status: "complete", updated: CREATED }, undefined],
  [{ status: "running" }, undefined],
  [{ status: "running", created: "2026-01-15T10:00:05Z" }, -5n],
] as [Record<string, Value>, bigint | undefined][])("%j took %p s", (fields, seconds) => {
  const took = jobDuration(jobRow("j", new Map(Object.entries(fields))), NOW);
  expect(took).toBe(seconds === undefined ? undefined : seconds * 1_000_000_000n);
});

test("returns are counted when a job ends: before, none is no count; masters omit 0", () => {
  const counts = (status: string, returned?: bigint, succeeded?: bigint, owner: string | null = "m") => {
    const fields: [string, Value][] = [
      ["status", status],
      ["owner", owner],
      ["return_count", returned ?? null],
      ["success_count", succeeded ?? null],
    ];
    const row = jobRow("j", new Map(fields));
    return [returnedOf(row), badOf(row)];
  };
  expect(counts("running", 0n, 0n)).toEqual([undefined, undefined]);
  expect(counts("running", 2n, 1n)).toEqual([2n, undefined]);
  expect(counts("failed", 2n, 1n)).toEqual([2n, 1n]);
  expect(counts("complete", 2n, 3n)).toEqual([2n, 0n]);
  expect(counts("timeout", 0n, 0n)).toEqual([0n, 0n]);
  expect(counts("complete")).toEqual([undefined, undefined]);
  for (const status of ["timeout", "canceled"]) {
    expect(counts(status)).toEqual([0n, 0n]);
    expect(counts(status, 1n)).toEqual([1n, 1n]);
    // No master wrote it.
    expect(counts(status, undefined, undefined, null)).toEqual([undefined, undefined]);
  }
  for (const status of ["failed", "partial", "running", "pending"])
    expect(counts(status)).toEqual([undefined, undefined]);
});

test("bad peels are all targets that were not ok at the end, each once, without a return too", () => {
  const row = jobRow("j", new Map<string, Value>([["status", "partial"]]));
  expect(badOf({ ...row, targets: ["a", "b", "c", "a"], returned: 2n, succeeded: 1n })).toBe(2n);
  expect(badOf({ ...row, targets: ["a", "b"], status: "timeout", owner: "m" })).toBe(2n);
});
