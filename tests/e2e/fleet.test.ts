// The fleet simulator and the executable together: what a job's life looks like from outside.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { NatsConnection } from "nats";
import { type Behaviour, Fleet } from "../support/fleet.ts";
import { type Server, startServer, zester } from "../support/harness.ts";

let server: Server;
let nc: NatsConnection;
let fleet: Fleet;
const run = (...args: string[]) => zester(args, { env: { NATS_URL: server.url } });
const ok: Behaviour = { does: "ok", ms: 20 };

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

test.each([
  ["complete", { a: ok, b: ok }],
  ["failed", { a: ok, b: { does: "fail", ms: 10 } }],
  ["partial", { a: ok, b: { does: "hang" } }],
  ["timeout", { a: { does: "silent" } }],
] as [string, Record<string, Behaviour>][])("a job ends as %s", async (status, peels) => {
  const jid = await fleet.dispatch({ fn: "test.ping", peels, timeoutMs: 300 });
  await fleet.until(jid, status);
  const shown = JSON.parse((await run("job", "show", jid, "--format", "json")).stdout);
  expect(shown.job.status).toBe(status);
  expect(shown.returns).toHaveLength(
    Object.values(peels).filter(({ does }) => does === "ok" || does === "fail").length,
  );
  expect((await run("job", "active")).stdout).not.toContain(jid);
  expect((await run("job", "kill", jid)).code).toBe(1);
});

test("a killed job is canceled, and its peels stop", async () => {
  const jid = await fleet.dispatch({
    fn: "cmd.run",
    peels: { a: { does: "ok", ms: 1000 }, b: { does: "hang" } },
  });
  expect((await run("job", "active")).stdout).toContain(jid);
  expect((await run("job", "kill", jid)).code).toBe(0);
  await fleet.until(jid, "canceled");
  expect((await run("job", "list")).stdout).toMatch(new RegExp(`${jid}.* canceled\n`));
  await Bun.sleep(1100);
  expect((await run("job", "show", jid)).stdout).not.toContain("Returns:");
  expect(await fleet.jobs.get(`active.${jid}`)).toMatchObject({ operation: "DEL" });
});

test("the list layout of returns", async () => {
  const other = await startServer();
  const connection = await other.connect();
  const listing = await Fleet.start(connection, { layout: "list" });
  const jid = await listing.dispatch({
    fn: "test.ping",
    peels: { "web-02": ok, "web-01": { does: "fail", ms: 20, error: "boom" } },
  });
  await listing.until(jid, "failed");
  const { stdout } = await zester(["job", "show", jid], { env: { NATS_URL: other.url } });
  expect(stdout).toEndWith("web-01    false    20ms      boom\nweb-02    true     20ms\n");
  await listing.stop();
  await connection.close();
  await other.stop();
});
