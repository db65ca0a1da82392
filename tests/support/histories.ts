// Random histories of jobs, as NATS may hold them: acks and returns, foreign and forged ones, late ones, repeated ones, lost
// events, takeovers.
import type { KV, NatsConnection } from "nats";
import { createBuckets, encode, jobRecord, startServer, Time } from "./harness.ts";
import { randomFrom } from "./random.ts";

export const IDS = ["web-01", "web_02", "db_eu_example", "_edge", "cache-9", "a_b_"];
export const ENDS = ["complete", "failed", "partial", "timeout", "canceled"];

/** A source of random numbers that a seed repeats. */
export function dice(seed: number) {
  const random = randomFrom(seed);
  const below = (n: number) => Math.floor(random() * n);
  return { below, chance: (percent: number) => below(100) < percent };
}
type Dice = ReturnType<typeof dice>;

interface Return {
  readonly ok: boolean;
  readonly unreachable: boolean;
  /** Its error says that a cancel signal stopped the peel. */
  readonly stopped?: boolean;
}
interface Message {
  readonly kind: string;
  readonly peel?: string;
  /** The id in the payload; undefined: the payload can't be decoded. */
  readonly says?: string | undefined;
  readonly returned?: Return;
  /** The result of a peel's own schedule names no peel. */
  readonly entry?: string;
}
export interface History {
  readonly targets: readonly string[];
  /** A target stands twice. */
  readonly doubled: boolean;
  /** The master ended the job long before its deadline. */
  readonly rest: boolean;
  /** The master lives, and does not watch the job. */
  readonly unwatched: boolean;
  readonly status: string;
  readonly messages: readonly Message[];
  /** "unreadable": the stored value can't be decoded. */
  readonly stored: ReadonlyMap<string, Return | "unreadable">;
  /** What the master counts at the end. */
  readonly known: ReadonlyMap<string, Return>;
  readonly online: ReadonlySet<string>;
  /** How many of the first messages are lost. */
  readonly lost: number;
  readonly asList: boolean;
}

/**
 * Messages as peels send them, and what a master makes of them.
 * @param hasOdd also acks, returns and results of schedules that masters should ignore
 */
export function draw({ below, chance }: Dice, hasOdd = true): History {
  const pick = <T>(list: readonly T[]) => list[below(list.length)] as T;
  const targets = IDS.filter(() => chance(55)).slice(0, 5);
  if (targets.length === 0) targets.push(pick(IDS));
  const lists = targets.map((peel): Message[] => {
    const ok = chance(65);
    const returned = { ok, unreachable: false, stopped: !ok && chance(50) };
    const real: Message = { kind: "return", peel, says: peel, returned };
    const gaveUp: Message = { kind: "return", peel, says: peel, returned: { ok: false, unreachable: true } };
    const ack: Message = { kind: "ack", peel, says: peel };
    const plans = [[], [ack], [ack, real], [ack, real], [ack, real, real], [real], [gaveUp], [gaveUp, ack, real]];
    plans.push([ack, real, gaveUp], [real, gaveUp], [ack, gaveUp]);
    return [...pick(plans)];
  });
  const odd = (): Message => {
    const peel = chance(50) ? "evil-01" : pick(targets);
    const says = chance(25) ? undefined : peel === "evil-01" ? peel : pick(IDS.filter((id) => id !== peel));
    const returned = { ok: true, unreachable: false };
    if (chance(20)) return { kind: "schedule", peel, says: peel, returned, entry: "nightly" };
    return { kind: chance(50) ? "ack" : "return", peel, says, returned };
  };
  lists.push(Array.from({ length: hasOdd ? below(4) : 0 }, odd));
  const ending: Message[] = chance(20) ? [{ kind: "cancel" }, { kind: "status" }] : [{ kind: "status" }];
  lists.push(chance(75) ? ending : []);
  const messages: Message[] = [{ kind: "dispatch" }];
  for (let open = lists; ; ) {
    open = open.filter((list) => list.length > 0);
    if (open.length === 0) break;
    messages.push(pick(open).shift() as Message);
  }
  // What a master knows: the first real return of each target, until it has ended the job. It misses one that came before it
  // gave the peel up. It stores what it knows, and the results of schedules unchecked, at any time.
  const known = new Map<string, Return>();
  const stored = new Map<string, Return | "unreadable">();
  const end = messages.findIndex(({ kind }) => kind === "status");
  for (const [i, { kind, peel = "", says, returned }] of messages.entries()) {
    if (!returned || says !== peel) continue;
    if (kind === "schedule") stored.set(peel, returned);
    if (kind !== "return" || !targets.includes(peel) || (end >= 0 && i > end)) continue;
    const isMissed =
      !returned.unreachable && messages.slice(i).some((one) => one.peel === peel && one.returned?.unreachable);
    const before = known.get(peel);
    // Another master watches the job by now, or none does, so that a late one is not stored.
    if (isMissed || (before && !(before.unreachable && chance(50)))) continue;
    known.set(peel, returned);
    stored.set(peel, returned);
  }
  const asList = chance(30);
  const [first] = stored.keys();
  if (first !== undefined && !asList && chance(10)) stored.set(first, "unreadable");
  const doubled = chance(15);
  const all = !doubled && targets.every((peel) => known.has(peel));
  const good = targets.every((peel) => known.get(peel)?.ok);
  const cut = messages.some(({ kind }) => kind === "cancel");
  const inTime = all ? (good ? "complete" : "failed") : known.size > 0 ? "partial" : "timeout";
  const status = end < 0 ? "running" : cut && !all ? "canceled" : inTime;
  const online = new Set(targets.filter(() => chance(50)));
  const lost = chance(30) ? below(messages.length) : 0;
  const rest = (status === "partial" || status === "timeout") && chance(30);
  const unwatched = chance(50);
  return { targets, doubled, rest, unwatched, status, messages, stored, known, online, lost, asList };
}

