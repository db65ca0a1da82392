// One message of the server is lost on the way, each in its turn: the answer is whole, or it is an error.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createBuckets, encode, jobRecord, type Server, startServer, Time, zester } from "../support/harness.ts";
import { draws } from "../support/length.ts";
import { type FaultyLink, startFaultyLink } from "../support/proxy.ts";
import { randomFrom, SEED } from "../support/random.ts";

const random = randomFrom(SEED);

/** More than two requests bring at first, which is 64 each, and more bytes than newer servers are asked for at once. */
const RECORDS = 150;
const TEXT = "x".repeat(2_000);
const WORKERS = 4;
const COMMANDS: Record<string, string[]> = {
  list: ["list"],
  "list -n": ["list", "-n", "5"],
  active: ["active"],
  show: ["show", "job-1"],
  "show --summary": ["show", "job-1", "--summary"],
  diff: ["diff", "job-1", "job-1"],
  errors: ["errors", "--since", "1h"],
  grep: ["grep", "no web-1", "--since", "1h"],
  history: ["history", "web-7"],
  stats: ["stats", "--by", "peel", "--format", "json"],
};

let server: Server;
let links: FaultyLink[];

beforeAll(async () => {
  server = await startServer();
  const nc = await server.connect();
  const { jobs, returns } = await createBuckets(nc, { events: false });
  const targets = Array.from({ length: RECORDS }, (_, i) => `web-${i}`);
  for (let i = 0; i < RECORDS; i++) {
    const status = i % 3 ? "failed" : "running";
    await jobs.put(
      `job-${i}`,
      encode(jobRecord(`job-${i}`, { status, targets, created: Time.now(), args: { text: TEXT } })),
    );
  }
  for (const peel of targets) {
    const record = { jid: "job-1", peel_id: peel, success: false, error: `no ${peel}`, duration: 1n, data: TEXT };
    await returns.put(`job-1.${peel}`, encode({ ...record, timestamp: Time.now() }));
  }
  await nc.close();
  links = await Promise.all(Array.from({ length: WORKERS }, () => startFaultyLink(server.port)));
});
afterAll(async () => {
  for (const link of links) link.stop();
  await server.stop();
});

const run = (args: string[], link: FaultyLink) =>
  zester(["job", ...args, "--utc"], { env: { NATS_URL: link.url, ZESTER_TIMEOUT: "500ms" } });
/** What of an answer stays the same while the clock goes on. */
const lasting = (text: string) =>
  text.replace(/\b(\d+(\.\d+)?(ms|s|m))+( ago)?\b/g, "…").replace(/"from": .*| +/g, " ");

for (const [name, args] of Object.entries(COMMANDS)) {
  test(
    `${name}: whole or an error, whichever message is lost`,
    async () => {
      const [link] = links as [FaultyLink];
      const before = link.messages;
      const whole = await run(args, link);
      expect([whole.stderr.replace(/^(note|warning): .*\n/gm, ""), whole.code]).toEqual(["", 0]);
      const messages = link.messages - before;
      const step = Math.ceil(messages / draws(8, 100));
      const first = Math.floor(random() * step);
      let errors = 0;
      let next = first;
      const worker = async (link: FaultyLink) => {
        while (next < messages) {
          const lost = next;
          next += step;
          link.lose(lost);
          const { code, stdout, stderr } = await run(args, link);
          link.heal();
          if (code === 0) expect([lost, lasting(stdout)]).toEqual([lost, lasting(whole.stdout)]);
          else {
            errors++;
            expect([lost, code, stdout]).toEqual([lost, 1, ""]);
            expect(stderr).toMatch(/^error: /m);
          }
        }
      };
      await Promise.all(links.map(worker));
      expect(errors).toBeGreaterThan(0);
    },
    5 * 60_000,
  );
}
