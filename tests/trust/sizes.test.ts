// Values as large as a site allows, more of them than a server queues for one client, and limits that a site sets.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { NatsConnection } from "nats";
import { peakMemory } from "../bench/measure.ts";
import {
  createBuckets,
  encode,
  jobRecord,
  type Server,
  startServer,
  Time,
  ZESTER,
  zester,
} from "../support/harness.ts";
import { draws } from "../support/length.ts";

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
  const targets = Array.from({ length: 40 }, (_, n) => `web-${n}`);
  for (let n = 0; n < 50; n++)
    await jobs.put(`large-${n}`, encode(jobRecord(`large-${n}`, { args: { text: LARGE }, targets })));
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
  expect([stdout, stderr, code]).toEqual(["Job large-0 complete in 1.0s: 40 ok\n", "", 0]);
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

/** Of 100 KB, as one text or as many results, but for names and times the same for each peel of a kind. */
const OUTPUTS = [0, 1, 2].map((kind) => {
  const text = Array.from({ length: 2000 }, (_, i) => `kind ${kind}, line ${i} of a long output, more or less`).join(
    "\n",
  );
  return kind === 1
    ? Array.from({ length: 400 }, (_, i) => ({
        name: `file.managed:/etc/${i}`,
        changed: false,
        details: { stdout: text.slice(i, i + 180) },
      }))
    : [{ name: "cmd.run", changed: true, details: { stdout: text } }];
});

test("show --output of many equal outputs takes the memory of one each", async () => {
  const own = await startServer();
  const client = await own.connect();
  const { jobs } = await createBuckets(client);
  const peels = draws(600, 10_000);
  const targets = Array.from({ length: peels }, (_, i) => `web-${String(i).padStart(5, "0")}`);
  await jobs.put("big", encode(jobRecord("big", { targets, status: "complete" })));
  for (const [i, peel_id] of targets.entries()) {
    const results = OUTPUTS[i % 3]?.map((result) => ({ ...result, duration: BigInt(1_000_000_000 + i) }));
    const whose = { jid: "big", peel_id, success: true };
    const record = encode({ ...whose, return_data: { ...whose, results }, duration: BigInt(i), timestamp: Time.now() });
    client.publish(`$KV.job-returns.big.${peel_id}`, record);
    client.publish(`zester.job.big.return.${peel_id}`, record);
    if (i % 50 === 0) await client.flush();
  }
  await client.flush();
  const env = { NATS_URL: own.url };
  const { stdout, code } = await zester(["job", "show", "big", "--output"], { env });
  expect([stdout.match(/^web-.* peels {2}ok/gm)?.length, code]).toEqual([3, 0]);
  const peak = await peakMemory({ argv: [ZESTER, "job", "show", "big", "--output"], env });
  expect(peak).toBeLessThan(peels < 10_000 ? 180 : 300);
  await client.close();
  await own.stop();
}, 600_000);
