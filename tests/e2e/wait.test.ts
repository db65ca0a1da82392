// `job wait`: until a job ends, or why it can't be told.

import { afterAll, describe, expect, test } from "bun:test";
import { WORST_FIRST } from "../../lib/model/peel-state.ts";
import { away, type Behaviour, fail, hang, ok, serveFleet, silent } from "../support/fleet.ts";
import { consumersLeft, createBuckets, encode, jobRecord, Running, startServer, until } from "../support/harness.ts";
import { draws } from "../support/length.ts";

const { nc, fleet, run, start, stop } = await serveFleet();
afterAll(stop);

test.each([
  [0, "complete", { a: ok, b: ok }, "2 ok"],
  [2, "failed", { a: ok, b: fail }, "1 failed, 1 ok"],
  [3, "failed", { a: ok, b: away }, "1 unreachable, 1 ok"],
  [3, "partial", { a: ok, b: hang }, "1 unfinished, 1 ok"],
  [3, "timeout", { a: silent }, "1 silent"],
  [4, "partial", { a: fail, b: silent }, "1 failed, 1 silent"],
  [4, "failed", { a: fail, b: away, c: ok }, "1 failed, 1 unreachable, 1 ok"],
] as [number, string, Record<string, Behaviour>, string][])("exit %i: %s, %j", async (code, status, peels, words) => {
  const jid = await fleet.dispatch({ fn: "test.ping", peels, timeoutMs: 400 });
  const result = await run("wait", jid);
  expect(result).toEqual({
    stdout: expect.stringContaining(`Job ${jid} ${status} in `),
    stderr: "",
    code,
  });
  expect(result.stdout).toEndWith(`: ${words}\n`);
});

test("exit 5: canceled", async () => {
  const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: hang } });
  const waiting = run("wait", jid, "--format", "json");
  await Bun.sleep(100);
  expect((await run("kill", jid)).code).toBe(0);
  const { stdout, code } = await waiting;
  const [ending] = JSON.parse(stdout);
  expect(Object.keys(ending)).toEqual(["jid", "status", ...WORST_FIRST]);
  const counts = Object.entries(ending).filter(([, n]) => n !== 0);
  expect(Object.fromEntries(counts)).toEqual({ jid, status: "canceled", late: 1 });
  expect(code).toBe(5);
});

test("exit 1: not there, gone while waiting, not decodable", async () => {
  expect((await run("wait", "nosuch")).stderr).toContain('no job "nosuch"');
  await fleet.jobs.put("vanishes", encode(jobRecord("vanishes", { status: "running" })));
  const waiting = run("wait", "vanishes");
  await until("its consumer", async () => (await consumersLeft(nc)) > 0);
  await fleet.jobs.delete("vanishes");
  expect(await waiting).toMatchObject({ stdout: "", code: 1, stderr: expect.stringContaining("no longer exists") });
  await fleet.jobs.put("broken", Uint8Array.from([0xc1]));
  expect(await run("wait", "broken")).toMatchObject({
    stdout: "",
    code: 1,
    stderr: expect.stringContaining("cannot be decoded"),
  });
  await fleet.jobs.purge("broken");
});

