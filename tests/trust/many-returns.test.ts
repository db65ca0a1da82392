// What commands that read the returns of many jobs take in memory: 100,000 jobs with 500,000 returns in full length.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { NatsConnection } from "nats";
import { peakMemory } from "../bench/measure.ts";
import { jobRecord, type Server, startServer, Time, ZESTER } from "../support/harness.ts";
import { times } from "../support/length.ts";
import { encode } from "../support/wire.ts";

const JOBS = times(200, 100_000);
const PEELS = 500;
const EACH = 5;
/** What the smaller size may take shows that little of it is needed to start. */
const MOST_MB = times(130, 200);
/** Messages on the way before the server is asked how far it is. */
const WINDOW = 5_000;

let server: Server;
let client: NatsConnection;

const jidOf = (job: number) => `2hPx${String(job).padStart(23, "0")}`;
const peelOf = (job: number, i: number) => `web-${String((job * 7 + i) % PEELS).padStart(3, "0")}`;

/** Records with a JID and peels to fill in: so many would take long to encode. */
const NAMES = Array.from({ length: EACH }, (_, i) => `peel-0${i}`);
const job = (status: string, success_count: number) => {
  const created = new Time(Time.now().ns - 3_600_000_000_000n);
  const fields = { function: "state.apply", targets: NAMES, status, created, updated: created };
  return encode(jobRecord(jidOf(0), { ...fields, return_count: EACH, success_count }));
};
const JOB = { complete: job("complete", EACH), failed: job("failed", EACH - 1) };
const answer = (error: string | undefined) => {
  const whose = { peel_id: NAMES[0], jid: jidOf(0), success: !error };
  const details = { stdout: `${jidOf(0)} restarted nginx\n` };
  const return_data = { ...whose, results: [{ name: "nginx", changed: true, diff: "", details }] };
  return encode({ ...whose, return_data, error, duration: 1_000_000_000n, timestamp: Time.now() });
};
const RETURN = { ok: answer(undefined), failed: answer(`cannot write /var/lib/${jidOf(0)}: No space left on device`) };

function filled(record: Buffer, jid: string, peels: readonly string[]): Buffer {
  let text = record.toString("latin1").replaceAll(jidOf(0), jid);
  for (const [i, peel] of peels.entries()) text = text.replaceAll(NAMES[i] as string, peel);
  return Buffer.from(text, "latin1");
}

beforeAll(async () => {
  server = await startServer();
  client = await server.connect();
  const jsm = await client.jetstreamManager();
  for (const [bucket, history] of [
    ["jobs", 10],
    ["job-returns", 1],
  ] as const)
    await jsm.streams.add({
      name: `KV_${bucket}`,
      subjects: [`$KV.${bucket}.>`],
      max_msgs_per_subject: history,
      allow_rollup_hdrs: true,
      allow_direct: true,
      storage: "memory" as never,
    });
  let sent = 0;
  const put = async (key: string, value: Uint8Array) => {
    if (++sent % WINDOW > 0) return client.publish(`$KV.${key}`, value);
    await client.request(`$KV.${key}`, value, { timeout: 30_000 });
  };
  for (let n = 0; n < JOBS; n++) {
    const jid = jidOf(n);
    const targets = Array.from({ length: EACH }, (_, i) => peelOf(n, i));
    await put(`jobs.${jid}`, filled(n % 10 === 0 ? JOB.failed : JOB.complete, jid, targets));
    for (const [i, peel] of targets.entries())
      await put(`job-returns.${jid}.${peel}`, filled(n % 10 === 0 && i === 0 ? RETURN.failed : RETURN.ok, jid, [peel]));
  }
  for (const [bucket, total] of [
    ["jobs", JOBS],
    ["job-returns", JOBS * EACH],
  ] as const) {
    while ((await jsm.streams.info(`KV_${bucket}`)).state.messages < total) await client.flush();
  }
}, 300_000);
afterAll(async () => {
  await client.close();
  await server.stop();
});

const DAYS = ["--since", "7d"];
test.each([
  [["stats", "--by", "peel"]],
  [["stats", "--by", "result"]],
  [["errors", ...DAYS]],
  [["grep", "no space left", ...DAYS]],
  [["grep", "-e", "[Nn]o +space", ...DAYS]],
  [["history", peelOf(0, 0)]],
])(
  "%j",
  async (args) => {
    const argv = [ZESTER, "job", ...args, "--timeout", "60s"];
    expect(await peakMemory({ argv, env: { NATS_URL: server.url } })).toBeLessThan(MOST_MB);
  },
  120_000,
);
