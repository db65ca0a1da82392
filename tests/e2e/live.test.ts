// `watch <jid>` and `trace --follow` on a terminal, with a master that dies and queues of peels.
import { afterAll, expect, test } from "bun:test";
import { Fleet, fail, hang, ok } from "../support/fleet.ts";
import { consumersLeft, startServer, until, ZESTER, zester } from "../support/harness.ts";
import { KEYS, Pictured } from "../support/pictured.ts";

const server = await startServer();
const nc = await server.connect();
const SCALE = 0.1;
const LEAVE = "\x1b[?25h\x1b[?1049l";
const fleet = await Fleet.start(nc, { scale: SCALE });
const env = { NATS_URL: server.url };
const look = (args: string[], cols = 80) => new Pictured(["job", ...args, "--no-color"], env, { cols, rows: 24 });
afterAll(async () => {
  await fleet.stop();
  await nc.close();
  await server.stop();
});

/** How soon a dead master is told: the life of its heartbeat, and a second that the server may take, and two more. */
const TOLD_MS = 15_000 * SCALE + 3_000;

test("a dead master's job is called stuck, until another one takes it over", async () => {
  const args = { command: "sleep 600" };
  const peels = { w1: fail, w2: hang, w3: ok };
  const jid = await fleet.dispatch({ fn: "cmd.run", args, expr: "w*", peels });
  const others = [
    await fleet.dispatch({ fn: "cmd.run", peels: { w2: ok } }),
    await fleet.dispatch({ fn: "cmd.run", peels: { w2: ok } }),
  ];
  const watch = look(["watch", jid]);
  const queued = look(["watch", others[1] as string], 120);
  const trace = look(["trace", jid, "-f"], 200);
  const wait = look(["wait", jid], 200);
  for (const one of [watch, trace]) {
    await one.shows(/executing +1 +\S+ so far +w2/);
    expect(one.lines[2]).toContain('cmd.run "sleep 600" on w*');
    await one.shows(/\nby root {2}master-demo01 alive {2}4m5\ds left\n/);
    expect(one.lines.join("\n")).toMatch(/failed +1 +20ms +w1 +no lock/);
  }
  await queued.shows(new RegExp(`queued +1 +\\S+ so far +w2 +waiting for job ${jid}`));
  fleet.crash();
  const stuck = /\nStuck: no heartbeat from its master master-demo01\n/;
  await Promise.all([
    ...[watch, trace].map((one) => one.shows(stuck, TOLD_MS)),
    wait.until(`job ${jid} is stuck: no heartbeat from its master master-demo01. Another`, TOLD_MS),
  ]);
  for (const line of watch.lines) expect(line.length).toBeLessThan(80);
  await fleet.startMaster();
  for (const one of [watch, trace]) await one.shows((picture) => !stuck.test(picture.lines.join("\n")));
  await watch.shows(/master-demo02 alive/);
  await zester(["job", "kill", jid], { env });
  // The picture stays: q has the code of the end, and leaves its line behind.
  for (const one of [watch, trace]) {
    await one.shows(/ {2}canceled {2}/);
    one.type("q");
    expect(await one.ended()).toBe(5);
    expect(one.out.split(LEAVE).at(-1)).toMatch(
      /^Job \S+ canceled in \S+: 1 failed, 1\s+(?:unfinished|late(?:\s+\(1\s+stopped\))?),\s+1\s+ok\r+\n$/,
    );
  }
  await queued.shows(/1\/1 {2}complete/);
  queued.type("q");
  expect(await queued.ended()).toBe(0);
});