test.each(["deleted", "purged"])("exit 1, all that follow: the record is %s without a trace", async (how) => {
  const jid = (i: number) => `${how}-${i}`;
  const put = (id: string) =>
    fleet.jobs.put(id, encode(jobRecord(id, { function: `is.${how}`, status: "running", targets: ["a"] })));
  const commands = [
    ["wait", jid(0)],
    ["wait", jid(1), jid(4)],
    ["watch", jid(2)],
    ["trace", jid(3), "--follow"],
    ["trace", jid(3), "--follow", "--format", "jsonl"],
    ["kill", jid(3), "--wait"],
  ];
  const records = await Promise.all([0, 1, 2, 3, 4].map((i) => put(jid(i))));
  const board = start(["watch", "--function", `is.${how}`, "--no-color"], { cols: 120, rows: 18 });
  const running = commands.map((args) => start(args));
  await board.until("5 active  ");
  await running[5]?.until("Cancel signal sent");
  const { consumers } = await nc.jetstreamManager();
  const filters = async () => {
    const all = await consumers.list("KV_jobs").next();
    return all.map(({ config }) => config.filter_subject?.slice("$KV.jobs.".length)).sort();
  };
  const followed = ["*", "*", jid(0), jid(2), jid(3), jid(3), jid(3)].sort().join();
  await until("their consumers", async () => (await filters()).join() === followed);
  // A consumer may be there before the record was looked up.
  await Bun.sleep(2_000);
  const { streams } = await nc.jetstreamManager();
  for (const i of [0, 1, 2, 3]) {
    if (how === "purged") await streams.purge("KV_jobs", { filter: `$KV.jobs.${jid(i)}` });
    else await streams.deleteMessage("KV_jobs", records[i] as number);
  }
  const began = Date.now();
  for (const one of running) {
    expect(await one.ended()).toBe(1);
    expect(one.err).toMatch(new RegExp(`^error: job ${how}-\\d no longer exists\\.$`, "m"));
  }
  await board.until(/1 active {2}/);
  expect(Date.now() - began).toBeLessThan(15_000);
  board.type("\x03");
  await board.ended();
  await fleet.jobs.purge(jid(4));
});

test("exit 124: the time ran out, and it says for whom", async () => {
  const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: hang } });
  const done = await fleet.dispatch({ fn: "test.ping", peels: { a: ok } });
  const { stdout, stderr, code } = await run("wait", jid, done, "--for", "500ms");
  expect([stdout, code]).toEqual([expect.stringMatching(new RegExp(`^Job ${done} complete in .*\n$`)), 124]);
  const json = await run("wait", jid, done, "--for", "500ms", "--format", "json");
  expect([JSON.parse(json.stdout), json.code]).toEqual([
    [{ jid, status: "running" }, expect.objectContaining({ jid: done, status: "complete", ok: 1 })],
    124,
  ]);
  const far = "(0 of 1 peel done; 1 executing: a)";
  expect(stderr).toStartWith(`error: timed out after 500ms: 1 job had not ended: ${jid} ${far}.\n`);
  const other = await fleet.dispatch({ fn: "test.ping", peels: { b: ok, c: hang } });
  const several = await run("wait", jid, other, "--for", "500ms");
  expect(several.stderr).toStartWith(
    `error: timed out after 500ms: 2 jobs had not ended: ${jid} (0 of 1 peel done), ${other} (1 of 2 peels done).\n`,
  );
  expect(await consumersLeft(nc)).toBe(0);
});

test("--for also ends watch and kill --wait; --timeout alone limits a wait as before, and says so", async () => {
  const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: { does: "stubborn", ms: 3000 } } });
  const all = await Promise.all([
    run("wait", jid, "--timeout", "300ms"),
    run("watch", jid, "--for", "300ms"),
    run("watch", "--for", "300ms"),
    run("wait", jid, "--for", "300ms", "--timeout", "2s"),
  ]);
  expect(all.map(({ code }) => code)).toEqual([124, 124, 124, 124]);
  const [wait, watch, board, both] = all.map(({ stderr }) => stderr);
  const missed = `error: timed out after 300ms: 1 job had not ended: ${jid} (0 of 1 peel done; 1 executing: a).\n`;
  expect(wait).toStartWith(`warning: --timeout limits the wait here; use --for.\n${missed}`);
  expect(watch).toStartWith(missed);
  expect(both).toStartWith(missed);
  expect(board).toBe("timed out after 300ms.\n");
  expect((await run("kill", jid, "--for", "1s")).stderr).toContain("--for needs --wait.");
  expect((await run("watch", "--for", "soon")).stderr).toContain('invalid duration "soon" for --for.');
});

test("exit 124, too, when the time runs out before the server answers", async () => {
  const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const url = `nats://127.0.0.1:${silent.port}`;
  for (const args of [["wait", "x"], ["watch"], ["kill", "x", "--wait"]]) {
    const { stdout, stderr, code } = await run(...args, "--for", "50ms", "--master", url);
    expect([stdout, code]).toEqual(["", 124]);
    expect(stderr).toBe(
      `error: timed out after 50ms: cannot connect to ${url}: no answer within 50ms.\nWait longer with --for.\n`,
    );
  }
  const { code } = await run("wait", "x", "--for", "5s", "--timeout", "50ms", "--master", url);
  expect(code).toBe(1);
  silent.stop(true);
});

