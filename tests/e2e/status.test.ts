// `job status`: what is wrong, worst first, as text, JSON and metrics; what it costs; and what it says without heartbeats.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { connect as dial } from "node:net";
import { resolve } from "node:path";
import type { KV, NatsConnection } from "nats";
import {
  attempt,
  createBuckets,
  encode,
  jobRecord,
  type Server,
  startServer,
  Time,
  zester,
} from "../support/harness.ts";
import { listen } from "../support/relay.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NO_HEARTBEATS = ["master", "peel"].flatMap((who) =>
  ["*.*.KV", "*.*.*.KV"].flatMap((call) => [
    `"$JS.API.${call}_${who}-heartbeat"`,
    `"$JS.API.${call}_${who}-heartbeat.>"`,
  ]),
);

let server: Server;
let nc: NatsConnection;
let jobs: KV;
let returns: KV;
let masters: KV;
let peels: KV;
beforeAll(async () => {
  server = await startServer(`authorization { users: [
    { user: root, password: root }
    { user: blind, password: blind, permissions: { publish: { deny: [${NO_HEARTBEATS.join(", ")}] } } }
  ] }`);
  nc = await server.connect({ user: "root", pass: "root" });
  ({ jobs, returns } = await createBuckets(nc));
  masters = await nc.jetstream().views.kv("master-heartbeat", { history: 1 });
  peels = await nc.jetstream().views.kv("peel-heartbeat", { history: 1 });
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

const as = (user: string, port = server.port) => ({ NATS_URL: `nats://${user}:${user}@127.0.0.1:${port}` });
const run = (...args: string[]) => zester(["job", ...args], { env: as("root") });
const status = (...args: string[]) => run("status", ...args);
const document = async (...args: string[]) => JSON.parse((await status(...args, "--format", "json")).stdout);

const at = (agoMs: number) => new Time(BigInt(Date.now() - agoMs) * 1_000_000n);
const put = (jid: string, agoMs: number, fields: Record<string, unknown>) =>
  jobs.put(jid, encode(jobRecord(jid, { owner: "m1", created: at(agoMs), updated: at(agoMs), ...fields })));
/** A run by a peel's own schedule. */
const putRun = (jid: string, peel: string, agoMs: number) =>
  put(jid, agoMs, { owner: undefined, targets: [peel], metadata: { source: "schedule", schedule: "nightly" } });
const putReturn = (jid: string, peel: string, fields: object) =>
  returns.put(`${jid}.${peel}`, encode({ jid, peel_id: peel, return_data: null, duration: 1n, ...fields }));
const beat = (id: string, active_jobs: string[]) =>
  masters.put(id, encode({ master_id: id, active_jobs, timestamp: Time.now() }));

const own = resolve(import.meta.dir, "../../node_modules/.cache/promtool");
function promtool(text: string): string {
  const tool = existsSync(own) ? own : "promtool";
  const { exitCode, stdout, stderr } = Bun.spawnSync([tool, "check", "metrics"], { stdin: Buffer.from(text) });
  return `${exitCode}${stdout}${stderr}`;
}

test("no master and no peel is alive: both are said, and nothing else", async () => {
  expect(await status("--check")).toEqual({
    stdout: "masters   none alive  zester config check\n",
    stderr: "",
    code: 2,
  });
});

test("all well is one line, with what is active", async () => {
  await beat("m1", ["runs"]);
  await beat("m2", []);
  for (const peel of ["web-1", "web-2", "db_eu_1"]) await peels.put(peel, "x");
  await put("good", 5 * MINUTE, { targets: ["web-1", "web-2"], return_count: 2, success_count: 2 });
  await put("runs", 4 * MINUTE, { targets: ["db_eu_1"], status: "running", deadline: at(-HOUR), updated: Time.now() });
  const stdout = "No problems: 2 masters and 3 peels alive; 1 active job; 0 of 2 jobs in 1h failed\n";
  expect(await status("--check")).toEqual({ stdout, stderr: "", code: 0 });
  expect((await status("--since", "1m")).stdout).toEndWith("; 1 active job; 0 jobs in 1m\n");
  expect(await document()).toMatchObject({
    trouble: [],
    masters: { alive: 2, gone: [] },
    active: { jobs: 1, returned: 0, targeted: 1 },
    stuck: [],
    failed: { jobs: 0, of: 2, errors: [], unreachable: [], missing: [] },
    overdue: [],
    peels: { targeted: 3, silent: [] },
    unknown: null,
  });
});

/** Everything that can be wrong. */
async function breakAll(): Promise<void> {
  const late = { status: "running", targets: ["web-1"], function: "cmd.run", target_expr: "web*" };
  await put("3MkwIpA", 10 * MINUTE, { ...late, owner: "m3", deadline: at(-HOUR), args: { command: "rebuild" } });
  for (let i = 0; i < 4; i++) await put(`late-${i}`, 9 * MINUTE, { ...late, owner: "m3", deadline: at(3 * MINUTE) });
  await putReturn("late-1", "web-1", { success: true });
  // Its peel failed, but the job has not.
  await putReturn("late-2", "web-1", { success: false, error: "no" });
  await put("bad", 30 * MINUTE, { targets: ["db-01", "db-02", "db-03"], status: "failed" });
  for (const [peel, number] of [
    ["db-01", 17],
    ["db-02", 4],
  ] as const)
    await putReturn("bad", peel, { success: false, error: `could not get lock, held by process ${number}` });
  await putReturn("bad", "db-03", {
    success: false,
    error: "UNREACHABLE: no heartbeat at dispatch",
    unreachable: true,
  });
  const ack = { jid: "bad", peel_id: "db-03", timestamp: at(30 * MINUTE) };
  await nc.jetstream().publish("zester.job.bad.ack.db-03", encode(ack));
  await put("old", 3 * HOUR, { targets: ["db-01"], status: "failed" });
  await putReturn("old", "db-01", { success: false, error: "other" });
  for (const peel of ["db-01", "db-02"]) await peels.put(peel, "x");
  for (const peel of ["web-1", "web-2"])
    for (let i = 0; i < 4; i++)
      await putRun(`n-${peel}-${i}`, peel, (peel === "web-1" ? 3 * DAY : HOUR) + i * 4 * HOUR);
}

test("worst first, each line with the command that leads on", async () => {
  await breakAll();
  const { stdout, stderr, code } = await status("--check");
  const lines = stdout.split("\n").map((line) => line.split(/ {2,}/));
  expect([stderr, code]).toEqual(["", 2]);
  expect(lines).toEqual([
    ["masters", "2 alive; m3 gone, owns 5 jobs", "zester job active"],
    ["stuck", "3MkwIpA cmd.run rebuild on web*: no heartbeat from its master m3", "zester job trace 3MkwIpA"],
    ...[0, 1].map((i) => [
      "stuck",
      `late-${i} cmd.run on web*: 3m overdue; no heartbeat from its master m3`,
      `zester job trace late-${i}`,
    ]),
    ["stuck", "2 more", "zester job active --wide"],
    [
      "failed",
      expect.stringMatching(
        /^1 failed of 8 jobs in 1h; 2 peels: could not get lock, held by process \d+ \(db-\[01-02\]\); 1 peel unreachable \(db-03\)$/,
      ),
      "zester job errors --since 1h",
    ],
    ["overdue", "schedule nightly on web-1: last run 3d ago", "zester job stats --by schedule"],
    ["peels", "5 of 6 alive (targeted in 24h); silent: db-03", "zester job history db-03"],
    ["active", "6 jobs, 2/6 returned; oldest 10m", "zester job watch"],
    [""],
  ]);
  const wide = await status("--since", "4 hours ago");
  expect(wide.stdout).toContain("2 failed of 10 jobs in 4h; 2 peels: could not get lock");
  expect(wide.stdout).toContain(
    "; 1 other error; 1 peel unreachable (db-03)  zester job errors --since '4 hours ago'\n",
  );
  await put("odd", DAY, { targets: [], status: "error" });
  expect((await status()).stderr).toMatch(/^warning: job odd: state "error" is unknown: [^\n]+\n$/);
  await jobs.delete("odd");
  // The commands lead to the same.
  expect((await run("errors", "--since", "1h")).stdout).toMatch(/^PEELS.*\n +2 +1 .*could not get lock/);
});

test("json and metrics have the same numbers; promtool accepts them, beside those of stats", async () => {
  const found = await document();
  expect(found).toMatchObject({
    trouble: ["masters", "stuck", "failed", "overdue", "peels"],
    masters: { alive: 2, gone: [{ master: "m3", jobs: 5, heard: null }] },
    failed: { jobs: 1, of: 8, errors: [{ jobs: 1, where: ["db-01", "db-02"] }], unreachable: ["db-03"] },
    overdue: [{ schedule: "nightly", peel_id: "web-1" }],
    peels: { targeted: 6, silent: ["db-03"] },
  });
  expect(found.stuck.map(({ jid }: { jid: string }) => jid)).toEqual([
    "3MkwIpA",
    "late-0",
    "late-1",
    "late-2",
    "late-3",
  ]);
  const { stdout, code } = await status("--format", "openmetrics", "--check");
  const numbers = stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect([code, numbers]).toEqual([
    2,
    [
      "trouble 1",
      "masters_alive 2",
      "masters_gone 1",
      "jobs_active 6",
      "jobs_stuck 5",
      "jobs_recent 8",
      "jobs_failed 1",
      "schedules_overdue 1",
      "peels_targeted 6",
      "peels_silent 1",
    ].map((number) => `zester_status_${number}`),
  ]);
  expect(promtool(stdout + (await run("stats", "--format", "openmetrics")).stdout)).toBe("0");
});

test("on a terminal no line is cut, and a narrow one leaves the commands out", async () => {
  for (const columns of [100, 80, 40]) {
    const command = `stty cols ${columns}; dist/zester job status --no-color`;
    const env = { ...process.env, ...as("root"), TERM: "xterm" };
    const shown = Bun.spawnSync(["script", "-qec", command, "/dev/null"], {
      env,
      cwd: resolve(import.meta.dir, "../.."),
    });
    const lines = shown.stdout.toString().replaceAll("\r", "").split("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(lines.some((line) => line.includes("zester job trace late-0"))).toBe(columns > 40);
    if (columns === 40) expect(lines.join(" ").replaceAll(/ +/g, " ")).toContain("web-1: last run 3d ago");
  }
});

test("fewer than six round trips more than list, with failed and unreachable peels among the jobs", async () => {
  const rounds = async (command: string) => {
    let passed = 0;
    // What the client sends waits until nothing is on the way, and then goes through at once: a round trip.
    const relay = await listen((client) => {
      const upstream = dial(server.port, "127.0.0.1").on("error", () => {});
      const held: Buffer[] = [];
      let timer: ReturnType<typeof setTimeout>;
      const pass = () => {
        if (held.length === 0) return;
        passed++;
        upstream.write(Buffer.concat(held.splice(0)));
      };
      const wait = () => {
        clearTimeout(timer);
        timer = setTimeout(pass, 30);
      };
      client.on("data", (chunk: Buffer) => {
        held.push(chunk);
        wait();
      });
      upstream.on("data", (chunk) => {
        client.write(chunk);
        wait();
      });
    });
    const { code } = await zester(["job", command], { env: as("root", Number(new URL(relay.url).port)) });
    relay.stop();
    expect(code).toBe(0);
    return passed;
  };
  await attempt(async () => expect((await rounds("status")) - (await rounds("list"))).toBeLessThan(6), 3);
});

test("without a permission for heartbeats the lines that need them say so once", async () => {
  const { stdout, stderr, code } = await zester(["job", "status", "--check"], { env: as("blind") });
  const lines = stdout.split("\n").map((line) => line.split(/ {2,}/));
  expect(lines.map(([name]) => name)).toEqual([
    "stuck",
    "stuck",
    "stuck",
    "stuck",
    "failed",
    "overdue",
    "unknown",
    "active",
    "",
  ]);
  expect([stderr, code, stdout.match(/no permission/g)?.length]).toEqual(["", 2, 1]);
  expect(lines[6]).toEqual([
    "unknown",
    expect.stringMatching(
      /^cannot tell which masters and peels are alive: no permission to publish on \$JS\.API\..*-heartbeat/,
    ),
    "zester config check",
  ]);
  const metrics = await zester(["job", "status", "--format", "openmetrics"], { env: as("blind") });
  expect(metrics.stdout).not.toMatch(/masters_alive|peels_/);
  expect(promtool(metrics.stdout)).toBe("0");
});
