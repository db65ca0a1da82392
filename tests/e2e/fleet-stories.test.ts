// What real fleets do, done by the simulated one: returns that a master misses, jobs that it does not watch, takeovers without
// an event. What the commands tell of it follows from wire.md.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { NatsConnection } from "nats";
import { early, Fleet, hang, ok } from "../support/fleet.ts";
import { encode, jobRecord, type Server, startServer, until, zester } from "../support/harness.ts";
import { returnRecord } from "../support/wire.ts";

let server: Server;
let nc: NatsConnection;
let fleet: Fleet;
beforeAll(async () => {
  server = await startServer();
  nc = await server.connect();
  fleet = await Fleet.start(nc, { scale: 0.02 });
});
afterAll(async () => {
  await fleet.stop();
  await nc.close();
  await server.stop();
});

const job = (...args: string[]) => zester(["job", ...args], { env: { NATS_URL: server.url } });
const summary = async (jid: string) => (await job("show", jid, "--summary")).stdout;

test("a peel that returned before its master listened is ok, and is not run again", async () => {
  const jid = await fleet.dispatch({ fn: "test.version", peels: { "web-01": early, "web-02": ok } });
  await fleet.until(jid, "failed");
  const told = await summary(jid);
  expect(told).toContain("\nReason    the master missed the return of web-01\n");
  expect(told).toMatch(/web-01 +returned at \+\S+, but the master missed it and marked the peel unreachable/);
  const wait = await job("wait", jid);
  expect([wait.stdout.includes(": 2 ok ("), wait.code]).toEqual([true, 3]);
  expect((await job("retry", jid, "--yes")).stdout).toBe("Nothing to retry: all 2 peels returned ok.\n");
});

test("a job through REST ends at once, and its peels return to the events alone", async () => {
  const jid = await fleet.rest({
    fn: "cmd.run",
    peels: { "db-01": ok, "db-02": hang },
    user: "ci",
    metadata: { source: "ci" },
  });
  await until("the return", async () => (await summary(jid)).includes("1 late"));
  const { stdout, code } = await job("wait", jid);
  expect(stdout).toContain(
    "(the master stopped watching 4m59s before the deadline; 1 of 2 peels returned after that: 1 ok; 1 peel may still be executing)\n",
  );
  expect([stdout.includes(" timeout in "), code]).toEqual([true, 3]);
  nc.publish(`zester.job.${jid}.cancel`, encode({ action: "cancel" }));
});

test("a peel that the cancel signal stopped: history says what trace says", async () => {
  const jid = await fleet.dispatch({ fn: "cmd.run", peels: { "stop-1": hang } });
  await fleet.until(jid, "running");
  await job("kill", jid, "--wait");
  const words = "stopped by the cancel signal: ";
  await until("the late return", async () => (await job("trace", jid)).stdout.includes(words));
  const entries = JSON.parse((await job("history", "stop-1", "--format", "json")).stdout);
  expect(entries).toMatchObject([{ jid, state: "late", note: expect.stringContaining(words) }]);
  expect((await job("history", "stop-1")).stdout).not.toContain("first failure");
});

test("a peel that was stopped in its queue ran for no time: neither history nor trace show one", async () => {
  const [jid, peel] = ["stopped-1", "stop-2"];
  await fleet.jobs.put(jid, encode(jobRecord(jid, { status: "canceled", owner: "m1", targets: [peel] })));
  const stopped = { success: false, return_data: null, error: "execution canceled", duration: 0n };
  for (const [event, payload] of [
    ["dispatch", encode({ jid, type: "dispatched", data: {} })],
    [`ack.${peel}`, encode({ jid, peel_id: peel })],
    ["cancel", encode({ action: "cancel" })],
    [`return.${peel}`, returnRecord(jid, peel, stopped)],
  ] as const)
    await nc.request(`zester.job.${jid}.${event}`, payload);
  const traced = JSON.parse((await job("trace", jid, "--format", "json")).stdout);
  const [entry] = JSON.parse((await job("history", peel, "--format", "json")).stdout);
  const note = "stopped by the cancel signal: execution canceled";
  expect([entry.state, entry.note, entry.took]).toEqual(["late", note, undefined]);
  expect([traced.peels[0].state, traced.peels[0].took]).toEqual(["late", undefined]);
});

