// `job stats`: known data as it stands on a terminal, random data against an oracle that counts, and metrics that promtool
// accepts.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { KV, NatsConnection } from "nats";
import {
  createBuckets,
  emptyBuckets,
  encode,
  jobRecord,
  type Server,
  startServer,
  Time,
  zester,
} from "../support/harness.ts";
import { draws } from "../support/length.ts";
import { randomFrom, SEED } from "../support/random.ts";

const random = randomFrom(SEED);

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const SECOND = 1_000_000_000n;

let server: Server;
let nc: NatsConnection;
let kv: { jobs: KV; returns: KV };
const env = () => ({ NATS_URL: server.url, LC_ALL: "C.UTF-8" });
const run = (...args: string[]) => zester(["job", "stats", ...args], { env: env() });
const rows = async (...args: string[]) => JSON.parse((await run(...args, "--format", "json")).stdout);

interface Given {
  readonly jid: string;
  readonly fn: string;
  readonly agoMs: number;
  readonly tookNs?: bigint;
  readonly status?: string;
  readonly peels?: readonly string[];
  readonly fields?: Record<string, unknown>;
}

async function putJob({ jid, fn, agoMs, tookNs = SECOND, status = "complete", peels = ["web-1"], fields }: Given) {
  const created = new Time(BigInt(Date.now() - agoMs) * 1_000_000n);
  const updated = new Time(created.ns + tookNs);
  const record = { function: fn, targets: peels, created, updated, status, owner: "m1", ...fields };
  await kv.jobs.put(jid, encode(jobRecord(jid, record)));
}

async function putReturn(jid: string, peel: string, fields: Record<string, unknown> = {}) {
  const record = { jid, peel_id: peel, success: true, return_data: null, duration: SECOND, timestamp: Time.now() };
  await kv.returns.put(`${jid}.${peel}`, encode({ ...record, ...fields }));
}

/** A run by a peel's own schedule. */
const putRun = (jid: string, entry: string, peel: string, agoMs: number, status = "complete") => {
  const at = new Time(BigInt(Date.now() - agoMs) * 1_000_000n);
  const metadata = { source: "schedule", schedule: entry };
  const fields = { created: at, updated: at, owner: undefined, metadata };
  return putJob({ jid, fn: "state.highstate", agoMs, status, peels: [peel], fields });
};

const freshServer = () => {
  beforeAll(async () => {
    server = await startServer();
    nc = await server.connect();
    kv = await createBuckets(nc);
  });
  afterAll(async () => {
    await nc.close();
    await server.stop();
  });
};

/** What a terminal of so many columns shows. */
function onTerminal(columns: number, args: string[], locale = "C.UTF-8"): string {
  const command = `stty cols ${columns}; dist/zester job stats ${args.join(" ")}`;
  const cwd = resolve(import.meta.dir, "../..");
  const shown = Bun.spawnSync(["script", "-qec", command, "/dev/null"], {
    env: { ...process.env, ...env(), LC_ALL: locale, TERM: "xterm-256color" },
    cwd,
  });
  return shown.stdout.toString().replaceAll("\r", "");
}

