// watch, wait, trace and kill --wait, on a fleet that lives.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { NatsConnection } from "nats";
import { type Behaviour, Fleet } from "../support/fleet.ts";
import {
  consumersLeft,
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
let fleet: Fleet;
const run = (...args: string[]) => zester(["job", ...args], { env: { NATS_URL: server.url } });
const start = (args: string[], size?: { cols: number; rows: number }) =>
  new Running(["job", ...args], { NATS_URL: server.url }, size);
const ok: Behaviour = { does: "ok", ms: 20 };
const fail: Behaviour = { does: "fail", ms: 20, error: "no lock" };
const away: Behaviour = { does: "unreachable", ms: 20 };
const hang: Behaviour = { does: "hang" };
const silent: Behaviour = { does: "silent" };

beforeAll(async () => {
  server = await startServer();
  nc = await server.connect();
  fleet = await Fleet.start(nc);
});
afterAll(async () => {
  await fleet.stop();
  await nc.close();
  await server.stop();
});

describe("wait", () => {
  test.each([
    [0, "complete", { a: ok, b: ok }, "2 ok"],
    [2, "failed", { a: ok, b: fail }, "1 ok, 1 failed"],
    [3, "failed", { a: ok, b: away }, "1 ok, 1 unreachable"],
    [3, "partial", { a: ok, b: hang }, "1 ok, 1 missing"],
    [3, "timeout", { a: silent }, "1 missing"],
    [4, "partial", { a: fail, b: silent }, "1 missing, 1 failed"],
    [4, "failed", { a: fail, b: away, c: ok }, "1 ok, 1 unreachable, 1 failed"],
  ] as [number, string, Record<string, Behaviour>, string][])(
    "exit %i: %s, %j",
    async (code, status, peels, words) => {
      const jid = await fleet.dispatch({ fn: "test.ping", peels, timeoutMs: 400 });
      const result = await run("wait", jid);
      expect(result).toEqual({
        stdout: expect.stringContaining(`Job ${jid} ${status} after `),
        stderr: "",
        code,
      });
      expect(result.stdout).toEndWith(`: ${words}\n`);
    },
  );

  test("exit 5: canceled", async () => {
    const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: hang } });
    const waiting = run("wait", jid, "--format", "json");
    await Bun.sleep(100);
    expect((await run("kill", jid)).code).toBe(0);
    const { stdout, code } = await waiting;
    expect(JSON.parse(stdout)).toEqual([
      { jid, status: "canceled", ok: 0, missing: 1, unreachable: 0, unreadable: 0, failed: 0 },
    ]);
    expect(code).toBe(5);
  });

  test("exit 1: not there, gone while waiting, not decodable", async () => {
    expect((await run("wait", "nobody")).stderr).toContain("job nobody was not found");
    await fleet.jobs.put("vanishes", encode(jobRecord("vanishes", { status: "running" })));
    const waiting = run("wait", "vanishes");
    await Bun.sleep(150);
    await fleet.jobs.delete("vanishes");
    expect(await waiting).toMatchObject({ stdout: "", code: 1, stderr: expect.stringContaining("is gone") });
    await fleet.jobs.put("broken", Uint8Array.from([0xc1]));
    expect(await run("wait", "broken")).toMatchObject({
      stdout: "",
      code: 1,
      stderr: expect.stringContaining("cannot be decoded"),
    });
    await fleet.jobs.purge("broken");
  });

  test("exit 124: the time ran out, and it says for whom", async () => {
    const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: hang } });
    const done = await fleet.dispatch({ fn: "test.ping", peels: { a: ok } });
    const { stdout, stderr, code } = await run("wait", jid, done, "--timeout", "300ms");
    expect([stdout, code]).toEqual(["", 124]);
    expect(stderr).toStartWith(`error: after 300ms, 1 job had not ended: ${jid}.\n`);
    expect(await consumersLeft(nc)).toBe(0);
  });

  test("several: quiet until the last, the gravest code, failures and absences are both", async () => {
    const failed = await fleet.dispatch({ fn: "test.ping", peels: { a: fail } });
    const missing = await fleet.dispatch({ fn: "test.ping", peels: { a: hang }, timeoutMs: 600 });
    const good = await fleet.dispatch({ fn: "test.ping", peels: { a: ok } });
    const waiting = start(["wait", good, missing, failed]);
    await Bun.sleep(300);
    expect(waiting.out).toBe("");
    expect(await waiting.ended()).toBe(4);
    expect(waiting.out.split("\n").map((line) => line.split(" ")[1])).toEqual([
      good,
      missing,
      failed,
      undefined,
    ]);
    expect((await run("wait", good, failed)).code).toBe(2);
    expect((await run("wait", good)).code).toBe(0);
  });

  test("an end at any moment around look-up and subscription is seen: 200 runs", async () => {
    const seen: Record<string, number> = {};
    const one = async () => {
      const peels = { a: { does: "ok", ms: Math.floor(Math.random() * 60) } } as const;
      const jid = await fleet.dispatch({ fn: "test.ping", peels });
      const { stdout, code } = await run("wait", jid, "--timeout", "10s");
      const key = `${code} ${stdout.replace(/^Job \S+ (\w+) after \S+: (.*)\n$/, "$1 $2")}`;
      seen[key] = (seen[key] ?? 0) + 1;
    };
    const worker = async () => {
      for (let i = 0; i < 50; i++) await one();
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    expect(seen).toEqual({ "0 complete 1 ok": 200 });
    expect(await consumersLeft(nc)).toBe(0);
  });
});

