// What a search found, as lines and for programs. Pure.
import type { ValueMap } from "../codec/value.ts";
import { paint } from "../colors.ts";
import type { Hit } from "../model/hits.ts";
import { displayPeel } from "../model/peel.ts";
import type { Search } from "../model/search.ts";
import { safe, shorten, width } from "../text.ts";
import { peelNames } from "./names.ts";
import type { Look } from "./table.ts";

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

/** The hits of one job: a line for each line that was found, with the peels that have it. */
export function renderHits(jid: string, hits: readonly Hit[], search: Search, look: Look): string {
  const lines = new Map<string, { hit: Hit; peels: Map<string, { peel: string }> }>();
  for (const hit of hits) {
    const key = JSON.stringify([hit.field, hit.text]);
    const line = lines.get(key) ?? { hit, peels: new Map() };
    lines.set(key, line);
    line.peels.set(hit.peel, hit);
  }
  let out = "";
  for (const { hit, peels } of lines.values()) {
    const narrow = look.columns !== undefined;
    const names = peelNames([...peels.values()], narrow ? NAMES : Number.POSITIVE_INFINITY);
    const prefix = `${safe(jid)}  ${names}  ${safe(hit.field)}: `;
    const room = narrow ? Math.max(LEAST, (look.columns as number) - width(prefix)) : Number.POSITIVE_INFINITY;
    out += `${prefix}${lineText(hit.text, search, room, look.color)}\n`;
  }
  return out;
}

/** A hit for programs: the peel as it is stored. */
export const hitDocument = (jid: string, { peel, field, result, line, text }: Hit): ValueMap =>
  new Map(Object.entries({ jid, peel_id: peel, field, result: result ?? null, line, text }));

export const HIT_TITLES = ["jid", "peel", "field", "result", "line", "text"];

/** A row for spreadsheets. */
export const hitCells = (jid: string, { peel, field, result, line, text }: Hit): string[] => [
  jid,
  displayPeel(peel),
  field,
  result ?? "",
  String(line),
  text,
];
