// Words for jobs, such as @last: which job one stands for is said on stderr.

import type { ValueMap } from "../codec/value.ts";
import { UserError } from "../errors.ts";
import type { WordTold } from "../jobs/lookup.ts";
import { jobRow, unreadableWords } from "../model/job.ts";
import { NARROWING, type Narrowing, parseJobReference } from "../model/job-reference.ts";
import { callOf } from "../render/call.ts";
import { ageText } from "../render/time.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** What resolveJob is given, so that a person sees which job is meant. */
export const noteReference =
  (terminal: Terminal): WordTold =>
  (word, found, unreadable, now) => {
    terminal.note(referenceNote(word, found, now));
    if (unreadable.length > 0) terminal.warn(`${word} may be another job: ${unreadableWords(unreadable)}`);
  };

/**
 * The conditions that narrow the jobs that `texts` name.
 * @param given the names of all conditions that stand beside them
 * @throws UserError when one of them can't stand there: an id needs none, and a word takes only some
 */
export function narrowingOf(texts: readonly string[], flags: Narrowing, given: readonly string[]): Narrowing {
  const areWords = texts.every((text) => parseJobReference(text) !== undefined);
  const other = given.find((name) => !areWords || !NARROWING.some((one) => one === name));
  if (other !== undefined && texts.length > 0) {
    const [what, hint] = areWords
      ? [texts[0], `Such a word takes ${NARROWING.map((name) => `--${name}`).join(", ")}.`]
      : ["<jid>", "Name the jobs, or select them by flags."];
    throw new UserError(`${what} and --${other} exclude each other.`, hint);
  }
  return { function: flags.function, target: flags.target, user: flags.user };
}

/** `@last is 2hPx7… (state.apply nginx, 4m ago, by ops)` */
export function referenceNote(
  word: string,
  { jid, job }: { readonly jid: string; readonly job: ValueMap },
  now: Date,
): string {
  const row = jobRow(jid, job);
  const age = row.created && ageText(row.created, BigInt(now.getTime()) * 1_000_000n);
  return `${word} is ${jid} (${[callOf(job, row), age, row.user && `by ${row.user}`].filter(Boolean).join(", ")})`;
}
