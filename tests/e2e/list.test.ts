// `job list` and `job active` on buckets that hold more than sound jobs, and that change.

import { afterAll, expect, test } from "bun:test";
import { consumersLeft, encode, jobRecord, run as runAny, Time, ZESTER } from "../support/harness.ts";
import { draws } from "../support/length.ts";
import { startSlowLink } from "../support/proxy.ts";
import { serveBuckets } from "../support/serve.ts";

const { server, nc, jobs, run, fresh, stop } = await serveBuckets();
afterAll(stop);

test("the newest message is a tombstone, and the index is no job", async () => {
  await jobs.put("j-running", encode(jobRecord("j-running", { status: "running" })));
  await jobs.put("active.j-running", encode({ owner: "m", updated: Time.now() }));
  await jobs.put("j-gone", encode(jobRecord("j-gone")));
  await jobs.delete("j-gone");
  await jobs.put("active.j-done", encode({ owner: "m", updated: Time.now() }));
  await jobs.delete("active.j-done");
  expect((await run("job", "list")).stdout.split("\n").slice(1)).toEqual([
    "j-running             test.ping     [web-01]  running",
    "",
  ]);
  expect((await run("job", "active")).stdout).toContain("j-running");
  await jobs.purge("j-running");
  expect((await run("job", "list")).stdout).toBe("No jobs found.\n");
  expect((await run("job", "active")).stdout).toBe("No active jobs.\n");
});

test("an undecodable value is a row and a warning, and hides nothing", async () => {
  await fresh();
  await jobs.put("bad", Uint8Array.from([0xc1, 1, 2]));
  await jobs.put("cut", encode(jobRecord("cut")).slice(0, 40));
  await jobs.put("text", Buffer.from("hello"));
  await jobs.put("good", encode(jobRecord("good")));
  await jobs.put(
    "byhand",
    '{"function":"cmd.run","target_expr":"x*","status":"failed","created":"2027-01-01T00:00:00+02:00"}',
  );
  const { stdout, stderr, code } = await run("job", "list");
  expect(stdout).toBe(`JID                   FUNCTION      TARGET    STATE
bad                   -             -         unreadable
cut                   -             -         unreadable
text                  -             -         unreadable
good                  test.ping     [web-01]  complete
byhand                cmd.run       x*        failed
`);
  expect(stderr).toStartWith("warning: 3 jobs cannot be decoded: ");
  expect(stderr).toContain("cut: ");
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(code).toBe(0);
  const shown = await run("job", "show", "text");
  expect(shown.stderr).toContain("(5 bytes)");
  expect([shown.stdout, shown.code]).toEqual(["", 1]);
  expect(JSON.parse((await run("job", "list", "--format", "json")).stdout)).toHaveLength(5);
});

test("claimed jobs are counted on stderr", async () => {
  await fresh();
  for (const jid of ["c1", "c2"]) await jobs.put(jid, encode(jobRecord(jid, { status: "claimed" })));
  const { stdout, stderr } = await run("job", "active");
  expect(stdout).toBe("No active jobs.\n");
  expect(stderr).toStartWith("warning: 2 jobs claimed");
});

test("hostile fields", async () => {
  await fresh();
  await jobs.put(
    "h1",
    encode(jobRecord("h1", { function: "\x1b]52;c;aGk=\x07", target_expr: "a\nb\u202e", status: "\x9b31m" })),
  );
  await jobs.put(
    "h2",
    encode(jobRecord("h2", { function: 7, targets: "no list", status: null, created: "soon", target_expr: {} })),
  );
  const { stdout, stderr, code } = await run("job", "list", "--force-color");
  expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202e]/);
  expect(stdout.replace(/\x1b\[[\d;]+m/g, "")).not.toContain("\x1b");
  expect(stdout).toContain("h2                    -");
  expect([stderr, code]).toEqual(["", 0]);
});