describe("known data", () => {
  freshServer();
  beforeAll(async () => {
    // So many highstates on each of seven days, the oldest first, and a day on which every pkg.installed failed.
    const days = [4, 4, 8, 8, 12, 12, 16];
    for (const [i, n] of days.entries())
      for (let k = 0; k < n; k++)
        await putJob({
          jid: `h${i}-${k}`,
          fn: "state.highstate",
          agoMs: (6 - i) * DAY + DAY / 2,
          tookNs: BigInt(k + 1) * SECOND,
          fields: { user: k % 2 ? "ops" : "root" },
        });
    for (let k = 0; k < 19; k++)
      await putJob({ jid: `p${k}`, fn: "pkg.installed", agoMs: HOUR, tookNs: 1_900_000_000n, status: "failed" });
    await putJob({ jid: "runs", fn: "pkg.installed", agoMs: 2 * HOUR, status: "running" });
  });

  test("a job that a deadline or a cancel ended counts, and its duration does not", async () => {
    const stopped = ["canceled", "timeout", "partial"].map((status, i) => ({ jid: `stopped-${i}`, status }));
    for (const { jid, status } of stopped)
      await putJob({ jid, fn: "pkg.installed", agoMs: HOUR, tookNs: 5_000n * SECOND, status });
    const [one] = await rows("--function", "pkg.*");
    expect(one).toMatchObject({ jobs: 23, failed: 21, p50: 1.9e9, p95: 1.9e9, slowest: 1.9e9 });
    expect((await run("--by", "function", "--state", "timeout", "--format", "csv")).stdout).toMatch(
      /\npkg\.installed,1,1,,,,timeout,/,
    );
    expect((await run("--format", "openmetrics", "--by", "function")).stdout).toContain(
      'zester_stats_job_duration_seconds_count{function="pkg.installed"} 19\n',
    );
    for (const { jid } of stopped) await kv.jobs.purge(jid);
  });

  const TABLE = `FUNCTION         JOBS  FAILED     P50   P95  SLOWEST  TREND (7 days)
state.highstate    64   0        5.0s   13s      16s  ▂▂▄▄▅▅▇
pkg.installed      20  19 (95%)  1.9s  1.9s     1.9s  ······█
`;

  test("as it is told, piped and on terminals", async () => {
    expect(await run("--since", "7d")).toEqual({ stdout: TABLE, stderr: "", code: 0 });
    expect(onTerminal(200, ["--since", "7d", "--no-color"])).toBe(TABLE);
    const narrow = onTerminal(60, ["--since", "7d", "--no-color"]).split("\n");
    expect(narrow[0]).toBe("FUNCTION         JOBS  FAILED     P50   P95  SLOWEST");
    expect(narrow.slice(3).join(" ").trim()).toBe(
      "Hidden (terminal too narrow): TREND (7 days). Use a wider terminal or a pipe.",
    );
    const ascii = onTerminal(200, ["--since", "7d", "--no-color"], "C").split("\n");
    expect(ascii.map((line) => line.slice(-7)).slice(1, 3)).toEqual(["2244557", "......8"]);
    // Red where any failed, and only there.
    const coloured = onTerminal(200, ["--since", "7d"]).split("\n");
    expect(coloured[1]).not.toContain("\x1b[38;5;160m");
    expect(coloured[2]).toEndWith("······\x1b[38;5;160m█\x1b[39m");
  });

  test("by user and target; conditions; a time of other parts", async () => {
    const users = await rows("--by", "user", "--function", "state.*");
    expect(users.map(({ user, jobs }: Record<string, unknown>) => [user, jobs])).toEqual([
      ["ops", 32],
      ["root", 32],
    ]);
    const [one] = await rows("--since", "24h");
    expect(one.trend.length).toBe(12);
    expect(one.trend.reduce((sum: number, part: { jobs: number }) => sum + part.jobs, 0)).toBe(20);
    expect((await run("--since", "24h")).stdout).toContain("TREND (24h)");
    expect((await run("--since", "yesterday")).stdout).toMatch(/TREND \((2[4-9]h|3\dh|4[0-7]h|2 days)\)$/m);
    expect((await rows("--by", "target")).length).toBe(1);
    expect((await run("--user", "nx")).stdout).toBe("No jobs match --user nx (of 84).\n");
    expect((await rows("-n", "5"))[0]).toMatchObject({ function: "pkg.installed", jobs: 5 });
  });

  test("csv, jsonl and yaml", async () => {
    expect((await run("--format", "csv")).stdout.split("\n").slice(0, 2)).toEqual([
      "function,jobs,failed,p50,p95,slowest,last,last_run",
      expect.stringMatching(/^state\.highstate,64,0,5,13,16,complete,\d{4}-/),
    ]);
    expect(
      (await run("--format", "jsonl")).stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).function),
    ).toEqual(["state.highstate", "pkg.installed"]);
    expect((await run("--format", "yaml")).stdout).toContain('"function": "state.highstate"');
  });

  test("--check", async () => {
    expect(await run("--check")).toMatchObject({ stderr: "warning: --check fails: pkg.installed failed.\n", code: 2 });
    expect((await run()).stderr).toBe("");
    expect((await run("--check", "--function", "state.*")).code).toBe(0);
    for (const by of ["function", "result"]) {
      const { stdout, stderr, code } = await run("--by", by, "--check", "--function", "sttae.*");
      expect([stdout, code]).toEqual(["", 1]);
      expect(stderr).toMatch(/^error: no (jobs|results of jobs) match --function sttae\.\* \(of 84\)\.\n$/);
    }
    expect(await run("--check", "--format", "openmetrics")).toMatchObject({ stdout: "", code: 1 });
  });

  test.each([
    [["--by", "usr"], 'error: unknown grouping "usr" for --by. Did you mean user?'],
    [["--by", "user", "--format", "openmetrics"], "error: --by user and --format openmetrics cannot be used together."],
    [
      ["--by", "result", "--format", "openmetrics"],
      "error: --by result and --format openmetrics cannot be used together.",
    ],
    [["--sort", "failed"], "error: --sort needs --by result."],
    [["--by", "result", "--sort", "created"], 'error: unknown order "created" for --sort.'],
  ])("%j", async (args, error) => {
    const { stderr, code } = await run(...args);
    expect([stderr.split("\n")[0], code]).toEqual([error, 1]);
  });
});

