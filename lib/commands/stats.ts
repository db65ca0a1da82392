// zester job stats
import type { ArgsDef } from "citty";
import { defineCommand, type Flags } from "../cli/command.ts";
import { EXIT, UserError } from "../errors.ts";
import { type Read, readJobs } from "../jobs/read-jobs.ts";
import { readSelected } from "../jobs/recent.ts";
import { SeenPeels } from "../jobs/seen-peels.ts";
import { alivePeels, readPeelStats } from "../jobs/stats.ts";
import { globs } from "../model/glob.ts";
import { isActive, type JobRow } from "../model/job.ts";
import type { JobList } from "../model/job-list.ts";
import { displayPeel } from "../model/peel.ts";
import { type Schedule, schedulesOf } from "../model/schedule.ts";
import { parseSelection, type Selection } from "../model/selection.ts";
import { BYS, type By, type PeelStats, PeelTally, runsOf, talliesOf, timeOf } from "../model/stats.ts";
import { stuckOf } from "../model/stuck.ts";
import type { Span } from "../model/trend.ts";
import { oneOf } from "../nearest.ts";
import { futureWords } from "../render/clock.ts";
import { targetOf } from "../render/columns.ts";
import { csvText } from "../render/csv.ts";
import { renderMetrics } from "../render/openmetrics.ts";
import { progressOn } from "../terminal/progress.ts";
import { selectionByServer } from "./clock.ts";
import { amongWords, warnUnreadable, writeDocument } from "./output.ts";
import { failIfEmpty, writeNone } from "./selecting.ts";
import { type Session, withSession } from "./session.ts";
import { conditions, formats, globals, header, scripted } from "./shared.ts";
import { jobView, peelView, scheduleView, type View } from "./stats-views.ts";
import { LIST_FORMATS } from "./surroundings.ts";

const args = {
  ...globals,
  by: {
    type: "string",
    valueHint: "function|peel|user|target|schedule",
    description: "a row each (default function)",
  },
  ...conditions,
  check: { type: "boolean", description: "exit code 2 when one is overdue, had no run or failed last" },
  format: formats("text|json|jsonl|yaml|csv|openmetrics"),
  header,
  ...scripted("nothing was counted"),
} as const satisfies ArgsDef;

type StatsArgs = Flags<typeof args>;

/** What jobs are told apart by, beside peels and schedules. */
const KEYS: Record<Exclude<By, "peel" | "schedule">, (row: JobRow) => string> = {
  function: (row) => row.fn || "-",
  user: (row) => row.user || "-",
  target: (row) => targetOf(row, Number.POSITIVE_INFINITY),
};

function parseBy(text: string | undefined): By | undefined {
  if (text === undefined) return undefined;
  return oneOf(BYS, text, "--by", "a way to count jobs");
}

/** One run of the command, and the jobs that were selected. */
interface Counting {
  readonly flags: StatsArgs;
  readonly session: Session;
  /** Oldest first. */
  readonly jobs: JobList;
  /** The same as they were read. */
  readonly read: Pick<Read, "jobs" | "sinceNs">;
  readonly span: Span;
  /** By the server's clock. */
  readonly now: Date;
  readonly nowNs: bigint;
  /** The peels that any job was meant for, where it is asked which of them had no run. */
  readonly seen: SeenPeels | undefined;
}

/** What each peel made of the jobs; a bucket of returns that is not there is an error. */
function countPeels({ session, read, span }: Counting, byFunction: boolean): Promise<PeelStats[]> {
  const { store, terminal } = session;
  return readPeelStats(store, read, span, {
    byFunction,
    warn: terminal.warn,
    progress: progressOn(terminal, "returns"),
  });
}

/** The peels that could have run the jobs, and did not: those that are alive, or that any job was meant for. */
async function withoutRun(
  { flags, session, span, seen }: Counting,
  stats: readonly PeelStats[],
): Promise<{ idle: PeelStats[]; note: string | undefined }> {
  if (!seen) return { idle: [], note: undefined };
  const { peels: alive, note } = await alivePeels(session.store);
  const had = new Set(stats.map(({ tally }) => tally.peel));
  const matches = flags.target === undefined ? () => true : globs(flags.target);
  const idle = [...new Set([...seen.ids, ...alive])]
    .filter((peel) => !had.has(peel) && (matches(peel) || matches(displayPeel(peel))))
    .map((peel) => ({ tally: new PeelTally(peel, undefined, span.slices), lastRun: undefined }));
  return { idle, note };
}

const countSchedules = ({ jobs, nowNs }: Counting): Schedule[] => schedulesOf(runsOf(jobs), nowNs);

/** What the flags ask for, counted. */
async function viewOf(counting: Counting, by: By): Promise<View> {
  const { jobs, span, now, session } = counting;
  if (by === "schedule") return scheduleView(countSchedules(counting), now);
  if (by !== "peel") return jobView(talliesOf(jobs, KEYS[by], span, now), by, span);
  const stats = await countPeels(counting, false);
  const { idle, note } = await withoutRun(counting, stats);
  if (note !== undefined) session.terminal.warn(note);
  return peelView([...idle, ...stats], span, now);
}