test("thousands of jobs, each once, none lost, and no consumer left", async () => {
  await fresh();
  const js = nc.jetstream();
  const total = 5000;
  for (let i = 0; i < total; i += 500) {
    const batch = Array.from({ length: 500 }, (_, n) => i + n);
    for (const status of ["running", "complete"])
      await Promise.all(
        batch.map((n) =>
          js.publish(`$KV.jobs.job-${n}`, encode(jobRecord(`job-${n}`, { status, args: { text: "x".repeat(500) } }))),
        ),
      );
  }
  const { stdout } = await run("job", "list");
  const rows = stdout.trimEnd().split("\n").slice(1);
  expect(new Set(rows.map((line) => line.split(" ")[0])).size).toBe(total);
  expect(rows).toHaveLength(total);
  expect(rows.every((line) => line.endsWith("complete"))).toBe(true);
  expect(await consumersLeft(nc)).toBe(0);
});

test("a bucket that changes all the time: every job, each once, again and again", async () => {
  await fresh();
  const total = 2000;
  const put = (n: number, status: string) => nc.publish(`$KV.jobs.job-${n}`, encode(jobRecord(`job-${n}`, { status })));
  for (let n = 0; n < total; n++) put(n, "pending");
  await nc.flush();
  const rounds = draws(4, 10);
  let writing = true;
  const writer = (async () => {
    for (let n = 0; writing; n = (n + 7) % total) {
      for (let i = 0; i < 20; i++) put((n + i * 97) % total, "running");
      await nc.flush();
    }
  })();
  for (let round = 0; round < rounds; round++) {
    const { stdout, stderr, code } = await run("job", "list", "-q");
    expect([stderr, code]).toEqual(["", 0]);
    const jids = stdout.trimEnd().split("\n");
    expect([jids.length, new Set(jids).size]).toEqual([total, total]);
  }
  writing = false;
  await writer;
  expect(await consumersLeft(nc)).toBe(0);
});

test("values larger than what one pull brings", async () => {
  await fresh();
  const text = "x".repeat(700_000);
  for (let i = 0; i < 6; i++) await jobs.put(`big-${i}`, encode(jobRecord(`big-${i}`, { args: { text } })));
  expect((await run("job", "list")).stdout.trimEnd().split("\n")).toHaveLength(7);
});

test.each([
  ["list", "list --format jsonl"],
  ["show of several jobs", `show ${Array.from({ length: 8 }, (_, i) => `job-${i}`).join(" ")}`],
])("a reader that pauses for longer than the server keeps an idle consumer: %s", async (_, command) => {
  await fresh();
  if (!/^2\.9\./.test(nc.info?.version ?? "")) {
    const { streams } = await nc.jetstreamManager();
    for (const name of ["KV_jobs", "KV_job-returns"]) {
      const { config } = await streams.info(name);
      // A site may shorten the 30 s.
      await streams.update(name, { ...config, consumer_limits: { inactive_threshold: 3e9 } } as typeof config);
    }
  }
  // The first job is large and has no returns: it is written while the others, on a slow link, are still being read.
  for (let i = 0; i < 4_000; i++) {
    const args = { text: "x".repeat(i === 0 ? 400_000 : 2_000) };
    nc.publish(`$KV.jobs.job-${i}`, encode(jobRecord(`job-${i}`, { args })));
  }
  const record = { success: true, duration: 1n, return_data: { text: "x".repeat(20_000) } };
  for (let i = 1; i < 8; i++)
    for (let peel = 0; peel < 40; peel++)
      nc.publish(`$KV.job-returns.job-${i}.p${peel}`, encode({ jid: `job-${i}`, peel_id: `p${peel}`, ...record }));
  await nc.flush();
  const link = await startSlowLink(server.port, 4_000_000);
  const piped = [...`${ZESTER} job ${command}`.split(" "), "--master", link.url];
  const paused = await runAny(["sh", "-c", `"$@" | (sleep 7; cat)`, "sh", ...piped]);
  const whole = await run("job", ...command.split(" "));
  expect([paused.stderr, paused.stdout === whole.stdout, whole.stderr]).toEqual(["", true, ""]);
  expect(whole.stdout.length).toBeGreaterThan(400_000);
  link.stop();
});
