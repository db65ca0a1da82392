// A small bucket is read at once where the server can: no consumer is made then. Whatever is in the way, the answer is whole.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { headers, type KV, type NatsConnection } from "nats";
import { createBuckets, encode, jobRecord, type Server, startServer, zester } from "../support/harness.ts";

/** The most keys that the server gives at once. */
const MOST = 1024;

let server: Server;
let nc: NatsConnection;
let jobs: KV;
let canAtOnce: boolean;
let consumers = 0;
let asked = 0;

beforeAll(async () => {
  server = await startServer(`
    authorization { users: [
      { user: all, password: all }
      { user: less, password: less, permissions: { publish: { deny: "$JS.API.DIRECT.GET.KV_jobs" } } }
    ] }`);
  nc = await server.connect({ user: "all", pass: "all" });
  jobs = (await createBuckets(nc, { events: false })).jobs;
  const [major = 0, minor = 0] = (nc.info?.version ?? "").split(".").map(Number);
  canAtOnce = major > 2 || (major === 2 && minor >= 11);
  nc.subscribe("$JS.EVENT.ADVISORY.CONSUMER.CREATED.KV_jobs.>", { callback: () => void consumers++ });
  nc.subscribe("$JS.API.DIRECT.GET.KV_jobs", { callback: () => void asked++ });
  await nc.flush();
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});
afterEach(async () => {
  const jsm = await nc.jetstreamManager();
  await jsm.streams.purge("KV_jobs");
});

/** The JIDs that `list` has, and whether it made a consumer for them. */
async function list(user = "all"): Promise<{ jids: string[]; atOnce: boolean }> {
  const before = consumers;
  const url = server.url.replace("//", `//${user}:${user}@`);
  const { stdout, stderr, code } = await zester(["job", "list", "-q", "--master", url]);
  expect([stderr, code]).toEqual(["", 0]);
  await nc.flush();
  return { jids: stdout.split("\n").slice(0, -1).sort(), atOnce: consumers === before };
}

const names = (count: number) => Array.from({ length: count }, (_, i) => `job-${i}`).sort();
const put = (all: readonly string[], args = {}) =>
  Promise.all(all.map((jid) => jobs.put(jid, encode(jobRecord(jid, { args })))));

test.each([1, 10, MOST, MOST + 1])("%d jobs", async (count) => {
  await put(names(count));
  expect(await list()).toEqual({ jids: names(count), atOnce: canAtOnce && count <= MOST });
});

test("a bucket that looks too large is not asked: the server would gather all its keys first", async () => {
  const askedFor = async (jids: readonly string[], args = {}) => {
    await put(jids, args);
    asked = 0;
    await list();
    return asked;
  };
  expect(await askedFor(names(1100))).toBe(canAtOnce ? 1 : 0);
  expect(await askedFor(names(2049))).toBe(0);
  await (await nc.jetstreamManager()).streams.purge("KV_jobs");
  expect(await askedFor(names(40), { text: "x".repeat(10_000) })).toBe(0);
});

test("no job: there is no proof that nothing was missed, so a consumer is asked", async () => {
  await put(["gone"]);
  await jobs.delete("gone");
  await jobs.purge("gone");
  expect((await list()).jids).toEqual([]);
});

test("jobs that were written again, deleted and purged are as they are now", async () => {
  await put(names(30));
  await put(names(30).slice(10, 20), { again: true });
  for (const jid of names(30).slice(0, 5)) await jobs.delete(jid);
  for (const jid of names(30).slice(5, 10)) await jobs.purge(jid);
  expect(await list()).toEqual({ jids: names(30).slice(10), atOnce: canAtOnce });
});

test("more than is worth asking for at once", async () => {
  await put(names(40), { text: "x".repeat(10_000) });
  expect(await list()).toEqual({ jids: names(40), atOnce: false });
});

test("a user who may not ask so", async () => {
  await put(names(10));
  expect(await list("less")).toEqual({ jids: names(10), atOnce: false });
});

test("keys that a header can't hold as they are", async () => {
  const keys = ["e7\u3000", "e8\u00a0", "\ufeffe9", "é"];
  for (const key of keys) nc.publish(`$KV.jobs.${key}`, encode(jobRecord(key)));
  await nc.flush();
  const url = server.url.replace("//", "//all:all@");
  const { stdout } = await zester(["job", "list", "--format", "json", "--master", url]);
  expect((JSON.parse(stdout) as { jid: string }[]).map(({ jid }) => jid).sort()).toEqual(keys.sort());
});

test("a record whose headers are those of the server's answers", async () => {
  await put(names(5));
  const forged = headers(204, "EOB");
  const fields = {
    Subject: "$KV.jobs.other",
    Sequence: "1",
    "Last-Sequence": "5",
    "Num-Pending": "0",
    "UpTo-Sequence": "99",
  };
  for (const [name, value] of Object.entries(fields)) forged.append(`Nats-${name}`, value);
  nc.publish("$KV.jobs.forged", encode(jobRecord("forged")), { headers: forged });
  const named = headers();
  named.append("Nats-Subject", "$KV.jobs.other");
  nc.publish("$KV.jobs.named", encode(jobRecord("named")), { headers: named });
  await nc.flush();
  expect(await list()).toEqual({ jids: [...names(5), "forged", "named"].sort(), atOnce: false });
});
