// With masters and peels that live, die and take over: which jobs are called stuck, and which wait in a queue.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { NatsConnection } from "nats";
import { type Behaviour, Fleet, hang, ok } from "../support/fleet.ts";
import { encode, jobRecord, type Server, startServer, Time, until, zester } from "../support/harness.ts";

let server: Server;
let nc: NatsConnection;
let fleet: Fleet;
beforeAll(async () => {
  server = await startServer();
  nc = await server.connect();
  fleet = await Fleet.start(nc, { scale: 0.05 });
});
afterAll(async () => {
  await fleet.stop();
  await nc.close();
  await server.stop();
});

const job = (...args: string[]) => zester(["job", ...args], { env: { NATS_URL: server.url } });
/** The life of a heartbeat is 15 s, here a twentieth of that; the server may take a second to remove it. */
const LIFE_AND_2S = 15_000 * 0.05 + 2_000;

test("a job of a crashed master is stuck until another master takes it over", async () => {
  const jid = await fleet.dispatch({ fn: "cmd.run", peels: { "web-01": hang } });
  expect((await job("trace", jid)).stdout).not.toContain("Stuck");
  expect((await job("active")).stderr).toBe("");
  fleet.crash();
  const words = "no heartbeat from its master master-demo01";
  const told = async () => {
    const [active, trace] = await Promise.all([job("active"), job("trace", jid)]);
    return active.stderr.includes(`1 job is stuck: ${jid}; ${words}`) && trace.stdout.includes(`Stuck     ${words}`);
  };
  await until("word of the stuck job", told, LIFE_AND_2S);
  await fleet.startMaster();
  const owned = async () => (await job("trace", jid)).stdout.includes("Owner     master-demo02");
  await until("takeover", owned);
  expect((await job("trace", jid)).stdout).not.toContain("Stuck");
  expect((await job("active")).stderr).toBe("");
  fleet.cancel(jid);
  await fleet.until(jid, "canceled");
});

test("a master that lives and does not watch its job: stuck at once, but not while the heartbeat is older than the job", async () => {
  const id = "master-idle";
  const jid = "2hPxUnwatched00000000000000";
  const { masters } = fleet.site.heartbeats as NonNullable<typeof fleet.site.heartbeats>;
  const beat = (active_jobs: string[] | null) =>
    masters.put(id, encode({ master_id: id, active_jobs, timestamp: Time.now() }));
  const put = (ageS: number) => {
    const updated = new Time(Time.now().ns - BigInt(ageS) * 1_000_000_000n);
    const deadline = new Time(updated.ns + 600_000_000_000n);
    const record = {
      function: "cmd.run",
      targets: ["web-09"],
      status: "running",
      owner: id,
      created: updated,
      updated,
      deadline,
    };
    return fleet.jobs.put(jid, encode(jobRecord(jid, record)));
  };
  const words = `its master ${id} is alive but does not watch the job, which ends when that master restarts`;
  const stuck = async () => {
    const [active, trace, wide] = await Promise.all([
      job("active"),
      job("trace", jid),
      job("list", "--columns", "jid,stuck"),
    ]);
    const told = [active.stderr, trace.stdout, wide.stdout].map((text) => text.includes(words));
    expect(new Set(told).size).toBe(1);
    return told[0];
  };
  // A heartbeat lives for 0.75 s here: each look has its own.
  const looks = async (active: string[] | null, ageS: number) => {
    await put(ageS);
    const beats = setInterval(() => void beat(active), 200);
    await beat(active);
    const found = await stuck().finally(() => clearInterval(beats));
    return found;
  };
  expect(await looks(null, 5)).toBe(true);
  expect(await looks(["other"], 5)).toBe(true);
  expect(await looks(["other", jid], 5)).toBe(false);
  expect(await looks([], -5)).toBe(false);
  await fleet.jobs.delete(jid);
});

test("of three jobs a peel executes one, and two are queued behind it", async () => {
  const jids: string[] = [];
  for (let n = 0; n < 3; n++) {
    const jid = await fleet.dispatch({ fn: "cmd.run", peels: { "db-01": hang } });
    jids.push(jid);
    await until("ack", async () => (await job("trace", jid)).stdout.includes("delivered in"));
  }
  const [first, ...others] = jids as [string, ...string[]];
  expect((await job("trace", first)).stdout).toContain("Peels     0/1 done: 1 executing\n");
  for (const jid of others) {
    const { stdout } = await job("trace", jid);
    expect(stdout).toContain("Peels     0/1 done: 1 queued\n");
    expect(stdout).toContain(`waiting for job ${first}\n`);
  }
});

test("a peel goes on after the end of a job: the next one is queued behind it, and may still run after its own end", async () => {
  const [peel, other] = ["db-02", "db-03"];
  const dispatch = async (behaviour: Behaviour, timeoutMs = 300_000) => {
    const jid = await fleet.dispatch({ fn: "cmd.run", peels: { [peel]: behaviour, [other]: ok }, timeoutMs });
    await until("acks", async () => !/silent|missing/.test((await job("show", jid, "--summary")).stdout));
    return jid;
  };
  const first = await dispatch(hang, 300);
  await fleet.until(first, "partial");
  // It bypasses the queue.
  const reads = await fleet.dispatch({ fn: "test.ping", peels: { [peel]: hang, [other]: ok }, timeoutMs: 300 });
  await fleet.until(reads, "partial");
  const second = await dispatch(hang);
  const state = async (jid: string) => {
    const [shown, traced, past] = await Promise.all([
      job("show", jid, "--summary"),
      job("trace", jid, "--format", "json"),
      job("history", peel, "--format", "json"),
    ]);
    const one = JSON.parse(traced.stdout).peels.find(({ peel_id }: { peel_id: string }) => peel_id === peel);
    const entry = JSON.parse(past.stdout).find((found: { jid: string }) => found.jid === jid);
    return [one.state, one.behind, entry.state, /waiting for job (\S+)/.exec(shown.stdout)?.[1]];
  };
  expect(await state(second)).toEqual(["queued", first, "queued", first]);
  const third = await dispatch(ok, 300);
  await fleet.until(third, "partial");
  expect(await state(third)).toEqual(["unfinished", first, "unfinished", first]);
  expect((await job("retry", third)).stderr).toContain(`${peel}  waiting for job ${first}; may still run it`);
  nc.publish(`zester.job.${first}.cancel`, encode({ action: "cancel" }));
  await until("the late return", async () => (await job("trace", first)).stdout.includes("1 late"));
  expect(await state(second)).toEqual(["executing", undefined, "executing", undefined]);
  expect(await state(third)).toEqual(["unfinished", second, "unfinished", second]);
});
