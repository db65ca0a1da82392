// What is said of the job that a word stands for. Pure; the clock is an argument.
import type { ValueMap } from "../codec/value.ts";
import { jobRow } from "../model/job.ts";
import { callOf } from "./call.ts";
import { ageText } from "./time.ts";

/** `@last is 2hPx7… (state.apply nginx, 4m ago, by ops)` */
export function wordNote(
  word: string,
  { jid, job }: { readonly jid: string; readonly job: ValueMap },
  now: Date,
): string {
  const row = jobRow(jid, job);
  const age = row.created && ageText(row.created, BigInt(now.getTime()) * 1_000_000n);
  return `${word} is ${jid} (${[callOf(job, row), age, row.user && `by ${row.user}`].filter(Boolean).join(", ")})`;
}