describe("trace", () => {
  test("what each peel is doing, worst first, and the events with their times", async () => {
    const jid = await fleet.dispatch({
      fn: "pkg.installed",
      peels: { db_eu_1: { does: "ok", ms: 120 }, b: fail, c: hang, d: silent, e: away },
    });
    await Bun.sleep(300);
    const { stdout, code } = await run("trace", jid);
    expect(code).toBe(0);
    const [facts, peels, events] = stdout.split("\n\n") as [string, string, string];
    expect(facts).toContain("\nPeels     5: 1 ok, 1 executing, 1 silent, 1 unreachable, 1 failed\n");
    expect(facts).toMatch(/\nSlowest {3}c 0\.\ds, db\.eu\.1 0\.1s, b \d+ms$/);
    const lines = peels.split("\n").map((line) => line.replace(/ +/g, " "));
    expect(lines[0]).toBe("PEEL STATE DELIVERED RAN ERROR");
    expect(lines[1]).toMatch(/^b failed \S+ \d+ms no lock$/);
    expect(lines[2]).toMatch(/^e unreachable - \S+ UNREACHABLE/);
    expect(lines[3]).toBe("d silent - -");
    expect(lines[4]).toMatch(/^c executing \S+ 0\.\ds so far$/);
    expect(lines[5]).toMatch(/^db\.eu\.1 ok \S+ 0\.1s$/);
    const kinds = events
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ +/).slice(1, 3).join(" ").trim());
    expect(kinds).toEqual([
      "EVENT PEEL",
      "dispatched",
      "ack db.eu.1",
      "ack b",
      "ack c",
      "return e",
      "return b",
      "return db.eu.1",
    ]);
    await run("kill", jid);
    await fleet.until(jid, "canceled");
    const after = JSON.parse((await run("trace", jid, "--format", "json")).stdout);
    expect(after.peels.find((peel: { peel_id: string }) => peel.peel_id === "c").state).toBe("unfinished");
    expect(after.events.at(-2).event).toBe("cancel");
    expect(after.events.at(-1).event).toBe("status");
    const acks = after.events.filter((event: { event: string }) => event.event === "ack");
    for (const { took, after: since } of acks) expect(took).toBe(since);
  });

  test("--follow: every event once, the end among them, then the peels", async () => {
    const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: { does: "ok", ms: 300 }, b: fail } });
    const { stdout, code } = await run("trace", jid, "-f");
    expect(code).toBe(0);
    const [events, facts] = stdout.split("\n\n") as [string, string];
    expect(events.split("\n").map((line) => line.split(/ {2,}/)[1])).toEqual([
      "EVENT",
      "dispatched",
      "ack",
      "ack",
      "return",
      "return",
      "ended",
    ]);
    expect(facts).toContain("State     failed");
    const lines = (await run("trace", jid, "--format", "jsonl")).stdout.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).event)).toEqual([
      "dispatch",
      "ack",
      "ack",
      "return",
      "return",
      "status",
    ]);
  });

  test("without the dispatch nobody is called silent", async () => {
    await fleet.jobs.put("old", encode(jobRecord("old", { status: "running", targets: ["a", "b"] })));
    nc.publish("zester.job.old.ack.a", encode({ jid: "old", peel_id: "a", timestamp: Time.now() }));
    await nc.flush();
    const { stdout, stderr } = await run("trace", "old");
    expect(stderr).toContain("does not reach back to the dispatch");
    expect(stdout).toContain("1 missing, 1 executing");
  });

  test("no stream of events: it says so, and shows what the buckets know", async () => {
    const bare = await startServer();
    const connection = await bare.connect();
    const small = await Fleet.start(connection, { events: false });
    const jid = await small.dispatch({ fn: "test.ping", peels: { a: ok, b: hang } });
    await Bun.sleep(100);
    const { stdout, stderr, code } = await zester(["job", "trace", jid], { env: { NATS_URL: bare.url } });
    expect(stderr).toContain('has no stream "job-events".');
    expect(stdout).toMatch(/\nb +missing +- +-\na +ok +- +20ms\n$/);
    expect(code).toBe(0);
    await small.stop();
    await connection.close();
    await bare.stop();
  });

  test("thousands of peels: everything piped, the worst on a terminal", async () => {
    const targets = Array.from({ length: 3000 }, (_, i) => `peel-${i}`);
    await fleet.jobs.put("big", encode(jobRecord("big", { targets, status: "running" })));
    nc.publish("zester.job.big.dispatch", encode({}));
    for (const peel of targets) {
      nc.publish(`zester.job.big.ack.${peel}`, encode({ peel_id: peel }));
      if (peel !== "peel-7")
        nc.publish(`zester.job.big.return.${peel}`, encode({ peel_id: peel, success: true, duration: 1n }));
    }
    await nc.flush();
    expect((await run("trace", "big")).stdout.split("\n").length).toBeGreaterThan(9000);
    const terminal = start(["trace", "big", "--no-color"], { cols: 80, rows: 24 });
    expect(await terminal.ended()).toBe(0);
    const lines = terminal.out.replaceAll("\r", "").trimEnd().split("\n");
    expect(lines.length).toBeLessThan(75);
    expect(lines.find((line) => line.startsWith("peel-"))).toMatch(/^peel-7 +executing /);
    expect(terminal.out).toContain("… and 2,980 peels more: 2,980 ok (--all-peels shows them)");
    expect(terminal.out).toContain("… 5,970 events between (--all-peels shows them)");
    await fleet.jobs.delete("big");
  });
});