describe("did it run everywhere?", () => {
  freshServer();
  beforeAll(async () => {
    const peels = ["web-1", "web-2", "web-3", "db_eu_1"];
    await putJob({ jid: "a", fn: "state.highstate", agoMs: HOUR, status: "partial", peels });
    await putReturn("a", "web-1", { duration: 3n * SECOND });
    await putReturn("a", "web-2", { success: false, error: "no", duration: 5n * SECOND });
    await putReturn("a", "db_eu_1", { success: false, unreachable: true, error: "UNREACHABLE: x", duration: 0n });
    // Every peel of a complete job was ok, also one whose return the bucket lost.
    await putJob({ jid: "b", fn: "state.highstate", agoMs: HOUR / 2, peels: ["web-1", "web-3"] });
    await putReturn("b", "web-1");
    await putJob({ jid: "old", fn: "state.highstate", agoMs: 3 * DAY, peels: ["web-4", "web-1"] });
    await putReturn("old", "web-4");
    await putJob({ jid: "other", fn: "test.ping", agoMs: HOUR, peels: ["web-5"] });
    await putReturn("other", "web-5");
    await putJob({ jid: "runs", fn: "state.highstate", agoMs: HOUR / 4, status: "running", peels: ["web-7"] });
    const heartbeats = await nc.jetstream().views.kv("peel-heartbeat", { history: 1 });
    await heartbeats.put("web-6", encode({}));
    await heartbeats.put("web-1", encode({}));
  });

  const last = (all: Record<string, unknown>[]) =>
    all.map(({ peel_id, last: word, jobs, failed }) => [peel_id, word, jobs, failed]);

  test("peels that are alive or were seen, and have no run in that time", async () => {
    expect(last(await rows("--by", "peel", "--function", "state.highstate", "--since", "24h"))).toEqual([
      ["web-4", "no run", 0, 0],
      ["web-5", "no run", 0, 0],
      ["web-6", "no run", 0, 0],
      ["db_eu_1", "unreachable", 1, 1],
      ["web-2", "failed", 1, 1],
      ["web-3", "missing", 2, 1],
      ["web-1", "ok", 2, 0],
      ["web-7", "no return yet", 1, 0],
    ]);
    const argv = ["--by", "peel", "--function", "state.highstate", "--since", "24h", "--check"];
    const { stdout, stderr, code } = await run(...argv);
    expect(stderr).toBe(
      "warning: --check fails: web-4 no run; web-5 no run; web-6 no run; db.eu.1 unreachable; web-2 failed; and 1 more.\n",
    );
    expect(stdout).toEndWith("no run on 3 of 8 peels: web-[4-6]\n");
    expect(code).toBe(2);
    const some = await rows("--by", "peel", "--function", "state.highstate", "--since", "24h", "--target", "web-[67]");
    expect(last(some)).toEqual([
      ["web-6", "no run", 0, 0],
      ["web-7", "no return yet", 1, 0],
    ]);
  });

  test("times are those of the returns", async () => {
    const all = await rows("--by", "peel", "--since", "24h");
    const web1 = all.find((row: { peel_id: string }) => row.peel_id === "web-1");
    expect(web1).toMatchObject({ p50: 1e9, p95: 3e9, slowest: 3e9, missing: 0 });
    expect(all.some((row: { last: string }) => row.last === "no run")).toBe(false);
  });

  test("without heartbeats the rest is told, and it is said once", async () => {
    await (await nc.jetstreamManager()).streams.delete("KV_peel-heartbeat");
    const { stdout, stderr } = await run("--by", "peel", "--function", "state.highstate", "--since", "24h");
    expect(stdout).toEndWith("no run on 2 of 7 peels: web-[4-5]\n");
    expect(stderr).toMatch(/^warning: [^\n]*peel-heartbeat[^\n]* Peels that no job targeted are left out\.\n$/);
  });
});

