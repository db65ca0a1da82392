// Random histories of jobs, as NATS may hold them: acks and returns, foreign and forged ones, late ones, repeated ones, lost
// events, takeovers. What every command tells is compared with an oracle that shares no code with the product.
// ZESTER_SEED=n repeats a run, ZESTER_TESTS=all draws more.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { KV, NatsConnection } from "nats";
import { createBuckets, encode, jobRecord, type Server, startServer, Time, zester } from "../support/harness.ts";
import { draws } from "../support/length.ts";
import { randomFrom, SEED } from "../support/random.ts";
import { unfold } from "../support/unfold.ts";

const IDS = ["web-01", "web_02", "db_eu_example", "_edge", "cache-9", "a_b_"];
const ORDER = "failed unreadable unreachable late offline silent unfinished missing queued executing ok".split(" ");
const ENDS = ["complete", "failed", "partial", "timeout", "canceled"];

/** A source of random numbers that a seed repeats. */
function dice(seed: number) {
  const random = randomFrom(seed);
  const below = (n: number) => Math.floor(random() * n);
  return { below, chance: (percent: number) => below(100) < percent };
}
type Dice = ReturnType<typeof dice>;

interface Return {
  readonly ok: boolean;
  readonly unreachable: boolean;
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
interface History {
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
  readonly online: ReadonlySet<string>;
  /** How many of the first messages are lost. */
  readonly lost: number;
  readonly asList: boolean;
}

/** Messages as peels send them, with all that is no matter of theirs in between, and what a master makes of them. */
function draw({ below, chance }: Dice): History {
  const pick = <T>(list: readonly T[]) => list[below(list.length)] as T;
  const targets = IDS.filter(() => chance(55)).slice(0, 5);
  if (targets.length === 0) targets.push(pick(IDS));
  const lists = targets.map((peel): Message[] => {
    const real: Message = {
      kind: "return",
      peel,
      says: peel,
      returned: { ok: chance(65), unreachable: false },
    };
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
  lists.push(Array.from({ length: below(4) }, odd));
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
  return { targets, doubled, rest, unwatched, status, messages, stored, online, lost, asList };
}

/** What is true of a history: the state of each target, which ones a cancel stopped, how many messages are ignored, the exit code of `wait`. */
function truth({ targets, doubled, rest, status, messages, stored, online, lost }: History) {
  const left = messages.slice(lost);
  const [acks, given, ends] = [new Set<string>(), new Set<string>(), ENDS.includes(status)];
  const real = new Map<string, { ok: boolean; late: boolean; stopped: boolean; missed: boolean }>();
  const overwritten = new Set<string>();
  let [ignored, over, cut] = [0, false, false];
  for (const { kind, peel = "", says, returned } of left) {
    if (kind === "status") over = true;
    if (kind === "cancel") cut = true;
    if (kind === "schedule") {
      ignored++;
      if (says === peel && real.has(peel)) overwritten.add(peel);
    }
    if (kind !== "ack" && kind !== "return") continue;
    const isReal = kind === "return" && !returned?.unreachable;
    if (!targets.includes(peel) || says !== peel || (isReal && real.has(peel))) ignored++;
    else if (kind === "ack") acks.add(peel);
    else if (isReal) {
      const ok = returned?.ok === true;
      const stopped = status === "canceled" && !ok && (cut || over);
      real.set(peel, { ok, late: over || given.has(peel), stopped, missed: false });
    } else {
      given.add(peel);
      const before = real.get(peel);
      if (before) real.set(peel, { ...before, missed: true });
    }
  }
  const hasDispatch = left.some(({ kind }) => kind === "dispatch");
  let isBad = false;
  const missed: string[] = [];
  const stateOf = (peel: string): string => {
    const [kept, event] = [overwritten.has(peel) ? undefined : stored.get(peel), real.get(peel)];
    if (kept === "unreadable") return "unreadable";
    if (kept && !kept.unreachable) return kept.ok ? "ok" : "failed";
    if (event?.missed) {
      missed.push(peel);
      return event.ok ? "ok" : "failed";
    }
    if (event && (kept || event.late)) {
      if (!event.ok) isBad = true;
      return "late";
    }
    if (event) return event.ok ? "ok" : "failed";
    if (kept || given.has(peel)) return "unreachable";
    if (acks.has(peel)) return ends ? "unfinished" : "executing";
    return hasDispatch ? (online.has(peel) ? "silent" : "offline") : "missing";
  };
  const states = new Map(targets.map((peel) => [peel, stateOf(peel)]));
  const has = (...names: string[]) => [...states.values()].some((state) => names.includes(state));
  const away =
    missed.length > 0 ||
    has("unreachable", "late", "offline", "silent", "unfinished", "missing") ||
    ["partial", "timeout"].includes(status);
  const failed = isBad || has("failed", "unreadable") || !away;
  const code = status === "canceled" ? 5 : status === "complete" ? 0 : failed && away ? 4 : failed ? 2 : 3;
  const inTime = status === "partial" || status === "timeout";
  const isTold = ends && status !== "complete" && status !== "canceled" && missed.length > 0;
  const why =
    doubled && inTime ? "a target twice" : rest ? "stopped watching" : isTold ? "missed the return" : undefined;
  // Of a return that the master missed, it is not known whether it came before the signal.
  const stopped = new Set(targets.filter((peel) => real.get(peel)?.stopped && !missed.includes(peel)));
  const failedLate = new Set(targets.filter((peel) => real.get(peel)?.ok === false && !stopped.has(peel)));
  return { states, stopped, failedLate, ignored, code, why };
}

let server: Server;
let nc: NatsConnection;
let kv: Record<"jobs" | "returns" | "peels" | "masters", KV>;
beforeAll(async () => {
  server = await startServer();
  nc = await server.connect();
  const { views } = nc.jetstream();
  const beats = { peels: await views.kv("peel-heartbeat"), masters: await views.kv("master-heartbeat") };
  kv = { ...(await createBuckets(nc)), ...beats };
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

async function write(jid: string, history: History): Promise<void> {
  const { targets, doubled, rest, status, messages, stored, online, lost, asList } = history;
  const record = (peel: string, { ok, unreachable }: Return) => ({
    ...{ jid, peel_id: peel, success: ok, return_data: null, duration: unreachable ? 0n : 5_000_000_000n },
    ...(ok ? {} : { error: unreachable ? "UNREACHABLE" : "no lock" }),
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
  const named = doubled ? [...targets, targets[0]] : targets;
  await kv.jobs.put(
    jid,
    encode(jobRecord(jid, { function: "cmd.run", targets: named, status, ...times, owner: "m1" })),
  );
}

const shown = (peel: string) => peel.replace(/(?<=[^_].*)_(?=.*[^_])/g, ".");

test(`each command tells what is true of random histories (seed ${SEED})`, async () => {
  for (let n = 0; n < draws(25, 300); n++) {
    // A second attempt must not read the records of the first.
    const jid = `story-${SEED + n}-${crypto.randomUUID().slice(0, 8)}`;
    const history = draw(dice(SEED + n));
    await write(jid, history);
    const { states, stopped, failedLate, ignored, code, why } = truth(history);
    const run = async (...args: string[]) => zester(["job", ...args], { env: { NATS_URL: server.url } });
    const [trace, summary, output, missing, bad, late] = await Promise.all([
      run("trace", jid, "--format", "json"),
      run("show", jid, "--summary"),
      run("show", jid, "--output"),
      ...["--missing", "--bad", "--late"].map((flag) => run("show", jid, flag, "-q")),
    ]);
    const where = `${jid} ${JSON.stringify({ ...history, stored: [...history.stored] })}`;
    const story = JSON.parse(trace?.stdout ?? "");
    const told = new Map(story.peels.map((one: Record<string, string>) => [one.peel_id, one.state]));
    expect([where, ...[...told].sort()]).toEqual([where, ...[...states].sort()]);
    expect([where, story.peels.length, story.ignored.length]).toEqual([where, states.size, ignored]);
    for (const one of [...story.peels, ...story.events]) {
      expect([where, history.targets]).toContainEqual(
        one.peel_id === undefined || history.targets.includes(one.peel_id) ? history.targets : one,
      );
      for (const time of ["after", "delivered", "waited", "took", "so_far"])
        expect([where, one[time] ?? 0, (one[time] ?? 0) >= 0]).toEqual([where, one[time] ?? 0, true]);
    }
    const stuck = history.status === "running" && history.unwatched;
    expect([where, story.stuck]).toEqual([
      where,
      stuck ? "its master m1 is alive but does not watch the job, which ends when that master restarts" : undefined,
    ]);
    const counts = ORDER.map((state) => [state, [...states.values()].filter((one) => one === state).length] as const);
    const words = counts.flatMap(([state, count]) => {
      const cut = [...stopped].filter((peel) => states.get(peel) === state).length;
      const bad = [...failedLate].filter((peel) => state === "late" && states.get(peel) === state).length;
      const why = [cut > 0 ? `${cut} stopped` : [], bad > 0 ? `${bad} failed` : []].flat().join("; ");
      return count > 0 ? `${count} ${state}${why && ` (${why})`}` : [];
    });
    const done = [...states.values()].filter((one) => /^(ok|failed|unreadable|late|unreachable)$/.test(one)).length;
    const all = history.status === "running" ? `${done}/${states.size} done` : states.size;
    expect([where, summary?.stdout]).toEqual([
      where,
      expect.stringContaining(`\nPeels     ${all}: ${words.join(", ")}\n`),
    ]);
    expect(summary?.stdout.includes("ignored:")).toBe(ignored > 0);
    const heads = (output?.stdout ?? "").split("\n").filter((line) => /^\S/.test(line));
    // Peels that printed the same are one group.
    const grouped = heads.flatMap((line) => {
      const [names = "", count, next] = line.split(/ {2}|, /);
      return unfold(names).map((name) => [name, count?.endsWith(" peels") ? next : count]);
    });
    expect([where, ...grouped.sort()]).toEqual([
      where,
      ...[...states].map(([peel, state]) => [shown(peel), state]).sort(),
    ]);
    const ids = (want: (state: string) => boolean) =>
      [...states].flatMap(([peel, state]) => (want(state) ? shown(peel) : [])).sort();
    const away = "offline silent unfinished missing queued executing".split(" ");
    const lines = (text = "") => text.split("\n").filter(Boolean);
    expect([where, lines(missing?.stdout)]).toEqual([where, ids((state) => away.includes(state))]);
    expect([where, lines(bad?.stdout)]).toEqual([where, ids((state) => state !== "ok")]);
    expect([where, lines(late?.stdout)]).toEqual([where, ids((state) => state === "late")]);
    if (history.status === "running") continue;
    const wait = await run("wait", jid, "--format", "json");
    const [{ reason, ...ending }] = JSON.parse(wait.stdout);
    expect([where, reason]).toEqual([where, why && expect.stringContaining(why)]);
    expect([where, wait.code, ending]).toEqual([
      where,
      code,
      { jid, status: history.status, ...Object.fromEntries(counts) },
    ]);
  }
}, 600_000);
