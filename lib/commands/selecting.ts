// The jobs of a command: named by an ID or a word such as @last, or selected by conditions.
import type { ValueMap } from "../codec/value.ts";
import { Transient, UserError } from "../errors.ts";
import type { WordTold } from "../jobs/lookup.ts";
import { parseJid, quoted, tokenFault } from "../model/jid.ts";
import { type JobRow, jobRow, unreadableWords } from "../model/job.ts";
import { NARROWING, type Narrowing, parseJobReference } from "../model/job-reference.ts";
import { type Conditions, parseSelection, type Selection } from "../model/selection.ts";
import { callOf } from "../render/call.ts";
import { ageText, clockWords } from "../render/time.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { nsOf } from "../time.ts";
import type { Session } from "./session.ts";
import { conditions } from "./shared.ts";

/** Warns of other jobs that a word such as @last may name. */
export const warnReference =
  ({ warn }: Terminal): WordTold =>
  (word, _, unreadable) => {
    if (unreadable.length > 0) warn(`${word} may be another job: ${unreadableWords(unreadable)}`);
  };

/** Also notes which job a word such as @last names. */
export const noteReference =
  (terminal: Terminal): WordTold =>
  (word, found, unreadable, now) => {
    terminal.note(referenceNote(word, found, now));
    warnReference(terminal)(word, found, unreadable, now);
  };

/** `@last is 2hPx7… (state.apply nginx, 4m ago, by ops)` */
function referenceNote(
  word: string,
  { jid, job }: { readonly jid: string; readonly job: ValueMap },
  now: Date,
): string {
  const row = jobRow(jid, job);
  const age = row.created && ageText(row.created, nsOf(now));
  return `${word} is ${jid} (${[callOf(job, row), age, row.user && `by ${row.user}`].filter(Boolean).join(", ")})`;
}

const SELECTING = Object.keys(conditions) as (keyof typeof conditions)[];

type Selecting = Pick<Conditions, keyof typeof conditions>;

/**
 * The conditions that narrow the jobs that `texts` name.
 * @throws UserError for a condition that cannot be used with them: an ID takes none, a word only some
 */
export function narrowingOf(texts: readonly string[], flags: Selecting): Narrowing {
  const areWords = texts.every((text) => parseJobReference(text) !== undefined);
  const other = SELECTING.find(
    (name) => flags[name] !== undefined && !(areWords && NARROWING.some((one) => one === name)),
  );
  if (other !== undefined && texts.length > 0) {
    const [what, hint] = areWords
      ? [texts[0], `Use only ${NARROWING.map((name) => `--${name}`).join(", ")} with it.`]
      : ["<jid>", "Name the jobs, or select them by flags."];
    throw new UserError(`${what} and --${other} cannot be used together.`, hint);
  }
  return { function: flags.function, target: flags.target, user: flags.user };
}

/** Jobs that are named or selected by conditions. */
export interface JobsRequest {
  /** As typed; none: those of the selection. */
  readonly jobs: readonly string[];
  /** Which jobs a word such as @last can name. */
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
 * @throws UserError for both kinds, unless they can be combined, and for none
 */
export function parseJobs(
  flags: Selecting & { readonly _: readonly string[] },
  command: string,
  now: Date,
): JobsRequest {
  const { _: texts } = flags;
  const narrowing = narrowingOf(texts, flags);
  if (texts.length > 0 || SELECTING.some((name) => flags[name] !== undefined))
    return { jobs: texts.map((text) => jidOf(text, command)), narrowing, selection: parseSelection(flags, now) };
  throw new UserError(
    `missing argument <jid> for zester job ${command}.`,
    `Use an ID from \`zester job ${command === "export" ? "list" : "active"}\`, @last, or flags that select jobs, such as --function 'pkg.*'.`,
  );
}

/**
 * A selection with relative times by the server's clock. Warns when this machine's clock differs enough to select other jobs.
 * @throws UserError when the server does not report the time, or when --since is then later than --until
 */
export async function selectionByServer(selection: Selection, { store, terminal }: Session): Promise<Selection> {
  if (!selection.fromNow) return selection;
  const { aheadMs, doubtMs } = await store.clock();
  const words = clockWords(aheadMs, doubtMs);
  if (words !== undefined) terminal.warn(words);
  return selection.at(store.now());
}

/** Requests the server's clock before ages are shown, and warns if that fails. */
export async function serverClock({ store, terminal: { warn } }: Session): Promise<void> {
  try {
    await store.clock();
  } catch (error) {
    if (!(error instanceof UserError) || error instanceof Transient) throw error;
    warn(`${error.message} Ages count by this machine's clock.`);
  }
}

/** One warning for all values that cannot be decoded. */
export const unreadableWarning = (rows: readonly JobRow[]) => (rows.length > 0 ? unreadableWords(rows) : undefined);

export function warnUnreadable(rows: readonly JobRow[], { warn }: Terminal): void {
  if (rows.length > 0) warn(unreadableWords(rows));
}
