// The four commands beyond the reference page's examples: the executable on a real server, checked by a second client.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { KV, NatsConnection } from "nats";
import {
  createBuckets,
  encode,
  jobRecord,
  type Server,
  startServer,
  Time,
  tempDir,
  ZESTER,
  zester,
} from "../support/harness.ts";
import { putFixtures } from "../support/seed.ts";

let server: Server;
let nc: NatsConnection;
let jobs: KV;
let returns: KV;
const run = (...args: string[]) => zester(args, { env: { NATS_URL: server.url } });

beforeAll(async () => {
  server = await startServer();
  nc = await server.connect();
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

/** Empty buckets for a group of tests. */
async function fresh(): Promise<void> {
  const jsm = await nc.jetstreamManager();
  for (const stream of ["KV_jobs", "KV_job-returns", "job-events"])
    await jsm.streams.delete(stream).catch(() => {});
  ({ jobs, returns } = await createBuckets(nc));
}

/** Consumers that are left on the job streams. */
async function consumersLeft(): Promise<number> {
  const jsm = await nc.jetstreamManager();
  const infos = await Promise.all(["KV_jobs", "KV_job-returns"].map((stream) => jsm.streams.info(stream)));
  return infos.reduce((sum, info) => sum + info.state.consumer_count, 0);
}

describe("on the records of a Go master", () => {
  beforeAll(async () => {
    const jsm = await nc.jetstreamManager();
    for (const stream of ["KV_jobs", "KV_job-returns", "job-events"])
      await jsm.streams.delete(stream).catch(() => {});
    await putFixtures(nc);
  });

  test("list: oldest first, index keys are no rows", async () => {
    expect(
      (await run("job", "list")).stdout,
    ).toBe(`JID                          FUNCTION         TARGET                STATE
20260115-001                 test.ping        -                     pending
2hPx1FNsSgJMqVn5bLSTXeBQMpO  state.apply      web*                  complete
2hPx3unicode                 cmd.run          G@os:ubuntu and web*  timeout
2hPx2Kd8VnR7YmWqTz4PLsCfNjA  pkg.installed    db*                   running
2hPx4Sched0000000000000000A  state.highstate  [web-01]              complete
`);
  });

  test("active: display form of peel ids", async () => {
    const { stdout, stderr } = await run("job", "active");
    expect(stdout).toContain("[db-01 db-02 db.eu.example]    running\n".replace("    running", "  running"));
    expect(stdout).toContain(
      "20260115-001                 test.ping      -                            pending\n",
    );
    expect(stderr).toBe("");
  });

  test("show: errors and unreachable peels in a fourth column", async () => {
    const { stdout } = await run("job", "show", "2hPx2Kd8VnR7YmWqTz4PLsCfNjA");
    expect(stdout).toContain('  "epoch": 18446744073709551615,\n');
    expect(stdout).toEndWith(`
Returns:
PEEL      SUCCESS  DURATION  ERROR
db-01     false    30s       apt-get: could not get lock /var/lib/dpkg/lock-frontend
db-02     false    0s        UNREACHABLE: no heartbeat at dispatch and no ack after republish
`);
  });

  test("show: nothing raw reaches the terminal", async () => {
    const { stdout } = await run("job", "show", "2hPx3unicode");
    expect(stdout).toContain("line one\\nline two\\t\\x1b[2J\\x1b[31mred");
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  });

  test("json and yaml keep every digit and every stored value", async () => {
    const json = await run("job", "list", "--format", "json");
    expect(json.stdout).toContain('"epoch": 18446744073709551615');
    const records = JSON.parse(json.stdout);
    expect(records).toHaveLength(5);
    expect(records[3].targets).toContain("db_eu_example");
    const yaml = await run("job", "list", "--format", "yaml");
    expect(yaml.stdout).toContain("18446744073709551615");
    expect((Bun.YAML.parse(yaml.stdout) as unknown[]).length).toBe(5);
    const shown = JSON.parse((await run("--format=json", "job", "show", "2hPx3unicode")).stdout);
    expect(shown.returns[0].return_data).toBe("AAEC/w==");
    expect(Object.keys(shown)).toEqual(["job", "returns"]);
  });
});

describe("list and active", () => {
  beforeAll(fresh);

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
      encode(
        jobRecord("h1", { function: "\x1b]52;c;aGk=\x07", target_expr: "a\nb\u202e", status: "\x9b31m" }),
      ),
    );
    await jobs.put(
      "h2",
      encode(
        jobRecord("h2", { function: 7, targets: "no list", status: null, created: "soon", target_expr: {} }),
      ),
    );
    const { stdout, stderr, code } = await run("job", "list", "--force-color");
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202e]/);
    expect(stdout.replace(/\x1b\[\d+m/g, "")).not.toContain("\x1b");
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
            js.publish(
              `$KV.jobs.job-${n}`,
              encode(jobRecord(`job-${n}`, { status, args: { text: "x".repeat(500) } })),
            ),
          ),
        );
    }
    const { stdout } = await run("job", "list");
    const rows = stdout.trimEnd().split("\n").slice(1);
    expect(new Set(rows.map((line) => line.split(" ")[0])).size).toBe(total);
    expect(rows).toHaveLength(total);
    expect(rows.every((line) => line.endsWith("complete"))).toBe(true);
    expect(await consumersLeft()).toBe(0);
  });

  test("a bucket that changes all the time: every job, each once, again and again", async () => {
    await fresh();
    const total = 2000;
    const put = (n: number, status: string) =>
      nc.publish(`$KV.jobs.job-${n}`, encode(jobRecord(`job-${n}`, { status })));
    for (let n = 0; n < total; n++) put(n, "pending");
    await nc.flush();
    let writing = true;
    const writer = (async () => {
      for (let n = 0; writing; n = (n + 7) % total) {
        for (let i = 0; i < 20; i++) put((n + i * 97) % total, "running");
        await nc.flush();
      }
    })();
    for (let round = 0; round < 10; round++) {
      const { stdout, stderr, code } = await run("job", "list", "-q");
      expect([stderr, code]).toEqual(["", 0]);
      const jids = stdout.trimEnd().split("\n");
      expect([jids.length, new Set(jids).size]).toEqual([total, total]);
    }
    writing = false;
    await writer;
    expect(await consumersLeft()).toBe(0);
  });

  test("values larger than what one pull brings", async () => {
    await fresh();
    const text = "x".repeat(700_000);
    for (let i = 0; i < 6; i++) await jobs.put(`big-${i}`, encode(jobRecord(`big-${i}`, { args: { text } })));
    expect((await run("job", "list")).stdout.trimEnd().split("\n")).toHaveLength(7);
  });
});