/** A server with the buckets of a fleet. */
export interface HistorySite {
  readonly nc: NatsConnection;
  readonly kv: Record<"jobs" | "returns" | "peels" | "masters", KV>;
  readonly env: { readonly NATS_URL: string };
  stop(): Promise<void>;
}

export async function serveHistories(): Promise<HistorySite> {
  const server = await startServer();
  const nc = await server.connect();
  const { views } = nc.jetstream();
  const beats = { peels: await views.kv("peel-heartbeat"), masters: await views.kv("master-heartbeat") };
  return {
    nc,
    kv: { ...(await createBuckets(nc)), ...beats },
    env: { NATS_URL: server.url },
    async stop() {
      await nc.close();
      await server.stop();
    },
  };
}

/** Stores the messages, the returns and the record of a job. @param fields of the record */
export async function write({ nc, kv }: HistorySite, jid: string, history: History, fields = {}): Promise<void> {
  const { targets, doubled, rest, status, messages, stored, known, online, lost, asList } = history;
  const record = (peel: string, { ok, unreachable, stopped }: Return) => ({
    ...{ jid, peel_id: peel, success: ok, return_data: null, duration: unreachable ? 0n : 5_000_000_000n },
    ...(ok ? {} : { error: unreachable ? "UNREACHABLE" : stopped ? "execution canceled" : "no lock" }),
    ...(unreachable ? { unreachable } : {}),
  });
  const js = nc.jetstream();
  for (const [i, { kind, peel, says, returned, entry }] of messages.entries()) {
    if (i === lost && i > 0)
      await (await nc.jetstreamManager()).streams.purge("job-events", { filter: `zester.job.${jid}.>` });
    const subject = `zester.job.${jid}.${kind}${peel ? `.${peel}` : ""}`;
    const data = kind === "status" ? { status, returns: stored.size } : undefined;
    const payload = peel === undefined ? { jid, type: kind, data } : { jid, peel_id: says };
    const { peel_id, ...result } = record(peel ?? "", returned ?? { ok: true, unreachable: false });
    const whole =
      says === undefined
        ? payload
        : kind === "return"
          ? record(says, returned as Return)
          : kind === "schedule"
            ? { ...result, entry }
            : payload;
    await js.publish(subject, peel !== undefined && says === undefined ? Uint8Array.of(0xc1) : encode(whole));
  }
  const rows = [...stored].map(([peel, one]) => [peel, one === "unreadable" ? one : record(peel, one)] as const);
  if (asList && rows.length > 0) await kv.returns.put(jid, encode(rows.map(([, one]) => one)));
  else
    for (const [peel, one] of rows)
      await kv.returns.put(`${jid}.${peel}`, one === "unreadable" ? Uint8Array.of(0xc1) : encode(one));
  for (const peel of IDS) await (online.has(peel) ? kv.peels.put(peel, "x") : kv.peels.delete(peel));
  const { unwatched } = history;
  // The heartbeat is newer than the record by more than a master needs to send its requests.
  const created = new Time(Time.now().ns - 10_000_000_000n);
  const beat = { master_id: "m1", active_jobs: unwatched ? ["another"] : ["another", jid], timestamp: Time.now() };
  await kv.masters.put("m1", encode(beat));
  const times = { created, updated: created, ...(rest && { deadline: new Time(created.ns + 60_000_000_000n) }) };
  const ok = [...known.values()].filter(({ ok }) => ok).length;
  // Masters count at the end, and omit 0.
  const isCounted = ENDS.includes(status);
  const counts = {
    ...(isCounted && known.size > 0 && { return_count: known.size }),
    ...(isCounted && ok > 0 && { success_count: ok }),
  };
  const named = doubled ? [...targets, targets[0]] : targets;
  const job = { function: "cmd.run", targets: named, status, ...times, owner: "m1", ...counts, ...fields };
  await kv.jobs.put(jid, encode(jobRecord(jid, job)));
}
