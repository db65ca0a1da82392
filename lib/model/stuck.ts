// Whether a job is stuck, and why: the one place that decides.
import { formatAge } from "../duration.ts";
import { namedMessage } from "../program.ts";
import { plural } from "../text.ts";
import { isActive, type JobRow } from "./job.ts";

/**
 * How old a master's newest heartbeat may be, in ms, before the master counts as gone: 15 s, the time to live of the
 * heartbeat's key (wire.md, "Masters die"). A master writes it every 5 s, so that one of this age has missed three, and the
 * other masters, which see the key expire, take it for gone at the same moment.
 */
export const HEARTBEAT_LIFE_MS = 15_000;

/** The heartbeat of a master; times are by the server's clock. */
interface Beat {
  /** When it was stored, in ns before now. */
  readonly agoNs: bigint;
  /** The jobs that the master watches, and as of when, in ns since 1970; undefined when it does not say. */
  readonly watches?: { readonly jids: ReadonlySet<unknown>; readonly asOfNs: bigint } | undefined;
}

/**
 * What is known about a master: its heartbeat; `gone` when the bucket, which can be read, has none of it; undefined when that
 * can't be known.
 */
export type MasterSign = Beat | "gone" | undefined;

/** True for a master that has missed its heartbeats. */
export function isMasterGone(sign: MasterSign): boolean {
  if (sign === undefined || sign === "gone") return sign === "gone";
  return sign.agoNs > BigInt(HEARTBEAT_LIFE_MS) * 1_000_000n;
}

/** Why an active job will not end on time by itself. */
export interface Stuck {
  readonly jid: string;
  /** How long ago its deadline passed, in ns; undefined while it is not. */
  readonly overdueNs: bigint | undefined;
  /** Its master, when that is gone. */
  readonly goneMaster: string | undefined;
  /** When that was last heard, in ns before now, where that is known. */
  readonly heardNs: bigint | undefined;
  /** Its master, when that lives and does not watch it. */
  readonly idleMaster?: string | undefined;
}

/**
 * A master names a job in its heartbeat some time after it wrote the record: when it has sent all requests. One that is stored
 * so long after the last change of the record says whether it watches the job.
 */
const SETTLED_NS = 1_000_000_000n;

/** True when the heartbeat of a living master is newer than what it last did with the job, and does not name the job. */
function isUnwatched({ jid, updated }: JobRow, sign: MasterSign): boolean {
  if (typeof sign !== "object" || isMasterGone(sign) || !sign.watches || !updated) return false;
  const { jids, asOfNs } = sign.watches;
  return !jids.has(jid) && asOfNs > updated.ns + SETTLED_NS;
}

/**
 * Why a job is stuck; undefined for one that does not go on, or that may still go on as it should.
 * @param nowNs the server's clock, in ns since 1970
 * @param sign what is known about its owner
 */
export function stuckOf(row: JobRow, nowNs: bigint, sign: MasterSign): Stuck | undefined {
  if (row.unreadable !== undefined || !isActive(row.status)) return undefined;
  const overdueNs = row.deadline && row.deadline.ns < nowNs ? nowNs - row.deadline.ns : undefined;
  const goneMaster = row.owner && isMasterGone(sign) ? row.owner : undefined;
  const idleMaster = row.owner && isUnwatched(row, sign) ? row.owner : undefined;
  if (overdueNs === undefined && goneMaster === undefined && idleMaster === undefined) return undefined;
  const heardNs = goneMaster !== undefined && typeof sign === "object" ? sign.agoNs : undefined;
  return { jid: row.jid, overdueNs, goneMaster, heardNs, idleMaster };
}

/** Why each of the jobs is stuck, of those that are. @param signs what is known of their masters */
export const stuckAmong = (rows: readonly JobRow[], nowNs: bigint, signs: ReadonlyMap<string, MasterSign>): Stuck[] =>
  rows.flatMap((row) => stuckOf(row, nowNs, signs.get(row.owner ?? "")) ?? []);

/** `4m overdue; no heartbeat from its master master-2hPwZ9 for 2m` */
export function stuckWords({ overdueNs, goneMaster, heardNs, idleMaster }: Stuck): string {
  const words: string[] = [];
  if (overdueNs !== undefined) words.push(`${formatAge(overdueNs)} overdue`);
  if (goneMaster !== undefined)
    words.push(
      heardNs === undefined
        ? `no heartbeat from its master ${goneMaster}`
        : `no heartbeat from its master ${goneMaster} for ${formatAge(heardNs)}`,
    );
  if (idleMaster !== undefined)
    words.push(`its master ${idleMaster} is alive but does not watch the job, which ends when that master restarts`);
  return words.join("; ");
}

/** `its master m1 is alive`; undefined where that is not known. */
export const aliveWords = ({ owner }: JobRow, sign: MasterSign) =>
  owner && sign !== undefined && !isMasterGone(sign) ? `its master ${owner} is alive` : undefined;

/** What to do about it, as a sentence. */
export function stuckHint({ jid, goneMaster, idleMaster }: Stuck): string {
  if (goneMaster !== undefined)
    return namedMessage(
      "Another master takes over after about a minute. If none does, `zester config check` shows which masters are alive.",
    );
  if (idleMaster !== undefined)
    return namedMessage(`Restart ${idleMaster}. \`zester job kill ${jid}\` stops the peels, but does not end the job.`);
  return namedMessage(`\`zester job trace ${jid}\` shows what it waits for, \`zester job kill ${jid}\` cancels it.`);
}

/** At most so many stuck jobs are named. */
const NAMED_JOBS = 3;

/** One line about all that are stuck; undefined when none is. */
export function allStuckWords(stuck: readonly Stuck[]): string | undefined {
  const [first] = stuck;
  if (!first) return undefined;
  if (stuck.length === 1) {
    const { jid, overdueNs } = first;
    if (overdueNs === undefined) return `1 job is stuck: ${jid}; ${stuckWords(first)}`;
    const master = stuckWords({ ...first, overdueNs: undefined });
    return `1 job is ${formatAge(overdueNs)} overdue: ${jid}${master && `; ${master}`}`;
  }
  const named = stuck.slice(0, NAMED_JOBS).map((one) => `${one.jid}: ${stuckWords(one)}`);
  const rest = stuck.length > NAMED_JOBS ? `; and ${stuck.length - NAMED_JOBS} more` : "";
  return `${plural(stuck.length, "job")} are stuck: ${named.join("; ")}${rest}`;
}
