// A store is all that the readers of jobs need: one on the file of an export, of a random fleet, gives the same jobs, errors, hits,
// histories, statistics and stories as the server that it was exported from.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { NatsConnection } from "nats";
import { openArchive } from "../../lib/archive/store.ts";
import { readFailures } from "../../lib/jobs/failures.ts";
import { grepReturns } from "../../lib/jobs/grep.ts";
import { findStuck } from "../../lib/jobs/heartbeats.ts";
import { readHistory } from "../../lib/jobs/history.ts";
import { wholeRecords } from "../../lib/jobs/lookup.ts";
import { readJobs } from "../../lib/jobs/read-jobs.ts";
import { countReturns } from "../../lib/jobs/return-counts.ts";
import { alivePeels, readPeelStats } from "../../lib/jobs/stats.ts";
import { readStory } from "../../lib/jobs/story.ts";
import type { Job, JobRow } from "../../lib/model/job.ts";
import { textSearch } from "../../lib/model/search.ts";
import { parseSelection } from "../../lib/model/selection.ts";
import { timeOf } from "../../lib/model/stats.ts";
import { Connection } from "../../lib/nats/connection.ts";
import { NatsStore } from "../../lib/nats/store.ts";
import type { Store } from "../../lib/store.ts";
import { type Behaviour, Fleet } from "../support/fleet.ts";
import { encode, type Server, startServer, Time, tempDir, zester } from "../support/harness.ts";
import { some } from "../support/length.ts";
import { randomFrom, SEED } from "../support/random.ts";
import { expectSame, readingCommands } from "../support/reading.ts";

let server: Server;
let nc: NatsConnection;
beforeAll(async () => {
  server = await startServer();
  nc = await server.connect();
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

const random = randomFrom(SEED);
const oneOf = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)] as T;
const PEELS = ["web-01", "web-02", "db_eu_1", "db_eu_2", "cache"];
const BEHAVIOURS: readonly Behaviour[] = [
  { does: "ok", ms: 5 },
  { does: "ok", ms: 30 },
  { does: "fail", ms: 5, error: "no lock on web-01" },
  { does: "fail", ms: 20, error: "no space left on device" },
  { does: "unreachable", ms: 20 },
  { does: "early", ms: 40 },
  { does: "late", ms: 30 },
  { does: "hang" },
];

/** Jobs of all kinds, some of them under way, and what masters do not write. */
async function play(): Promise<void> {
  const fleet = await Fleet.start(nc);
  for (let i = 0; i < 24; i++) {
    const targets = PEELS.filter(() => random() < 0.6);
    const peels = Object.fromEntries((targets.length > 0 ? targets : PEELS).map((peel) => [peel, oneOf(BEHAVIOURS)]));
    const fn = oneOf(["test.ping", "state.apply", "cmd.run"]);
    const jid = await fleet.dispatch({ fn, peels, timeoutMs: oneOf([300, 60_000]), user: oneOf(["root", "ops"]) });
    if (random() < 0.2) fleet.cancel(jid);
    if (random() < 0.1) setTimeout(() => void fleet.jobs.delete(jid), 200);
  }
  await fleet.schedule("cache", "nightly", "state.apply", { does: "ok", ms: 1 });
  await Bun.sleep(800);
  fleet.crash();
  await fleet.jobs.put("broken", new Uint8Array([0xc1]));
  await fleet.returns.put("broken.cache", new Uint8Array([0xc1]));
  const list = ["web-01", "gone"].map((peel_id) => ({ peel_id, success: false, error: "no lock on web-02" }));
  await fleet.returns.put("2hList", encode(list));
  await fleet.jobs.put(
    "2hList",
    encode({ jid: "2hList", function: "cmd.run", targets: ["web-01"], status: "failed", created: Time.now() }),
  );
  await fleet.stop();
  // Heartbeats last: one that ends between the export and a read of the server would be a difference.
  const { streams } = await nc.jetstreamManager();
  for (const bucket of ["master-heartbeat", "peel-heartbeat"]) await streams.update(`KV_${bucket}`, { max_age: 0 });
  await beat(["broken"]);
}

/** One master and one peel live. @param jids what the master watches */
async function beat(jids: readonly string[]): Promise<void> {
  const beats = nc.jetstream().views;
  await (await beats.kv("master-heartbeat")).put("master-demo01", encode({ active_jobs: jids }));
  await (await beats.kv("peel-heartbeat")).put("cache", encode({}));
}

