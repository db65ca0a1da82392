// A node of a cluster that has lost the others lets clients in, and has what it knew. None of that is told as if it were so now.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { KV, NatsConnection } from "nats";
import { type Cluster, startCluster } from "../support/cluster.ts";
import {
  createBuckets,
  encode,
  jobRecord,
  type Result,
  Running,
  type Server,
  Time,
  until,
  zester,
} from "../support/harness.ts";
import { some } from "../support/length.ts";
import { expectUnavailable } from "../support/outcome.ts";

// A new leader is elected within 4 to 10 seconds.
setDefaultTimeout(120_000);

let cluster: Cluster;
let nc: NatsConnection;
let jobs: KV;
let alone: Server;
let others: Server[];

const put = (jid: string, status: string) =>
  until(`a place for ${jid}`, async () => jobs.put(jid, encode(jobRecord(jid, { status, targets: ["web-01"] }))));

/** The node answers that the stream of jobs has no leader. */
const isLeaderless = (node: Server) =>
  until(`word of ${node.url} that it has no leader`, async () => {
    const client = await node.connect();
    try {
      const answer = await client.request("$JS.API.STREAM.INFO.KV_jobs", "", { timeout: 1000 });
      return answer.json<{ cluster?: { leader?: string } }>().cluster?.leader === undefined;
    } finally {
      await client.close();
    }
  });

beforeAll(async () => {
  cluster = await startCluster();
  [alone, ...others] = cluster.nodes as [Server, ...Server[]];
  nc = await cluster.connect();
  const buckets = await createBuckets(nc, { replicas: 3 });
  jobs = buckets.jobs;
  for (const jid of ["old-1", "old-2"]) await put(jid, "running");
  const answer = { jid: "old-1", peel_id: "web-01", success: true, duration: 1n, timestamp: Time.now() };
  await buckets.returns.put("old-1.web-01", encode(answer));
  const client = await alone.connect();
  await until("all of it on each node", async () => {
    const { headers } = await client.request("$JS.API.DIRECT.GET.KV_job-returns.$KV.job-returns.old-1.web-01");
    return !headers || headers.code < 400;
  });
  await client.close();
});
afterAll(async () => {
  await nc.close();
  await cluster.stop();
});

const READING = some(
  [
    ["list"],
    ["list", "-q", "--format", "jsonl"],
    ["list", "-n", "1"],
    ["active"],
    ["stats"],
    ["errors"],
    ["grep", "x"],
    ["history", "web-01"],
    ["show", "old-1"],
    ["show", "new-1"],
    ["show", "old-1", "--summary"],
    ["show", "@last"],
    ["trace", "old-1"],
    ["diff", "old-1", "old-2"],
    ["retry", "old-1", "--dry-run"],
    ["kill", "old-1", "--dry-run"],
  ],
  5,
);

test("one node without the others: no command tells what it knew, and the next of several servers is asked", async () => {
  await cluster.cutOff(alone);
  await isLeaderless(alone);
  await put("new-1", "running");
  for (const args of READING) {
    const began = performance.now();
    const result = await zester(["job", ...args, "--master", alone.url, "--timeout", "2s"]);
    expectUnavailable(result);
    expect(performance.now() - began).toBeLessThan(4000);
  }
  const timeless = ({ stdout, stderr, code }: Result) =>
    [stdout + stderr, code].join().replace(/[\d.]+(ms|µs|s)\b/g, "…");
  const [other] = others as [Server];
  // nats-server 2.9 gives some consumers to the node that is cut off, and does not answer for them.
  for (const args of READING) {
    const ask = (master: string) => zester(["job", ...args, "--timeout", "1s", "--master", master]);
    let right: Result | undefined;
    await until(
      `the right answer to ${args}`,
      async () => {
        right ??= await ask(other.url);
        if (right.stderr.includes("no answer")) right = undefined;
        if (!right) return false;
        const answer = await ask(`${alone.url},${other.url}`);
        if (timeless(answer) === timeless(right)) return true;
        // Another state than a moment ago, unless this one was not answered.
        if (!answer.stderr.includes("no answer")) right = undefined;
        return false;
      },
      60_000,
    );
  }
  await cluster.rejoin(alone);
});

test("those who follow say that what they show may be old", async () => {
  const [node, ...rest] = cluster.nodes as [Server, ...Server[]];
  const size = { cols: 120, rows: 20 };
  const drawn = new Running(["job", "watch", "--master", node.url], {}, size);
  const lines = new Running(["job", "watch", "--master", node.url], {});
  const traced = new Running(["job", "trace", "old-2", "--follow", "--master", node.url], {}, size);
  for (const one of [drawn, lines, traced]) await one.until("old-2", 60_000);
  for (const other of rest) await other.kill();
  await drawn.until(/lost nats:.*no updates since \d\d:\d\d/, 60_000);
  await traced.until(/lost nats:.*no updates since \d\d:\d\d/, 60_000);
  await lines.until("lost nats:", 60_000);
  for (const other of rest) await other.revive();
  await put("old-2", "complete");
  await drawn.until(/old-2 .*complete/, 60_000);
  await traced.until(/\/\d {2}.*complete/, 60_000);
  traced.type("q");
  expect(await traced.ended()).toBe(0);
  for (const one of [drawn, lines]) {
    one.signal("SIGINT");
    expect(await one.ended()).toBe(130);
  }
});
