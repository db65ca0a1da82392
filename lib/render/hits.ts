// What a search found, as lines and for programs. Pure.
import { paint } from "../colors.ts";
import { displayPeel } from "../model/peel.ts";
import type { Hit, Search } from "../model/search.ts";
import { plural, safe, shorten, width } from "../text.ts";
import { peelNames } from "./names.ts";
import { type Forms, type RowColumn, type View, type Viewer, viewOf } from "./view.ts";

/** On a terminal: the most and the least columns that names take, and the least that a line has. */
const [NAMES, LEAST_NAMES, LEAST] = [32, 8, 24] as const;

/** The last of `text` in at most `max` columns, with `…` at the cut. */
function tail(text: string, max: number): string {
  const whole = safe(text.slice(-max));
  if (text.length <= max && width(whole) <= max) return whole;
  let from = Math.max(0, text.length - max + 1);
  while (from < text.length && width(safe(text.slice(from))) > max - 1) from++;
  return `…${safe(text.slice(from))}`;
}

/** A line with its first match, coloured, in at most `room` columns: those around the match. */
function lineText(text: string, search: Search, room: number, color: boolean): string {
  // Piped, it does not matter where the match is, and finding that can take longer than the search did.
  if (room === Number.POSITIVE_INFINITY && !color) return safe(text);
  const [start, end] = search.find(text) ?? [0, 0];
  const [before, match, after] = [text.slice(0, start), text.slice(start, end), text.slice(end)];
  const painted = (part: string) => (color && part !== "" ? paint("bad", part) : part);
  if (room === Number.POSITIVE_INFINITY) return safe(before) + painted(safe(match)) + safe(after);
  const inside = shorten(safe(match.slice(0, room)), room);
  const rest = safe(after.slice(0, room));
  // What follows gets a third where it needs it, what comes before the others.
  const left = room - width(inside);
  const head = tail(before, Math.max(0, left - Math.min(width(rest), Math.floor(left / 3))));
  return head + painted(inside) + (rest === "" ? "" : shorten(rest, left - width(head)));
}

/** Lines that were found, equal ones as one: where each is, in the order in which they came. */
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
    const most = columns === undefined ? room : NAMES;
    for (const [text, { jids, peels, fields }] of this.#lines) {
      const [jid = ""] = jids;
      const jobs = jids.size === 1 ? safe(jid) : plural(jids.size, "job");
      const where = shorten(safe([...fields].join(",")), most);
      const left = room - LEAST - width(`${jobs}    ${where}: `);
      const named = Array.from(peels, (peel) => ({ peel }));
      const prefix = `${jobs}  ${peelNames(named, Math.max(LEAST_NAMES, Math.min(most, left)))}  ${where}: `;
      yield `${prefix}${lineText(text, search, Math.max(LEAST, room - width(prefix)), color)}\n`;
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

/** The hits of one job. */
export const hitsView = (jid: string, hits: readonly Hit[], search: Search): View =>
  viewOf(
    HIT_COLUMNS,
    HIT_FORMS,
    hits.map((hit) => ({ jid, ...hit })),
    { text: (viewer) => new FoundLines().add(jid, hits).text(search, viewer) },
  );

/** The lines of all jobs, for people. */
export const linesView = (lines: FoundLines, search: Search): View => ({
  size: lines.size,
  text: (viewer) => lines.text(search, viewer),
  *documents() {},
});