test("of a job that ended badly q leaves the next command too; of one that runs it leaves nothing", async () => {
  const [bad, runs] = [
    await fleet.dispatch({ fn: "cmd.run", peels: { y1: fail, y2: ok } }),
    await fleet.dispatch({ fn: "cmd.run", peels: { y3: hang } }),
  ];
  const trace = look(["trace", bad, "--follow"]);
  await trace.shows(/2\/2 {2}failed[^\n]*\nby root {2}master-demo02 {2}created 20\d\d-/);
  trace.type("q");
  expect(await trace.ended()).toBe(2);
  expect(trace.out.split(LEAVE).at(-1)).toMatch(
    new RegExp(`^Job ${bad} failed in \\S+: 1 failed, 1\\s+ok\r+\nNext: zester job retry ${bad} --failed\r+\n$`),
  );
  const watch = look(["watch", runs]);
  await watch.shows(/executing/);
  watch.type("q");
  expect(await watch.ended()).toBe(0);
  expect(watch.out).toEndWith(LEAVE);
  // --for: the code of a job that has ended, else that of the time.
  const timed = [look(["watch", bad, "--for", "1s"]), look(["watch", runs, "--for", "1s"])];
  expect(await Promise.all(timed.map((one) => one.ended()))).toEqual([2, 124]);
  expect(timed[1]?.out.split(LEAVE).at(-1)).toMatch(/^error: timed out after 1s: 1 job had not ended: /);
  await zester(["job", "kill", runs], { env });
});

test("Esc leads to the list, with the job under the cursor", async () => {
  const first = await fleet.dispatch({ fn: "test.one", peels: { z1: hang } });
  const jid = await fleet.dispatch({ fn: "test.two", peels: { z2: hang } });
  const watch = look(["watch", jid]);
  await watch.shows(/test\.two on \[z2\]/);
  expect(watch.lines.join("\n")).not.toContain("active");
  watch.type(KEYS.escape);
  await watch.shows(/ 2 active [\s\S]*test\.one[\s\S]*\n> \S+ +test\.two/);
  watch.type("k");
  await watch.shows(/\n> \S+ +test\.one[\s\S]*executing +1 +\S+ so far +z1/);
  watch.type("q");
  expect(await watch.ended()).toBe(0);
  for (const one of [first, jid]) await zester(["job", "kill", one], { env });
});

test("a job whose record is gone: the picture says so, and q ends with code 1", async () => {
  const jid = await fleet.dispatch({ fn: "cmd.run", peels: { v1: hang } });
  const watch = look(["watch", jid]);
  await watch.shows(/executing/);
  await fleet.jobs.purge(jid);
  await watch.shows(/\njob \S+ no longer exists/);
  watch.type("q");
  expect(await watch.ended()).toBe(1);
  expect(watch.out.split(LEAVE).at(-1)).toMatch(/^error: job \S+ no longer exists/);
});

test("--all, and a terminal that is no stdin: lines", async () => {
  const jid = await fleet.dispatch({ fn: "cmd.run", peels: { u1: fail } });
  await zester(["job", "wait", jid], { env });
  const all = look(["trace", jid, "--follow", "--all"]);
  expect(await all.ended()).toBe(2);
  expect(all.out).not.toContain(LEAVE);
  expect(all.out).toMatch(/dispatched[\s\S]*Next: zester job retry/);
  const piped = ["sh", "-c", `"$0" job watch ${jid} </dev/null`, ZESTER];
  let out = "";
  const data = (_: unknown, bytes: Uint8Array) => {
    out += new TextDecoder().decode(bytes);
  };
  const child = Bun.spawn(piped, { env: { ...env, TERM: "xterm" }, terminal: { cols: 80, rows: 24, data } });
  expect(await child.exited).toBe(2);
  await until("the end", async () => out.includes("Next:"));
  expect(out).not.toContain(LEAVE);
  child.terminal?.close();
});

test("Ctrl-C gives the terminal back", async () => {
  const jid = await fleet.dispatch({ fn: "cmd.run", peels: { x1: hang } });
  const pictures = [look(["watch", jid]), look(["trace", jid, "-f"])];
  for (const one of pictures) {
    await one.shows(/executing +1 +\S+ so far +x1/);
    one.type("\x03");
    expect(await one.ended()).toBe(130);
    expect(one.out).toEndWith(LEAVE);
  }
  expect(await consumersLeft(nc)).toBe(0);
  await zester(["job", "kill", jid], { env });
});
