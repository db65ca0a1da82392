// Rows for spreadsheets (RFC 4180, with plain newlines).

import { safe } from "../text.ts";

/**
 * Spreadsheets run a cell that starts with one of these as a formula, and records hold text that strangers wrote; an
 * apostrophe makes it text. The library's own `escape_formulas` is not enough: it leaves out the small, raised and lowered
 * forms (a spreadsheet, or what converts the file for it, folds them to the plain ones), spaces and quotes before them,
 * and cells inside ours (where semicolons or bars divide cells, they do so in spite of quotes); and it would change numbers.
 */
const FORMULA =
  /(^|[;|\u037e\ufe14\ufe54\uff0c\uff1b\uff5c])([\s"]*)(?=[=+\-@\ufb29\u207a-\u207c\u208a-\u208c\u2010-\u2015\u2212\ufe58\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20])/g;
const NUMERIC = /^-?\d+(\.\d+)?$/;
/** Cells that are quoted in addition to those with commas and quotes. */
const QUOTED = /[;|\u037e\ufe14\ufe54\uff0c\uff1b\uff5c]/;

/** Text that no spreadsheet runs; of control characters, tabs and newlines only the escapes are left. */
const inert = (text: string) => (NUMERIC.test(text) ? text : safe(text).replace(FORMULA, "$1$2'"));

/** Rows per piece of text: all of a bucket may not fit into one string. */
const PIECE_ROWS = 500;

/** A line of titles, unless `header` is false, and one for each row of as many cells, in pieces of whole lines. */
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
