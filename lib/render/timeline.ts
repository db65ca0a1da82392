// When the peels of a job accepted it, ran it and returned, as lanes and as SVG. Pure.
import { formatDuration } from "../duration.ts";
import { medianTook, slowest } from "../model/durations.ts";
import { displayState, isTerminal, type JobRow } from "../model/job.ts";
import { displayPeel, sortedByPeel } from "../model/peel.ts";
import type { PeelState } from "../model/peel-state.ts";
import type { PeelStory, Step, Story } from "../model/story.ts";
import { count, safe, shorten } from "../text.ts";
import { meaningOf } from "./colors.ts";
import { peelNames } from "./names.ts";
import { inSharedRows } from "./peels.ts";

/** Times are shares of the whole, 0 to 1. */
interface PeelLane {
  /** Safe for a terminal. */
  readonly name: string;
  readonly words: string;
  readonly state: string;
  readonly isJob?: true;
  readonly bars: readonly { readonly from: number; readonly to: number; readonly runs: boolean }[];
  readonly marks: readonly { readonly at: number; readonly mark: Mark }[];
  /** Of many peels: how many returned, or were marked unreachable, in each part of the time. */
  readonly bins?: readonly number[];
}

type Mark = "ack" | "ok" | "failed" | "unreachable" | "late" | "cancel" | "end";

export interface Timeline {
  /** What it shows, in words. */
  readonly text: string;
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
  /** The end of the job; undefined before. */
  readonly end: number | undefined;
  readonly lanes: readonly PeelLane[];
}

/** Up to `alone` peels have a lane each. Of more, `bad` lanes are for those that are not ok, alike ones above `inGroup` in one. */
const SHOWN_LANES = { alone: 16, bad: 12, inGroup: 3, slow: 3 } as const;
/** A peel is slow from this many times the median duration on. */
const SLOW = 2n;
const NAME_COLUMNS = 26;
const BINS = 60;
/** The picture ends at the last event, at most this many times the duration of the job; later events are at its edge. */
const REACH = 1.5;

/** When something happened to a peel, in ns since the dispatch. */
interface Times {
  ack?: bigint;
  returned?: bigint;
  givenUp?: bigint;
}

function eventTimes(steps: readonly Step[]): Map<string, Times> {
  const all = new Map<string, Times>();
  for (const { kind, peel, afterNs, givenUp } of steps) {
    if (peel === undefined) continue;
    const times = all.get(peel) ?? {};
    all.set(peel, times);
    if (kind === "ack") times.ack ??= afterNs;
    else if (givenUp) times.givenUp = afterNs;
    else times.returned = afterNs;
  }
  return all;
}

const STATE_MARKS: Partial<Record<PeelState, Mark>> = {
  ok: "ok",
  failed: "failed",
  unreadable: "failed",
  late: "late",
  unreachable: "unreachable",
};

/** Makes lanes on a scale of `wholeNs`. */
class Lanes {
  constructor(
    readonly times: ReadonlyMap<string, Times>,
    readonly wholeNs: bigint,
  ) {}

  at(ns: bigint): number {
    return ns <= 0n ? 0 : Math.min(1, Number((ns * 10_000n) / this.wholeNs) / 10_000);
  }

  peel({ peel, state, tookNs, soFarNs }: PeelStory): PeelLane {
    const { ack, returned, givenUp } = this.times.get(peel) ?? {};
    const sent = returned ?? givenUp;
    const end = sent ?? this.wholeNs;
    const began = returned === undefined ? ack : returned - (tookNs ?? 0n);
    const from = ack ?? (returned === undefined ? 0n : began);
    const runs = returned !== undefined || state === "executing";
    const bars = [
      ...(from !== undefined && began !== undefined && began > from ? [{ from, to: began, runs: false }] : []),
      ...(this.times.has(peel) ? [{ from: began ?? 0n, to: end, runs }] : []),
    ].map((bar) => ({ ...bar, from: this.at(bar.from), to: this.at(bar.to) }));
    const mark = STATE_MARKS[state];
    const words = [
      state,
      sent !== undefined && `+${formatDuration(sent)}`,
      tookNs !== undefined
        ? `ran ${formatDuration(tookNs)}`
        : soFarNs !== undefined && `${formatDuration(soFarNs)} so far`,
    ];
    return {
      name: shorten(safe(displayPeel(peel)), NAME_COLUMNS),
      words: words.filter(Boolean).join(", "),
      state,
      bars,
      marks: [
        ...(ack === undefined ? [] : [{ at: this.at(ack), mark: "ack" as const }]),
        ...(mark && sent !== undefined ? [{ at: this.at(end), mark }] : []),
      ],
    };
  }

