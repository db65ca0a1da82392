// Statistics and failures of odd records: of the future, without a time, undecodable, in both layouts, with targets that stand
// twice; against an oracle that asks each record.
import { afterAll, expect, test } from "bun:test";
import { encode, jobRecord, Time } from "../support/harness.ts";
import { draws } from "../support/length.ts";
import { randomFrom, SEED } from "../support/random.ts";
import { serveBuckets } from "../support/serve.ts";

const site = await serveBuckets();
afterAll(site.stop);

const random = randomFrom(SEED);
const chance = (of: number) => random() < of;
const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
const GARBAGE = new Uint8Array([0xc1, 1, 2]);
const PEELS = ["a", "b", "c_d", "e"];
const MINUTE = 60_000_000_000n;

type State = "ok" | "failed" | "unreachable" | "unreadable";
interface Job {
  readonly jid: string;
  readonly fn: string;
  readonly status: string;
  readonly created: bigint | undefined;
  readonly took: bigint;
  readonly targets: readonly string[] | null;
  readonly readable: boolean;
  readonly returns: Map<string, { readonly state: State; readonly took: bigint }>;
}

const returnOf = (jid: string, peel: string, state: State, took: bigint) =>
  state === "unreadable"
    ? GARBAGE
    : encode({
        jid,
        peel_id: peel,
        success: state === "ok",
        return_data: null,
        ...(state === "ok" ? {} : { error: state === "failed" ? `no ${peel}` : "UNREACHABLE: x" }),
        duration: took,
        ...(state === "unreachable" ? { unreachable: true } : {}),
      });

/** Stores a random job and its returns, and tells what is so of it. */
async function put(i: number, now: bigint): Promise<Job> {
  const jid = `odd${String(i).padStart(4, "0")}`;
  const created = chance(0.1) ? undefined : now + BigInt(chance(0.1) ? i + 1 : -i - 1) * MINUTE;
  const took = BigInt(Math.floor(random() * 1e11)) - (chance(0.1) ? 10n ** 11n : 0n);
  const targets = chance(0.1)
    ? null
    : PEELS.filter(() => chance(0.5)).flatMap((peel) => (chance(0.2) ? [peel, peel] : [peel]));
  const status = pick(["complete", "failed", "partial", "timeout", "canceled", "running", "claimed"]);
  const fn = pick(["state.apply", "cmd.run", "größe.x"]);
  const readable = !chance(0.08);
  const times = { created: created && new Time(created), updated: created && new Time(created + took) };
  const record = { ...jobRecord(jid), function: fn, status, targets, owner: "m1", ...times };
  if (created === undefined)
    for (const name of ["created", "updated"]) delete (record as Record<string, unknown>)[name];
  await site.jobs.put(jid, readable ? encode(record) : GARBAGE);

  const returns: Job["returns"] = new Map();
  const list: unknown[] = [];
  for (const peel of PEELS.filter(() => chance(0.6))) {
    const one = {
      state: pick<State>(["ok", "ok", "ok", "failed", "unreachable", "unreadable"]),
      took: BigInt(Math.floor(random() * 1e10)),
    };
    const own = chance(0.7) || one.state === "unreadable";
    if (own) await site.returns.put(`${jid}.${peel}`, returnOf(jid, peel, one.state, one.took));
    // On the same peel its own key wins.
    if (!own || chance(0.3)) {
      const listed = own ? { state: "failed" as const, took: 1n } : one;
      const fields = { success: listed.state === "ok", return_data: null, duration: listed.took };
      const odd = listed.state === "unreachable" ? { unreachable: true, error: "UNREACHABLE: x" } : { error: "listed" };
      list.push({ jid, peel_id: peel, ...fields, ...(listed.state === "ok" ? {} : odd) });
    }
    // What a peel returned that is no target counts nowhere.
    if (!readable || !targets || targets.includes(peel)) returns.set(peel, one);
  }
  if (list.length > 0) await site.returns.put(jid, encode(list));
  return { jid, fn, status, created, took, targets, readable, returns };
}

const rank = (values: readonly bigint[], percent: number) => {
  const sorted = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const at = sorted.find((_, i) => (i + 1) * 100 >= percent * sorted.length);
  return at === undefined ? null : Number(at);
};
const ranks = (values: readonly bigint[]) => ({
  p50: rank(values, 50),
  p95: rank(values, 95),
  slowest: rank(values, 100),
});
const isInFull = ({ status }: Job) => ["complete", "failed"].includes(status);