describe("kill", () => {
  test("several: each on its own line, one that can't be sent makes it exit 1 and keeps no other", async () => {
    const [a, b] = [
      await fleet.dispatch({ fn: "test.ping", peels: { a: hang } }),
      await fleet.dispatch({ fn: "test.ping", peels: { a: hang } }),
    ];
    const { stdout, stderr, code } = await run("kill", a, "nobody", b);
    expect(stdout).toBe(`Cancel signal sent for job ${a}\nCancel signal sent for job ${b}\n`);
    expect(stderr).toBe("error: job nobody was not found.\n");
    expect(code).toBe(1);
    await fleet.until(a, "canceled");
    await fleet.until(b, "canceled");
  });

  test("--wait: how it ended, and how far it had come", async () => {
    const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: ok, b: ok, c: hang } });
    await Bun.sleep(200);
    expect(await run("kill", jid, "--wait")).toEqual({
      stdout: `Cancel signal sent for job ${jid}\nJob ${jid} canceled, 2 of 3 peels had returned\n`,
      stderr: "",
      code: 0,
    });
    const other = await fleet.dispatch({ fn: "test.ping", peels: { a: hang } });
    expect(JSON.parse((await run("kill", other, "--wait", "--format", "json")).stdout)).toEqual({
      jid: other,
      signal: "sent",
      status: "canceled",
      returned: 0,
      peels: 1,
    });
  });

  test("a peel that ignores the signal: canceled all the same, and its late return is seen", async () => {
    const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: { does: "stubborn", ms: 400 } } });
    expect((await run("kill", jid, "--wait")).stdout).toEndWith("canceled, 0 of 1 peel had returned\n");
    expect((await run("trace", jid)).stdout).toContain("1 unfinished");
    await Bun.sleep(500);
    expect((await run("trace", jid)).stdout).toMatch(/\na +ok .*\n/);
  });

  test("exit 6: it ended otherwise before the signal took effect", async () => {
    await fleet.jobs.put("late", encode(jobRecord("late", { status: "running" })));
    const killing = start(["kill", "late", "--wait"]);
    await killing.until("Cancel signal sent");
    await fleet.jobs.put("late", encode(jobRecord("late", { status: "complete" })));
    expect(await killing.ended()).toBe(6);
    expect(killing.out).toEndWith("Job late complete before the signal took effect: 1 missing\n");
  });

  test("a master that is gone: after 5 s it says what it sees, and exits 124", async () => {
    const heartbeats = await nc.jetstream().views.kv("master-heartbeat");
    await heartbeats.put("alive-1", encode({}));
    for (const owner of ["alive-1", "gone-1"]) {
      const record = jobRecord(owner, { status: "running", owner, targets: ["a", "b"] });
      await fleet.jobs.put(owner, encode(record));
      nc.publish(`zester.job.${owner}.dispatch`, encode(record));
      nc.publish(`zester.job.${owner}.ack.a`, encode({ jid: owner, peel_id: "a" }));
    }
    const results = await Promise.all(
      ["alive-1", "gone-1"].map((jid) => run("kill", jid, "--wait", "--timeout", "6s")),
    );
    for (const { code, stderr } of results) {
      expect(code).toBe(124);
      expect(stderr).toContain("has not ended 5s after the signal");
      expect(stderr).toContain("1 peel still executing: a.");
      expect(stderr).toContain("error: after 6s, 1 job had not ended");
    }
    expect(results[0]?.stderr).toMatch(/its owner alive-1 is alive, last heartbeat \d/);
    expect(results[1]?.stderr).toContain("its owner gone-1 has no heartbeat: that master may be gone");
    for (const jid of ["alive-1", "gone-1"]) await fleet.jobs.delete(jid);
    expect(await consumersLeft(nc)).toBe(0);
  }, 20_000);

  test("by selection: --dry-run sends nothing, without --yes nothing is sent, ended jobs are left alone", async () => {
    const live = await fleet.dispatch({ fn: "pkg.removed", expr: "web*", peels: { a: hang } });
    const ended = await fleet.dispatch({ fn: "pkg.removed", peels: { b: ok } });
    await fleet.until(ended, "complete");
    const signals: string[] = [];
    const sub = nc.subscribe("zester.job.*.cancel", {
      callback: (_, msg) => void signals.push(msg.subject.split(".")[2] as string),
    });
    await nc.flush();
    const selection = ["kill", "--function", "pkg.r*", "--state", "active,terminal"];
    const dry = await run(...selection, "--dry-run");
    expect(dry).toMatchObject({
      stderr: "",
      code: 0,
      stdout: expect.stringMatching(new RegExp(`\\n${live} .*\\n$`)),
    });
    const refused = await run(...selection);
    expect([refused.stdout, refused.code]).toEqual(["", 1]);
    expect(refused.stderr).toContain("1 job would be canceled, and nobody can be asked. No signal was sent.");
    expect(signals).toEqual([]);
    expect((await run(...selection, "--yes")).stdout).toBe(`Cancel signal sent for job ${live}\n`);
    await fleet.until(live, "canceled");
    expect(signals).toEqual([live]);
    expect(await run(...selection, "-y")).toMatchObject({
      stdout: "No jobs that could be canceled match --state active,terminal --function pkg.r*.\n",
      code: 0,
    });
    sub.unsubscribe();
  });

  test.each([
    ["y\n", 0, "Cancel signal sent for job "],
    ["n\n", 1, "nothing was canceled."],
    ["\n", 1, "nothing was canceled."],
  ])("on a terminal it asks: %j", async (answer, code, words) => {
    const jid = await fleet.dispatch({ fn: "state.test", peels: { a: hang } });
    const asking = start(["kill", "--function", "state.test"], { cols: 100, rows: 24 });
    await asking.until("Cancel 1 job? [y/N] ");
    expect(asking.out).toContain(jid);
    asking.type(answer);
    expect(await asking.ended()).toBe(code);
    expect(asking.out).toContain(words);
    await run("kill", jid);
    await fleet.until(jid, "canceled");
  });

  test("a shortened id is shown and agreed to first; the job that was meant may be gone", async () => {
    await fleet.jobs.put("short-10", encode(jobRecord("short-10", { status: "running" })));
    const refused = await run("kill", "short-1");
    expect([refused.stdout, refused.code]).toEqual(["", 1]);
    expect(refused.stderr).toContain("\nshort-10 ");
    expect(refused.stderr).toContain("nobody can be asked");
    expect((await run("kill", "short-1", "--yes")).stdout).toBe("Cancel signal sent for job short-10\n");
    await fleet.jobs.delete("short-10");
  });
});

