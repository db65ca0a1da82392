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
import type { View } from "../render/view.ts";
import { paragraph } from "../text.ts";
import { type Format, type Session, type Surroundings, surroundings, withReading } from "./session.ts";
import type { GlobalArgs } from "./shared.ts";

/** The result of a command, written by `question` and `plainCommand`. */
export interface Answer {
  /** Undefined: nothing is written; a sink: its views were added as they were found. */
  readonly shown?: View | AnswerSink | undefined;
  /** The text instead of a view without rows. */
  readonly none?: string | undefined;
  /** What --fail-if-empty counts, and its error; default: the size of what is shown, and `none`. */
  readonly selected?: { readonly size: number; readonly none: string };
  /** The same error without --fail-if-empty. */
  readonly failsIfEmpty?: boolean;
  /** A note for the format text, and one for the other formats. */
  readonly notes?: { readonly text?: string | undefined; readonly data?: string | undefined };
  readonly warnings?: readonly (string | undefined)[];
  /** Why parts could not be shown. The last one ends the command. */
  readonly failures?: readonly UserError[];
  /** A last line on stderr, only for the format text. */
  readonly say?: string | undefined;
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
    const { terminal, store, isText, isMetrics, isSheet, isLines } = this.place;
    if (isText || isMetrics) {
      const { color, columns, utf8, warn } = terminal;
      const hidden: string[] = [];
      const onHidden = (titles: readonly string[]) => void hidden.push(...titles);
      terminal.writeAll(view.text({ color, columns, utf8, header: this.header, now: store.now(), onHidden, warn }));
      const instead = view.hasColumns ? "--columns" : "a wider terminal";
      if (hidden.length > 0)
        terminal.say(`Hidden (terminal too narrow): ${hidden.join(", ")}. Use ${instead} or a pipe.`);
    } else if (isSheet && view.sheet) {
      const { titles, rows } = view.sheet(store.now());
      terminal.writeAll(csvText(titles, rows, !this.#titled));
      this.#titled = true;
    } else if (isLines) terminal.writeAll(documentLines(view.documents(store.now())));
    else this.#views.push(view);
    warnings.forEach(terminal.warn);
  }

  *#documents(): Generator<Value> {
    for (const view of this.#views) yield* view.documents(this.place.store.now());
  }

  async end(): Promise<void> {
    const { terminal, format } = this.place;
    const isOne = this.#views[0]?.isOne === true;
    const long = this.#views.flatMap((view) => view.long ?? []);
    const areLong = long.length > 0 && long.length === this.#views.length;
    if (format === "json" && areLong) {
      const documents = long.map((make) => make());
      terminal.writeAll(jsonDocuments(documents, !isOne));
    } else if (format === "json" && !isOne) terminal.writeAll(jsonArray(this.#documents()));
    else if (format === "json" || format === "yaml") {
      const documents = [...this.#documents()];
      terminal.write(await documentText(isOne ? (documents[0] as Value) : documents, format));
    }
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
  const { shown, none, notes, warnings = [], failures = [], say, warningsUnlessError = [], code = EXIT.done } = answer;
  const { terminal, isText } = sink.place;
  const warn = (words: string | undefined) => void (words !== undefined && terminal.warn(words));
  const view = shown instanceof AnswerSink ? undefined : shown;
  const selected = answer.selected ?? { size: shown?.size ?? 0, none: none ?? "" };
  const fails = (failIfEmpty || answer.failsIfEmpty) && selected.size === 0;
  if (isText && view?.size === 0 && none !== undefined) {
    if (!fails) terminal.write(paragraph(none, terminal.columns));
  } else if (view) sink.add(view);
  if (shown) await sink.end();
  const note = isText ? notes?.text : notes?.data;
  if (note !== undefined) terminal.note(note);
  warnings.forEach(warn);
  const failure = failures.at(-1);
  for (const { message } of failures.slice(0, -1)) terminal.error(message);
  if (failure) throw failure;
  if (fails) throw emptyError(selected.none);
  if (isText && say !== undefined) terminal.say(say);
  warningsUnlessError.forEach(warn);
  return code;
}

/** A command that asks a server, or the files of --from. */
export const question = <const T extends ArgsDef, R>({
  only,
  answerOf,
  ...command
}: Definition<T, R> & {
  /** Flags that only some formats can honour, by name. */
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

/** What a command reports at one point while it acts, written in this order. */
interface ReportPart {
  readonly warnings?: readonly string[];
  readonly text?: string | undefined;
  readonly document?: Value;
  /** Errors that do not end the command. */
  readonly errors?: readonly UserError[];
  /** Only beside a document. */
  readonly note?: string | undefined;
  /** A last line on stderr, only for the format text. */
  readonly say?: string | undefined;
}

/** @param out replaces the terminal's stdout */
export async function writeReport(
  { warnings = [], text, document, errors = [], note, say }: ReportPart,
  { terminal, format, isText }: Surroundings,
  out = terminal,
): Promise<void> {
  warnings.forEach(terminal.warn);
  if (isText && text !== undefined) out.write(text);
  if (!isText && document !== undefined) out.write(await documentText(document, format === "json" ? "json" : "yaml"));
  for (const message of new Set(errors.map(({ message }) => message))) terminal.error(message);
  if (!isText && note !== undefined) terminal.note(note);
  if (isText && say !== undefined) terminal.say(say);
}

/**
 * Reports that nothing was selected: as a text, or with --fail-if-empty as the error.
 * @param words a sentence
 * @param report for programs
 * @throws UserError
 */
export async function reportNone(
  words: string,
  failIfEmpty: boolean,
  report: Pick<ReportPart, "document" | "note">,
  around: Surroundings,
): Promise<void> {
  if (!failIfEmpty) return writeReport({ text: paragraph(words, around.terminal.columns), ...report }, around);
  await writeReport({ document: report.document }, around);
  throw emptyError(words);
}

/** Shows a person the next command for jobs that ended badly. */
export function tellNext(endings: readonly Ending[], { terminal, isText }: Surroundings): void {
  if (!terminal.canTell || !isText) return;
  // Loaded on use: most commands show no ends.
  const { nextLine } = require("../render/ending.ts") as typeof import("../render/ending.ts");
  const line = nextLine(endings);
  if (line !== undefined) terminal.say(line);
}
