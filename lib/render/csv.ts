// CSV (RFC 4180, with LF). Pure.

import { safe } from "../text.ts";

/**
 * Spreadsheets run cells that start with these as formulas; an apostrophe makes them text. The package's
 * `escape_formulas` misses full-width, small, raised and lowered forms, leading spaces and quotes, and cells split at
 * semicolons or bars, and it changes numbers.
 */
const FORMULA =
  /(^|[;|\u037e\ufe14\ufe54\uff0c\uff1b\uff5c])([\s"]*)(?=[=+\-@\ufb29\u207a-\u207c\u208a-\u208c\u2010-\u2015\u2212\ufe58\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20])/g;
const NUMERIC = /^-?\d+(\.\d+)?$/;
/** Also quoted, beside commas and quotes. */
const QUOTED = /[;|\u037e\ufe14\ufe54\uff0c\uff1b\uff5c]/;

/** Text that no spreadsheet runs as a formula. */
const inert = (text: string) => (NUMERIC.test(text) ? text : safe(text).replace(FORMULA, "$1$2'"));

/** Rows per piece: a whole bucket may not fit in one string. */
const PIECE_ROWS = 500;

export function* csvText(titles: string[], rows: Iterable<string[]>, header: boolean): Generator<string> {
  const { stringify } = require("csv-stringify/sync") as typeof import("csv-stringify/sync");
  const lines = (some: string[][]) => stringify(some, { cast: { string: inert }, quoted_match: QUOTED });
  let some = header ? [titles] : [];
  for (const row of rows) {
    some.push(row);
    if (some.length < PIECE_ROWS) continue;
    yield lines(some);
    some = [];
  }
  if (some.length > 0) yield lines(some);
}
