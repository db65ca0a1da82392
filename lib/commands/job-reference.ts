// Jobs that are named, by an ID or a word such as @last, or selected by conditions.
import type { ValueMap } from "../codec/value.ts";
import { UserError } from "../errors.ts";
import type { WordTold } from "../jobs/lookup.ts";
import { parseJid, quoted, tokenFault } from "../model/jid.ts";
import { jobRow, unreadableWords } from "../model/job.ts";
import { NARROWING, type Narrowing, parseJobReference } from "../model/job-reference.ts";
import { type Conditions, parseSelection, type Selection } from "../model/selection.ts";
import { callOf } from "../render/call.ts";
import { ageText } from "../render/time.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** Warns on stderr of jobs that a word such as @last may stand for too. */
export const warnReference =
  (terminal: Terminal): WordTold =>
  (word, _, unreadable) => {
    if (unreadable.length > 0) terminal.warn(`${word} may be another job: ${unreadableWords(unreadable)}`);
  };

/** Notes on stderr which job a word such as @last stands for, too. */
export const noteReference =
  (terminal: Terminal): WordTold =>
  (word, found, unreadable, now) => {
    terminal.note(referenceNote(word, found, now));
    warnReference(terminal)(word, found, unreadable, now);
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
      ? [texts[0], `Use only ${NARROWING.map((name) => `--${name}`).join(", ")} with it.`]
      : ["<jid>", "Name the jobs, or select them by flags."];
    throw new UserError(`${what} and --${other} cannot be used together.`, hint);
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

const SELECTING = ["state", "function", "target", "user", "owner", "source", "since", "until", "limit"] as const;

type Selecting = Pick<Conditions, (typeof SELECTING)[number]> & { readonly _: readonly string[] };

/** Jobs that are named, or else selected by conditions. */
export interface JobsRequest {
  /** As typed; none: those of the selection. */
  readonly jobs: readonly string[];
  /** Which jobs a word such as @last may stand for. */
  readonly narrowing: Narrowing;
  /** By this machine's clock. */
  readonly selection: Selection;
}

/** @throws UserError for an invalid ID, which a function is too */
function jidOf(text: string, command: string): string {
  if (!/^\w+(\.\w+)+$/.test(text)) return parseJid(text);
  throw new UserError(
    `invalid job ID ${quoted(text)}: ${tokenFault(text)}.`,
    `To select jobs by function, use \`zester job ${command} --function ${text}\`.`,
  );
}

/**
 * The jobs that a command acts on.
 * @param command its name, for messages
 * @throws UserError when both kinds are given and exclude each other, or none is
 */
export function parseJobs(flags: Selecting, command: string): JobsRequest {
  const { _: texts } = flags;
  const given = SELECTING.filter((name) => flags[name] !== undefined);
  const narrowing = narrowingOf(texts, flags, given);
  if (texts.length > 0 || given.length > 0)
    return { jobs: texts.map((text) => jidOf(text, command)), narrowing, selection: parseSelection(flags, new Date()) };
  throw new UserError(
    `missing argument <jid> for zester job ${command}.`,
    `Use an ID from \`zester job ${command === "export" ? "list" : "active"}\`, @last, or flags that select jobs, such as --function 'pkg.*'.`,
  );
}
