// The tail of every command that lists: an answer in the format asked for, its warnings, and what it means that it is empty.
import type { Value } from "../codec/value.ts";
import { EXIT, UserError } from "../errors.ts";
import { csvText } from "../render/csv.ts";
import { documentText, jsonArray } from "../render/document.ts";
import type { View } from "../render/view.ts";
import { paragraph } from "../text.ts";
import { JOB_IDS, writeCount, writeIds } from "./ids.ts";
import { valueLines } from "./output.ts";
import { type Session, withReading } from "./session.ts";
import type { GlobalArgs } from "./shared.ts";
import { type Formats, LIST_FORMATS } from "./surroundings.ts";

/** What a command found. */
export interface Answer {
  /** Rows, only the IDs of jobs, only their number, or nothing. */
  readonly shown?: View | { readonly size: number; readonly jids: Iterable<string> } | number | undefined;
  /** What a text says in place of no rows. */
  readonly none?: string | undefined;
  /** What --fail-if-empty counts, where that is not what is shown. */
  readonly selected?: { readonly size: number; readonly none: string };
  /** Notes beside a text, and beside the other formats. */
  readonly notes?: { readonly text?: string | undefined; readonly data?: string | undefined };
  readonly warnings: readonly (string | undefined)[];
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

/**
 * Writes views one after the other as one answer: each at once where the format allows it, else all at the end. `add` is
 * synchronous: a callback of a stream that throws later would not be caught.
 */
export class AnswerSink {
  readonly #views: View[] = [];
  #titled: boolean;

  constructor(
    readonly session: Pick<Session, "terminal" | "format" | "store">,
    readonly header: boolean,
  ) {
    this.#titled = !header;
  }

  add(view: View): void {
    const { terminal, format, store } = this.session;
    if (format === "text" || format === "openmetrics") {
      const { color, columns, utf8 } = terminal;
      terminal.writeAll(view.text({ color, columns, utf8, header: this.header, now: store.now() }));
      const aside = view.aside?.();
      if (aside !== undefined) terminal.say(aside);
    } else if (format === "csv" && view.sheet) {
      const { titles, rows } = view.sheet(store.now());
      terminal.writeAll(csvText(titles, rows, !this.#titled));
      this.#titled = true;
    } else if (format === "jsonl") {
      terminal.writeAll(valueLines(view.documents(store.now())));
    } else this.#views.push(view);
  }

  *#documents(): Generator<Value> {
    for (const view of this.#views) yield* view.documents(this.session.store.now());
  }

  async end(): Promise<void> {
    const { terminal, format } = this.session;
    const isOne = this.#views[0]?.isOne === true;
    if (format === "json" && !isOne) terminal.writeAll(jsonArray(this.#documents()));
    else if (format === "json" || format === "yaml") {
      const documents = [...this.#documents()];
      terminal.write(await documentText(isOne ? (documents[0] as Value) : documents, format));
    }
  }
}

const shownSize = (shown: Answer["shown"]) => (typeof shown === "object" ? shown.size : (shown ?? 0));

/**
 * Writes an answer.
 * @param sink has written a part of it
 * @returns the exit code
 * @throws UserError when nothing was selected and that is to be an error
 */
export async function writeAnswer(
  { shown, none, selected = { size: shownSize(shown), none: none ?? "" }, notes, warnings, last = [], code }: Answer,
  { header, failIfEmpty }: Form,
  session: Session,
  sink = new AnswerSink(session, header),
): Promise<number> {
  const { terminal, format } = session;
  const warn = (words: string | undefined) => void (words !== undefined && terminal.warn(words));
  const fails = failIfEmpty && selected.size === 0;
  const isText = format === "text";
  if (typeof shown === "number") writeCount(shown, session, header);
  else if (shown && "jids" in shown) await writeIds(shown.jids, JOB_IDS, session, header);
  else if (shown && isText && shown.size === 0 && none !== undefined) {
    if (!fails) terminal.write(paragraph(none, terminal.columns));
  } else if (shown) {
    sink.add(shown);
    await sink.end();
  }
  const note = isText ? notes?.text : notes?.data;
  if (note !== undefined) terminal.note(note);
  warnings.forEach(warn);
  if (fails) throw new UserError(selected.none.charAt(0).toLowerCase() + selected.none.slice(1));
  last.forEach(warn);
  return code ?? EXIT.done;
}

/** Runs a command that answers a request: connects, asks, writes. */
export const answerWith = <R extends { readonly form: Form }>(
  flags: GlobalArgs,
  request: R,
  answerOf: (request: R, session: Session) => Promise<Answer>,
  formats: Formats = { formats: LIST_FORMATS },
): Promise<number | undefined> =>
  withReading(flags, async (session) => writeAnswer(await answerOf(request, session), request.form, session), formats);