describe("show", () => {
  beforeAll(fresh);

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
    await jobs.put("j", encode(jobRecord("j")));
    await returns.put(
      "j",
      encode([item("db-02"), item("db-01"), item("db_eu", { success: true, error: "boom" })]),
    );
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
    expect(await consumersLeft()).toBe(0);
  });

  test("a job without returns is its JSON alone", async () => {
    await jobs.put("lonely", encode(jobRecord("lonely", { more: { nested: [1, [2]] } })));
    const { stdout } = await run("job", "show", "lonely");
    expect(stdout).not.toContain("Returns:");
    expect(JSON.parse(stdout).more).toEqual({ nested: [1, [2]] });
  });

  test("unknown job", async () => {
    const { stdout, stderr, code } = await run("job", "show", "nobody");
    expect([stdout, code]).toEqual(["", 1]);
    expect(stderr).toBe(
      "error: job nobody was not found.\nJobs are kept for 7 days; `zester job list` shows those that are there.\n",
    );
  });

  test("a deleted job is not found", async () => {
    await jobs.put("deleted", encode(jobRecord("deleted")));
    await jobs.delete("deleted");
    expect((await run("job", "show", "deleted")).stderr).toContain("was not found");
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
    expect((await run("job", "show", "nobody")).stderr).toContain("was not found");
    expect(await consumersLeft().catch(() => 0)).toBe(0);
  });
});

describe("kill", () => {
  beforeAll(async () => {
    await fresh();
    for (const status of [
      "complete",
      "failed",
      "partial",
      "timeout",
      "canceled",
      "running",
      "pending",
      "claimed",
    ])
      await jobs.put(`is-${status}`, encode(jobRecord(`is-${status}`, { status })));
  });

  /** How many cancel signals a second client sees while `args` run. */
  async function signals(...args: string[]) {
    let seen = 0;
    const sub = nc.subscribe("zester.job.*.cancel", { callback: () => void seen++ });
    await nc.flush();
    const result = await run("job", "kill", ...args);
    await nc.flush();
    sub.unsubscribe();
    return { ...result, seen };
  }

  test.each(["running", "pending", "claimed"])("a job that is %s gets one signal", async (status) => {
    expect(await signals(`is-${status}`)).toEqual({
      stdout: `Cancel signal sent for job is-${status}\n`,
      stderr: "",
      code: 0,
      seen: 1,
    });
  });

  test.each(["complete", "failed", "partial", "timeout", "canceled"])(
    "a job that is %s gets none",
    async (status) => {
      const { stdout, stderr, code, seen } = await signals(`is-${status}`);
      expect([stdout, code, seen]).toEqual(["", 1, 0]);
      expect(stderr).toStartWith(`error: job is-${status} has already ended: ${status}.`);
    },
  );

  test("an unknown job gets none, unless forced", async () => {
    expect(await signals("nobody")).toMatchObject({ stdout: "", code: 1, seen: 0 });
    expect(await signals("nobody", "--force")).toEqual({
      stdout: "Cancel signal sent for job nobody\n",
      stderr: "",
      code: 0,
      seen: 1,
    });
  });

  test("json", async () => {
    expect(JSON.parse((await run("job", "kill", "is-running", "--format", "json")).stdout)).toEqual({
      jid: "is-running",
      signal: "sent",
    });
  });

  test("nobody listens and no stream stores it: an error", async () => {
    await (await nc.jetstreamManager()).streams.delete("job-events");
    const { stdout, stderr, code } = await run("job", "kill", "is-running");
    expect(stderr).toStartWith("error: nothing listens on zester.job.is-running.cancel");
    expect([stdout, code]).toEqual(["", 1]);
  });

  test("no bucket to look into: sent, with a warning", async () => {
    await (await nc.jetstreamManager()).streams.delete("KV_jobs");
    const { stdout, stderr, code, seen } = await signals("any");
    expect([stdout, code, seen]).toEqual(["Cancel signal sent for job any\n", 0, 1]);
    expect(stderr).toContain("could not check");
  });
});