test("several: quiet until the last, the gravest code, failures and absences are both", async () => {
  const failed = await fleet.dispatch({ fn: "test.ping", peels: { a: fail } });
  const missing = await fleet.dispatch({ fn: "test.ping", peels: { a: hang }, timeoutMs: 600 });
  const good = await fleet.dispatch({ fn: "test.ping", peels: { a: ok } });
  const waiting = start(["wait", good, missing, failed]);
  await Bun.sleep(300);
  expect(waiting.out).toBe("");
  expect(await waiting.ended()).toBe(4);
  expect(waiting.out.split("\n").map((line) => line.split(" ")[1])).toEqual([good, missing, failed, undefined]);
  expect((await run("wait", good, failed)).code).toBe(2);
  expect((await run("wait", good)).code).toBe(0);
});

test("an end at any moment around look-up and subscription is seen", async () => {
  const each = draws(6, 50);
  const seen: Record<string, number> = {};
  const one = async () => {
    const peels = { a: { does: "ok", ms: Math.floor(Math.random() * 60) } } as const;
    const jid = await fleet.dispatch({ fn: "test.ping", peels });
    const { stdout, code } = await run("wait", jid, "--for", "10s");
    const key = `${code} ${stdout.replace(/^Job \S+ (\w+) in \S+: (.*)\n$/, "$1 $2")}`;
    seen[key] = (seen[key] ?? 0) + 1;
  };
  const worker = async () => {
    for (let i = 0; i < each; i++) await one();
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  expect(seen).toEqual({ "0 complete 1 ok": 4 * each });
  expect(await consumersLeft(nc)).toBe(0);
});

describe("an account that may have two consumers", () => {
  const WAITED = 1_100;
  const limited = startServer(
    "accounts { A: { jetstream: { max_consumers: 2 }, users: [{ user: a, password: a }] } }\nno_auth_user: a",
  );
  afterAll(async () => (await limited).stop());

  test("1,100 jobs take one of them, whatever follows them, and nothing stays behind", async () => {
    const server = await limited;
    const own = await server.connect();
    const { jobs } = await createBuckets(own);
    const jids = Array.from({ length: WAITED }, (_, i) => `many-${i}`);
    const few = new Set(jids.slice(0, 40));
    const put = (jid: string, status: string) =>
      jobs.put(jid, encode(jobRecord(jid, { status, targets: ["a"], function: few.has(jid) ? "few" : "many" })));
    await Promise.all(jids.map((jid) => put(jid, "running")));
    const { streams } = await own.jetstreamManager();
    const consumers = async () => (await streams.info("KV_jobs")).state.consumer_count;
    const follow = (...args: string[]) => new Running(["job", ...args], { NATS_URL: server.url });
    const named = follow("wait", ...jids);
    const selected = follow("wait", "--function", "[fm]*");
    await until("one consumer each", async () => (await consumers()) === 2);
    await Bun.sleep(300);
    expect([named.err, selected.err]).toEqual(["", ""]);
    selected.signal("SIGINT");
    expect(await selected.ended()).toBe(130);
    await until("that consumer to be gone", async () => (await consumers()) === 1, 2_000);
    const killing = follow("kill", "--function", "few", "--yes", "--wait");
    await until(
      "one consumer each",
      async () => (await consumers()) === 2 && killing.out.includes("Cancel signal sent"),
    );
    await Promise.all(jids.map((jid) => put(jid, "canceled")));
    expect([await named.ended(), await killing.ended()]).toEqual([5, 0]);
    expect(named.out.match(/^Job many-\d+ canceled/gm)).toHaveLength(WAITED);
    expect(killing.out.match(/^Job many-\d+ canceled/gm)).toHaveLength(few.size);
    expect([named.err, await consumersLeft(own)]).toEqual(["", 0]);
    await own.close();
  });
});
