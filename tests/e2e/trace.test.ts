// `job trace`: what each peel did, and the events of a job.
import { afterAll, expect, test } from "bun:test";
import { away, Fleet, fail, hang, ok, serveFleet, silent } from "../support/fleet.ts";
import { encode, jobRecord, startServer, Time, until, zester } from "../support/harness.ts";
import { isPut } from "../support/wire.ts";

const { nc, fleet, run, start, stop } = await serveFleet();
afterAll(stop);

test("what each peel is doing, worst first, and the events with their times", async () => {
  const jid = await fleet.dispatch({
    fn: "pkg.installed",
    peels: { db_eu_1: { does: "ok", ms: 120 }, b: fail, c: hang, d: silent, e: away },
  });
  await until("the last return", async () => isPut(await fleet.returns.get(`${jid}.db_eu_1`)));
  const { stdout, code } = await run("trace", jid);
  expect(code).toBe(0);
  const [facts, peels, events] = stdout.split("\n\n") as [string, string, string];
  expect(facts).toContain("\nPeels     3/5 done: 1 failed, 1 unreachable, 1 silent, 1 executing, 1 ok\n");
  expect(facts).toMatch(/\nSlowest {3}c \S+, db\.eu\.1 0\.1s, b 20ms$/);
  const lines = peels.split("\n").map((line) => line.replace(/ +/g, " "));
  expect(lines[0]).toBe("PEEL STATE DELIVERED WAITED TOOK DETAIL");
  expect(lines[1]).toMatch(/^b failed \S+ \S+ 20ms no lock$/);
  expect(lines[2]).toMatch(/^e unreachable - - - no ack$/);
  expect(lines[3]).toBe("d silent - - -");
  expect(lines[4]).toMatch(/^c executing \S+ - \S+ so far$/);
  expect(lines[5]).toMatch(/^db\.eu\.1 ok \S+ \S+ 0\.1s$/);
  const kinds = events
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ +/).slice(1, 3).join(" ").trim());
  expect(kinds.slice(0, 2)).toEqual(["EVENT PEEL", "dispatched"]);
  // Four programs, as it were: which of them is first is theirs.
  expect(kinds.slice(2).sort()).toEqual(["ack b", "ack c", "ack db.eu.1", "return b", "return db.eu.1", "return e"]);
  expect(kinds.indexOf("ack b")).toBeLessThan(kinds.indexOf("return b"));
  await run("kill", jid, "--wait");
  const after = JSON.parse((await run("trace", jid, "--format", "json")).stdout);
  expect(after.peels.find((peel: { peel_id: string }) => peel.peel_id === "c").state).toBe("late");
  const last = after.events.slice(-3);
  expect(last[0].event).toBe("cancel");
  expect(last).toContainEqual(expect.objectContaining({ event: "status", status: "canceled" }));
  expect(last).toContainEqual(expect.objectContaining({ event: "return", peel_id: "c", success: false }));
  const acks = after.events.filter((event: { event: string }) => event.event === "ack");
  for (const { delivered, after: since } of acks) expect(delivered).toBe(since);
});

test.each([
  ["jsonl", { status: "running" }, false],
  ["jsonl", { status: "complete", returns: 0 }, true],
  ["text", { status: "complete", returns: 0 }, true],
])("--follow --format %s ends at the job's end, not at an event called status: %j", async (format, data, late) => {
  const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: { does: "fail", ms: 1_000, error: "x" } } });
  const following = start(["trace", jid, "-f", "--format", format]);
  await following.until(/\back\b/);
  nc.publish(`zester.job.${jid}.status`, encode({ jid, type: "progress", data }));
  expect(await following.ended()).toBe(2);
  expect(following.err).toBe("");
  if (format === "text") {
    expect(following.out).toMatch(/ ended +complete\n.* return +a .*\n.* ended +failed\n/);
    return;
  }
  const events = following.out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(events.slice(-3)).toEqual([
    expect.objectContaining({ event: "status", status: data.status }),
    expect.objectContaining({ event: "return", peel_id: "a" }),
    expect.objectContaining({ event: "status", status: "failed" }),
  ]);
  expect(events.some((event) => event.late === true)).toBe(late);
});

test("--follow: every event once, the end among them, then the peels", async () => {
  const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: { does: "ok", ms: 300 }, b: fail } });
  const { stdout, code } = await run("trace", jid, "-f");
  expect(code).toBe(2);
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
  expect(lines.map((line) => JSON.parse(line).event)).toEqual(["dispatch", "ack", "ack", "return", "return", "status"]);
});

test("without the dispatch no peel is called silent", async () => {
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
  await until("the return of a", async () => isPut(await small.returns.get(`${jid}.a`)));
  const { stdout, stderr, code } = await zester(["job", "trace", jid], { env: { NATS_URL: bare.url } });
  expect(stderr).toContain('has no stream "job-events".');
  expect(stdout).toMatch(/\nb +missing +- +- +-\na +ok +- +- +20ms\n$/);
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
  expect(lines.length).toBeLessThan(20);
  // Nothing among the events is out of the ordinary: they are one line. Peels that are alike are one row, and the worst is last.
  expect(lines.slice(-6).map((line) => line.replace(/ {2,}.*/, ""))).toEqual([
    "+0s",
    expect.stringMatching(/^\+\S+ … \+\S+$/),
    "",
    "PEEL",
    expect.stringMatching(/^peel-\[/),
    "peel-7",
  ]);
  expect(lines.at(-5)).toMatch(/ 3,000 acks, 2,999 returns ok +peel-\[/);
  expect(lines.at(-2)).toMatch(/ 2,999 ok /);
  expect(lines.at(-1)).toMatch(/ executing +.* so far$/);
  await fleet.jobs.delete("big");
});
