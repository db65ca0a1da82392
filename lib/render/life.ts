// `trace` as text and for programs. Pure: a life in, lines out.

import { Timestamp, type Value, type ValueMap } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import type { JobRow } from "../model/job.ts";
import { type Life, type Step, slowest } from "../model/life.ts";
import { displayPeel } from "../model/peel.ts";
import { count, plural, safe } from "../text.ts";
import { paintState } from "./colors.ts";
import { peelCounts, renderLives } from "./peels.ts";
import { factLine, renderFacts } from "./summary.ts";
import { type Cell, type Look, renderTable } from "./table.ts";

const NAMES: Record<string, string> = { dispatch: "dispatched", status: "ended" };
/** What people read of a long life on a terminal: piped, and with --all-peels, there is no limit. */
const SHOWN = { first: 15, last: 15, slowest: 3 };

/** The columns of the events, wide enough for lines that come one by one. */
const eventColumns = (peelWidth: number) => [
  { title: "AFTER", min: 8 },
  { title: "EVENT", min: 10 },
  { title: "PEEL", min: peelWidth },
  { title: "DETAIL" },
];

function detail(step: Step): string {
  const took = step.tookNs === undefined ? "" : formatDuration(step.tookNs);
  if (step.kind === "ack") return `delivered in ${took}`;
  if (step.kind === "cancel") return "cancel signal";
  if (step.end !== undefined) return step.end;
  if (!step.returned) return "";
  const { ok, error } = step.returned;
  return `${ok ? "ok" : "failed"}${took && ` after ${took}`}${error === undefined ? "" : `: ${error}`}`;
}

function eventCells(step: Step, color: boolean): Cell[] {
  const state = step.end ?? (step.returned ? (step.returned.ok ? "ok" : "failed") : "");
  return [
    { text: `+${formatDuration(step.afterNs)}` },
    { text: NAMES[step.kind] ?? step.kind },
    { text: step.peel === undefined ? "" : displayPeel(step.peel) },
    { text: detail(step), paint: paintState(state, color) },
  ];
}

/** Events as a table. @param peelWidth the least columns for peels */
export function renderEvents(steps: readonly Step[], look: Look, peelWidth = 0): string {
  return renderTable(
    eventColumns(peelWidth),
    steps.map((step) => eventCells(step, look.color)),
    look.header,
  );
}

/** The facts, the counts, the slowest peels, and the peels worst first. */
export function renderLife(
  job: ValueMap,
  row: JobRow,
  life: Life,
  look: Look,
  options: { now: Date; allPeels: boolean },
): string {
  const head = renderFacts(job, row, look, options.now);
  const counts = factLine("Peels", `${count(life.peels.length)}: ${peelCounts(life.peels)}`);
  const slow = slowest(life.peels, SHOWN.slowest).map(
    (peel) => `${safe(displayPeel(peel.peel))} ${formatDuration(peel.ranNs as bigint)}`,
  );
  const slowLine = life.peels.length > 1 && slow.length > 0 ? factLine("Slowest", slow.join(", ")) : "";
  const table = life.peels.length > 0 ? `\n${renderLives(life.peels, look, options.allPeels)}` : "";
  return head + counts + slowLine + table;
}

/** All events; on a terminal the first and the last of a long life, and how many lie between. */
export function renderTimeline(life: Life, look: Look, allPeels: boolean): string {
  const { steps } = life;
  const between = steps.length - SHOWN.first - SHOWN.last;
  if (look.columns === undefined || allPeels || between < 2) return renderEvents(steps, look);
  const lines = renderEvents([...steps.slice(0, SHOWN.first), ...steps.slice(-SHOWN.last)], look).split("\n");
  const words = `… ${plural(between, "event")} between (--all-peels shows them)`;
  lines.splice(SHOWN.first + 1, 0, words);
  return lines.join("\n");
}

/** One event for programs. */
export function stepDocument(step: Step): ValueMap {
  const time = new Timestamp(step.storedNs / 1_000_000_000n, Number(step.storedNs % 1_000_000_000n));
  const fields: [string, Value | undefined][] = [
    ["time", time],
    ["after", step.afterNs],
    ["event", step.kind],
    ["peel_id", step.peel],
    ["took", step.tookNs],
    ["success", step.returned?.ok],
    ["error", step.returned?.error],
    ["status", step.end],
  ];
  return new Map(fields.filter((field): field is [string, Value] => field[1] !== undefined));
}

/** The whole life for programs; durations in ns. */
export function lifeDocument(job: ValueMap, life: Life): ValueMap {
  const peels = life.peels.map((peel): ValueMap => {
    const fields: [string, Value | undefined][] = [
      ["peel_id", peel.peel],
      ["state", peel.state],
      ["delivered", peel.deliveredNs],
      ["ran", peel.ranNs],
      ["error", peel.error],
    ];
    return new Map(fields.filter((field): field is [string, Value] => field[1] !== undefined));
  });
  return new Map<string, Value>([
    ["job", job],
    ["events", life.steps.map(stepDocument)],
    ["peels", peels],
  ]);
}
