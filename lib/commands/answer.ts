// How commands write in the requested format, and where their warnings and notes go:
// - A command with one answer is a `question`, or a `plainCommand` without jobs, and returns an Answer.
// - A live command (liveCommand in session.ts) calls `writeReport` for each part of what it does, and `reportNone` when
//   nothing was selected; `writeLine` for each line of an answer that continues; `writeView` for a view at its end.
// - Screens, the lines of `watch`, and the files of `report` and `export` are written by those commands themselves.
import type { ArgsDef } from "citty";
import { type Definition, defineCommand, type Tree } from "../cli/command.ts";
import { toJsonLine } from "../codec/json.ts";
import type { Value } from "../codec/value.ts";
import { EXIT, UserError } from "../errors.ts";
import type { Ending } from "../model/job-end.ts";
import { csvText } from "../render/csv.ts";
import { documentText, jsonArray, jsonDocuments } from "../render/document.ts";
import type { View, Viewer } from "../render/view.ts";
import { paragraph } from "../text.ts";
import { type Format, type Session, type Surroundings, surroundings, withReading } from "./session.ts";
import type { GlobalArgs } from "./shared.ts";

/** Messages on stderr, in the order in which they are written. */
interface Messages {
  /** One for the format text, and one for the other formats. */
  readonly notes?: { readonly text?: string | undefined; readonly data?: string | undefined };
  readonly warnings?: readonly (string | undefined)[];
  /** Errors that do not end the command, each once. */
  readonly errors?: readonly UserError[];
  /** A last line, only for the format text. */
  readonly say?: string | undefined;
}

function tell({ notes, warnings = [], errors = [], say }: Messages, { terminal, isText }: Surroundings): void {
  const note = isText ? notes?.text : notes?.data;
  if (note !== undefined) terminal.note(note);
  for (const words of warnings) if (words !== undefined) terminal.warn(words);
  for (const words of new Set(errors.map(({ message }) => message))) terminal.error(words);
  if (isText && say !== undefined) terminal.say(say);
}

/** The result of a command, written by `question` and `plainCommand`. */
export interface Answer extends Omit<Messages, "errors"> {
  /** Undefined: nothing is written; a sink: its views were added as they were found. */
  readonly shown?: View | AnswerSink | undefined;
  /** The text instead of a view without rows. */
  readonly none?: string | undefined;
  /** What --fail-if-empty counts, and its error; default: the size of what is shown, and `none`. */
  readonly selected?: { readonly size: number; readonly none: string };
  /** The same error without --fail-if-empty. */
  readonly failsIfEmpty?: boolean;
  /** Why parts could not be shown. The last one ends the command. */
  readonly failures?: readonly UserError[];
  /** Further warnings, omitted when the command ends with an error. */
  readonly warningsUnlessError?: readonly (string | undefined)[];
  readonly code?: number;
}

/** The terminal and format of an answer, and the clock for ages. */
type Place = Surroundings & { readonly store: Pick<Session["store"], "now"> };

/** A line per document; for a list, per element. */
function* documentLines(documents: Iterable<Value>): Generator<string> {
  for (const document of documents)
    for (const value of Array.isArray(document) ? document : [document]) yield `${toJsonLine(value)}\n`;
}

/**
 * Writes several views as one answer: each at once if the format allows it, else all at the end. `add` is synchronous, because
 * an error that a callback of a stream throws later would not be caught.
 */
export class AnswerSink {
  readonly #views: View[] = [];
  #titled: boolean;
  /** The sum of the sizes of all views. */
  size = 0;

  /** @param header titles above a table, and above CSV */
  constructor(
    readonly place: Place,
    readonly header = true,
  ) {
    this.#titled = !header;
  }

  /** @param warnings written after the view */
  add(view: View, warnings: readonly string[] = []): void {
    this.size += view.size;
    const hidden: string[] = [];
    const pieces = this.#pieces(view, (titles) => void hidden.push(...titles));
    if (pieces) this.place.terminal.writeAll(pieces);
    else this.#views.push(view);
    const instead = view.hasColumns ? "--columns" : "a wider terminal";
    const say = `Hidden (terminal too narrow): ${hidden.join(", ")}. Use ${instead} or a pipe.`;
    if (hidden.length > 0) tell({ say }, this.place);
    tell({ warnings }, this.place);
  }

