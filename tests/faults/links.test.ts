// The connection fails at a chosen step of each command: a clear error within the timeout, never part of an answer.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createBuckets, encode, jobRecord, type Server, startServer, Time, zester } from "../support/harness.ts";
import { startProxy } from "../support/proxy.ts";

let server: Server;

beforeAll(async () => {
  server = await startServer();
  const nc = await server.connect();
  const { jobs, returns } = await createBuckets(nc);
  const text = "x".repeat(2000);
  // More than one pull brings, so that a fault can strike in the middle of a scan; and more than a newer server gives at once.
  for (let i = 0; i < 150; i++)
    await jobs.put(`job-${i}`, encode(jobRecord(`job-${i}`, { status: "running", args: { text } })));
  for (const peel of ["web-01", "web-02"]) {
    const record = { jid: "job-1", peel_id: peel, success: true, duration: 1n, timestamp: Time.now() };
    await returns.put(`job-1.${peel}`, encode({ ...record, return_data: "x".repeat(300_000) }));
  }
  await nc.close();
});
afterAll(() => server.stop());

const LIST = ["list"];
const SHOW = ["show", "job-1"];
const KILL = ["kill", "job-1"];
const cases: [string[], string][] = [
  [LIST, "CONNECT {"],
  [LIST, "CONSUMER.CREATE.KV_jobs"],
  [LIST, "CONSUMER.MSG.NEXT.KV_jobs"],
  [LIST, '"batch":100'], // never sent: the fault must not strike
  [["active"], "CONSUMER.MSG.NEXT.KV_jobs"],
  [SHOW, "STREAM.INFO.KV_job-returns"],
  [SHOW, "DIRECT.GET.KV_jobs"],
  [SHOW, "CONSUMER.CREATE.KV_job-returns"],
  [SHOW, "CONSUMER.MSG.NEXT.KV_job-returns"],
  [KILL, "DIRECT.GET.KV_jobs"],
  [KILL, "zester.job.job-1.cancel"],
];

test.each(
  cases.flatMap(([args, cue]) =>
    (["cut", "stall", "deaf"] as const).map((fault) => [args.join(" "), fault, cue] as const),
  ),
)("%s, %s at %s", async (command, fault, cue) => {
  const proxy = await startProxy(server.port, cue, fault);
  const began = performance.now();
  const { stdout, stderr, code } = await zester([
    "job",
    ...command.split(" "),
    "--master",
    proxy.url,
    "--timeout",
    "400ms",
  ]);
  const took = performance.now() - began;
  proxy.stop();
  if (cue.includes("batch")) {
    expect([stderr, code, stdout.split("\n").length]).toEqual(["", 0, 152]);
    return;
  }
  expect([stdout, code]).toEqual(["", 1]);
  expect(stderr).toStartWith("error: ");
  expect(stderr).toMatch(/closed the connection|connection to the server was lost|no answer (to .* )?within 0.4s/);
  expect(stderr.trimEnd().split("\n").length).toBe(2);
  expect(took).toBeLessThan(5000);
});

test("the second pull of a scan is cut: no rows at all", async () => {
  // The first pull asks for 32 records; the next request is the second use of the subject, with another batch size.
  const proxy = await startProxy(server.port, '"batch":4', "cut");
  const whole = await zester(["job", "list", "--master", proxy.url, "--timeout", "400ms"]);
  proxy.stop();
  expect([whole.stdout, whole.code]).toEqual(["", 1]);
  expect(whole.stderr).toContain("the connection to the server was lost");
});
