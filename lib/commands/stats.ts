import type { ArgsDef } from "citty";
import type { Flags } from "../cli/command.ts";
import { EXIT, UserError } from "../errors.ts";
import { type Read, readJobs, SeenPeels } from "../jobs/read-jobs.ts";
import { readSelected } from "../jobs/recent.ts";
import { alivePeels, areRepaired, readPeelStats, readResultStats } from "../jobs/stats.ts";
import { globs } from "../model/glob.ts";
import { isActive, type JobList, type JobRow } from "../model/job.ts";
import { displayPeel } from "../model/peel.ts";
import { schedulesOf } from "../model/schedule.ts";
import { parseSelection } from "../model/selection.ts";
import {
  type By,
  type JobTally,
  mayBeRepaired,
  type PeelStats,
  PeelTally,
  runsOf,
  type Span,
  sortedResults,
  talliesOf,
  timeOf,
} from "../model/stats.ts";
import { stuckOf } from "../model/stuck.ts";
import { targetOf } from "../render/columns.ts";
import { renderMetrics } from "../render/openmetrics.ts";
import { jobStatsView, peelStatsView, resultStatsView, type StatsView, scheduleView } from "../render/stats.ts";
import { futureWords } from "../render/time.ts";
import { progressOn, returnsProgress } from "../terminal/progress.ts";
import { firstFew, plural, safe } from "../text.ts";
import { type Answer, question } from "./answer.ts";
import { amongWords } from "./matching.ts";
import { selectionByServer, unreadableWarning } from "./selecting.ts";
import type { Session } from "./session.ts";
import { conditions, formats, globals, header, scripted } from "./shared.ts";

const args = {
  ...globals,
  by: {
    type: "string",
    valueHint: "function|peel|result|user|target|schedule",
    description: "group by (default: function)",
  },
  ...conditions,
  sort: {
    type: "string",
    valueHint: "failed|changed|time|runs",
    description: "order of --by result (default: failed)",
  },
  check: { type: "boolean", description: "exit code 2 if a row is overdue, had no run or failed last" },
  format: formats("text|json|jsonl|yaml|csv|openmetrics"),
  header,
  ...scripted("nothing was counted"),
} as const satisfies ArgsDef;

/** Keys of groups of jobs; the other groups need more than jobs. */
const JOB_KEYS: Record<Exclude<By, "peel" | "result" | "schedule">, (row: JobRow) => string> = {
  function: (row) => row.fn || "-",
  user: (row) => row.user || "-",
  target: (row) => targetOf(row, Number.POSITIVE_INFINITY),
};

function parse(flags: Flags<typeof args>, now: Date) {
  const { by, sort = "failed" } = flags;
  if (flags.sort !== undefined && by !== "result")
    throw new UserError("--sort needs --by result.", "Add --by result, or omit --sort.");
  const matches = flags.target === undefined ? () => true : globs(flags.target);
  return {
    /** Undefined: by function, or everything that has metrics. */
    by,
    selection: parseSelection({ ...flags, sort: undefined }, now),
    sort,
    /** Of peels without a run, only those that --target selects. */
    isWanted: (peel: string) => matches(peel) || matches(displayPeel(peel)),
    /** Peels without a run are shown as well: a function is selected. */
    asksWhere: by === "peel" && flags.function !== undefined,
    check: flags.check === true,
  };
}

type StatsRequest = ReturnType<typeof parse>;

interface Counting {
  readonly session: Session;
  /** Oldest first. */
  readonly jobs: JobList;
  /** The jobs as they were read. */
  readonly read: Pick<Read, "jobs" | "sinceNs">;
  readonly span: Span;
  /** By the server's clock. */
  readonly now: Date;
  readonly nowNs: bigint;
  /** The peels that any job targeted, where those without a run are shown. */
  readonly seen: SeenPeels | undefined;
}

/** A missing bucket of returns is an error. */
const countPeels = ({ session, read, span }: Counting, byFunction: boolean): Promise<PeelStats[]> =>
  readPeelStats(session.store, read, span, { byFunction, ...returnsProgress(session.terminal) });

const countSchedules = ({ jobs, nowNs }: Counting) => schedulesOf(runsOf(jobs), nowNs);

/** The peels that could have run the jobs and did not: those that are alive, or that any job targeted. */
async function withoutRun(
  { session, span, seen }: Counting,
  stats: readonly PeelStats[],
  isWanted: StatsRequest["isWanted"],
): Promise<{ idle: PeelStats[]; note?: string | undefined }> {
  if (!seen) return { idle: [] };
  const { peels: alive, note } = await alivePeels(session.store);
  const had = new Set(stats.map(({ tally }) => tally.peel));
  const idle = [...new Set([...seen.ids, ...alive])]
    .filter((peel) => !had.has(peel) && isWanted(peel))
    .map((peel) => ({ tally: new PeelTally(peel, undefined, span.slices), lastRun: undefined }));
  return { idle, note };
}

/** The rows whose failed peels are all ok in later retries. */
async function repairedRows({ session, read }: Counting, tallies: readonly JobTally[]): Promise<Set<JobTally>> {
  const repaired = new Set<JobTally>();
  for (const tally of tallies.filter(mayBeRepaired))
    if (await areRepaired(session.store, tally.judged, read.sinceNs, returnsProgress(session.terminal)))
      repaired.add(tally);
  return repaired;
}