/** A live store at the moment at which the messages were read. */
const at = (live: NatsStore, nowNs: bigint): Store =>
  new Proxy(live, {
    get(store, name) {
      if (name === "nowNs") return () => nowNs;
      if (name === "now") return () => new Date(Number(nowNs / 1_000_000n));
      if (name === "readsManyAtOnce") return true; // as of an export: nats-server 2.9 checks only 50 peels for late returns
      const value = Reflect.get(store, name, store);
      return typeof value === "function" ? value.bind(store) : value;
    },
  });

const FIELDS = ["jid", "fn", "targetExpr", "targets", "status", "user", "owner", "returned", "succeeded"] as const;
const TIMES = ["created", "updated", "deadline"] as const;
const MORE = ["source", "retryOf", "schedule", "unreadable"] as const;
const plainRow = (row: JobRow) => [
  ...[...FIELDS, ...MORE].map((field) => row[field]),
  ...TIMES.map((field) => row[field]?.ns),
];
const plainJob = ({ row, record }: Job) => [...plainRow(row), record];
const byText = (a: unknown, b: unknown) => (String(a) < String(b) ? -1 : 1);

/** All that the readers tell of a store. */
async function told(store: Store) {
  const notes: string[] = [];
  const warn = (text: string) => void notes.push(text);
  const all = () => true;
  const read = await readJobs(store, all, true);
  const { jobs } = read;
  const rows = Array.from(jobs, ({ row }) => row);
  const failures = await readFailures(store, read, undefined, warn);
  const hits: unknown[] = [];
  const searched = await grepReturns(
    store,
    { jobs },
    textSearch("no lock"),
    ({ jid }, found) => hits.push([jid, ...found.toSorted((a, b) => byText(a.peel, b.peel))]),
    { any: false, reporting: () => ({ warn }) },
  );
  const selection = parseSelection({}, store.now());
  const histories = await Promise.all(
    [...PEELS, "gone"].map(async (peel) => {
      const { entries, ...rest } = await readHistory(store, peel, selection, { warn });
      const plain = entries.map(({ row, ...entry }) => ({ ...entry, row: row && plainRow(row) }));
      return { ...rest, entries: plain.toSorted((a, b) => byText(a.jid, b.jid)) };
    }),
  );
  const span = timeOf(jobs, undefined, undefined, store.nowNs());
  const stats = await readPeelStats(store, read, span, { byFunction: true, warn });
  const tallies = stats.map(({ tally, lastRun }) => {
    const { peel, fn, jobs: count, missing, failed, last, durations, trend } = tally;
    return [
      peel,
      fn,
      count,
      missing,
      failed,
      last,
      durations.sum,
      durations.size,
      trend.counts,
      trend.bad,
      lastRun?.ns,
    ];
  });
  const stories = [];
  for (const job of jobs) {
    if (!job.record) continue;
    const { row, ...story } = await readStory(store, job.row.jid, job.record, warn, wholeRecords());
    stories.push({ ...story, row: plainRow(row) });
  }
  return {
    jobs: [...jobs].map(plainJob),
    unreadable: read.unreadable.map(plainRow),
    errors: [failures.groups(), failures.jobs()].map((list) =>
      (list as { peels: readonly string[] }[]).map((one) => ({ ...one, peels: one.peels.toSorted() })),
    ),
    hits,
    searched,
    histories,
    tallies: tallies.toSorted(byText),
    alive: await alivePeels(store),
    returned: [...(await countReturns(store, rows))].toSorted(byText),
    stuck: await findStuck(store, rows),
    stories,
    notes: notes.toSorted(),
  };
}

test(`a store on an export tells what the server tells (seed ${SEED})`, async () => {
  await play();
  const path = join(tempDir(), "fleet.jsonl");
  const args = ["job", "export", "--all", "--force", "--output", path];
  const exported = async () => expect((await zester(args, { env: { NATS_URL: server.url } })).stderr).toBe("");
  await exported();
  const archive = await openArchive([path]);
  const live = new NatsStore(new Connection(nc, server.url, 5000));
  const expected = await told(at(live, archive.nowNs()));
  await live.close();
  const read = await told(archive);
  expect(read.jobs.length).toBeGreaterThan(15);
  const { notes, ...found } = read;
  for (const [name, part] of Object.entries(found)) expect([name, part]).not.toEqual([name, []]);
  expect(read).toEqual(expected);

  const jids = read.jobs.map(([jid]) => String(jid)).filter((jid) => jid !== "broken");
  const commands = readingCommands([oneOf(jids), oneOf(jids)], [oneOf(PEELS)]);
  const drawn = some(commands, 4, Math.floor(random() * 4));
  // Time goes on at the server alone: the master watches all jobs, then and now.
  await beat(jids);
  await exported();
  for (const command of drawn) {
    await beat(jids);
    await expectSame(command, server.url, [path]);
  }
}, 60_000);
