// `stats` and `status` in the text format of Prometheus and node_exporter's textfile collector. Masters export
// zester_jobs_total, zester_job_duration_seconds and zester_job_active: those names are not used here. Pure.
import { UserError } from "../errors.ts";
import { displayPeel } from "../model/peel.ts";
import type { Schedule } from "../model/schedule.ts";
import { isUnknown, type JobTally, type PeelStats } from "../model/stats.ts";
import { concernsOf, type FleetStatus } from "../model/status.ts";
import { count, safe } from "../text.ts";
import { seconds } from "./time.ts";

/** Undefined leaves a family out. */
interface Metrics {
  /** By function. */
  readonly jobs: readonly JobTally[] | undefined;
  /** By peel and function. */
  readonly peels: readonly PeelStats[] | undefined;
  readonly schedules: readonly Schedule[] | undefined;
  /** Active jobs, and those past their deadline. */
  readonly active: number;
  readonly overdue: number;
}

/** More from one file overloads monitoring. */
const MOST_SERIES = 10_000;
const QUANTILES = [50, 95, 100] as const;

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [suffix: string, labels: Labels, value: string];

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type?: "summary";
  readonly samples: readonly Sample[];
}

/** On one line, escaped. */
const labelText = (text: string) => safe(text).replace(/[\\"]/g, "\\$&");

const sample = (labels: Labels, value: string | number): Sample => ["", labels, String(value)];

const single = (name: string, help: string, value: number): Family => ({ name, help, samples: [sample({}, value)] });

function jobFamilies(tallies: readonly JobTally[]): Family[] {
  const labels = ({ key }: JobTally) => ({ function: key });
  const states = tallies.flatMap((tally) =>
    Array.from(tally.states, ([state, n]) => sample({ ...labels(tally), state }, n)),
  );
  const timed = tallies.filter(({ durations }) => durations.size > 0);
  const durations = timed.flatMap((tally): Sample[] => [
    ...QUANTILES.map((percent) =>
      sample({ ...labels(tally), quantile: String(percent / 100) }, seconds(tally.durations.percentile(percent))),
    ),
    ["_sum", labels(tally), seconds(tally.durations.sum)],
    ["_count", labels(tally), String(tally.durations.size)],
  ]);
  const help = "Duration of complete and failed jobs in the bucket, by function.";
  return [
    { name: "zester_stats_jobs", help: "Jobs in the bucket, by function and state.", samples: states },
    { name: "zester_stats_job_duration_seconds", help, type: "summary", samples: durations },
  ];
}

function peelFamilies(stats: readonly PeelStats[]): Family[] {
  const labels = ({ tally }: PeelStats) => ({ peel: displayPeel(tally.peel), function: tally.fn ?? "-" });
  const known = stats.filter(({ tally }) => !isUnknown(tally.last));
  return [
    {
      name: "zester_peel_last_result",
      help: "1 if the last result of the peel is ok, else 0, by function.",
      samples: known.map((one) => sample(labels(one), one.tally.last === "ok" ? 1 : 0)),
    },
    {
      name: "zester_peel_last_run_timestamp_seconds",
      help: "Creation time of the job with the last result, in seconds since 1970.",
      samples: known.flatMap((one) => (one.lastRun ? [sample(labels(one), seconds(one.lastRun.ns))] : [])),
    },
  ];
}

function scheduleFamily(schedules: readonly Schedule[]): Family {
  const samples = schedules.flatMap(({ entry, peels }) =>
    peels.map(({ peel, overdue }) => sample({ entry, peel: displayPeel(peel) }, overdue ? 1 : 0)),
  );
  const help = "1 if the last run of the entry on the peel is older than twice its usual interval, else 0.";
  return { name: "zester_schedule_overdue", help, samples };
}

/** Unknown numbers are left out. */
export function statusMetrics(status: FleetStatus): string {
  const { masters, active, stuck, failed, overdue, peels } = status;
  const numbers: readonly (readonly [name: string, help: string, value: number | undefined])[] = [
    ["trouble", "1 if something needs attention, else 0.", Number(concernsOf(status).length > 0)],
    ["masters_alive", "Masters with a heartbeat.", masters.alive],
    ["masters_gone", "Masters without a heartbeat that own active jobs.", masters.gone.length],
    ["jobs_active", "Pending, claimed and running jobs.", active.jobs],
    ["jobs_stuck", "Active jobs that will not end on time.", stuck.length],
    ["jobs_recent", "Jobs created since --since.", failed.of],
    ["jobs_failed", "Recent jobs that are failed, partial or timeout.", failed.jobs],
    ["schedules_overdue", "Overdue schedule entries, one per peel.", overdue.flatMap(({ peels }) => peels).length],
    ["peels_targeted", "Peels targeted by jobs of the last 24 hours.", peels?.targeted],
    ["peels_silent", "Targeted peels without a heartbeat.", peels?.silent.length],
  ];
  return numbers
    .flatMap(([name, help, value]) =>
      value === undefined ? [] : familyText(single(`zester_status_${name}`, help, value)),
    )
    .join("");
}

/** Names that are equal when escaped are one series: the first counts. */
function familyText({ name, help, type, samples }: Family): string {
  const series = new Map<string, string>();
  for (const [suffix, labels, value] of samples) {
    const inner = Object.entries(labels)
      .map(([label, text]) => `${label}="${labelText(text)}"`)
      .join(",");
    const key = `${name}${suffix}${inner === "" ? "" : `{${inner}}`}`;
    if (!series.has(key)) series.set(key, value);
  }
  const lines = Array.from(series, ([key, value]) => `${key} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type ?? "gauge"}\n${lines.join("")}`;
}

/** Families without samples are left out. @throws UserError for more than 10,000 series */
export function renderMetrics({ jobs, peels, schedules, active, overdue }: Metrics): string {
  const families = [
    ...(jobs ? jobFamilies(jobs) : []),
    ...(peels ? peelFamilies(peels) : []),
    ...(schedules ? [scheduleFamily(schedules)] : []),
    single("zester_stats_jobs_active", "Jobs that have not ended.", active),
    single("zester_stats_jobs_overdue", "Jobs past their deadline that have not ended.", overdue),
  ].filter(({ samples }) => samples.length > 0);
  const series = families.reduce((sum, { samples }) => sum + samples.length, 0);
  if (series > MOST_SERIES)
    throw new UserError(
      `too many series: ${count(series)} (at most ${count(MOST_SERIES)}).`,
      "Use --by function, peel or schedule, or select fewer jobs: --function 'state.*', --target.",
    );
  return families.map(familyText).join("");
}