describe("a peel that a cancel stopped", () => {
  freshServer();
  const event = (kind: string, payload: object) => nc.jetstream().publish(`zester.job.cut.${kind}`, encode(payload));
  beforeAll(async () => {
    await putJob({ jid: "before", fn: "f", agoMs: HOUR, status: "failed", peels: ["web-1", "web-2"] });
    await putReturn("before", "web-1");
    await putReturn("before", "web-2", { success: false, error: "no" });
    const peels = ["web-1", "web-2", "web-3", "web-4", "web-5"];
    await putJob({ jid: "cut", fn: "f", agoMs: HOUR / 2, status: "canceled", peels });
    await putReturn("cut", "web-5", { success: false, error: "no" });
    // Marked unreachable before the cancel, which stopped it.
    await putReturn("cut", "web-4", { success: false, unreachable: true, error: "UNREACHABLE: x", duration: 0n });
    await event("cancel", { action: "cancel" });
    await event("return.web-4", { jid: "cut", peel_id: "web-4", success: false, error: "execution canceled" });
  });

  test("is neither ok nor failed nor missing", async () => {
    const all = await rows("--by", "peel");
    const words = (row: Record<string, unknown>) => [row.peel_id, row.last, row.jobs, row.failed, row.missing];
    expect(all.map(words)).toEqual([
      ["web-2", "failed", 2, 1, 0],
      ["web-5", "failed", 1, 1, 0],
      ["web-1", "ok", 2, 0, 0],
      ["web-3", "canceled", 1, 0, 0],
      ["web-4", "canceled", 1, 0, 0],
    ]);
    expect((await run("--by", "peel", "--check")).stderr).toBe("warning: --check fails: web-2 failed; web-5 failed.\n");
    const metrics = (await run("--by", "peel", "--format", "openmetrics")).stdout;
    expect(metrics.match(/^zester_peel_last_result.*$/gm)).toEqual([
      'zester_peel_last_result{peel="web-1",function="f"} 1',
      'zester_peel_last_result{peel="web-2",function="f"} 0',
      'zester_peel_last_result{peel="web-5",function="f"} 0',
    ]);
  });

  test.each([
    ["web-1", []],
    ["web-2", ["first failure"]],
    ["web-3", []],
    ["web-4", []],
    ["web-5", ["first failure"]],
  ])("history has the same judgement of %s", async (peel, failing) => {
    const { stdout } = await zester(["job", "history", peel], { env: env() });
    expect<readonly string[]>(stdout.match(/first failure/g) ?? []).toEqual(failing);
  });

  test("errors do not name it", async () => {
    const { stdout } = await zester(["job", "errors", "--format", "json"], { env: env() });
    expect(JSON.parse(stdout)).toMatchObject([{ state: "failed", error: "no", where: ["web-2", "web-5"] }]);
  });
});

describe("--check", () => {
  freshServer();
  const check = async (...args: string[]) => {
    const { stderr, code } = await run("--check", ...args);
    return [stderr.replace("warning: --check fails: ", ""), code];
  };
  /** A job of state.apply with its returns; undefined for a peel that did not return. */
  const put = async (minutes: number, status: string, peels: Record<string, boolean | undefined>, retryOf?: string) => {
    const jid = `${status}-${minutes}`;
    const fields = retryOf === undefined ? {} : { metadata: { retry_of: retryOf } };
    await putJob({ jid, fn: "f", agoMs: minutes * 60_000, status, peels: Object.keys(peels), fields });
    for (const [peel, success] of Object.entries(peels)) {
      const results = [{ name: "x", changed: false, ...(success ? {} : { error: "no" }) }];
      if (success !== undefined) await putReturn(jid, peel, { success, return_data: { results } });
    }
    return jid;
  };
  const FAILS = { jobs: ["f partial.\n", 2], results: ["x failed.\n", 2] };
  const OK = ["", 0];

  test("a retry counts only for its own peels", async () => {
    const bad = await put(60, "partial", { "web-1": true, "web-2": false, "web-3": false, "web-4": undefined });
    expect(await check()).toEqual(FAILS.jobs);
    await put(50, "complete", { "web-2": true }, bad);
    expect([await check(), await check("--by", "result")]).toEqual([FAILS.jobs, FAILS.results]);
    // One that was ok, and the one that did not return.
    await put(45, "complete", { "web-1": true, "web-4": true }, bad);
    expect([await check(), await check("--by", "result")]).toEqual([FAILS.jobs, FAILS.results]);
    await put(40, "complete", { "web-3": true }, bad);
    expect([await check(), await check("--by", "result")]).toEqual([OK, OK]);
    await put(35, "failed", { "web-3": false }, bad);
    expect([await check(), await check("--by", "result")]).toEqual([["f failed.\n", 2], FAILS.results]);
    await put(30, "complete", { "web-1": true });
    expect([await check(), await check("--by", "result")]).toEqual([OK, OK]);
  });

  test("jobs that were canceled or have not ended hide nothing", async () => {
    kv = await emptyBuckets(nc);
    await put(30, "timeout", { "web-1": undefined });
    await put(20, "canceled", { "web-1": undefined });
    await put(10, "running", { "web-1": undefined });
    expect(await check()).toEqual(["f timeout.\n", 2]);
    await put(5, "complete", { "web-1": true });
    await put(4, "canceled", { "web-1": undefined });
    expect(await check()).toEqual(OK);
  });
});

