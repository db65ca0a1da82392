// The tail of every command: an answer in the format asked for, its warnings, and what it means that it is empty.
import { toJsonLine } from "../codec/json.ts";
import type { Value } from "../codec/value.ts";
import { EXIT, UserError } from "../errors.ts";
import { isPlainJid } from "../model/jid.ts";
import { csvText } from "../render/csv.ts";
import { documentText, jsonArray, jsonDocuments } from "../render/document.ts";
import type { View } from "../render/view.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { paragraph, plural, safe } from "../text.ts";
import { type Output, type Session, withReading } from "./session.ts";
import type { GlobalArgs } from "./shared.ts";
import { type Format, type Formats, type Surroundings, surroundings } from "./surroundings.ts";

interface IdKind {
  /** True for an ID that stays one word in a script. */
  readonly isPlain: (id: string) => boolean;
  /** Its name in messages. */
  readonly noun: string;
  /** The title of their column in CSV. */
  readonly title: string;
}

const JOB_IDS: IdKind = { isPlain: isPlainJid, noun: "job ID", title: "jid" };

/** IDs in place of rows. */
interface IdList {
  readonly size: number;
  /** As they are stored. */
  readonly ids: Iterable<string>;
  /** IDs of jobs when not given. */
  readonly kind?: IdKind;
  /** An ID for people. */
  readonly display?: ((id: string) => string) | undefined;
  /** Makes one line of all, for people. */
  readonly line?: ((ids: readonly string[]) => string) | undefined;
}

/** What a command found. */
export interface Answer {
  /** Rows, parts that were written, IDs, a number, or nothing. */
  readonly shown?: View | AnswerSink | IdList | number | undefined;
  /** What a text says in place of no rows. */
  readonly none?: string | undefined;
  /** What --fail-if-empty counts, where that is not what is shown. */
  readonly selected?: { readonly size: number; readonly none: string };
  /** Notes beside a text, and beside the other formats. */
  readonly notes?: { readonly text?: string | undefined; readonly data?: string | undefined };
  readonly warnings?: readonly (string | undefined)[];
  /** What could not be shown. The last one ends the command. */
  readonly failures?: readonly UserError[];
  /** A last line on stderr, beside a text. */
  readonly say?: string | undefined;
  /** Warnings that an error of --fail-if-empty leaves out. */
  readonly last?: readonly (string | undefined)[];
  readonly code?: number;
}

/** How an answer is written. */
export interface Form {
  /** Titles stand above a table, and above CSV. */
  readonly header: boolean;
  readonly failIfEmpty: boolean;
}

export const outputForm = (flags: {
  readonly header?: boolean | undefined;
  readonly "fail-if-empty"?: boolean | undefined;
}): Form => ({ header: flags.header !== false, failIfEmpty: flags["fail-if-empty"] === true });

/** Where an answer is written: ages count from the store's clock. */
type Place = Output & { readonly store: Pick<Session["store"], "now"> };

function* valueLines(values: Iterable<Value>): Generator<string> {
  for (const value of values) yield `${toJsonLine(value)}\n`;
}

/** The plain IDs; a warning counts the rest. */
function* plainOnes(ids: Iterable<string>, { isPlain, noun }: IdKind, terminal: Terminal): Generator<string> {
  let left = 0;
  for (const id of ids) {
    if (isPlain(id)) yield id;
    else left++;
  }
  if (left > 0)
    terminal.warn(
      `${plural(left, noun)} left out: a shell or a terminal could take ${left === 1 ? "it" : "them"} for something else. \`--format json\` has all.`,
    );
}

/**
 * Writes only IDs, one per line: a terminal gets all, escaped, a pipe and a single line the plain ones. Programs get all: an
 * array, a JSON string per line, or a column.
 */
async function writeIds(
  { ids, kind = JOB_IDS, display = (id) => id, line }: IdList,
  { terminal, format }: Output,
  header: boolean,
): Promise<void> {
  const all = Iterator.from(ids);
  if (format === "csv") {
    const rows = all.map((id) => [id]);
    return terminal.writeAll(csvText([kind.title], rows, header));
  }
  if (format !== "text") return writeDocument([...all], format, terminal);
  const shown = all.map(display);
  if (line) {
    const plain = [...plainOnes(shown, kind, terminal)];
    return plain.length > 0 ? terminal.write(`${line(plain)}\n`) : undefined;
  }
  const lines = terminal.isTty ? shown.map(safe) : plainOnes(shown, kind, terminal);
  terminal.writeAll(lines.map((id) => `${id}\n`));
}

/** Writes only a number; in CSV a column with one row. */
function writeCount(n: number, { terminal, format }: Output, header: boolean): void {
  if (format === "csv") terminal.writeAll(csvText(["count"], [[String(n)]], header));
  else terminal.write(`${n}\n`);
}

/**
 * Writes views one after the other as one answer: each at once where the format allows it, else all at the end. `add` is
 * synchronous: a callback of a stream that throws later would not be caught.
 */
export class AnswerSink {
  readonly #views: View[] = [];
  #titled: boolean;

  constructor(
    readonly place: Place,
    readonly header = true,
  ) {
    this.#titled = !header;
  }