async function countBy(
  counting: Counting,
  { by = "function", isWanted, sort, check }: StatsRequest,
): Promise<{ view: StatsView; note?: string | undefined }> {
  const { jobs, span, now, read, session } = counting;
  if (by === "schedule") return { view: scheduleView(countSchedules(counting)) };
  if (by === "result") {
    const { rows, unreadable } = await readResultStats(session.store, read, span, returnsProgress(session.terminal));
    const note =
      unreadable > 0 ? `${plural(unreadable, "return")} cannot be decoded: their results are not counted.` : undefined;
    return { view: resultStatsView(sortedResults(rows, sort), span), note };
  }
  if (by !== "peel") {
    const tallies = talliesOf(jobs, JOB_KEYS[by], span, now);
    return { view: jobStatsView(tallies, by, span, check ? await repairedRows(counting, tallies) : new Set()) };
  }
  const stats = await countPeels(counting, false);
  const { idle, note } = await withoutRun(counting, stats, isWanted);
  return { view: peelStatsView([...idle, ...stats], span), note };
}

/** @param by a grouping that has metrics; undefined: all */
async function metricsOf(counting: Counting, by: By | undefined): Promise<StatsView> {
  const { jobs, span, now, nowNs } = counting;
  const wants = (one: By) => by === undefined || by === one;
  const open = Array.from(jobs, ({ row }) => row).filter((row) => row.unreadable === undefined && isActive(row.status));
  const text = renderMetrics({
    jobs: wants("function") ? talliesOf(jobs, JOB_KEYS.function, span, now) : undefined,
    peels: wants("peel") ? await countPeels(counting, true) : undefined,
    schedules: wants("schedule") ? countSchedules(counting) : undefined,
    active: open.length,
    overdue: open.filter((row) => stuckOf(row, nowNs, undefined) !== undefined).length,
  });
  return { size: jobs.length, text: () => [text], documents: () => [], trouble: [] };
}

async function answerOf(request: StatsRequest, session: Session): Promise<Answer> {
  const { by } = request;
  const { store, isMetrics } = session;
  if (isMetrics && (by === "user" || by === "target" || by === "result"))
    throw new UserError(
      `--by ${by} and --format openmetrics cannot be used together.`,
      "Use --by function, peel or schedule, or omit --by to write all three.",
    );
  const selection = await selectionByServer(request.selection, session);
  const seen = request.asksWhere && !isMetrics ? new SeenPeels() : undefined;
  const keep = (row: JobRow) => {
    seen?.see(row);
    return selection.matches(row);
  };
  const progress = progressOn(session.terminal);
  const read = seen
    ? await readJobs(store, keep, false, progress)
    : await readSelected(store, selection, keep, progress);
  const jobs = selection.arrange(read.jobs);
  const nowNs = store.nowNs();
  const now = new Date(Number(nowNs / 1_000_000n));
  const span = timeOf(jobs, selection.since, selection.until, nowNs);
  const counting: Counting = { session, jobs, read: { ...read, jobs }, span, now, nowNs, seen };
  const { view, note } = isMetrics
    ? { view: await metricsOf(counting, by), note: undefined }
    : await countBy(counting, request);
  const such = by === "schedule" ? "runs of schedules" : by === "result" ? "results of jobs" : "jobs";
  const trouble = request.check ? view.trouble : [];
  return {
    shown: view,
    none: selection.text === "" ? `No ${such} found.` : `No ${such} match ${selection.text} (${amongWords(read)}).`,
    // A typing error in a condition must not make a check pass.
    failsIfEmpty: request.check,
    warnings: [note, selection.timed ? futureWords(jobs, nowNs) : undefined, unreadableWarning(read.unreadable)],
    warningsUnlessError: [trouble.length > 0 ? `--check fails: ${safe(firstFew(trouble))}.` : undefined],
    code: trouble.length > 0 ? EXIT.trouble : EXIT.done,
  };
}

export default question({
  meta: {
    description: "count jobs, failures, times: by function, peel, result, …",
    group: "Analyze",
    details:
      "FAILED counts jobs that are failed, partial or timeout. P50, P95 and SLOWEST are durations of complete and failed jobs: a deadline or a cancel ended the others. With --by peel: FAILED counts jobs in which the peel failed, was unreachable or did not return (unless the job was canceled), durations are those of its returns, LAST shows `missing` where trace shows `unfinished`. With --by result: `always changes` marks results that changed in more than half of their runs. TREND is jobs over time, red if a job failed. --check: exit code 2 if a schedule is overdue, a peel had no run, or the last run of a row failed; 1 if nothing was counted. The last run is the newest job that ended and was not canceled (with --by peel: the newest result of the peel, also from other jobs); a retry counts only for its own peels.",
    notes:
      "Each character of TREND is a slice of the time; its height is the number of jobs. --by peel with --function also shows peels without a run. A schedule is overdue on a peel if its last run is more than twice the usual interval ago. With --by result dry runs count separately. --by peel: LAST is `missing` for a peel that did not return from a job that failed; `trace` shows `unfinished` if the peel accepted that job. A late return counts like any other.",
    exitCodes: "0 done, 1 error; with --check 1 if nothing was counted, 2 if there is a problem",
    flagsElsewhere: { peel: ["zester job history <peel>"] },
    example: "zester job stats --by peel --function state.highstate --since yesterday",
  },
  args,
  only: { check: ["text", "json", "jsonl", "yaml", "csv"] },
  parse,
  answerOf,
});