test("errors and stats count what peels returned from a job through REST as they count late returns", async () => {
  const jid = await fleet.rest({
    fn: "rest.check",
    peels: { "r-1": ok, "r-2": { does: "fail", ms: 20, error: "no space" }, "r-3": hang },
    user: "ci",
    metadata: {},
  });
  await until("the returns", async () => (await summary(jid)).includes("2 late"));
  const read = async (...args: string[]) => {
    const { stdout } = await job(...args, "--function", "rest.check", "--format", "json");
    return JSON.parse(stdout);
  };
  expect(await read("errors")).toMatchObject([
    { error: "no space", peels: 1, jobs: 1, where: ["r-2"] },
    { state: "missing", peels: 1, jobs: 1, where: ["r-3"] },
  ]);
  const rows: { peel_id: string; last: string }[] = await read("stats", "--by", "peel");
  const last = rows.filter(({ peel_id }) => peel_id.startsWith("r-")).map(({ peel_id, last }) => `${peel_id} ${last}`);
  expect(last.sort()).toEqual(["r-1 ok", "r-2 failed", "r-3 missing"]);
  nc.publish(`zester.job.${jid}.cancel`, encode({ action: "cancel" }));
});

test("all given up is failed, and so are one that is ok and two that were given up", async () => {
  const gone = { does: "unreachable", ms: 20 } as const;
  const all = await fleet.dispatch({ fn: "cmd.run", peels: { "g-1": gone, "g-2": gone } });
  const some = await fleet.dispatch({ fn: "cmd.run", peels: { "g-1": gone, "g-2": gone, "g-3": ok } });
  await fleet.until(all, "failed");
  await fleet.until(some, "failed");
  expect((await job("wait", all)).stdout).toContain(": 2 unreachable\n");
  expect((await job("wait", some)).stdout).toContain(": 2 unreachable, 1 ok\n");
});

test("a target that stands twice keeps the job from being complete", async () => {
  const jid = await fleet.dispatch({ fn: "cmd.run", peels: { "t-1": ok }, targets: ["t-1", "t-1"], timeoutMs: 400 });
  await fleet.until(jid, "partial");
  expect(await summary(jid)).toContain("t-1 is a target twice and counts as two, so the job could not be complete\n");
});

test("the result of a schedule under the id of a job counts nowhere, also over the return of a target", async () => {
  const jid = await fleet.dispatch({ fn: "cmd.run", peels: { "s-1": { does: "fail", ms: 20, error: "no lock" } } });
  await fleet.until(jid, "failed");
  for (const peel of ["s-1", "evil-1"])
    await fleet.schedule(peel, "nightly", "state.apply", { does: "ok", ms: 1 }, jid);
  const written = async () => (await fleet.returns.get(`${jid}.evil-1`)) !== null;
  await until("the results", written);
  const told = await summary(jid);
  expect(told).toContain("\nPeels     1: 1 failed\n");
  expect(told).toContain('no lock; the bucket has the result of schedule "nightly" instead of this return');
  expect(told).toContain('2 messages ignored: s-1 sent the result of schedule "nightly", evil-1 is not a target\n');
});

test("a master that lives and does not watch; then a cancel signal that no master hears, and a takeover", async () => {
  const jid = await fleet.dispatch({ fn: "cmd.run", peels: { "o-1": hang, "o-2": hang } });
  await until("acks", async () => (await summary(jid)).includes("2 executing"));
  await fleet.forget(jid);
  const words = "its master master-demo01 is alive but does not watch the job, which ends when that master restarts";
  await until("word of it", async () => (await summary(jid)).includes(`Stuck     ${words}`));
  await job("kill", jid);
  await until("the returns", async () => (await summary(jid)).includes("2 failed"));
  await fleet.stopMaster();
  await fleet.startMaster();
  await fleet.until(jid, "failed");
  expect(await summary(jid)).toContain(
    "\nReason    a cancel signal was sent while no master watched: 2 of 2 peels aborted, and the job ended as failed after a takeover by master-demo02\n",
  );
});

test("of two returns the newest counts for a master that takes the job over", async () => {
  const jid = await fleet.dispatch({ fn: "cmd.run", peels: { "n-1": ok, "n-2": hang } });
  await until("the return", async () => (await summary(jid)).includes("1 executing, 1 ok"));
  fleet.crash();
  const again = { success: false, return_data: null, error: "no lock", duration: 1n };
  nc.publish(`zester.job.${jid}.return.n-1`, returnRecord(jid, "n-1", again));
  await fleet.startMaster();
  await until("the takeover", async () => (await summary(jid)).includes("1 failed, 1 executing"));
  fleet.cancel(jid);
  await fleet.until(jid, "canceled");
});