describe("watch", () => {
  test("piped: a line a change, for the selected jobs only, and the end of each", async () => {
    const watching = start(["watch", "--function", "watch.*"]);
    const lines = start(["watch", "--function", "watch.*", "--format", "jsonl"]);
    await Bun.sleep(300);
    await fleet.dispatch({ fn: "test.ping", peels: { a: ok } });
    const jid = await fleet.dispatch({ fn: "watch.me", expr: "web*", peels: { a: ok, b: fail } });
    await Promise.all([watching.until(/ failed +2\/2 +1 failed\n/), lines.until('"status":"failed"')]);
    watching.signal("SIGINT");
    lines.signal("SIGTERM");
    expect([await watching.ended(), await lines.ended()]).toEqual([130, 143]);
    const states = watching.out
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ {2,}/)[4]);
    expect(states).toEqual(["claimed", "running", "failed"]);
    expect(watching.out).toContain(`  ${jid}  watch.me      web*          failed    2/2      1 failed\n`);
    expect(watching.out + watching.err).not.toContain("\x1b");
    const records = lines.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(records.map((record) => record.status)).toEqual(states);
    expect(new Set(records.map((record) => record.jid))).toEqual(new Set([jid]));
  });

  test("on a terminal: a table in place that follows the size, and the screen as it was after Ctrl-C", async () => {
    const jid = await fleet.dispatch({ fn: "state.apply", expr: "web*", peels: { a: ok, b: hang } });
    const watching = start(["watch", "--no-color"], { cols: 120, rows: 20 });
    await watching.until(new RegExp(`${jid}  state.apply .*░░░░░░░░░░ 0/2`));
    watching.out = "";
    watching.resize(60, 10);
    await watching.until(jid);
    const picture = (watching.out.split("\x1b[H").at(-1) as string).split("\r\n");
    expect(picture.length).toBeLessThanOrEqual(10);
    for (const line of picture) expect(line.replaceAll(/\x1b\[[KJ]/g, "").length).toBeLessThanOrEqual(60);
    await run("kill", jid);
    await watching.until("canceled");
    watching.type("\x03");
    expect(await watching.ended()).toBe(130);
    expect(watching.out).toEndWith("\x1b[?25h\x1b[?1049l");
    expect(await consumersLeft(nc)).toBe(0);
  });

  test("one job: its returns, its end, and the exit codes of wait", async () => {
    const jid = await fleet.dispatch({
      fn: "test.ping",
      peels: { db_1: ok, b: { does: "fail", ms: 400, error: "x" } },
    });
    const { stdout, code } = await run("watch", jid);
    expect(stdout).toMatch(
      new RegExp(
        `^db\\.1 +ok +20ms\\nb +failed +0\\.4s +x\\nJob ${jid} failed after 0\\.\\ds: 1 ok, 1 failed\\n$`,
      ),
    );
    expect(code).toBe(2);
    // The same when it has ended already, and for programs.
    const lines = (await run("watch", jid, "--format", "jsonl")).stdout.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).success)).toEqual([
      expect.anything(),
      expect.anything(),
      undefined,
    ]);
    expect(JSON.parse(lines.at(-1) as string)).toMatchObject({ jid, status: "failed", failed: 1 });
  });

  test("one job on a terminal: a bar at the bottom that is gone in the end", async () => {
    const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: ok, b: { does: "ok", ms: 800 } } });
    const watching = start(["watch", jid, "--no-color"], { cols: 80, rows: 24 });
    await watching.until("██████████░░░░░░░░░░ 1/2  running");
    expect(await watching.ended()).toBe(0);
    expect(watching.out).toMatch(/\r\x1b\[KJob \S+ complete after \S+: 2 ok\r\n$/);
  });
});

