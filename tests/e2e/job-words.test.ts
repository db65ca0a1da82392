// @last, @last-bad and @last~2 in place of a job id.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { KV, NatsConnection } from "nats";
import {
  createBuckets,
  encode,
  jobRecord,
  Running,
  type Server,
  startServer,
  Time,
  zester,
} from "../support/harness.ts";

let server: Server;
let nc: NatsConnection;
let jobs: KV;
const run = (...args: string[]) => zester(["job", ...args], { env: { NATS_URL: server.url } });

/** Written in another order than they were created. */
const JOBS: [jid: string, minutes: number, fields: Record<string, unknown>][] = [
  ["newest", 4, { function: "state.apply", args: { state: "nginx" }, user: "ops", target_expr: "web*" }],
  ["oldest", 60, { function: "cmd.run", status: "failed", user: "root" }],
  ["bad", 30, { function: "pkg.installed", status: "partial", user: "ops", target_expr: "db*" }],
  ["middle", 20, { function: "cmd.run", user: "ci", targets: ["db_eu_example"] }],
];

beforeAll(async () => {
  server = await startServer();
  nc = await server.connect();
  ({ jobs } = await createBuckets(nc));
  for (const [jid, minutes, fields] of JOBS) {
    const created = new Time(BigInt(Date.now() - minutes * 60_000) * 1_000_000n);
    await jobs.put(jid, encode(jobRecord(jid, { created, updated: created, owner: "m1", ...fields })));
  }
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

test.each([
  ["@last", "newest"],
  ["@last~0", "newest"],
  ["@last~1", "middle"],
  ["@last~3", "oldest"],
  ["@last-bad", "bad"],
  ["@last-bad~1", "oldest"],
])("show %s is %s", async (word, jid) => {
  const { stdout, stderr, code } = await run("show", word, "--format", "json");
  expect(JSON.parse(stdout).job.jid).toBe(jid);
  expect(stderr).toStartWith(`note: ${word} is ${jid} (`);
  expect(code).toBe(0);
});

test("the note says what the job is", async () => {
  const { stderr } = await run("show", "@last", "--summary");
  expect(stderr.split("\n")[0]).toMatch(/^note: @last is newest \(state\.apply nginx, 4m(\d+s)? ago, by ops\)$/);
});

test("a job that can't be decoded may be the newest: that is said", async () => {
  await jobs.put("broken", Uint8Array.of(0xc1));
  for (const [word, jid] of [
    ["@last", "newest"],
    ["@last-bad", "bad"],
  ]) {
    const { stdout, stderr, code } = await run("show", word as string, "--format", "json");
    expect(JSON.parse(stdout).job.jid).toBe(jid);
    expect(stderr).toStartWith(`note: ${word} is ${jid} (`);
    expect(stderr).toContain(`\nwarning: ${word} may be another job: 1 job cannot be decoded: broken: `);
    expect(code).toBe(0);
  }
  await jobs.delete("broken");
});

test.each([
  ["trace", "@last-bad"],
  ["wait", "@last-bad"],
  ["watch", "@last-bad"],
])("%s %s", async (command, word) => {
  const { stdout, stderr } = await run(command, word);
  expect(stdout).toContain("bad");
  expect(stderr).toContain(`note: ${word} is bad (pkg.installed, `);
});

test.each([
  [["--user", "c*"], "middle"],
  [["--function", "pkg.*"], "bad"],
  [["--target", "db.eu.*"], "middle"],
  [["--target", "db*", "--user", "ops"], "bad"],
])("watch @last %j", async (flags, jid) => {
  const { stderr, code } = await run("watch", "@last", ...flags);
  expect(stderr).toStartWith(`note: @last is ${jid} (`);
  expect(code).not.toBe(1);
});

test("kill asks, however it goes on", async () => {
  await jobs.put("runs", encode(jobRecord("runs", { status: "running", created: Time.now(), owner: "m1" })));
  const cancels: string[] = [];
  const sub = nc.subscribe("zester.job.*.cancel", { callback: (_, msg) => void cancels.push(msg.subject) });
  await nc.flush();
  const unasked = await run("kill", "@last");
  expect(unasked).toEqual({
    stdout: "",
    stderr: expect.stringMatching(/^note: @last is runs [\s\S]*without confirmation\. No signal was sent\./),
    code: 1,
  });
  const asked = new Running(
    ["job", "kill", "@last", "--function", "test.*"],
    { NATS_URL: server.url },
    { cols: 120, rows: 20 },
  );
  await asked.until("Cancel test.ping");
  asked.type("n\r");
  expect(await asked.ended()).toBe(1);
  await nc.flush();
  expect(cancels).toEqual([]);
  expect((await run("kill", "@last", "--yes")).stdout).toBe("Cancel signal sent for job runs\n");
  await nc.flush();
  expect(cancels).toEqual(["zester.job.runs.cancel"]);
  // What has ended is refused, as by its id.
  expect((await run("kill", "@last-bad", "--yes")).stderr).toContain("bad");
  sub.unsubscribe();
  await jobs.delete("runs");
});

test.each([
  [["show", "@last~9"], 'error: no job "@last~9": 4 jobs in all.'],
  [["watch", "@last-bad", "--user", "nx"], 'error: no job "@last-bad": 0 of 4 jobs ended badly and match --user nx.'],
  [["show", "@lst"], 'error: no job "@lst". Did you mean @last?'],
  [["kill", "@last", "--since", "1h"], "error: @last and --since cannot be used together."],
  [["kill", "@last", "newest", "--user", "ops"], "error: <jid> and --user cannot be used together."],
  [["kill", "@last", "--force"], "error: --force and @last cannot be used together."],
  [["kill", "@las"], 'error: no job "@las". Did you mean @last?'],
  [["kill", "@las", "--force"], 'error: no job "@las". Did you mean @last?'],
])("%j", async (args, error) => {
  const { stderr, code } = await run(...args);
  expect(stderr.split("\n")[0]).toBe(error);
  expect(code).toBe(1);
});

test("a forced signal goes to what looks like such a word only when a job has that id", async () => {
  const cancels: string[] = [];
  const sub = nc.subscribe("zester.job.*.cancel", { callback: (_, message) => void cancels.push(message.subject) });
  await nc.flush();
  await run("kill", "@odd", "--force");
  await nc.jetstream().publish("$KV.jobs.@odd", encode(jobRecord("@odd", { status: "failed" })));
  const { stdout, code } = await run("kill", "@odd", "--force");
  expect([stdout, code]).toEqual(["Cancel signal sent for job @odd\n", 0]);
  await nc.flush();
  expect(cancels).toEqual(["zester.job.@odd.cancel"]);
  sub.unsubscribe();
  await (await nc.jetstreamManager()).streams.purge("KV_jobs", { filter: "$KV.jobs.@odd" });
});

test("a job that has such an id wins", async () => {
  await nc.jetstream().publish("$KV.jobs.@last", encode(jobRecord("@last", { function: "test.odd" })));
  const { stdout, stderr } = await run("show", "@last", "--format", "json");
  expect(JSON.parse(stdout).job.function).toBe("test.odd");
  expect(stderr).toBe("");
  expect((await run("watch", "@last", "--user", "ops")).stderr).toContain(
    "job @last and --user cannot be used together.",
  );
  expect(JSON.parse((await run("show", "@last~1", "--format", "json")).stdout).job.jid).toBe("middle");
});
