// The screen of `watch` as lines, from jobs, choices by keys, a clock and a size. Pure.

import { dim, paint } from "../colors.ts";
import { unknownStateWords } from "../model/job.ts";
import { cut, plural, safe, shorten, width } from "../text.ts";
import { clockText } from "../time.ts";
import { type OpenState, openRoom, type Steering } from "./keys.ts";
import { peelNames } from "./names.ts";
import {
  hasPeel,
  type JobText,
  type Opened,
  type PictureLook,
  renderOpened,
  type TextView,
  wrapLines,
} from "./opened.ts";
import { footer, helpLines } from "./picture-keys.ts";
import { countWords, listBody, padded, type ShownList } from "./picture-list.ts";

/** The content of a picture, without the choices by keys. */
export interface Shown extends ShownList {
  /** A question about a job, with the messages before and after it, and what keys do. */
  readonly dialog: { readonly lines: readonly string[]; readonly hint: string } | undefined;
  /** A problem of the connection; empty for none. With a problem, the shown data is old. */
  readonly note: string;
  /** The source of the jobs: the flags that select them, the name of the context, the address of the server. */
  readonly places: readonly string[];
}

/** `text`, and `right` at the end of the line. */
function spread(text: string, right: string, columns: number): string {
  const words = shorten(safe(text), Math.max(1, columns - width(right) - 2));
  return words + " ".repeat(Math.max(2, columns - width(words) - width(right))) + right;
}

/** Columns of the names of peels above a text. */
const NAMES = 30;

/** `diff of web-03 against web-[01-02]  1-18 of 240 lines` @param lines those in sight */
function textWords({ what, peel, diff }: TextView, { groups }: Opened, text: JobText, lines: string): string {
  const group = groups.find((group) => hasPeel(group, peel));
  const of = what === "output" && group ? ` of ${peelNames(group.peels, NAMES)}` : "";
  const base = diff && text.against;
  const name = base ? `diff${of} against ${peelNames(base, NAMES)}` : `${what}${of}`;
  return `${name}  ${lines} of ${plural(text.lines.length, "line")}`;
}

function openBody(shown: Shown, state: OpenState, look: PictureLook, columns: number, rows: number) {
  const { opened, text, told, now } = shown;
  if (typeof opened !== "object") return { body: [safe(opened ?? "")], words: "" };
  if (state.text && text) {
    const from = Math.min(state.text.top, Math.max(0, text.lines.length - rows));
    const body = text.lines.slice(from, from + rows);
    return { body, words: textWords(state.text, opened, text, `${from + 1}-${from + body.length}`) };
  }
  const words = [told.get(state.jid), unknownStateWords([opened.row])].filter(Boolean).join("  ");
  return { body: renderOpened(opened, state.place, now, look, { columns, rows }), words: safe(words) };
}

/** The part between the first lines and the last one, and a note about it. */
function bodyOf(shown: Shown, steering: Steering, look: PictureLook, columns: number, rows: number) {
  const { dialog } = shown;
  if (dialog) return { body: wrapLines(dialog.lines, columns).slice(-rows), words: "" };
  if (steering.help) return { body: helpLines(steering, rows, look.utf8), words: "" };
  if (steering.opened) return openBody(shown, steering.opened, look, columns, rows);
  return listBody(shown, steering, look, columns);
}

/** One picture, at most `size.rows` lines that don't wrap. @param steering as `settled` for these jobs and this size */
export function renderPicture(shown: Shown, steering: Steering, look: PictureLook): string[] {
  const { isWhole, dialog, note, places, now, size } = shown;
  // The last column stays empty: clearing the rest of a line would clear it too.
  const columns = size.columns - 1;
  const rows = openRoom(size.rows);
  const { body, words } = bodyOf(shown, steering, look, columns, rows);
  const isOld = note !== "" && look.color;
  const counts = isWhole ? `${countWords(shown, look.utf8)}  ` : "";
  const lines = [
    spread(places.join(look.utf8 ? " · " : ", "), counts + clockText(now), columns),
    isOld ? paint("attention", safe(note)) : safe(note) || words,
    ...padded(body, rows).map((line) => (isOld ? dim(Bun.stripANSI(line)) : line)),
    dialog ? dialog.hint : footer(shown, steering, columns, look.utf8),
  ];
  // On a very low terminal the last lines are left out.
  return lines.slice(0, size.rows).map((line) => cut(line, columns));
}
