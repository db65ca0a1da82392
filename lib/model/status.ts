// Problems of a fleet, from jobs and heartbeats. Pure.
import type { ErrorGroup } from "./error-groups.ts";
import { countTargets, type Job, type JobRow, returnedOf } from "./job.ts";
import type { Schedule } from "./schedule.ts";
import type { Stuck } from "./stuck.ts";

/** A master without a heartbeat that owns active jobs. */
interface GoneMaster {
  readonly master: string;
  readonly jobs: number;
  readonly heardNs: bigint | undefined;
}

export interface StuckJob extends Stuck {
  /** With its record for the first NAMED. */
  readonly job: Job;
}

export interface FleetStatus {
  /** Start of `failed`, in ns since 1970. */
  readonly sinceNs: bigint;
  readonly nowNs: bigint;
  /** `alive` is undefined without access to heartbeats. */
  readonly masters: { readonly alive: number | undefined; readonly gone: readonly GoneMaster[] };
  readonly active: ReturnType<typeof activeOf>;
  readonly stuck: readonly StuckJob[];
  /** Jobs that ended badly; why, as `errors` has it. */
  readonly failed: {
    readonly jobs: number;
    /** As failedWords. */
    readonly states: string;
    readonly of: number;
    readonly errors: readonly ErrorGroup[];
  };
  /** Only with their overdue peels. */
  readonly overdue: readonly Schedule[];
  /** Targets of the last day; undefined without access to heartbeats. */
  readonly peels: { readonly targeted: number; readonly silent: readonly string[] } | undefined;
  readonly unheard: string | undefined;
}

/** Stuck jobs and schedules with a line each. */
export const NAMED = 3;

/** What needs a person, worst first. */
const IS_CONCERN = {
  masters: ({ masters }: FleetStatus) => masters.gone.length > 0 || masters.alive === 0,
  stuck: ({ stuck }: FleetStatus) => stuck.length > 0,
  failed: ({ failed }: FleetStatus) => failed.jobs > 0,
  overdue: ({ overdue }: FleetStatus) => overdue.length > 0,
  peels: ({ peels }: FleetStatus) => (peels?.silent.length ?? 0) > 0,
} as const;

export type Concern = keyof typeof IS_CONCERN;

export const concernsOf = (status: FleetStatus): Concern[] =>
  (Object.keys(IS_CONCERN) as Concern[]).filter((concern) => IS_CONCERN[concern](status));

export function goneMasters(stuck: readonly Stuck[]): GoneMaster[] {
  const byMaster = Map.groupBy(stuck, ({ goneMaster }) => goneMaster);
  const gone = Array.from(byMaster, ([master, all]) =>
    master === undefined ? [] : { master, jobs: all.length, heardNs: all[0]?.heardNs },
  );
  return gone.flat().sort((a, b) => b.jobs - a.jobs);
}

export function activeOf(rows: readonly JobRow[], counts: ReadonlyMap<string, number>, nowNs: bigint) {
  const returned = rows.map((row) => {
    const counted = counts.get(row.jid) ?? returnedOf(row);
    return counted === undefined ? undefined : Number(counted);
  });
  const sum = (numbers: readonly number[]) => numbers.reduce((sum, n) => sum + n, 0);
  const times = rows.flatMap(({ created }) => created?.ns ?? []);
  return {
    jobs: rows.length,
    /** Undefined when unknown for any job. */
    returned: returned.every((n) => n !== undefined) ? sum(returned) : undefined,
    targeted: sum(rows.map(({ targets = [] }) => countTargets(targets))),
    oldestNs: times.length === 0 ? undefined : nowNs - times.reduce((a, b) => (a < b ? a : b)),
  };
}

export const overdueOf = (schedules: readonly Schedule[]): Schedule[] =>
  schedules
    .map((schedule) => ({ ...schedule, peels: schedule.peels.filter(({ overdue }) => overdue) }))
    .filter(({ peels }) => peels.length > 0)
    .sort((a, b) => b.peels.length - a.peels.length);
