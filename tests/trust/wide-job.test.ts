// What commands that read one wide job take in memory: 50,000 peels with all their returns and events in full length.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { NatsConnection } from "nats";
import { peakMemory } from "../bench/measure.ts";
import { createBuckets, jobRecord, type Server, startServer, Time, ZESTER } from "../support/harness.ts";
import { times } from "../support/length.ts";
import { encode } from "../support/wire.ts";

const PEELS = times(5_000, 50_000);
/** With fewer peels it takes less: a part of it is needed to start. */
const MOST_MB = times(165, 300);
/** Messages on the way before the server is asked how far it is. */
const WINDOW = 5_000;

let server: Server;
let client: NatsConnection;

const names = Array.from({ length: PEELS }, (_, i) => `edge-${String(i).padStart(5, "0")}`);
const result = (name: string, changed: boolean, duration: bigint) => ({
  name,
  changed,
  diff: "",
  duration,
  details: { stdout: `${name} is as it should be\n`, path: `/etc/${name}` },
});

function returnOf(jid: string, peel_id: string, n: number): Uint8Array {
  const results = [result("motd", false, BigInt(n)), result("nginx", true, 7n), result("sshd", false, 9n)];
  // In any order, as peels list them.
  const inOrder = [...results.slice(n % 3), ...results.slice(0, n % 3)];
  const return_data = { v: 1, peel_id, jid, success: true, results: inOrder };
  return encode({ jid, peel_id, success: true, return_data, duration: BigInt(n) + 10n ** 9n, timestamp: Time.now() });
}

beforeAll(async () => {
  server = await startServer();
  client = await server.connect();
  await createBuckets(client);
  let sent = 0;
  const put = async (subject: string, value: Uint8Array) => {
    if (++sent % WINDOW > 0) return client.publish(subject, value);
    await client.request(subject, value, { timeout: 60_000 });
  };
  for (const jid of ["first", "second"]) {
    const record = jobRecord(jid, { targets: names, status: "complete", return_count: PEELS, success_count: PEELS });
    const event = (data: unknown, type: string) => encode({ jid, type, data, timestamp: Time.now() });
    await put(`$KV.jobs.${jid}`, encode(record));
    await put(`zester.job.${jid}.dispatch`, event(record, "dispatched"));
    for (const peel_id of names)
      await put(`zester.job.${jid}.ack.${peel_id}`, encode({ jid, peel_id, timestamp: Time.now() }));
    for (const [n, peel] of names.entries()) {
      const returned = returnOf(jid, peel, n);
      await put(`$KV.job-returns.${jid}.${peel}`, returned);
      await put(`zester.job.${jid}.return.${peel}`, returned);
    }
    await put(`zester.job.${jid}.status`, event({ status: "complete", returns: PEELS }, "completed"));
  }
  await client.flush();
  const jsm = await client.jetstreamManager();
  while ((await jsm.streams.info("job-events")).state.messages < 2 * (2 * PEELS + 2)) await Bun.sleep(50);
}, 300_000);
afterAll(async () => {
  await client.close();
  await server.stop();
});

test.each([
  [["show", "first", "--format", "json"]],
  [["show", "first", "--output"]],
  [["diff", "first", "second"]],
  [["trace", "first"]],
  [["trace", "first", "--format", "json"]],
])(
  "%j",
  async (args) => {
    const argv = [ZESTER, "job", ...args, "--timeout", "60s"];
    const peak = await peakMemory({ argv, env: { NATS_URL: server.url } });
    expect(peak).toBeLessThan(MOST_MB);
  },
  120_000,
);
