// Words that name a job: @last, @last-bad, @last~2. Pure.
import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { safe } from "../text.ts";
import type { Conditions } from "./selection.ts";

export interface JobReference {
  readonly text: string;
  /** Only jobs that ended badly or cannot be decoded. */
  readonly bad: boolean;
  /** Number of newer jobs to skip. */
  readonly back: number;
}

export type Narrowing = Pick<Conditions, "function" | "target" | "user">;
export const NARROWING = ["function", "target", "user"] as const satisfies readonly (keyof Narrowing)[];

const REFERENCE = /^@last(-bad)?(?:~(\d{1,6}))?$/;

export function parseJobReference(text: string): JobReference | undefined {
  const match = REFERENCE.exec(text);
  return match ? { text, bad: match[1] !== undefined, back: Number(match[2] ?? 0) } : undefined;
}

export const JOB_REFERENCES: readonly (readonly [word: string, meaning: string])[] = [
  ["@last", "the newest job"],
  ["@last-bad", "the newest job that ended badly"],
  ["@last~1", "the job before the newest one"],
];

export function noSuchReference(text: string): UserError {
  const words = JOB_REFERENCES.map(([word]) => word);
  return new UserError(`no job "${safe(text)}".${nearest(text, words)}`, `Use an ID, or one of: ${words.join(", ")}.`);
}