describe("schedules", () => {
  freshServer();

  test("the one that stopped", async () => {
    for (const peel of ["web-006", "web-007"])
      for (let i = 0; i < 8; i++) {
        const agoMs = (peel === "web-007" ? 3 * DAY : HOUR) + i * 4 * HOUR;
        await putRun(`${peel}-${i}`, "nightly", peel, agoMs, i === 0 && peel === "web-006" ? "failed" : "complete");
      }
    await putJob({ jid: "x", fn: "state.highstate", agoMs: HOUR });
    expect(onTerminal(200, ["--by", "schedule", "--no-color"])).toBe(
      `SCHEDULE  FUNCTION         PEELS  LAST    EVERY
nightly   state.highstate      2  1h ago     4h  web-007 overdue: last run 3d ago, usually every 4h; last run failed: web-006
`,
    );
    expect(await run("--by", "schedule", "--check")).toMatchObject({
      stderr: "warning: --check fails: nightly on web-006 failed; nightly on web-007 overdue.\n",
      code: 2,
    });
    const [schedule] = await rows("--by", "schedule");
    expect(schedule.peels.map((peel: Record<string, unknown>) => [peel.peel_id, peel.overdue, peel.failed])).toEqual([
      ["web-006", false, true],
      ["web-007", true, false],
    ]);
    expect((await run("--by", "schedule", "--target", "web-006", "--until", "2h", "--check")).code).toBe(0);
    expect((await run("--by", "schedule", "--format", "csv")).stdout.split("\n")[0]).toBe(
      "schedule,function,peel,last_run,interval,failed,overdue",
    );
    expect((await run("--by", "schedule", "--user", "nx")).stdout).toBe(
      "No runs of schedules match --user nx (of 17).\n",
    );
  });
});

describe("random jobs and returns, against an oracle that counts", () => {
  freshServer();

  test(`by function and by peel (seed ${SEED})`, async () => {
    const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
    const functions = ["state.apply", "pkg.installed", "cmd.run", "größe.x"];
    const peels = ["a", "b", "c_d", "e"];
    const states = ["complete", "failed", "partial", "timeout", "canceled", "running"];
    const count = draws(60, 600);
    const jobs: { jid: string; fn: string; status: string; took: bigint; peels: string[] }[] = [];
    const returned: { peel: string; at: number; ok: boolean; took: bigint; ended: boolean }[] = [];
    for (let i = 0; i < count; i++) {
      const job = {
        jid: `r${i}`,
        fn: pick(functions),
        status: pick(states),
        took: BigInt(Math.floor(random() * 1e11)),
        peels: peels.filter(() => random() < 0.6),
      };
      jobs.push(job);
      // Job i is newer than job i - 1.
      await putJob({ ...job, tookNs: job.took, agoMs: (count - i) * 60_000 });
      const answers = job.peels.filter(() => random() < 0.8);
      const list: Record<string, unknown>[] = [];
      for (const peel of answers) {
        const ok = random() < 0.7;
        const took = BigInt(Math.floor(random() * 1e10));
        returned.push({ peel, at: i, ok, took, ended: job.status !== "running" });
        const fields = { success: ok, ...(ok ? {} : { error: "no" }), duration: took };
        if (i % 7 === 0) list.push({ jid: job.jid, peel_id: peel, return_data: null, ...fields });
        else await putReturn(job.jid, peel, fields);
      }
      if (list.length > 0) await kv.returns.put(job.jid, encode(list));
    }
    const rank = (values: bigint[], percent: number) => {
      const sorted = [...values].sort((a, b) => (a < b ? -1 : 1));
      const at = sorted.find((_, i) => (i + 1) * 100 >= percent * sorted.length);
      return at === undefined ? null : Number(at);
    };
    const byFunction = functions.flatMap((fn) => {
      const own = jobs.filter((job) => job.fn === fn);
      const took = own.filter(({ status }) => ["complete", "failed"].includes(status)).map((job) => job.took);
      const failed = own.filter(({ status }) => ["failed", "partial", "timeout"].includes(status)).length;
      const numbers = { p50: rank(took, 50), p95: rank(took, 95), slowest: rank(took, 100) };
      return own.length === 0 ? [] : [{ function: fn, jobs: own.length, failed, ...numbers, last: own.at(-1)?.status }];
    });
    const shown = await rows();
    const byName = (a: { function: string }, b: { function: string }) => (a.function < b.function ? -1 : 1);
    expect(shown.map(({ trend, states, last_run, ...row }: Record<string, unknown>) => row).sort(byName)).toEqual(
      byFunction.sort(byName),
    );
    const peelRows = await rows("--by", "peel");
    for (const { trend, jobs: n, failed } of [...shown, ...peelRows]) {
      expect(trend.reduce((sum: number, part: { jobs: number }) => sum + part.jobs, 0)).toBe(n);
      expect(trend.reduce((sum: number, part: { failed: number }) => sum + part.failed, 0)).toBe(failed);
    }
    const byPeel = peels.flatMap((peel) => {
      const meant = jobs.flatMap((job, i) => (job.peels.includes(peel) ? [i] : []));
      const own = returned.filter((one) => one.peel === peel);
      const failedJob = (i: number) => ["failed", "partial", "timeout"].includes(jobs[i]?.status ?? "");
      const lacks = meant.filter((i) => failedJob(i) && !own.some(({ at }) => at === i));
      const newest = Math.max(...own.map(({ at }) => at), ...lacks);
      const state = lacks.includes(newest) ? "missing" : own.find(({ at }) => at === newest)?.ok ? "ok" : "failed";
      const took = own.map((one) => one.took);
      const failed = own.filter(({ ok }) => !ok).length + lacks.length;
      const numbers = { p50: rank(took, 50), p95: rank(took, 95), slowest: rank(took, 100) };
      return [{ peel_id: peel, jobs: meant.length, failed, missing: lacks.length, ...numbers, last: state }];
    });
    const byId = (a: { peel_id: string }, b: { peel_id: string }) => (a.peel_id < b.peel_id ? -1 : 1);
    expect(peelRows.map(({ trend, last_run, ...row }: Record<string, unknown>) => row).sort(byId)).toEqual(
      byPeel.sort(byId),
    );
  });
});