/** A server of its own whose job is put by hand, so that it can be restarted at will. */
async function restartable() {
  const own = await startServer();
  let connection = await own.connect();
  const { jobs } = await createBuckets(connection);
  const put = (status: string, extra = {}) =>
    jobs.put("j1", encode(jobRecord("j1", { status, targets: ["a"], ...extra })));
  await put("running");
  await connection.close();
  return {
    own,
    start: (args: string[]) => new Running(["job", ...args], { NATS_URL: own.url }),
    /** Restarts the server; while it is away nothing can be seen. */
    async restart() {
      await own.kill();
      await Bun.sleep(300);
      await own.revive();
    },
    async end(status: string) {
      connection = await own.connect();
      const bucket = await connection.jetstream().views.kv("jobs");
      await bucket.put("j1", encode(jobRecord("j1", { status, targets: ["a"] })));
    },
    async stop() {
      const left = await consumersLeft(connection);
      await connection.close();
      await own.stop();
      return left;
    },
  };
}

describe("a server that is restarted", () => {
  test.each([
    [["wait", "j1"], 3, "Job j1 timeout"],
    [["watch", "j1"], 3, "Job j1 timeout"],
    [["trace", "j1", "--follow"], 0, "State     timeout"],
    [["kill", "j1", "--wait"], 6, "Job j1 timeout before the signal took effect"],
  ] as [string[], number, string][])(
    "%j says so, connects again, and sees the end",
    async (args, code, words) => {
      const fixture = await restartable();
      const running = fixture.start(args);
      await Bun.sleep(300);
      await fixture.restart();
      await running.until("connected again");
      expect(running.err).toContain("Connecting again.");
      await fixture.end("timeout");
      expect(await running.ended()).toBe(code);
      expect(running.out).toContain(words);
      expect(await fixture.stop()).toBe(0);
    },
  );

  test("watch: what happened meanwhile is told once, and nothing twice", async () => {
    const fixture = await restartable();
    const running = fixture.start(["watch"]);
    await running.until(" running ");
    await fixture.restart();
    await running.until("connected again");
    await Bun.sleep(200);
    expect(running.out.trimEnd().split("\n")).toHaveLength(1);
    await fixture.end("failed");
    await running.until(" failed ");
    running.signal("SIGINT");
    expect(await running.ended()).toBe(130);
    expect(running.out.trimEnd().split("\n")).toHaveLength(2);
    expect(await fixture.stop()).toBe(0);
  });

  test("several URLs: it moves on to the next one", async () => {
    const fixture = await restartable();
    const running = new Running(
      ["job", "wait", "j1", "--master", `nats://127.0.0.1:1,${fixture.own.url}`],
      {},
    );
    await Bun.sleep(300);
    await fixture.restart();
    await running.until("connected again");
    await fixture.end("complete");
    expect(await running.ended()).toBe(0);
    await fixture.stop();
  });
});

test("Ctrl-C at any moment leaves no consumer behind", async () => {
  const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: hang } });
  const commands = [
    ["wait", jid],
    ["watch"],
    ["watch", jid],
    ["trace", jid, "-f"],
    ["kill", "j", "--force", "--wait"],
  ];
  for (const args of commands) {
    for (const ms of [0, 10, 20, 30, 50, 80, 150, 300]) {
      const running = start(args);
      await Bun.sleep(ms);
      running.signal("SIGINT");
      const code = await running.ended();
      // Before its first instruction runs, a process dies of the signal itself; `kill j` may have failed by then.
      expect([130, 1]).toContain(code);
    }
  }
  expect(await consumersLeft(nc)).toBe(0);
});