  /** The text of a view; undefined when the format has one text for all views. */
  #pieces(view: View, onHidden: Viewer["onHidden"]): Iterable<string> | undefined {
    const { terminal, store, isText, isMetrics, isSheet, isLines } = this.place;
    const now = store.now();
    if (isText || isMetrics) {
      const { color, columns, utf8, warn } = terminal;
      return view.text({ color, columns, utf8, header: this.header, now, onHidden, warn });
    }
    if (isSheet && view.sheet) {
      const { titles, rows } = view.sheet(now);
      const header = !this.#titled;
      this.#titled = true;
      return csvText(titles, rows, header);
    }
    return isLines ? documentLines(view.documents(now)) : undefined;
  }

  *#documents(): Generator<Value> {
    for (const view of this.#views) yield* view.documents(this.place.store.now());
  }

  async end(): Promise<void> {
    const { terminal, format } = this.place;
    if (format === "json" || format === "yaml") terminal.writeAll(await this.#whole(format));
  }

  async #whole(format: "json" | "yaml"): Promise<Iterable<string>> {
    const isOne = this.#views[0]?.isOne === true;
    const long = this.#views.flatMap(({ long }) => long?.() ?? []);
    if (format === "json" && long.length > 0 && long.length === this.#views.length) return jsonDocuments(long, !isOne);
    if (format === "json" && !isOne) return jsonArray(this.#documents());
    const documents = [...this.#documents()];
    return [await documentText(isOne ? (documents[0] as Value) : documents, format)];
  }
}

/** The error of --fail-if-empty. @param words a sentence */
const emptyError = (words: string) => new UserError(words.charAt(0).toLowerCase() + words.slice(1));

/**
 * Writes an answer.
 * @returns the exit code
 * @throws UserError the last failure; or with --fail-if-empty when nothing was selected
 */
async function writeAnswer(answer: Answer, sink: AnswerSink, failIfEmpty: boolean): Promise<number> {
  const { shown, none, notes, warnings, failures = [], say, warningsUnlessError, code = EXIT.done } = answer;
  const { place } = sink;
  const view = shown instanceof AnswerSink ? undefined : shown;
  const selected = answer.selected ?? { size: shown?.size ?? 0, none: none ?? "" };
  const fails = (failIfEmpty || answer.failsIfEmpty) && selected.size === 0;
  if (place.isText && view?.size === 0 && none !== undefined) {
    if (!fails) await writeReport({ text: paragraph(none, place.terminal.columns) }, place);
  } else if (view) sink.add(view);
  if (shown) await sink.end();
  tell({ notes, warnings, errors: failures.slice(0, -1) }, place);
  const failure = failures.at(-1);
  if (failure) throw failure;
  if (fails) throw emptyError(selected.none);
  tell({ warnings: warningsUnlessError, say }, place);
  return code;
}

/** A command that asks a server, or the files of --from. */
export const question = <const T extends ArgsDef, R>({
  only,
  answerOf,
  ...command
}: Definition<T, R> & {
  /** Flags that only some formats support, by name. */
  readonly only?: Readonly<Record<string, readonly Format[]>>;
  /** @param sink writes views as they are found */
  readonly answerOf: (request: R, session: Session, sink: AnswerSink) => Promise<Answer>;
}): Tree =>
  defineCommand({
    ...command,
    run(request, flags: GlobalArgs & { readonly header?: boolean; readonly "fail-if-empty"?: boolean }) {
      const work = async (session: Session) => {
        const sink = new AnswerSink(session, flags.header !== false);
        return writeAnswer(await answerOf(request, session, sink), sink, flags["fail-if-empty"] === true);
      };
      return withReading(flags, work, { only });
    },
  });

/** A command that needs no job. */
export const plainCommand = <const T extends ArgsDef, R>({
  answerOf,
  ...command
}: Definition<T, R> & { readonly answerOf: (request: R, around: Surroundings) => Answer | Promise<Answer> }): Tree =>
  defineCommand({
    ...command,
    async run(request, flags: GlobalArgs) {
      const around = surroundings(flags);
      const sink = new AnswerSink({ ...around, store: { now: () => new Date() } });
      return writeAnswer(await answerOf(request, around), sink, false);
    },
  });

export async function writeView(view: View, place: Place): Promise<void> {
  const sink = new AnswerSink(place);
  sink.add(view);
  await sink.end();
}

/**
 * Writes one line of an answer that continues: a text, or for programs its document as a line of JSON.
 * @param text ends with a line break
 */
export function writeLine({ terminal, isText }: Surroundings, text: () => string, document: () => Value): void {
  terminal.write(isText ? text() : `${toJsonLine(document())}\n`);
}

/** What a command reports at one point while it acts: warnings, then stdout, then the other messages. */
interface Report extends Messages {
  readonly text?: string | undefined;
  /** For the other formats. */
  readonly document?: Value | undefined;
}

/** @param out replaces the terminal's stdout */
export async function writeReport(
  { warnings, text, document, ...after }: Report,
  around: Surroundings,
  out = around.terminal,
): Promise<void> {
  tell({ warnings }, around);
  const format = around.format === "json" ? "json" : "yaml";
  const written = around.isText ? text : document !== undefined ? await documentText(document, format) : undefined;
  if (written !== undefined) out.write(written);
  tell(after, around);
}

/**
 * Reports that nothing was selected: as a text, or with --fail-if-empty as the error.
 * @param words a sentence
 * @param document for programs, and a note beside it
 * @throws UserError
 */
export async function reportNone(
  words: string,
  failIfEmpty: boolean,
  { document, note }: { readonly document?: Value; readonly note?: string },
  around: Surroundings,
): Promise<void> {
  const text = paragraph(words, around.terminal.columns);
  if (!failIfEmpty) return writeReport({ text, document, notes: { data: note } }, around);
  await writeReport({ document }, around);
  throw emptyError(words);
}

/** Shows a person the next command for jobs that ended badly. */
export function tellNext(endings: readonly Ending[], around: Surroundings): void {
  if (!around.terminal.canTell || !around.isText) return;
  // Loaded on use: most commands show no ends.
  const { nextLine } = require("../render/ending.ts") as typeof import("../render/ending.ts");
  tell({ say: nextLine(endings) }, around);
}
