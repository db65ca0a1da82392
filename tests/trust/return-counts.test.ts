// How many peels have returned from jobs that run: counted from keys, in one read for all jobs, and no value is sent.
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type { KV, NatsConnection } from "nats";
import { countReturns } from "../../lib/jobs/return-counts.ts";
import { jobRow } from "../../lib/model/job.ts";
import { Connection } from "../../lib/nats/connection.ts";
import { NatsStore } from "../../lib/nats/store.ts";
import { createBuckets, emptyBuckets, type Server, startServer } from "../support/harness.ts";
import { times } from "../support/length.ts";

const API = "$JS.API";
const USERS = `accounts { A { jetstream: enabled, users: [
  { user: all, password: x }
  { user: none, password: x, permissions: { publish: { deny: "${API}.CONSUMER.CREATE.KV_job-returns.>" } } }
  { user: blind, password: x, permissions: { publish: { deny: "${API}.CONSUMER.MSG.NEXT.KV_job-returns.>" } } }
] } }`;

/** Remembers the subjects of its requests. */
class Recorded extends Connection {
  readonly subjects: string[] = [];
  override request(subject: string, payload?: unknown) {
    this.subjects.push(subject);
    return super.request(subject, payload);
  }
}

let server: Server;
let nc: NatsConnection;
let returns: KV;
beforeAll(async () => {
  server = await startServer(USERS);
  nc = await server.connect({ user: "all", pass: "x" });
  await createBuckets(nc);
});
beforeEach(async () => {
  ({ returns } = await emptyBuckets(nc));
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

const SECOND_NS = 1_000_000_000n;
const nowNs = () => BigInt(Date.now()) * 1_000_000n;

/** A job that was created and sent so many seconds ago, by clocks that may be wrong. */
function job(jid: string, targets: readonly string[] | undefined, { status = "running", ago = 10, more = {} } = {}) {
  const row = jobRow(jid, new Map<string, never>());
  const at = { ns: nowNs() - BigInt(ago) * SECOND_NS } as NonNullable<typeof row.created>;
  return { ...row, targets, status, created: at, updated: at, ...more };
}

async function count(rows: readonly ReturnType<typeof job>[], user = "all") {
  const client = await server.connect({ user, pass: "x" });
  const connection = new Recorded(client, server.url, 5000);
  const store = new NatsStore(connection);
  const before = client.stats().inBytes;
  const counts = await countReturns(store, rows);
  const bytes = client.stats().inBytes - before;
  const asked = connection.subjects.filter((subject) => !subject.includes("CONSUMER.DELETE"));
  await store.close();
  await client.close();
  return { counts: Object.fromEntries(counts), asked, bytes };
}

const WEB = ["web-1", "web-2", "web-3"];

test("targets count once each; other peels, deleted returns and other jobs do not", async () => {
  for (const key of ["j1.web-1", "j1.web-2", "j1.web-2", "j1.alien", "j2.web-3", "j10.web-3", "old.web-1"])
    await returns.put(key, "x");
  await returns.delete("j1.web-3");
  await returns.purge("j2.web-1");
  const rows = [job("j1", WEB), job("j2", [...WEB, "web-3"], { status: "claimed" }), job("j3", WEB)];
  const { counts, asked } = await count(rows);
  expect(counts).toEqual({ j1: 2, j2: 1, j3: 0 });
  expect(asked.map((subject) => subject.split(".").slice(2, 4).join("."))).toEqual(["CONSUMER.CREATE"]);
});

test("a job whose number is unknown is left out: returns in a list, no targets, an unusual ID, its own count", async () => {
  for (const key of ["list", "list.web-1", "bare.web-1", "own.web-1", "odd.web-1"]) await returns.put(key, "x");
  await returns.put("gone", "x");
  await returns.delete("gone");
  await returns.put("gone.web-1", "x");
  const rows = [
    job("list", WEB),
    job("gone", WEB),
    job("bare", undefined),
    job("own", WEB, { more: { returned: 2n } }),
    job("odd", WEB, { status: "error" }),
    job("*", WEB),
    job("done", WEB, { status: "complete" }),
  ];
  expect((await count(rows)).counts).toEqual({ gone: 1 });
  expect((await count(rows.slice(2))).asked).toEqual([]);
});

test("clocks that are a minute ahead, and records without times, hide no return", async () => {
  await returns.put("j1.web-1", "x");
  for (const row of [
    job("j1", WEB, { ago: -60 }),
    job("j1", WEB, { ago: -9_000, more: { updated: job("j", WEB).updated } }),
    job("j1", WEB, { ago: -9_000, more: { updated: undefined } }),
  ])
    expect((await count([row])).counts).toEqual({ j1: 1 });
});

test("many jobs and a wide one: every peel, without the values", async () => {
  const wide = Array.from({ length: times(2_000, 5_000) }, (_, i) => `edge-${i}`);
  const value = new Uint8Array(2_000);
  for (const peel of wide) nc.publish(`$KV.job-returns.wide.${peel}`, value);
  const jobs = Array.from({ length: 250 }, (_, i) => job(`j${i}`, WEB));
  for (const { jid } of jobs) await returns.put(`${jid}.web-2`, "x");
  const { counts, bytes } = await count([job("wide", wide), ...jobs]);
  expect(counts).toEqual({ wide: wide.length, ...Object.fromEntries(jobs.map(({ jid }) => [jid, 1])) });
  expect(bytes).toBeLessThan(500 * (wide.length + jobs.length));
});

test.each(["none", "blind"])("without a permission (%s) nothing is known, and nothing fails", async (user) => {
  await returns.put("j1.web-1", "x");
  expect((await count([job("j1", WEB)], user)).counts).toEqual({});
});