test(`what is counted is what is stored (seed ${SEED})`, async () => {
  const now = BigInt(Date.now()) * 1_000_000n;
  const all: Job[] = [];
  for (let i = 0; i < draws(80, 1_500); i++) all.push(await put(i, now));
  const run = (...args: string[]) => site.run("job", ...args);
  const rows = async (...args: string[]) => JSON.parse((await run(...args, "--format", "json")).stdout);
  const by = (key: string) => (a: Record<string, string>, b: Record<string, string>) =>
    (a[key] as string) < (b[key] as string) ? -1 : 1;

  // Oldest first; those without a time before all others.
  const least = -(2n ** 100n);
  const jobs = all
    .filter(({ readable }) => readable)
    .sort((a, b) => {
      const [x, y] = [a.created ?? least, b.created ?? least];
      return x < y ? -1 : x > y ? 1 : a.jid < b.jid ? -1 : 1;
    });

  const functions = [...new Set(jobs.map(({ fn }) => fn))].map((fn) => {
    const own = jobs.filter((job) => job.fn === fn);
    const failed = own.filter(({ status }) => ["failed", "partial", "timeout"].includes(status)).length;
    const took = own.filter((job) => isInFull(job) && job.created !== undefined).map((job) => job.took);
    return { function: fn, jobs: own.length, failed, ...ranks(took), last: own.at(-1)?.status };
  });
  const shown = await rows("stats");
  const plain = ({ trend, states, last_run, ...row }: Record<string, string>) => row as Record<string, string>;
  expect(shown.map(plain).sort(by("function"))).toEqual(functions.sort(by("function") as never));
  const { stderr } = await run("stats");
  const damaged = all.filter(({ readable }) => !readable).length;
  if (damaged > 0) expect(stderr).toContain(`${damaged} job${damaged > 1 ? "s" : ""} cannot be decoded`);

  const peels = PEELS.map((peel) => {
    const meant = jobs.filter(({ targets, returns }) => targets?.includes(peel) || returns.has(peel));
    const lacks = ({ status, targets, returns }: Job) =>
      ["failed", "partial", "timeout"].includes(status) && targets?.includes(peel) === true && !returns.has(peel);
    const bad = meant.filter(({ returns }) => returns.has(peel) && returns.get(peel)?.state !== "ok").length;
    const took = meant.flatMap(({ returns }) => {
      const one = returns.get(peel);
      return one && one.state !== "unreadable" && one.state !== "unreachable" ? [one.took] : [];
    });
    const newest = meant.findLast((job) => job.returns.has(peel) || lacks(job));
    const missing = meant.filter(lacks).length;
    const last = newest
      ? (newest.returns.get(peel)?.state ?? "missing")
      : meant.length > 0
        ? meant.every(({ status }) => status === "canceled")
          ? "canceled"
          : "no return yet"
        : "no run";
    return { peel_id: peel, jobs: meant.length, failed: bad + missing, missing, ...ranks(took), last };
  });
  const peelRows = await rows("stats", "--by", "peel");
  expect(peelRows.map(plain).sort(by("peel_id"))).toEqual(peels.sort(by("peel_id") as never));

  // The trend is about the jobs that have a time within it.
  for (const row of peelRows) {
    const within = jobs.filter(
      ({ created, targets, returns }) =>
        created !== undefined && created < now && (targets?.includes(row.peel_id) || returns.has(row.peel_id)),
    );
    expect(row.trend.reduce((sum: number, part: { jobs: number }) => sum + part.jobs, 0)).toBe(within.length);
  }

  // A job that is complete by its record has no errors; one without a time is in no time.
  const failing = jobs.filter(({ status, created }) => status !== "complete" && created !== undefined);
  const errors: { state: string; where: string[] }[] = await rows("errors", "--since", "30d");
  const failed = (state: State) =>
    PEELS.filter((peel) => failing.some(({ returns }) => returns.get(peel)?.state === state));
  const named = (state: string) => [
    ...new Set(errors.filter((row) => row.state === state).flatMap((row) => row.where)),
  ];
  expect(named("unreachable").sort()).toEqual(failed("unreachable"));
  const lacks = ({ status, targets, returns }: Job, peel: string) =>
    ["failed", "partial", "timeout"].includes(status) && targets?.includes(peel) === true && !returns.has(peel);
  expect(named("missing").sort()).toEqual(PEELS.filter((peel) => failing.some((job) => lacks(job, peel))));
  expect(named("failed").sort()).toEqual([...new Set([...failed("failed"), ...failed("unreadable")])].sort());

  for (const peel of PEELS) {
    const own = all.filter(
      ({ readable, targets, returns }) => returns.has(peel) || (readable && targets?.includes(peel)),
    );
    const history: { jid: string; state: string }[] = await rows("history", peel);
    expect(history.map(({ jid }) => jid).sort()).toEqual(own.map(({ jid }) => jid).sort());
    const stateOf = new Map(history.map(({ jid, state }) => [jid, state]));
    for (const { jid, returns } of own)
      if (returns.has(peel)) expect(stateOf.get(jid)).toBe(returns.get(peel)?.state as string);
  }
});
