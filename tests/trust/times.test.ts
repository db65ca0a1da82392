// --since and --until with any time that can be written down, also those that a server can't hold.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { readRecent } from "../../lib/jobs/recent.ts";
import { parseSelection } from "../../lib/model/selection.ts";
import { parseWhen } from "../../lib/model/when.ts";
import { openConnection } from "../../lib/nats/connect.ts";
import { NatsStore } from "../../lib/nats/store.ts";
import { resolveSettings } from "../../lib/settings/resolve.ts";
import { createBuckets, encode, jobRecord, startServer, Time, zester } from "../support/harness.ts";
import { draws } from "../support/length.ts";

const SECOND = 1_000_000_000n;
const second = (iso: string) => BigInt(Date.parse(iso)) / 1000n;
const [FIRST, LAST] = [second("0001-01-02T00:00:00Z"), second("9999-12-31T23:59:59Z")];
/** Where times wrap, end, or change their sign: 1970, what 64 bits of nanoseconds hold, and now. */
const EDGES = [
  0n,
  -(2n ** 63n) / SECOND,
  2n ** 63n / SECOND,
  2n ** 32n,
  2n ** 34n,
  FIRST,
  LAST,
  BigInt(Date.now()) / 1000n,
];

/** A time in ns since 1970, near an edge as often as not. */
const time = fc
  .tuple(
    fc.oneof(
      fc.tuple(fc.constantFrom(...EDGES), fc.bigInt({ min: -2n, max: 2n })).map(([edge, by]) => edge + by),
      fc.bigInt({ min: FIRST, max: LAST }),
    ),
    fc.oneof(fc.constantFrom(0, 1, 500_000_000, 999_999_999), fc.integer({ min: 0, max: 999_999_999 })),
  )
  .map(([seconds, nanos]) => (seconds < FIRST ? FIRST : seconds > LAST ? LAST : seconds) * SECOND + BigInt(nanos));

/** Whole seconds, rounded down. */
const floor = (ns: bigint) => (ns - (((ns % SECOND) + SECOND) % SECOND)) / SECOND;
const rfc3339 = (ns: bigint) => {
  const nanos = String(ns - floor(ns) * SECOND).padStart(9, "0");
  return `${new Date(Number(floor(ns)) * 1000).toISOString().slice(0, 19)}.${nanos}Z`;
};

test("what is typed is what is meant, to the nanosecond", () => {
  fc.assert(
    fc.property(time, (ns) => {
      expect(parseWhen(rfc3339(ns), "--since", new Date())).toBe(ns);
    }),
    { numRuns: 2000 },
  );
});

test("a date is its own midnight, in every year", () => {
  fc.assert(
    fc.property(
      fc.date({
        min: new Date(-62_000_000_000_000),
        max: new Date(200_000_000_000_000),
        noInvalidDate: true,
      }),
      (date) => {
        date.setHours(0, 0, 0, 0);
        const two = (n: number) => String(n).padStart(2, "0");
        const text = `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
        expect(parseWhen(text, "--since", new Date())).toBe(BigInt(date.getTime()) * 1_000_000n);
      },
    ),
    { numRuns: 1000 },
  );
});

/** A server with jobs that were created at such times, and the store of a client of its own. */
async function startWith(created: ReadonlyMap<string, bigint>) {
  const server = await startServer();
  const nc = await server.connect();
  const { jobs } = await createBuckets(nc);
  for (const [jid, ns] of created) await jobs.put(jid, encode(jobRecord(jid, { created: new Time(ns) })));
  await nc.close();
  const { settings } = await resolveSettings({ master: [server.url] }, {}, () => {});
  const store = new NatsStore(await openConnection(settings, () => {}));
  return {
    server,
    store,
    async stop() {
      await store.close();
      await store.connection.nc.close();
      await server.stop();
    },
  };
}

const NOW = BigInt(Date.now()) * 1_000_000n;
const HALF = -SECOND / 2n;
const created = new Map(fc.sample(time, 60).map((ns, i) => [`job-${i}`, ns]));
created.set("half", HALF).set("now", NOW);
const since = (jobs: Map<string, bigint>, at: bigint) =>
  [...jobs].flatMap(([jid, ns]) => (ns >= at ? [jid] : [])).sort();
const examples: [bigint][] = [[HALF], [second("1600-01-01T00:00:00Z") * SECOND], [LAST * SECOND]];

test("--since and --until at any time share the jobs out between them", async () => {
  const { server, stop } = await startWith(created);
  const run = async (...args: string[]) => {
    const { stdout, code } = await zester(["job", "list", ...args, "-q"], { env: { NATS_URL: server.url } });
    expect(code).toBe(0);
    return stdout.split("\n").slice(0, -1);
  };
  await fc.assert(
    fc.asyncProperty(time, async (at) => {
      const [young, old] = await Promise.all([run("--since", rfc3339(at)), run("--until", rfc3339(at))]);
      expect(young.sort()).toEqual(since(created, at));
      expect([...young, ...old].sort()).toEqual([...created.keys()].sort());
    }),
    { numRuns: draws(15, 50), examples },
  );
  await stop();
});

test("the same where only the newest part of the stream is read", async () => {
  const past = new Map([...created].filter(([, ns]) => ns <= NOW));
  const { store, stop } = await startWith(past);
  let parts = 0;
  await fc.assert(
    fc.asyncProperty(time, async (at) => {
      const selection = parseSelection({ since: rfc3339(at) }, new Date());
      const read = await readRecent(store, selection, selection.matches, false, { worth: 1 });
      if (!read) return;
      parts++;
      expect(Array.from(read.jobs, ({ row }) => row.jid).sort()).toEqual(since(past, at));
    }),
    { numRuns: 200, examples },
  );
  expect(parts).toBeGreaterThan(20);
  await stop();
});

test("a part that begins before 1970 is the whole stream; one that begins after 2262 is empty", async () => {
  const { store, stop } = await startWith(created);
  const changes = async (ns: bigint) => {
    let seen = 0;
    await (await store.jobsState()).changes({ ns }, 1000, () => void seen++);
    return seen;
  };
  for (const ns of [-1n, HALF, FIRST * SECOND, 0n]) expect(await changes(ns)).toBe(created.size);
  for (const ns of [2n ** 63n - 1n, 2n ** 63n, LAST * SECOND]) expect(await changes(ns)).toBe(0);
  await stop();
});
