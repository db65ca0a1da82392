// When the peels of a job accepted it, ran it and returned, as lanes and as SVG. Pure.

import { meaningOf } from "../colors.ts";
import { formatDuration } from "../duration.ts";
import { medianTook, slowest } from "../model/durations.ts";
import { displayState, isTerminal, type JobRow } from "../model/job.ts";
import { displayPeel, sortedByPeel } from "../model/peel.ts";
import type { PeelState } from "../model/peel-state.ts";
import type { PeelStory, Step, Story } from "../model/story.ts";
import { count, safe, shorten } from "../text.ts";
import { peelNames } from "./names.ts";
import { inSharedRows } from "./peels.ts";

/** Times are shares of the whole, 0 to 1. */
interface Lane {
  /** Safe for a terminal. */
  readonly name: string;
  readonly words: string;
  readonly state: string;
  readonly isJob?: true;
  readonly bars: readonly { readonly from: number; readonly to: number; readonly runs: boolean }[];
  readonly marks: readonly { readonly at: number; readonly mark: Mark }[];
  /** Of many peels: the number that returned, or were marked unreachable, in each part of the time. */
  readonly bins?: readonly number[];
}

export interface Timeline {
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
  /** The end of the job; undefined before. */
  readonly end: number | undefined;
  readonly lanes: readonly Lane[];
}

/** Up to `alone` peels have a lane each. Of more, at most `bad` that are not ok; more than `inGroup` alike share one. */
const SHOWN_LANES = { alone: 16, bad: 12, inGroup: 3, slow: 3 } as const;
/** A slow peel took at least this many times the median duration. */
const SLOW = 2n;
const NAME_COLUMNS = 26;
const BINS = 60;
/** The picture ends at the last event, at most this many times the duration of the job; later events are at its edge. */
const REACH = 1.5;

type StepsByPeel = ReadonlyMap<string | undefined, readonly Step[]>;

/** When a peel accepted the job, returned and was given up, in ns since the dispatch. */
const timesOf = (steps: readonly Step[] = []) => ({
  ack: steps.find(({ kind }) => kind === "ack")?.afterNs,
  returned: steps.findLast(({ kind, givenUp }) => kind !== "ack" && !givenUp)?.afterNs,
  givenUp: steps.findLast(({ givenUp }) => givenUp)?.afterNs,
});

const STATE_MARKS: Partial<Record<PeelState, Mark>> = {
  ok: "ok",
  failed: "failed",
  unreadable: "failed",
  late: "late",
  unreachable: "unreachable",
};

/** The share of a time, in ns, in the whole. */
const shareOf = (ns: bigint, wholeNs: bigint) => Math.max(0, Math.min(1, Number((ns * 10_000n) / wholeNs) / 10_000));

function peelLane(
  { peel, state, tookNs, soFarNs }: PeelStory,
  steps: readonly Step[] | undefined,
  wholeNs: bigint,
): Lane {
  const at = (ns: bigint) => shareOf(ns, wholeNs);
  const { ack, returned, givenUp } = timesOf(steps);
  const sent = returned ?? givenUp;
  const began = returned === undefined ? ack : returned - (tookNs ?? 0n);
  const bars: Lane["bars"][number][] = [];
  if (ack !== undefined && began !== undefined && began > ack) bars.push({ from: at(ack), to: at(began), runs: false });
  if (steps)
    bars.push({
      from: at(began ?? 0n),
      to: at(sent ?? wholeNs),
      runs: returned !== undefined || state === "executing",
    });
  const marks: Lane["marks"][number][] = [];
  const mark = STATE_MARKS[state];
  if (ack !== undefined) marks.push({ at: at(ack), mark: "ack" });
  if (mark && sent !== undefined) marks.push({ at: at(sent), mark });
  const words = [
    state,
    sent !== undefined && `+${formatDuration(sent)}`,
    tookNs !== undefined && `ran ${formatDuration(tookNs)}`,
    tookNs === undefined && soFarNs !== undefined && `${formatDuration(soFarNs)} so far`,
  ];
  const name = shorten(safe(displayPeel(peel)), NAME_COLUMNS);
  return { name, words: words.filter(Boolean).join(", "), state, bars, marks };
}

