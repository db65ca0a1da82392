// The lines of returns in which a search found something. Pure.
import type { Value } from "../codec/value.ts";
import { answerOf } from "./answer.ts";
import type { Return } from "./returns.ts";
import type { Search } from "./search.ts";

/** One line of one return. */
export interface Hit {
  readonly peel: string;
  /** Where it stands: `error`, `stdout`, `diff` … */
  readonly field: string;
  /** The state or function call that it belongs to; undefined for the return itself. */
  readonly result: string | undefined;
  /** Counts the lines of the text, from 1. */
  readonly line: number;
  readonly text: string;
}

type OnText = (field: string, text: string, result: string | undefined) => void;

/** The texts in a value, those inside lists and maps as well. */
function textsIn(field: string, value: Value | undefined, result: string | undefined, onText: OnText): void {
  if (typeof value === "string") onText(field, value, result);
  else if (Array.isArray(value)) for (const item of value) textsIn(field, item, result, onText);
  else if (value instanceof Map) for (const [key, item] of value) textsIn(`${field}.${key}`, item, result, onText);
}

/** The texts of a return: its error, the names, errors, diffs and details of its results, and what else the peel answered. */
export function textsOf(item: Return, onText: OnText): void {
  const { record, error } = item;
  if (error !== undefined) onText("error", error, undefined);
  const data = record.get("return_data");
  const answer = answerOf(data, error);
  if (!answer) textsIn("return", data, undefined, onText);
  for (const [name, value] of answer?.parts ?? []) textsIn(name, value, undefined, onText);
  for (const { name, error: failed, skipReason, parts } of answer?.results ?? []) {
    if (name !== "-") onText("name", name, name); // `-` stands for none
    if (failed !== undefined) onText("error", failed, name);
    if (skipReason !== undefined) onText("skip_reason", skipReason, name);
    for (const [part, value] of parts) textsIn(part, value, name, onText);
  }
}

/** The lines of a return that a search finds, in the order of its answer. */
export function hitsIn(item: Return, search: Search, onHit: (hit: Hit) => void): void {
  if (item.unreadable !== undefined || item.record.size === 0) return;
  textsOf(item, (field, text, result) => {
    let line = 1;
    for (let from = 0; from <= text.length; line++) {
      const at = text.indexOf("\n", from);
      const to = at < 0 ? text.length : at;
      // A line may end as on Windows: that end is no part of it either.
      const one = text.slice(from, at > from && text[at - 1] === "\r" ? at - 1 : to);
      // What ends with a line's end has no empty line behind it.
      if ((to > from || at >= 0) && search.matches(one)) onHit({ peel: item.peel, field, result, line, text: one });
      from = to + 1;
    }
  });
}
