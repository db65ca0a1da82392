// With masters and peels that live, die and take over: which jobs are called stuck, and which wait in a queue.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { NatsConnection } from "nats";
import { Fleet, hang } from "../support/fleet.ts";
import { type Server, startServer, until, zester } from "../support/harness.ts";

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
  const words = "its master master-demo01 has no heartbeat";
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

test("of three jobs a peel executes one, and two are queued behind it", async () => {
  const jids: string[] = [];
  for (let n = 0; n < 3; n++) {
    const jid = await fleet.dispatch({ fn: "cmd.run", peels: { "db-01": hang } });
    jids.push(jid);
    await until("ack", async () => (await job("trace", jid)).stdout.includes("delivered in"));
  }
  const [first, ...others] = jids as [string, ...string[]];
  expect((await job("trace", first)).stdout).toContain("Peels     1: 1 executing\n");
  for (const jid of others) {
    const { stdout } = await job("trace", jid);
    expect(stdout).toContain("Peels     1: 1 queued\n");
    expect(stdout).toContain(`behind at least ${first}\n`);
  }
});
