// What is said of the job that a word stands for. Pure; the clock is an argument.
import type { ValueMap } from "../codec/value.ts";
import { formatAge } from "../duration.ts";
import { jobRow } from "../model/job.ts";
import { callOf } from "./call.ts";

/** `@last is 2hPx7… (state.apply nginx, 4m ago, by ops)` */
export function wordNote(
  word: string,
  { jid, job }: { readonly jid: string; readonly job: ValueMap },
  now: Date,
): string {
  const row = jobRow(jid, job);
  const past = row.created && BigInt(now.getTime()) * 1_000_000n - row.created.ns;
  const age = past === undefined ? undefined : past >= 0n ? `${formatAge(past)} ago` : `in ${formatAge(-past)}`;
  return `${word} is ${jid} (${[callOf(job, row), age, row.user && `by ${row.user}`].filter(Boolean).join(", ")})`;
}
