// The newest part of a bucket, on a server.
import { expect, test } from "bun:test";
import { createBuckets, encode, jobRecord, startServer, Time, zester } from "../support/harness.ts";

test("on a server: the newest, by their own account", async () => {
  const server = await startServer();
  const nc = await server.connect();
  await createBuckets(nc);
  const now = Date.now();
  const ago = (minutes: number) => new Time(BigInt(now - minutes * 60_000) * 1_000_000n);
  const put = (jid: string, fields: Record<string, unknown>) =>
    nc.publish(`$KV.jobs.${jid}`, encode(jobRecord(jid, fields)));
  // Old jobs by their own account, stored now: none of them may be taken for new.
  for (let i = 0; i < 4000; i++) put(`old-${i}`, { created: ago(600 - i / 10), updated: ago(600) });
  for (let i = 0; i < 30; i++) {
    put(`new-${i}`, { created: ago(1), updated: ago(1), status: "running" });
    nc.publish(`$KV.jobs.active.new-${i}`, encode({ owner: "m" }));
    put(`new-${i}`, { created: ago(1), updated: ago(0), status: i % 3 === 0 ? "failed" : "complete" });
  }
  await nc.flush();
  const run = (...args: string[]) => zester(["job", "list", "-q", ...args], { env: { NATS_URL: server.url } });
  const list = async (...args: string[]) => (await run(...args)).stdout;
  expect((await list("--since", "5m")).trimEnd().split("\n")).toHaveLength(30);
  expect((await list("--since", "5m", "--state", "failed")).trimEnd().split("\n")).toHaveLength(10);
  expect((await list("-n", "5")).trimEnd().split("\n")).toEqual(["new-5", "new-6", "new-7", "new-8", "new-9"]);
  expect((await list("-n", "2", "--function", "nosuch")).trim()).toBe("");
  const sorts = (note: string) =>
    `note: --sort orders only the newest 5 ${note} that match: -n selects before --sort.\n`;
  expect((await run("-n", "5", "--sort", "jid")).stderr).toBe(sorts("of 4,030 jobs"));
  expect((await run("-n", "5", "--sort", "jid", "--since", "5m")).stderr).toBe(sorts("of 30 jobs"));
  await nc.close();
  await server.stop();
});