function groupLane(peels: readonly PeelStory[], steps: StepsByPeel, wholeNs: bigint): Lane {
  const ends = peels.flatMap(({ peel }) => {
    const { returned, givenUp } = timesOf(steps.get(peel));
    return returned ?? givenUp ?? [];
  });
  const bins = new Array<number>(BINS).fill(0);
  for (const end of ends) {
    const bin = Math.min(BINS - 1, Math.floor(shareOf(end, wholeNs) * BINS));
    bins[bin] = (bins[bin] as number) + 1;
  }
  const state = peels[0]?.state ?? "";
  const span = new Set(
    [ends.reduce(least, ends[0] ?? 0n), ends.reduce(most, 0n)].map((ns) => `+${formatDuration(ns)}`),
  );
  const words = `${count(peels.length)} ${state}${ends.length > 0 ? `, ${[...span].join(" to ")}` : ""}`;
  return { name: peelNames(peels, NAME_COLUMNS), words, state, bars: [], marks: [], bins };
}

const least = (a: bigint, b: bigint) => (b < a ? b : a);
const most = (a: bigint, b: bigint) => (b > a ? b : a);

/** The peels of each lane: bad and slow ones have their own lanes if they are few. */
function lanePeels(peels: readonly PeelStory[]): PeelStory[][] {
  if (peels.length <= SHOWN_LANES.alone) return peels.map((peel) => [peel]);
  const bad = inSharedRows(peels.filter(({ state }) => state !== "ok")).flatMap((group) =>
    group.length > SHOWN_LANES.inGroup ? [group] : group.map((peel) => [peel]),
  );
  const ok = peels.filter(({ state }) => state === "ok");
  const usual = medianTook(ok) ?? 0n;
  const slow = slowest(ok, SHOWN_LANES.slow).filter(({ tookNs }) => (tookNs ?? 0n) > SLOW * usual);
  const others = sortedByPeel(ok.filter((peel) => !slow.includes(peel)));
  const rest = Map.groupBy(bad.slice(SHOWN_LANES.bad).flat(), ({ state }) => state).values();
  return [...bad.slice(0, SHOWN_LANES.bad), ...rest, ...slow.map((peel) => [peel]), others].filter(
    ({ length }) => length > 0,
  );
}

const SECOND = 1_000_000_000n;
const STEPS: readonly bigint[] = [
  ...[3n, 4n, 5n, 6n, 7n, 8n].flatMap((zeros) => [1n, 2n, 5n].map((n) => n * 10n ** zeros)),
  ...[1n, 2n, 5n, 10n, 15n, 30n, 60n, 120n, 300n, 600n, 900n, 1800n, 3600n, 7200n, 21_600n, 43_200n, 86_400n].map(
    (n) => n * SECOND,
  ),
];
const TICKS = 5n;

function ticksOf(wholeNs: bigint): Timeline["ticks"] {
  const step = STEPS.find((one) => wholeNs / one < TICKS) ?? wholeNs / TICKS;
  const ticks = [];
  for (let ns = 0n; ns <= wholeNs; ns += step)
    ticks.push({ at: shareOf(ns, wholeNs), text: ns === 0n ? "0" : `+${formatDuration(ns)}` });
  return ticks;
}

/** @param nowNs by the server's clock. @returns undefined without events that show when something happened */
export function timelineOf({ steps, peels }: Story, row: JobRow, nowNs: bigint): Timeline | undefined {
  const [first] = steps;
  if (!first || steps.length < 2) return undefined;
  const cancel = steps.find(({ kind }) => kind === "cancel");
  const endStep = steps.find(({ end }) => isTerminal(end));
  const startNs = first.storedNs - first.afterNs;
  const endNs = endStep?.afterNs ?? (isTerminal(row.status) ? undefined : nowNs - startNs);
  const lastNs = steps.reduce((last, { afterNs }) => most(last, afterNs), 0n);
  const reachNs = endNs === undefined ? lastNs : (endNs * BigInt(REACH * 10)) / 10n;
  const wholeNs = most(1n, most(endNs ?? 0n, least(lastNs, reachNs)));
  const at = (ns: bigint) => shareOf(ns, wholeNs);
  const marks: Lane["marks"][number][] = [];
  if (cancel) marks.push({ at: at(cancel.afterNs), mark: "cancel" });
  if (endStep) marks.push({ at: at(endStep.afterNs), mark: "end" });
  const since = endNs === undefined ? "" : ` +${formatDuration(endNs)}`;
  const words = [
    cancel && `cancel signal +${formatDuration(cancel.afterNs)}`,
    `${endStep ? "ended " : ""}${displayState(row)}${since}${endStep || since === "" ? "" : " so far"}`,
  ];
  const job: Lane = {
    name: "Job",
    isJob: true,
    words: safe(words.filter(Boolean).join(", ")),
    state: row.status ?? "",
    bars: [{ from: 0, to: at(endNs ?? lastNs), runs: true }],
    marks,
  };
  const byPeel = Map.groupBy(steps, ({ peel }) => peel);
  const lanes = lanePeels(peels).map((group) => {
    const peel = group[0] as PeelStory;
    return group.length === 1 ? peelLane(peel, byPeel.get(peel.peel), wholeNs) : groupLane(group, byPeel, wholeNs);
  });
  return { ticks: ticksOf(wholeNs), end: endStep && at(endStep.afterNs), lanes: [job, ...lanes] };
}

