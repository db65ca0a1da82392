// `trace --follow` on a terminal: facts, peels and events in one picture. Pure.
import { cut } from "../text.ts";
import { renderFacts, type Telling } from "./facts.ts";
import { renderStories } from "./peels.ts";
import { renderTimeline } from "./story.ts";

const linesOf = (text: string) => text.split("\n").slice(0, -1);

/**
 * One picture of a job that goes on, at most `size.rows` lines that don't wrap: the facts, the worst peels, and the newest
 * events.
 * @param note what there is to say of the connection; empty when all is well
 */
export function renderPicture(
  telling: Telling,
  look: { color: boolean },
  size: { columns: number; rows: number },
  options: { note: string; now: Date },
): string[] {
  const { peels, steps } = telling.story;
  const full = { color: look.color, columns: size.columns, wrap: false };
  const note = options.note === "" ? [] : [options.note];
  const facts = [...note, ...linesOf(renderFacts(telling, full, options.now))];
  const timeline = steps.length === 0 ? [] : linesOf(renderTimeline(telling.story, full, false));
  // Two lines between the parts are empty, and the titles of the peels take one.
  const room = Math.max(0, size.rows - facts.length - 2);
  const wanted = peels.length === 0 ? 0 : peels.length + 1;
  const eventRows = Math.min(timeline.length, Math.max(Math.ceil(room / 2), room - wanted));
  const peelRows = Math.max(0, room - eventRows);
  const rows = wanted <= peelRows ? peels.length : Math.max(0, peelRows - 2);
  const table = peels.length === 0 || peelRows < 2 ? [] : linesOf(renderStories(peels, full, false, rows));
  const newest = Math.max(0, eventRows - 1);
  const events = [...timeline.slice(0, 1), ...timeline.slice(1).slice(-newest || timeline.length)];
  const parts = [facts, table, eventRows < 2 ? [] : events].filter((part) => part.length > 0);
  const lines = parts.flatMap((part, i) => (i === 0 ? part : ["", ...part]));
  return lines.slice(0, size.rows).map((line) => cut(line, size.columns));
}