  group(peels: readonly PeelStory[]): PeelLane {
    const bins = new Array<number>(BINS).fill(0);
    const ends: bigint[] = [];
    for (const { peel } of peels) {
      const { returned, givenUp } = this.times.get(peel) ?? {};
      const end = returned ?? givenUp;
      if (end === undefined) continue;
      ends.push(end);
      const bin = Math.min(BINS - 1, Math.floor(this.at(end) * BINS));
      bins[bin] = (bins[bin] as number) + 1;
    }
    const [first, last] = [ends.reduce(least, ends[0] ?? 0n), ends.reduce(most, 0n)];
    const state = peels[0]?.state ?? "";
    const span = [...new Set([first, last].map((ns) => `+${formatDuration(ns)}`))].join(" to ");
    return {
      name: peelNames(peels, NAME_COLUMNS),
      words: `${count(peels.length)} ${state}${ends.length > 0 ? `, ${span}` : ""}`,
      state,
      bars: [],
      marks: [],
      bins,
    };
  }
}

const least = (a: bigint, b: bigint) => (b < a ? b : a);
const most = (a: bigint, b: bigint) => (b > a ? b : a);

/** The peels of each lane: bad and slow ones alone where they are few. */
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
  ...[1n, 2n, 5n].flatMap((n) =>
    [1_000n, 10_000n, 100_000n, 1_000_000n, 10_000_000n, 100_000_000n].map((unit) => n * unit),
  ),
  ...[1n, 2n, 5n, 10n, 15n, 30n, 60n, 120n, 300n, 600n, 900n, 1800n, 3600n, 7200n, 21_600n, 43_200n, 86_400n].map(
    (n) => n * SECOND,
  ),
].sort((a, b) => (a < b ? -1 : 1));
const TICKS = 5n;

function ticksOf(wholeNs: bigint): Timeline["ticks"] {
  const step = STEPS.find((one) => wholeNs / one < TICKS) ?? wholeNs / TICKS;
  const ticks = [];
  for (let ns = 0n; ns <= wholeNs; ns += step)
    ticks.push({ at: Number((ns * 10_000n) / wholeNs) / 10_000, text: ns === 0n ? "0" : `+${formatDuration(ns)}` });
  return ticks;
}

/** @param nowNs by the server's clock. @returns undefined without events that show when something happened */
export function timelineOf({ steps, peels }: Story, row: JobRow, nowNs: bigint): Timeline | undefined {
  const [first] = steps;
  if (!first || steps.length < 2) return undefined;
  const endStep = steps.find(({ end }) => isTerminal(end));
  const ended = isTerminal(row.status);
  const startNs = first.storedNs - first.afterNs;
  const endNs = endStep?.afterNs ?? (ended ? undefined : nowNs - startNs);
  const lastNs = steps.reduce((last, { afterNs }) => most(last, afterNs), 0n);
  const reachNs = endNs === undefined ? lastNs : (endNs * BigInt(REACH * 10)) / 10n;
  const lanes = new Lanes(eventTimes(steps), most(1n, most(endNs ?? 0n, least(lastNs, reachNs))));
  const cancel = steps.find(({ kind }) => kind === "cancel");
  const jobWords = [
    cancel && `cancel signal +${formatDuration(cancel.afterNs)}`,
    endStep
      ? `ended ${displayState(row)} +${formatDuration(endStep.afterNs)}`
      : ended
        ? displayState(row)
        : `${displayState(row)} +${formatDuration(endNs ?? 0n)} so far`,
  ];
  const job: PeelLane = {
    name: "Job",
    isJob: true,
    words: safe(jobWords.filter(Boolean).join(", ")),
    state: row.status ?? "",
    bars: [{ from: 0, to: lanes.at(endNs ?? lastNs), runs: true }],
    marks: [
      ...(cancel ? [{ at: lanes.at(cancel.afterNs), mark: "cancel" as const }] : []),
      ...(endStep ? [{ at: lanes.at(endStep.afterNs), mark: "end" as const }] : []),
    ],
  };
  const all = [
    job,
    ...lanePeels(peels).map((group) => (group.length === 1 ? lanes.peel(group[0] as PeelStory) : lanes.group(group))),
  ];
  return {
    text: all.map(({ name, words }) => `${name}: ${words}`).join("; "),
    ticks: ticksOf(lanes.wholeNs),
    end: endStep && lanes.at(endStep.afterNs),
    lanes: all,
  };
}

