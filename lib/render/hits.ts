// What a search found, as lines and for programs. Pure.
import { paint } from "../colors.ts";
import { displayPeel } from "../model/peel.ts";
import type { Hit, Search } from "../model/search.ts";
import { safe, shorten, width } from "../text.ts";
import { peelNames } from "./names.ts";
import { type Forms, type RowColumn, type View, type Viewer, viewOf } from "./view.ts";

/** On a terminal: the most columns that names of peels take, and the least that a line has. */
const [NAMES, LEAST] = [32, 24] as const;

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

/** A line for each line that was found, with the peels that have it. */
function* hitLines(jid: string, hits: readonly Hit[], search: Search, { columns, color }: Viewer): Generator<string> {
  const lines = Map.groupBy(hits, ({ field, text }) => JSON.stringify([field, text]));
  for (const same of lines.values()) {
    const { field, text } = same[0] as Hit;
    const peels = [...new Set(same.map(({ peel }) => peel))].map((peel) => ({ peel }));
    const names = peelNames(peels, columns === undefined ? Number.POSITIVE_INFINITY : NAMES);
    const prefix = `${safe(jid)}  ${names}  ${safe(field)}: `;
    const room = columns === undefined ? Number.POSITIVE_INFINITY : Math.max(LEAST, columns - width(prefix));
    yield `${prefix}${lineText(text, search, room, color)}\n`;
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
    { text: (viewer) => hitLines(jid, hits, search, viewer) },
  );
