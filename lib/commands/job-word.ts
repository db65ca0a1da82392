// Words for jobs, such as @last: which job one stands for is said on stderr.
import { UserError } from "../errors.ts";
import type { WordTold } from "../jobs/lookup.ts";
import { unreadableWords } from "../model/job.ts";
import { NARROWING, type Narrowing, parseJobWord } from "../model/job-word.ts";
import { wordNote } from "../render/job-word.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** What resolveJob is given, so that a person sees which job is meant. */
export const noteWord =
  (terminal: Terminal): WordTold =>
  (word, found, unreadable, now) => {
    terminal.note(wordNote(word, found, now));
    if (unreadable.length > 0) terminal.warn(`${word} may be another job: ${unreadableWords(unreadable)}`);
  };

/**
 * The conditions that narrow the jobs that `texts` name.
 * @param given the names of all conditions that stand beside them
 * @throws UserError when one of them can't stand there: an id needs none, and a word takes only some
 */
export function narrowingOf(texts: readonly string[], flags: Narrowing, given: readonly string[]): Narrowing {
  const areWords = texts.every((text) => parseJobWord(text) !== undefined);
  const other = given.find((name) => !areWords || !NARROWING.some((one) => one === name));
  if (other !== undefined && texts.length > 0) {
    const [what, hint] = areWords
      ? [texts[0], `Such a word takes ${NARROWING.map((name) => `--${name}`).join(", ")}.`]
      : ["<jid>", "Name the jobs, or select them by flags."];
    throw new UserError(`${what} and --${other} exclude each other.`, hint);
  }
  return { function: flags.function, target: flags.target, user: flags.user };
}