// Positions are percentages, so that the picture has the width of its place and its text keeps its size.

const AXIS = 24;
const LANE = 40;
const TEXT_BASELINE = 13;
const BAR = { top: 20, height: 10 } as const;
const BIN = { top: 18, height: 16 } as const;

const SHAPES: Record<Mark, string> = {
  ack: "M0-6V6",
  ok: "M-5 0A5 5 0 1 1 5 0A5 5 0 1 1-5 0Z",
  failed: "M-4-4L4 4M4-4L-4 4",
  unreachable: "M0-6L6 0L0 6L-6 0Z",
  late: "M-5-5L6 0L-5 5Z",
  cancel: "M-5-5H5V5H-5Z",
  end: "M0-7V7",
};
/** What the marks mean, in the order of a job. */
export const MARK_NAMES: readonly (readonly [Mark, string])[] = [
  ["ack", "accepted"],
  ["ok", "returned ok"],
  ["failed", "returned failed"],
  ["unreachable", "marked unreachable"],
  ["late", "returned late"],
  ["cancel", "cancel signal"],
];

const percent = (share: number) => `${Number((share * 100).toFixed(2))}%`;

const classOf = (mark: Mark) => `m m-${mark.replace(" ", "-")}`;

/** A mark alone, for a legend. */
export const markSvg = (mark: Mark) =>
  `<svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true"><path class="${classOf(mark)}" d="${SHAPES[mark]}"/></svg>`;

function laneSvg({ name, words, state, isJob, bars, marks, bins }: PeelLane, top: number): string {
  const parts = [
    `<text x="0" y="${top + TEXT_BASELINE}"><tspan class="n">${Bun.escapeHTML(name)}</tspan><tspan dx="8" class="s ${meaningOf(state)}">${Bun.escapeHTML(words)}</tspan></text>`,
    `<rect class="t" x="0" y="${top + (bins ? BIN.top + BIN.height : BAR.top + BAR.height / 2 - 0.5)}" width="100%" height="1"/>`,
  ];
  const barClass = isJob ? "none" : meaningOf(state);
  for (const { from, to, runs } of bars)
    parts.push(
      `<rect class="${runs ? barClass : "w"}" x="${percent(from)}" y="${top + BAR.top + (runs ? 0 : 3)}" width="${percent(Math.max(to - from, 0.002))}" height="${runs ? BAR.height : 4}"/>`,
    );
  const highest = Math.max(1, ...(bins ?? []));
  for (const [i, n] of (bins ?? []).entries()) {
    if (n === 0) continue;
    const height = Math.max(2, Math.round((n / highest) * BIN.height));
    parts.push(
      `<rect class="${barClass}" x="${percent(i / BINS)}" y="${top + BIN.top + BIN.height - height}" width="${percent(0.8 / BINS)}" height="${height}"/>`,
    );
  }
  for (const { at, mark } of marks)
    parts.push(
      `<svg x="${percent(at)}" y="${top + BAR.top + BAR.height / 2}" overflow="visible"><path class="${classOf(mark)}" d="${SHAPES[mark]}"/></svg>`,
    );
  return parts.join("");
}

/** @param id unique in the page */
export function timelineSvg({ text, ticks, end, lanes }: Timeline, id: string): string {
  const height = AXIS + lanes.length * LANE;
  const axis = ticks.map(({ at, text }) => {
    const anchor = at === 0 ? "start" : at > 0.94 ? "end" : "middle";
    return `<line class="g" x1="${percent(at)}" x2="${percent(at)}" y1="${AXIS - 6}" y2="${height}"/><text class="a" x="${percent(at)}" y="12" text-anchor="${anchor}">${Bun.escapeHTML(text)}</text>`;
  });
  const ending =
    end === undefined
      ? ""
      : `<line class="e" x1="${percent(end)}" x2="${percent(end)}" y1="${AXIS - 6}" y2="${height}"/>`;
  return `<svg class="timeline" width="100%" height="${height}" role="img" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">Timeline</title><desc id="${id}-d">${Bun.escapeHTML(text)}</desc>${axis.join("")}${ending}${lanes.map((lane, i) => laneSvg(lane, AXIS + i * LANE)).join("")}</svg>`;
}