describe("by result", () => {
  freshServer();

  test("known data, on a terminal and piped", async () => {
    const motd = (fields: object) => ({ name: "file.managed:/etc/motd", changed: false, duration: SECOND, ...fields });
    const nginx = { name: "cmd.run:nginx -t", changed: true, duration: 2n * SECOND };
    const put = async (jid: string, agoMs: number, data: object, fields = {}) => {
      await putJob({ jid, fn: "state.apply", agoMs, peels: ["web-1"] });
      await putReturn(jid, "web-1", { return_data: data, ...fields });
    };
    await put("a", 3 * HOUR, { results: [motd({}), nginx] });
    await put("b", 2 * HOUR, { results: [motd({ error: "no space" }), nginx] }, { success: false });
    await put("c", HOUR, { results: [motd({ skipped: true, duration: 0n }), { ...nginx, changed: false }] });
    await put("d", HOUR / 2, { test: true, results: [motd({ changed: true }), motd({ error: "bad" })] });
    // What a peel returned that is no target, and what can't be decoded, count nowhere.
    await putReturn("a", "web-2", { return_data: { results: [nginx] } });
    await putJob({ jid: "e", fn: "test.ping", agoMs: HOUR, peels: ["web-1"] });
    await kv.returns.put("e.web-1", Uint8Array.of(0xc1));
    const { stdout, stderr } = await run("--by", "result", "--since", "2d");
    expect(stdout).toBe(
      `\
RESULT                  RUNS  CHANGED  FAILED   SKIPPED   P50   P95  SLOWEST  DRY RUNS           TREND (2 days)
file.managed:/etc/motd     3  0        1 (33%)        1  1.0s  1.0s     1.0s  2, 1 would change  ·█
cmd.run:nginx -t           3  2 (67%)  0              0  2.0s  2.0s     2.0s  -                  ·█              always changes
`,
    );
    expect(stderr).toBe("warning: 1 return cannot be decoded: their results are not counted.\n");
    expect(onTerminal(200, ["--by", "result", "--since", "2d", "--no-color"])).toBe(stdout + stderr);
    const narrow = onTerminal(60, ["--by", "result", "--since", "2d", "--no-color"]).split("\n");
    expect(narrow[2]).toBe("cmd.run:nginx -t         3  2 (67%)  0        always changes");
    expect((await run("--by", "result", "--function", "nx")).stdout).toBe(
      "No results of jobs match --function nx (of 5).\n",
    );
    const check = (...args: string[]) => run("--by", "result", "--check", ...args).then(({ code }) => code);
    expect([await check(), await check("--until", "90m")]).toEqual([0, 2]);
  });

  test("what a peel returned after it was given up counts, as the events have it", async () => {
    kv = await emptyBuckets(nc);
    await putJob({ jid: "g", fn: "state.apply", agoMs: HOUR, status: "failed", peels: ["web-1", "web-2"] });
    const gone = { success: false, unreachable: true, error: "UNREACHABLE: x", duration: 0n };
    for (const peel of ["web-1", "web-2"]) await putReturn("g", peel, gone);
    const return_data = { results: [{ name: "x", changed: true }] };
    const record = { jid: "g", peel_id: "web-1", success: true, return_data, duration: SECOND, timestamp: Time.now() };
    await nc.jetstream().publish("zester.job.g.return.web-1", encode(record));
    expect(await rows("--by", "result")).toMatchObject([{ result: "x", runs: 1, changed: 1 }]);
  });

  test(`random returns, against an oracle that counts (seed ${SEED})`, async () => {
    kv = await emptyBuckets(nc);
    const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
    const names = ["file.managed:/etc/motd", "pkg.installed:nginx", "größe", "=1+1", "", "a\nb"];
    const peels = ["a", "b", "c_d"];
    type One = { name: string; changed: boolean; error?: string; skipped?: boolean; duration?: bigint };
    const seen: (One & { dry: boolean; job: number })[] = [];
    const count = draws(40, 400);
    for (let job = 0; job < count; job++) {
      const jid = `r${job}`;
      await putJob({ jid, fn: "state.apply", agoMs: (count - job) * 60_000, peels });
      const list: Record<string, unknown>[] = [];
      for (const peel of peels) {
        if (random() < 0.2) continue;
        const dry = random() < 0.2;
        const results = Array.from({ length: Math.floor(random() * 5) }, (): One => {
          const kind = random();
          return {
            ...{ name: pick(names), changed: random() < 0.5 },
            ...(kind < 0.2 ? { error: "no" } : kind < 0.4 ? { skipped: true } : {}),
            ...(random() < 0.1 ? {} : { duration: BigInt(Math.floor(random() * 1e10)) }),
          };
        });
        seen.push(...results.map((one) => ({ ...one, dry, job })));
        const data = random() < 0.1 ? { results: null } : { ...(dry && { test: true }), results };
        if (data.results === null) seen.splice(seen.length - results.length);
        const fields = { return_data: data, success: true };
        if (job % 7 === 0) list.push({ jid, peel_id: peel, ...fields });
        else await putReturn(jid, peel, fields);
      }
      if (list.length > 0) await kv.returns.put(jid, encode(list));
    }
    const rank = (values: bigint[], percent: number) => {
      const sorted = [...values].sort((a, b) => (a < b ? -1 : 1));
      return sorted.length === 0 ? null : Number(sorted[Math.ceil((sorted.length * percent) / 100) - 1]);
    };
    const expected = [...Map.groupBy(seen, ({ name }) => name || "-")].map(([result, all]) => {
      const own = all.filter(({ dry }) => !dry);
      const failed = own.filter(({ error }) => error);
      const skipped = own.filter(({ error, skipped }) => !error && skipped);
      const changed = own.filter((one) => one.changed && !one.error && !one.skipped);
      const took = own.flatMap((one) => (skipped.includes(one) ? [] : (one.duration ?? [])));
      const newest = Math.max(...own.map(({ job }) => job));
      const dry = all.filter((one) => one.dry);
      return {
        ...{ result, runs: own.length, changed: changed.length, failed: failed.length, skipped: skipped.length },
        always_changes: changed.length > own.length / 2,
        dry_runs: dry.length,
        would_change: dry.filter((one) => one.changed && !one.error && !one.skipped).length,
        ...{ p50: rank(took, 50), p95: rank(took, 95), slowest: rank(took, 100) },
        last: own.length === 0 ? null : failed.some(({ job }) => job === newest) ? "failed" : "ok",
      };
    });
    type Row = (typeof expected)[number];
    const orders: Record<string, (row: Row) => (number | null)[]> = {
      failed: ({ failed, changed }) => [failed, changed],
      changed: ({ failed, changed }) => [changed, failed],
      time: ({ p95, slowest }) => [p95 ?? -1, slowest ?? -1],
      runs: ({ runs }) => [runs],
    };
    for (const [sort, keysOf] of Object.entries(orders)) {
      const compare = (a: Row, b: Row) => {
        const [x, y] = [keysOf(a), keysOf(b)] as [number[], number[]];
        const at = x.findIndex((key, i) => key !== y[i]);
        return at < 0 ? (a.result < b.result ? -1 : 1) : (y[at] as number) - (x[at] as number);
      };
      const shown = await rows("--by", "result", "--sort", sort);
      expect(shown.map(({ trend, last_run, ...row }: Record<string, unknown>) => row)).toEqual(expected.sort(compare));
      for (const { trend, runs, failed } of shown) {
        expect(trend.reduce((sum: number, part: { runs: number }) => sum + part.runs, 0)).toBe(runs);
        expect(trend.reduce((sum: number, part: { failed: number }) => sum + part.failed, 0)).toBe(failed);
      }
    }
    const shown = await rows("--by", "result");
    const csv = (await run("--by", "result", "--format", "csv")).stdout.split("\n");
    expect(csv[0]).toBe(
      "result,runs,changed,failed,skipped,always_changes,dry_runs,would_change,p50,p95,slowest,last,last_run",
    );
    expect(csv.length).toBe(shown.length + 2);
    const lines = (await run("--by", "result", "--format", "jsonl")).stdout.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).result)).toEqual(shown.map(({ result }: Row) => result));
  });

  test("more names than can be counted are an error that says how to narrow", async () => {
    kv = await emptyBuckets(nc);
    await putJob({ jid: "many", fn: "state.apply", agoMs: HOUR, peels: ["a", "b"] });
    const results = (n: number, from = 0) => Array.from({ length: n }, (_, i) => ({ name: `n${from + i}` }));
    await putReturn("many", "a", { return_data: { results: results(20_000) } });
    const { stdout, code } = await run("--by", "result", "--format", "jsonl");
    expect([stdout.trim().split("\n").length, code]).toEqual([20_000, 0]);
    await putReturn("many", "b", { return_data: { results: results(1, 20_000) } });
    const tooMany = await run("--by", "result");
    expect([tooMany.stdout, tooMany.stderr, tooMany.code]).toEqual([
      "",
      `error: too many different results: more than 20,000.
Select fewer jobs with --function, --target or a shorter --since.
`,
      1,
    ]);
  });
});