describe("surroundings", () => {
  beforeAll(async () => {
    await fresh();
    await jobs.put("j", encode(jobRecord("j", { status: "failed" })));
  });

  test("a hostile directory changes nothing", async () => {
    const dir = tempDir();
    const mark = join(dir, "ran");
    writeFileSync(join(dir, ".env"), "NATS_URL=nats://127.0.0.1:1\nZESTER_FORMAT=yaml\n");
    writeFileSync(join(dir, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
    writeFileSync(join(dir, "evil.ts"), `require("fs").writeFileSync(${JSON.stringify(mark)}, "");`);
    writeFileSync(join(dir, "package.json"), '{"name":"x","type":"commonjs"}');
    writeFileSync(join(dir, "tsconfig.json"), '{"compilerOptions":{"paths":{"*":["./evil.ts"]}}}');
    mkdirSync(join(dir, "node_modules"));
    for (const args of [
      ["job", "list"],
      ["job", "show", "j"],
      ["job", "active"],
      ["job", "kill", "j"],
      ["version"],
      ["--help"],
    ]) {
      const env = { NATS_URL: server.url };
      expect(await zester(args, { env, cwd: dir })).toEqual(await zester(args, { env }));
    }
    expect(await Bun.file(mark).exists()).toBe(false);
  });

  test("| head: quiet, exit 0", async () => {
    const child = Bun.spawn(["sh", "-c", `"$0" job list; echo "code $?" >&2`, ZESTER], {
      env: { NATS_URL: server.url },
      stdout: "pipe",
      stderr: "pipe",
    });
    await child.stdout.cancel();
    expect(await new Response(child.stderr).text()).toBe("code 0\n");
  });

  test("a full disk is an error", async () => {
    const fd = openSync("/dev/full", "w");
    const child = Bun.spawn([ZESTER, "job", "list"], {
      env: { NATS_URL: server.url },
      stdout: fd,
      stderr: "pipe",
    });
    expect(await new Response(child.stderr).text()).toStartWith("error: cannot write the output: ENOSPC");
    expect(await child.exited).toBe(1);
    closeSync(fd);
  });

  test("Ctrl-C on a silent server: exit 130", async () => {
    const frozen = await startServer();
    frozen.process.kill("SIGSTOP");
    const child = Bun.spawn([ZESTER, "job", "list"], {
      env: { NATS_URL: frozen.url },
      stdout: "pipe",
      stderr: "pipe",
    });
    await Bun.sleep(200);
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    frozen.process.kill("SIGCONT");
    await frozen.stop();
  });

  const ESC = "\x1b[31mfailed\x1b[39m";
  test.each([
    [[], {}, false],
    [["--force-color"], {}, true],
    [["--force-color"], { NO_COLOR: "1" }, true],
    [["--force-color", "--no-color"], {}, false],
    [["--force-color"], { TERM: "dumb" }, false],
    [[], { FORCE_COLOR: "1" }, true],
    [[], { FORCE_COLOR: "1", NO_COLOR: "yes" }, false],
  ] as [string[], Record<string, string>, boolean][])(
    "colour with %j and %j: %p",
    async (flags, env, colored) => {
      const { stdout } = await zester(["job", "list", ...flags], { env: { NATS_URL: server.url, ...env } });
      expect(stdout.includes(ESC)).toBe(colored);
      expect(stdout.includes("\x1b")).toBe(colored);
    },
  );
});