  /** @param warnings written after the view */
  add(view: View, warnings: readonly string[] = []): void {
    const { terminal, format, store } = this.place;
    if (format === "text" || format === "openmetrics") {
      const { color, columns, utf8 } = terminal;
      const hidden: string[] = [];
      const onHidden = (titles: readonly string[]) => void hidden.push(...titles);
      terminal.writeAll(view.text({ color, columns, utf8, header: this.header, now: store.now(), onHidden }));
      const instead = view.hasColumns ? "--columns" : "a wider terminal";
      if (hidden.length > 0)
        terminal.say(`Hidden (terminal too narrow): ${hidden.join(", ")}. Use ${instead} or a pipe.`);
    } else if (format === "csv" && view.sheet) {
      const { titles, rows } = view.sheet(store.now());
      terminal.writeAll(csvText(titles, rows, !this.#titled));
      this.#titled = true;
    } else if (format === "jsonl") {
      terminal.writeAll(valueLines(view.documents(store.now())));
    } else this.#views.push(view);
    warnings.forEach(terminal.warn);
  }

  *#documents(): Generator<Value> {
    for (const view of this.#views) yield* view.documents(this.place.store.now());
  }

  async end(): Promise<void> {
    const { terminal, format } = this.place;
    const isOne = this.#views[0]?.isOne === true;
    const long = this.#views.flatMap((view) => view.long ?? []);
    if (format === "json" && long.length > 0)
      terminal.writeAll(
        jsonDocuments(
          long.map((make) => make()),
          !isOne,
        ),
      );
    else if (format === "json" && !isOne) terminal.writeAll(jsonArray(this.#documents()));
    else if (format === "json" || format === "yaml") {
      const documents = [...this.#documents()];
      terminal.write(await documentText(isOne ? (documents[0] as Value) : documents, format));
    }
  }
}

export async function writeView(view: View, place: Place, header = true): Promise<void> {
  const sink = new AnswerSink(place, header);
  sink.add(view);
  await sink.end();
}

const sizeOf = (shown: Answer["shown"]) =>
  typeof shown === "number" ? shown : shown && "size" in shown ? shown.size : 0;

/**
 * Writes an answer.
 * @returns the exit code
 * @throws UserError the last failure; or when nothing was selected and that is to be an error
 */
export async function writeAnswer(
  { shown, none, selected = { size: sizeOf(shown), none: none ?? "" }, notes, say, code, ...answer }: Answer,
  { header, failIfEmpty }: Form,
  place: Place,
): Promise<number> {
  const { terminal, format } = place;
  const warn = (words: string | undefined) => void (words !== undefined && terminal.warn(words));
  const fails = failIfEmpty && selected.size === 0;
  const isText = format === "text";
  if (typeof shown === "number") writeCount(shown, place, header);
  else if (shown instanceof AnswerSink) await shown.end();
  else if (shown && "ids" in shown) await writeIds(shown, place, header);
  else if (shown && isText && shown.size === 0 && none !== undefined) {
    if (!fails) terminal.write(paragraph(none, terminal.columns));
  } else if (shown) await writeView(shown, place, header);
  const note = isText ? notes?.text : notes?.data;
  if (note !== undefined) terminal.note(note);
  answer.warnings?.forEach(warn);
  const [failure, ...others] = answer.failures?.toReversed() ?? [];
  for (const { message } of others.reverse()) terminal.error(message);
  if (failure) throw failure;
  if (fails) throw emptyError(selected.none);
  if (isText && say !== undefined) terminal.say(say);
  answer.last?.forEach(warn);
  return code ?? EXIT.done;
}

/** The error of --fail-if-empty. @param words a sentence */
const emptyError = (words: string) => new UserError(words.charAt(0).toLowerCase() + words.slice(1));

/** Runs a command that answers a request: connects, asks, writes. */
export const answerWith = <R extends { readonly form: Form }>(
  flags: GlobalArgs,
  request: R,
  answerOf: (request: R, session: Session) => Promise<Answer>,
  formats: Formats = {},
): Promise<number | undefined> =>
  withReading(flags, async (session) => writeAnswer(await answerOf(request, session), request.form, session), formats);

/** The same for a command that needs no session. */
export async function answerHere(
  flags: GlobalArgs,
  answerOf: (around: Surroundings) => Answer | Promise<Answer>,
  formats: Formats = {},
): Promise<number> {
  const around = surroundings(flags, formats);
  return writeAnswer(await answerOf(around), outputForm({}), { ...around, store: { now: () => new Date() } });
}

/** Writes a document; as jsonl each element of a list on a line of its own, and as YAML where there is no CSV of it. */
async function writeDocument(value: Value, format: Exclude<Format, "text">, terminal: Terminal): Promise<void> {
  if (format === "jsonl") terminal.writeAll(valueLines(Array.isArray(value) ? value : [value]));
  else terminal.write(await documentText(value, format === "json" ? "json" : "yaml"));
}

/**
 * Writes one line of an answer that goes on: to a person a text, to a program its document as a line of JSON.
 * @param text ends with a line break
 */
export function writeLine({ terminal, format }: Output, text: () => string, document: () => Value): void {
  terminal.write(format === "text" ? text() : `${toJsonLine(document())}\n`);
}

/** Warnings, then a text or a document, errors that end nothing, and after a text a last line on stderr. */
interface Report {
  readonly warnings?: readonly string[];
  readonly text?: string | undefined;
  readonly document?: Value;
  readonly errors?: readonly UserError[];
  readonly say?: string | undefined;
}

export async function writeReport(
  { warnings = [], text, document, errors = [], say }: Report,
  { terminal, format }: Output,
  out = terminal,
): Promise<void> {
  const isText = format === "text";
  warnings.forEach(terminal.warn);
  if (isText && text !== undefined) out.write(text);
  if (!isText && document !== undefined) await writeDocument(document, format, out);
  for (const message of new Set(errors.map(({ message }) => message))) terminal.error(message);
  if (isText && say !== undefined) terminal.say(say);
}

/**
 * Reports that nothing was selected: as a text, or with --fail-if-empty as the error.
 * @param words a sentence
 * @throws UserError
 */
export async function reportNone(words: string, failIfEmpty: boolean, output: Output): Promise<void> {
  if (failIfEmpty) throw emptyError(words);
  await writeReport({ text: paragraph(words, output.terminal.columns) }, output);
}