async function writeView(view: View, none: string, { flags, session }: Counting): Promise<void> {
  const { terminal, format } = session;
  const header = flags.header !== false;
  if (format === "csv") terminal.writeAll(csvText(...view.sheet(), header));
  else if (format !== "text") await writeDocument(view.documents(), format, terminal);
  else if (view.size === 0) writeNone(none, flags, terminal);
  else {
    const { color, columns, utf8 } = terminal;
    terminal.write(view.text({ color, columns, utf8, header }));
  }
}

/** Writes metrics. @param by one of what there are metrics of; undefined: all */
async function writeMetrics(counting: Counting, by: By | undefined): Promise<void> {
  const { jobs, span, now, nowNs, session } = counting;
  const wants = (one: By) => by === undefined || by === one;
  const open = Array.from(jobs, ({ row }) => row).filter((row) => row.unreadable === undefined && isActive(row.status));
  const text = renderMetrics({
    jobs: wants("function") ? talliesOf(jobs, KEYS.function, span, now) : undefined,
    peels: wants("peel") ? await countPeels(counting, true) : undefined,
    schedules: wants("schedule") ? countSchedules(counting) : undefined,
    active: open.length,
    overdue: open.filter((row) => stuckOf(row, nowNs, undefined) !== undefined).length,
  });
  session.terminal.write(text);
}

/** Reads the selected jobs. @param seen takes note of the peels that any job was meant for: then all are read */
function readWanted({ store, terminal }: Session, selection: Selection, seen: SeenPeels | undefined): Promise<Read> {
  const progress = progressOn(terminal);
  if (!seen) return readSelected(store, selection, selection.matches, progress);
  const keep = (row: JobRow) => {
    seen.see(row);
    return selection.matches(row);
  };
  return readJobs(store, keep, false, progress);
}

async function countJobs(flags: StatsArgs, by: By | undefined, session: Session): Promise<number> {
  const { store, terminal, format } = session;
  const isMetrics = format === "openmetrics";
  if (isMetrics && (by === "user" || by === "target"))
    throw new UserError(
      `there are no metrics by ${by}.`,
      "With --format openmetrics, --by takes function, peel or schedule; without it all are written.",
    );
  const selection = await selectionByServer(flags, session);
  const asksWhere = by === "peel" && flags.function !== undefined && !isMetrics;
  const seen = asksWhere ? new SeenPeels() : undefined;
  const read = await readWanted(session, selection, seen);
  const jobs = selection.arrange(read.jobs);
  const nowNs = store.nowNs();
  const now = new Date(Number(nowNs / 1_000_000n));
  const span = timeOf(jobs, selection.since, selection.until, nowNs);
  const counting: Counting = { flags, session, jobs, read: { ...read, jobs }, span, now, nowNs, seen };
  const such = by === "schedule" ? "runs of schedules" : "jobs";
  const none =
    selection.text === "" ? `No ${such} found.` : `No ${such} match ${selection.text} (${amongWords(read)}).`;
  let counted = jobs.length;
  let trouble = false;
  if (isMetrics) await writeMetrics(counting, by);
  else {
    const view = await viewOf(counting, by ?? "function");
    await writeView(view, none, counting);
    counted = view.size;
    trouble = view.trouble;
  }
  const future = selection.timed ? futureWords(jobs, nowNs) : undefined;
  if (future !== undefined) terminal.warn(future);
  warnUnreadable(read.unreadable, terminal);
  failIfEmpty(flags, counted, none);
  return flags.check && trouble ? EXIT.trouble : EXIT.done;
}

async function run(flags: StatsArgs): Promise<number | undefined> {
  const by = parseBy(flags.by);
  parseSelection(flags, new Date());
  return await withSession(flags, (session) => countJobs(flags, by, session), {
    formats: [...LIST_FORMATS, "openmetrics"],
    only: { check: LIST_FORMATS },
  });
}

export default defineCommand({
  meta: {
    description: "Count jobs, failures, times: by function, peel or schedule.",
    group: "Ask",
    details:
      "FAILED are jobs that are failed, partial or timeout, by peel results that are not ok. P50, P95 and SLOWEST are times of jobs that ended, by peel of returns. TREND is jobs over time, red where one failed.",
    notes:
      "Each sign of TREND stands for a part of the time; its height is the number of jobs. By peel, with --function, peels without a run are shown too. A schedule is overdue on a peel when its last run is more than twice the usual interval ago.",
    exitCodes: "0 or, with --check, 2; 1 an error.",
    examples: [
      "zester job stats --since 7d",
      "zester job stats --by peel --function state.highstate --since yesterday",
      "zester job stats --by schedule --check",
    ],
  },
  args,
  run: ({ args }) => run(args),
});
