// A bucket that is written to all the time, read over a long way: a job that runs is never missing, and a shortened id that
// is ambiguous stays so.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { NatsConnection } from "nats";
import { createBuckets, encode, jobRecord, type Server, startServer, zester } from "../support/harness.ts";
import { type FaultyLink, startFaultyLink } from "../support/proxy.ts";

const JOBS = 80;
/** One way, in ms: the second request for records then reaches the server more than a second after the scan began. */
const DELAY_MS = 350;
let server: Server;
let nc: NatsConnection;
let link: FaultyLink;
let over = false;
const writing: Promise<void>[] = [];

beforeAll(async () => {
  server = await startServer();
  nc = await server.connect();
  const { jobs } = await createBuckets(nc, { events: false });
  for (let n = 0; n < JOBS; n++) await jobs.put(`old-${n}`, encode(jobRecord(`old-${n}`)));
  const running = (jid: string) =>
    encode(jobRecord(jid, { status: "running", function: "state.apply", args: { text: "x".repeat(100) } }));
  await jobs.put("2hPxHOT", running("2hPxHOT"));
  await jobs.put("2hPxCALM", running("2hPxCALM"));
  const keepWriting = async (ms: number, write: (n: number) => Promise<unknown>) => {
    for (let n = 0; !over; n++) {
      await write(n);
      await Bun.sleep(ms);
    }
  };
  // One running job that is written so often that the bucket forgets what it was when the scan began; others now and then.
  writing.push(keepWriting(5, () => jobs.put("2hPxHOT", running("2hPxHOT"))));
  writing.push(keepWriting(60, (n) => jobs.put(`old-${n % JOBS}`, encode(jobRecord(`old-${n % JOBS}`)))));
  writing.push(keepWriting(70, (n) => jobs.put(`new-${n}`, encode(jobRecord(`new-${n}`)))));
  link = await startFaultyLink(server.port);
  link.delay(DELAY_MS);
  // What has arrived is read even when it is no longer wanted: piece by piece it can be seen what is.
  link.slow(250_000);
});
afterAll(async () => {
  over = true;
  await Promise.all(writing);
  link.stop();
  await nc.close();
  await server.stop();
});

const run = (...args: string[]) => zester(["job", ...args], { env: { NATS_URL: link.url } });

test("active, list and the resolution of a shortened id miss no job", async () => {
  let signals = 0;
  const sub = nc.subscribe("zester.job.*.cancel", { callback: () => void signals++ });
  await nc.flush();
  const [active, list, kill] = await Promise.all([
    run("active", "-q"),
    run("list", "--format", "jsonl"),
    run("kill", "2hPx", "--yes"),
  ]);
  await nc.flush();
  sub.unsubscribe();
  expect([active.stdout.trim().split("\n").sort(), active.stderr, active.code]).toEqual([
    ["2hPxCALM", "2hPxHOT"],
    "",
    0,
  ]);
  const jids = list.stdout.split("\n").flatMap((line) => (line ? [JSON.parse(line).jid as string] : []));
  expect(new Set(jids).size).toBe(jids.length);
  expect(jids.filter((jid) => jid.startsWith("2hPx")).sort()).toEqual(["2hPxCALM", "2hPxHOT"]);
  expect(jids.filter((jid) => jid.startsWith("old-")).length).toBe(JOBS);
  expect([kill.stdout, kill.code, signals]).toEqual(["", 1, 0]);
  expect(kill.stderr).toMatch(/ID prefix 2hPx matches 2 jobs:\n {2}2hPxHOT {2}.*\n {2}2hPxCALM {2}/);
});
