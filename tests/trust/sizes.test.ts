// Values as large as a site allows, more of them than a server queues for one client, and limits that a site sets.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { NatsConnection } from "nats";
import { createBuckets, encode, jobRecord, type Server, startServer, Time, zester } from "../support/harness.ts";

const LARGE = "x".repeat(2 << 20);
let server: Server;
let nc: NatsConnection;

beforeAll(async () => {
  server = await startServer("max_payload: 8MB\nmax_pending: 64MB");
  nc = await server.connect();
  const { jobs, returns } = await createBuckets(nc);
  // Many small ones first: what comes after them is not expected.
  for (let from = 0; from < 3000; from += 500)
    await Promise.all(
      Array.from({ length: 500 }, (_, i) => jobs.put(`small-${from + i}`, encode(jobRecord(`small-${from + i}`)))),
    );
  for (let n = 0; n < 50; n++) await jobs.put(`large-${n}`, encode(jobRecord(`large-${n}`, { args: { text: LARGE } })));
  for (let n = 0; n < 40; n++)
    await returns.put(
      `large-0.web-${n}`,
      encode({
        jid: "large-0",
        peel_id: `web-${n}`,
        success: true,
        return_data: { text: LARGE + LARGE },
        duration: 1n,
        timestamp: Time.now(),
      }),
    );
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

const run = (...args: string[]) => zester(["job", ...args], { env: { NATS_URL: server.url } });

test("a scan over large values after many small ones", async () => {
  expect(await run("list", "--count")).toEqual({ stdout: "3050\n", stderr: "", code: 0 });
});

test("show and wait with many large returns", async () => {
  const shown = await run("show", "large-0");
  expect([shown.stdout.match(/^web-\d+ +true/gm)?.length, shown.stderr, shown.code]).toEqual([40, "", 0]);
  const { stdout, stderr, code } = await run("wait", "large-0", "--for", "20s");
  expect([stdout, stderr, code]).toEqual(["Job large-0 complete after 1.0s: 1 missing, 40 ok\n", "", 0]);
});

test("a stream that lets consumers live for a shorter time than we ask for", async () => {
  const jsm = await nc.jetstreamManager();
  const { config } = await jsm.streams.info("KV_jobs");
  try {
    await jsm.streams.update("KV_jobs", {
      ...config,
      consumer_limits: { inactive_threshold: 5_000_000_000 },
    });
  } catch {
    // nats-server 2.9 knows no such limits.
  }
  expect((await run("list", "--count")).stdout).toBe("3050\n");
});
