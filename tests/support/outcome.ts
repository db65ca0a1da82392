// Checks of the outcome of a run of the executable.
import { expect } from "bun:test";
import type { Result } from "./harness.ts";

/** An error of one line and at most a hint; nothing on stdout, no secret, no stack trace. */
export function expectError({ stdout, stderr, code }: Result, ...words: string[]): void {
  const errors = stderr
    .trimEnd()
    .split("\n")
    .filter((line) => !line.startsWith("warning: "));
  expect(errors[0]).toStartWith("error: ");
  for (const word of words) expect(stderr).toContain(word);
  expect(errors.length).toBeLessThanOrEqual(2);
  expect(stderr).not.toMatch(/s3cret|\bat .*\(|unexpected failure/);
  expect([stdout, code]).toEqual(["", 1]);
}

/** `job list` with the job j1 in its rows, and nothing on stderr. */
export function expectJobs({ stdout, stderr, code }: Result): void {
  expect(stderr).toBe("");
  expect(stdout).toContain("\nj1 ");
  expect(code).toBe(0);
}

/** A complete answer, or none and an error of a message and a hint. */
export function expectWhole({ stdout, stderr, code }: Result, lines: number): void {
  if (code === 0) expect([stderr, stdout.split("\n").length]).toEqual(["", lines + 1]);
  else expectUnavailable({ stdout, stderr, code });
}

/** Nothing on stdout, and an error with a hint that says that the server is unavailable for now. */
export function expectUnavailable({ stdout, stderr, code }: Result): void {
  expect([stdout, code]).toEqual(["", 1]);
  expect(stderr).toMatch(/^error: .*\n.*\n$/);
  expect(stderr).toMatch(
    /no answer to .* within|is incomplete|connection to the server was lost|temporarily unavailable|has no leader/,
  );
}