describe("metrics", () => {
  freshServer();
  const own = resolve(import.meta.dir, "../../node_modules/.cache/promtool");
  const promtool = existsSync(own) ? own : "promtool";

  async function check(text: string): Promise<string> {
    const child = Bun.spawn([promtool, "check", "metrics"], {
      stdin: new Blob([text]),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return `${await child.exited}${out}${err}`;
  }

  test("promtool accepts them, hostile names among them, and their values are those of json", async () => {
    const hostile = 'a"b\\c\nd\x1b[31m\u202e{x="1"}';
    await putJob({ jid: "j1", fn: "state.apply", agoMs: HOUR, tookNs: 1_500_000_001n, peels: ["web-1", "db_eu_1"] });
    await putReturn("j1", "web-1");
    await putReturn("j1", "db_eu_1", { success: false, error: "no" });
    await putJob({ jid: "j2", fn: hostile, agoMs: HOUR, status: "failed" });
    const deadline = new Time(BigInt(Date.now() - HOUR) * 1_000_000n);
    await putJob({ jid: "j3", fn: "cmd.run", agoMs: 2 * HOUR, status: "running", fields: { deadline } });
    for (let i = 0; i < 4; i++) await putRun(`s${i}`, "nightly", "web-1", (10 + i) * HOUR);
    await kv.jobs.put("broken", Uint8Array.of(0xc1));
    const { stdout, stderr, code } = await run("--format", "openmetrics");
    expect(await check(stdout)).toBe("0");
    expect(stderr).toContain("1 job cannot be decoded");
    expect(code).toBe(0);
    expect(stdout).not.toMatch(/[\x1b\u202e]/);
    const lines = stdout.split("\n");
    for (const line of [
      'zester_stats_jobs{function="state.apply",state="complete"} 1',
      'zester_stats_job_duration_seconds{function="state.apply",quantile="0.5"} 1.500000001',
      'zester_stats_job_duration_seconds_count{function="state.apply"} 1',
      'zester_peel_last_result{peel="db.eu.1",function="state.apply"} 0',
      'zester_peel_last_result{peel="web-1",function="state.apply"} 1',
      'zester_schedule_overdue{entry="nightly",peel="web-1"} 1',
      "zester_stats_jobs_active 1",
      "zester_stats_jobs_overdue 1",
    ])
      expect(lines).toContain(line);
    for (const [by, family] of [
      ["function", "zester_stats_jobs"],
      ["peel", "zester_peel_last_result"],
      ["schedule", "zester_schedule_overdue"],
    ] as const) {
      const some = (await run("--by", by, "--format", "openmetrics")).stdout;
      expect(some.match(/^# TYPE \w+/gm)?.[0]).toBe(`# TYPE ${family}`);
      expect(await check(some)).toBe("0");
    }
  });

  /** What masters export themselves. */
  const MASTERS = `# HELP zester_jobs_total Jobs that ended.
# TYPE zester_jobs_total counter
zester_jobs_total{status="complete"} 3
# HELP zester_job_active Jobs that are being watched.
# TYPE zester_job_active gauge
zester_job_active 1
# HELP zester_job_duration_seconds How long jobs took.
# TYPE zester_job_duration_seconds histogram
zester_job_duration_seconds_bucket{function="state.apply",le="1"} 1
zester_job_duration_seconds_bucket{function="state.apply",le="+Inf"} 3
zester_job_duration_seconds_sum{function="state.apply"} 9
zester_job_duration_seconds_count{function="state.apply"} 3
`;

  test("no name is one of the masters' own: both can be scraped into one place", async () => {
    await putJob({ jid: "j1", fn: "state.apply", agoMs: HOUR, tookNs: 1_500_000_001n, peels: ["web-1"] });
    await putReturn("j1", "web-1");
    for (let i = 0; i < 4; i++) await putRun(`s${i}`, "nightly", "web-1", (10 + i) * HOUR);
    const { stdout } = await run("--format", "openmetrics");
    expect(await check(stdout + MASTERS)).toBe("0");
    // OpenMetrics names a counter's family without `_total`.
    const families = (text: string) => [...text.matchAll(/^# TYPE (\w+?)(?:_total)? /gm)].map(([, name]) => name);
    expect(families(stdout)).toHaveLength(7);
    for (const name of families(MASTERS)) expect(families(stdout)).not.toContain(name);
  });

  test("too many series are an error that says how to narrow", async () => {
    const peels = Array.from({ length: 5001 }, (_, i) => `p-${i}`);
    await putJob({ jid: "wide", fn: "test.ping", agoMs: HOUR, status: "timeout", peels });
    const { stdout, stderr, code } = await run("--format", "openmetrics");
    expect([stdout, code]).toEqual(["", 1]);
    expect(stderr).toMatch(/^error: too many series: 10,\d{3} \(at most 10,000\)\.\nUse --by /m);
    expect(await check((await run("--format", "openmetrics", "--by", "function")).stdout)).toBe("0");
  });
});
