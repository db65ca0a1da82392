// `job show`: where a job and its returns are stored, and what is missing of them.
import { afterAll, expect, test } from "bun:test";
import { consumersLeft, encode, jobRecord, Time, ZESTER } from "../support/harness.ts";
import { serveBuckets } from "../support/serve.ts";

const { nc, jobs, returns, run, stop } = await serveBuckets();
afterAll(stop);

test("both layouts; on the same peel the per-peel key wins", async () => {
  const item = (peel_id: string, fields = {}) => ({
    jid: "j",
    peel_id,
    success: true,
    return_data: null,
    duration: 12_300_000_000n,
    timestamp: Time.now(),
    ...fields,
  });
  await jobs.put("j", encode(jobRecord("j", { targets: ["db-01", "db-02", "db_eu", "web_x"] })));
  await returns.put("j", encode([item("db-02"), item("db-01"), item("db_eu", { success: true, error: "boom" })]));
  await returns.put("j.db-01", encode(item("db-01", { success: false, duration: 63_500_000_000n })));
  await returns.put("j.web_x", Uint8Array.from([0xc1]));
  const { stdout, stderr } = await run("job", "show", "j");
  expect(stdout).toEndWith(`
Returns:
PEEL      SUCCESS  DURATION  ERROR
db-01     false    1m3s
db-02     true     12s
db.eu     false    12s       boom
web.x     -        -         cannot be decoded: not MessagePack or JSON: it has the byte 0xc1
`);
  expect(stderr).toStartWith("warning: the return of web.x cannot be decoded");
  expect(await consumersLeft(nc)).toBe(0);
});

test("on a terminal, a line names the peels without a return", async () => {
  await jobs.put("silent", encode(jobRecord("silent", { targets: ["db-01", "web-01", "web-02"] })));
  await returns.put("silent.db-01", encode({ jid: "silent", peel_id: "db-01", success: true }));
  const onTerminal = (...args: string[]) => {
    const env = { ...process.env, NATS_URL: `nats://127.0.0.1:${nc.info?.port}` };
    const command = `"${ZESTER}" job show ${args.join(" ")} --no-color`;
    return Bun.spawnSync(["script", "-qec", command, "/dev/null"], { env }).stdout.toString().replaceAll("\r", "");
  };
  const line = "No stored return from 2 peels: web-[01-02]. See --summary.\n";
  expect(onTerminal("silent")).toEndWith(`\ndb-01     true     -\n${line}`);
  expect(onTerminal("silent", "--summary")).not.toContain("No stored");
  expect((await run("job", "show", "silent")).stderr).toBe("");
});

test("a job without returns is its JSON alone", async () => {
  await jobs.put("lonely", encode(jobRecord("lonely", { more: { nested: [1, [2]] } })));
  const { stdout } = await run("job", "show", "lonely");
  expect(stdout).not.toContain("Returns:");
  expect(JSON.parse(stdout).more).toEqual({ nested: [1, [2]] });
});

test("unknown job", async () => {
  const { stdout, stderr, code } = await run("job", "show", "nosuch");
  expect([stdout, code]).toEqual(["", 1]);
  expect(stderr).toBe('error: no job "nosuch".\nJobs are kept for 7 days. `zester job list` shows them.\n');
});

test("a deleted job is not found", async () => {
  await jobs.put("deleted", encode(jobRecord("deleted")));
  await jobs.delete("deleted");
  expect((await run("job", "show", "deleted")).stderr).toContain('no job "deleted"');
});

test("without the bucket of returns the job is shown, with a warning", async () => {
  await (await nc.jetstreamManager()).streams.delete("KV_job-returns");
  const { stdout, stderr, code } = await run("job", "show", "lonely");
  expect(JSON.parse(stdout).jid).toBe("lonely");
  expect(stderr).toContain('no bucket "job-returns"');
  expect(code).toBe(0);
});

test("a bucket without direct access", async () => {
  const jsm = await nc.jetstreamManager();
  await jsm.streams.update("KV_jobs", { allow_direct: false });
  expect(JSON.parse((await run("job", "show", "lonely")).stdout).jid).toBe("lonely");
  expect((await run("job", "show", "nosuch")).stderr).toContain('no job "nosuch"');
  expect(await consumersLeft(nc)).toBe(0);
});