// Positions are percentages, so that the picture has the width of its place and its text keeps its size.

const AXIS = 24;
const LANE = 40;
const TEXT_BASELINE = 13;
const BAR = { top: 20, height: 10 } as const;
const BIN = { top: 18, height: 16 } as const;

/** The shape of each mark, and its meaning in the legend, in the order of a job. */
const MARKS = {
  ack: ["M0-6V6", "accepted"],
  ok: ["M-5 0A5 5 0 1 1 5 0A5 5 0 1 1-5 0Z", "returned ok"],
  failed: ["M-4-4L4 4M4-4L-4 4", "returned failed"],
  unreachable: ["M0-6L6 0L0 6L-6 0Z", "marked unreachable"],
  late: ["M-5-5L6 0L-5 5Z", "returned late"],
  cancel: ["M-5-5H5V5H-5Z", "cancel signal"],
  end: ["M0-7V7", ""],
} as const;
type Mark = keyof typeof MARKS;

const percent = (share: number) => `${Number((share * 100).toFixed(2))}%`;

const rect = (kind: string, x: string, y: number, width: string, height: number) =>
  `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}"/>`;
const upright = (kind: string, x: string, height: number) =>
  `<line class="${kind}" x1="${x}" x2="${x}" y1="${AXIS - 6}" y2="${height}"/>`;
const markPath = (mark: Mark) => `<path class="m m-${mark}" d="${MARKS[mark][0]}"/>`;

export const LEGEND = (Object.keys(MARKS) as Mark[])
  .filter((mark) => MARKS[mark][1] !== "")
  .map((mark) => {
    const sign = `<svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true">${markPath(mark)}</svg>`;
    return ` <span>${sign} ${MARKS[mark][1]}</span>`;
  })
  .join("");

function laneSvg({ name, words, state, isJob, bars, marks, bins = [] }: Lane, top: number): string {
  const kind = isJob ? "none" : meaningOf(state);
  const middle = top + BAR.top + BAR.height / 2;
  const bottom = top + BIN.top + BIN.height;
  const highest = Math.max(1, ...bins);
  const parts = [
    `<text x="0" y="${top + TEXT_BASELINE}"><tspan class="n">${Bun.escapeHTML(name)}</tspan><tspan dx="8" class="s ${meaningOf(state)}">${Bun.escapeHTML(words)}</tspan></text>`,
    rect("t", "0", bins.length > 0 ? bottom : middle - 0.5, "100%", 1),
    ...bars.map(({ from, to, runs }) => {
      const [shown, height] = runs ? [kind, BAR.height] : ["w", 4];
      return rect(shown, percent(from), middle - height / 2, percent(Math.max(to - from, 0.002)), height);
    }),
    ...bins.map((n, i) => {
      const height = Math.max(2, Math.round((n / highest) * BIN.height));
      return n === 0 ? "" : rect(kind, percent(i / BINS), bottom - height, percent(0.8 / BINS), height);
    }),
    ...marks.map(({ at, mark }) => `<svg x="${percent(at)}" y="${middle}" overflow="visible">${markPath(mark)}</svg>`),
  ];
  return parts.join("");
}

/** @param id unique in the page */
export function timelineSvg({ ticks, end, lanes }: Timeline, id: string): string {
  const height = AXIS + lanes.length * LANE;
  const text = lanes.map(({ name, words }) => `${name}: ${words}`).join("; ");
  const parts = [
    `<svg class="timeline" width="100%" height="${height}" role="img" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">Timeline</title><desc id="${id}-d">${Bun.escapeHTML(text)}</desc>`,
    ...ticks.map(({ at, text }) => {
      const near = at === 0 ? "start" : "middle";
      const anchor = at > 0.94 ? "end" : near;
      return `${upright("g", percent(at), height)}<text class="a" x="${percent(at)}" y="12" text-anchor="${anchor}">${Bun.escapeHTML(text)}</text>`;
    }),
    end === undefined ? "" : upright("e", percent(end), height),
    ...lanes.map((lane, i) => laneSvg(lane, AXIS + i * LANE)),
    "</svg>",
  ];
  return parts.join("");
}
