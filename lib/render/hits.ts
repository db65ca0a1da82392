// `grep`: views. Pure.
import { paint } from "../colors.ts";
import { displayPeel } from "../model/peel.ts";
import type { Hit, Search } from "../model/search.ts";
import { plural, safe, shorten, width } from "../text.ts";
import { peelNames } from "./names.ts";
import { type Forms, type RowColumn, rowsView, type View, type Viewer } from "./view.ts";

/** On a terminal: maximum and minimum columns of names, minimum columns of a line. */
const [MOST_NAME, LEAST_NAME, LEAST_LINE] = [32, 8, 24] as const;

function endOf(text: string, max: number): string {
  const whole = safe(text.slice(-max));
  if (text.length <= max && width(whole) <= max) return whole;
  let from = Math.max(0, text.length - max + 1);
  while (from < text.length && width(safe(text.slice(from))) > max - 1) from++;
  return `…${safe(text.slice(from))}`;
}

/** The part of a line around its first match, colored. */
function lineText(text: string, search: Search, room: number, color: boolean): string {
  // Finding the match again can take longer than the search, and a pipe shows the whole line.
  if (room === Number.POSITIVE_INFINITY && !color) return safe(text);
  const [start, end] = search.find(text) ?? [0, 0];
  const [before, match, after] = [text.slice(0, start), text.slice(start, end), text.slice(end)];
  const painted = (part: string) => (color && part !== "" ? paint("bad", part) : part);
  if (room === Number.POSITIVE_INFINITY) return safe(before) + painted(safe(match)) + safe(after);
  const inside = shorten(safe(match.slice(0, room)), room);
  const rest = safe(after.slice(0, room));
  // The text after the match gets up to a third.
  const left = room - width(inside);
  const head = endOf(before, Math.max(0, left - Math.min(width(rest), Math.floor(left / 3))));
  return head + painted(inside) + (rest === "" ? "" : shorten(rest, left - width(head)));
}

/** Found lines, equal ones once, in the order found. */
export class FoundLines {
  readonly #lines = new Map<string, { readonly jids: Set<string>; peels: Set<string>; fields: Set<string> }>();

  add(jid: string, hits: readonly Hit[]): this {
    for (const { peel, field, text } of hits) {
      const line = this.#lines.get(text) ?? { jids: new Set(), peels: new Set(), fields: new Set() };
      this.#lines.set(text, line);
      line.jids.add(jid);
      line.peels.add(peel);
      line.fields.add(field);
    }
    return this;
  }

  get size(): number {
    return this.#lines.size;
  }

  *text(search: Search, { columns, color }: Viewer): Generator<string> {
    const room = columns ?? Number.POSITIVE_INFINITY;
    const most = columns === undefined ? room : MOST_NAME;
    for (const [text, { jids, peels, fields }] of this.#lines) {
      const [jid = ""] = jids;
      const jobs = jids.size === 1 ? safe(jid) : plural(jids.size, "job");
      const where = shorten(safe([...fields].join(",")), most);
      const left = room - LEAST_LINE - width(`${jobs}    ${where}: `);
      const prefix = `${jobs}  ${peelNames([...peels], Math.max(LEAST_NAME, Math.min(most, left)))}  ${where}: `;
      yield `${prefix}${lineText(text, search, Math.max(LEAST_LINE, room - width(prefix)), color)}\n`;
    }
  }
}

const HIT_COLUMNS: readonly RowColumn<Hit & { readonly jid: string }>[] = [
  { name: "jid", value: ({ jid }) => jid },
  { name: "peel_id", value: ({ peel }) => peel },
  { name: "peel", value: ({ peel }) => displayPeel(peel) },
  { name: "field", value: ({ field }) => field },
  { name: "result", value: ({ result }) => result ?? null },
  { name: "line", value: ({ line }) => line },
  { name: "text", value: ({ text }) => text },
];

const HIT_FORMS: Forms = {
  table: "",
  sheet: "jid peel field result line text",
  document: "jid peel_id field result line text",
};

export const hitsView = (jid: string, hits: readonly Hit[], search: Search): View =>
  rowsView(
    HIT_COLUMNS,
    HIT_FORMS,
    hits.map((hit) => ({ jid, ...hit })),
    { text: (viewer) => new FoundLines().add(jid, hits).text(search, viewer) },
  );

export const linesView = (lines: FoundLines, search: Search): View => ({
  size: lines.size,
  text: (viewer) => lines.text(search, viewer),
  *documents() {},
});
