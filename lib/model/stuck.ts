// Why a job is stuck. Pure.
import { formatAge } from "../duration.ts";
import { nextCommand } from "../program.ts";
import { plural } from "../text.ts";
import { isActive, type JobRow } from "./job.ts";

/**
 * A master is gone when its heartbeat is older, in ms: the key's time to live, three missed heartbeats (docs/contributing.md,
 * "Heartbeats"). Other masters decide by the same limit.
 */
export const HEARTBEAT_LIFE_MS = 15_000;

/** A master's heartbeat, by the server's clock. */
interface Beat {
  readonly agoNs: bigint;
  /** Jobs that it watches, at a time in ns since 1970; undefined if not stated. */
  readonly watches?: { readonly jids: ReadonlySet<unknown>; readonly asOfNs: bigint } | undefined;
}

/** `gone`: no heartbeat in a readable bucket; undefined: unknown. */
export type MasterSign = Beat | "gone" | undefined;

export function isMasterGone(sign: MasterSign): boolean {
  if (sign === undefined || sign === "gone") return sign === "gone";
  return sign.agoNs > BigInt(HEARTBEAT_LIFE_MS) * 1_000_000n;
}

/** Why an active job will not end on time. */
export interface Stuck {
  readonly jid: string;
  readonly overdueNs: bigint | undefined;
  /** Its master, if gone. */
  readonly goneMaster: string | undefined;
  /** Age of that master's heartbeat, in ns. */
  readonly heardNs: bigint | undefined;
  /** Its master, if alive without watching the job. */
  readonly idleMaster?: string | undefined;
}

/**
 * A master lists a job in its heartbeat after sending all requests. A heartbeat this much newer than the record shows
 * whether it watches the job.
 */
const SETTLED_NS = 1_000_000_000n;

function isUnwatched({ jid, updated }: JobRow, sign: MasterSign): boolean {
  if (typeof sign !== "object" || isMasterGone(sign) || !sign.watches || !updated) return false;
  const { jids, asOfNs } = sign.watches;
  return !jids.has(jid) && asOfNs > updated.ns + SETTLED_NS;
}

/** Undefined for a job that is not stuck. @param sign of its owner */
export function stuckOf(row: JobRow, nowNs: bigint, sign: MasterSign): Stuck | undefined {
  if (row.unreadable !== undefined || !isActive(row.status)) return undefined;
  const overdueNs = row.deadline && row.deadline.ns < nowNs ? nowNs - row.deadline.ns : undefined;
  const goneMaster = row.owner && isMasterGone(sign) ? row.owner : undefined;
  const idleMaster = row.owner && isUnwatched(row, sign) ? row.owner : undefined;
  if (overdueNs === undefined && goneMaster === undefined && idleMaster === undefined) return undefined;
  const heardNs = goneMaster !== undefined && typeof sign === "object" ? sign.agoNs : undefined;
  return { jid: row.jid, overdueNs, goneMaster, heardNs, idleMaster };
}

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

export function stuckHint({ jid, goneMaster, idleMaster }: Stuck): string {
  const check = nextCommand("zester config check");
  const kill = nextCommand(`zester job kill ${jid}`);
  if (goneMaster !== undefined)
    return `Another master takes over after about a minute.${check ? ` If none does, \`${check}\` shows which masters are alive.` : ""}`;
  if (idleMaster !== undefined)
    return `Restart ${idleMaster}.${kill ? ` \`${kill}\` stops the peels, but does not end the job.` : ""}`;
  const trace = nextCommand(`zester job trace ${jid}`);
  return `\`${trace}\` shows what it waits for${kill ? `, \`${kill}\` cancels it` : ""}.`;
}

const NAMED_STUCK = 3;

export function allStuckWords(stuck: readonly Stuck[]): string | undefined {
  const [first] = stuck;
  if (!first) return undefined;
  if (stuck.length === 1) {
    const { jid, overdueNs } = first;
    if (overdueNs === undefined) return `1 job is stuck: ${jid}; ${stuckWords(first)}`;
    const master = stuckWords({ ...first, overdueNs: undefined });
    return `1 job is ${formatAge(overdueNs)} overdue: ${jid}${master && `; ${master}`}`;
  }
  const named = stuck.slice(0, NAMED_STUCK).map((one) => `${one.jid}: ${stuckWords(one)}`);
  const rest = stuck.length > NAMED_STUCK ? `; and ${stuck.length - NAMED_STUCK} more` : "";
  return `${plural(stuck.length, "job")} are stuck: ${named.join("; ")}${rest}`;
}
