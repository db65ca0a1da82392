// Returns read across jobs: each of them once, none is missing, and of both layouts the one that counts. What has to come is
// told by a model of the bucket that is kept apart, and for a bucket that others write to by a log.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import fc from "fast-check";
import { headers, type NatsConnection } from "nats";
import { type ReturnsOptions, readReturnsAcross } from "../../lib/jobs/read-returns.ts";
import { RETURN_FIELDS } from "../../lib/model/returns.ts";
import { Connection } from "../../lib/nats/connection.ts";
import type { SIZES } from "../../lib/nats/returns.ts";
import { NatsStore } from "../../lib/nats/store.ts";
import type { ReturnsOf } from "../../lib/store.ts";
import { encode, type Server, startServer, until } from "../support/harness.ts";
import { draws, times } from "../support/length.ts";
import { Log } from "../support/write-log.ts";

let server: Server;
let nc: NatsConnection;
let store: NatsStore;
beforeAll(async () => {
  server = await startServer();
  nc = await server.connect();
  store = new NatsStore(new Connection(nc, server.url, 5000));
});
afterAll(async () => {
  await store.close();
  await nc.close();
  await server.stop();
});

/** Counts the buckets: a stream of the same name that was deleted may leave a message to its successor (seen on 2.15). */
let buckets = 0;

/** An empty bucket that keeps so many messages of each key. */
async function newBucket(history: number): Promise<void> {
  buckets++;
  const jsm = await nc.jetstreamManager();
  await jsm.streams.delete("KV_job-returns").catch(() => {});
  const config = {
    name: "KV_job-returns",
    subjects: ["$KV.job-returns.>"],
    max_msgs_per_subject: history,
    allow_rollup_hdrs: true,
    allow_direct: true,
  };
  // A server may still be clearing the old one away.
  await until("a new stream", () => jsm.streams.add(config));
}
beforeEach(() => newBucket(1));

const MARKER = headers();
MARKER.set("KV-Operation", "DEL");

/** Stores a value, or without one a marker that the key is gone. */
async function put(key: string, value: Uint8Array | undefined): Promise<void> {
  const js = nc.jetstream();
  if (value) await js.publish(`$KV.job-returns.${key}`, value);
  else await js.publish(`$KV.job-returns.${key}`, new Uint8Array(), { headers: MARKER });
}

const isOfEarlier = (jid: string) => jid.includes("x") && !jid.startsWith(`2h${buckets}x`);

/** What a read hands over, as text by `<jid>.<peel>`. @throws Error when a return comes twice */
async function read(
  of: ReturnsOf,
  { sizes, ...options }: Partial<ReturnsOptions> & { readonly sizes?: Partial<typeof SIZES> } = {},
) {
  const found = new Map<string, string>();
  const warnings: string[] = [];
  let left = 0;
  const handed = await readReturnsAcross(
    { returns: { across: (asked, entries) => store.returns.across(asked, entries, sizes) } },
    of,
    (item, _, { jid }) => {
      const key = `${jid}.${item.peel}`;
      if (found.has(key)) throw new Error(`${key} came twice`);
      if (isOfEarlier(jid)) left++;
      else found.set(key, item.unreadable === undefined ? (item.error ?? "ok") : "unreadable");
    },
    { warn: (text) => warnings.push(text), ...options },
  );
  expect(handed).toBe(found.size + left);
  return { found, warnings };
}

/** How a return is stored. */
const FORMS = {
  plain: (error: string) => encode({ jid: "j", peel_id: "p", success: false, error, return_data: null, duration: 1n }),
  json: (error: string) => Buffer.from(JSON.stringify({ success: false, error })),
  garbage: () => new Uint8Array([0xc1, 1, 2]),
  gone: () => undefined,
};
type Form = keyof typeof FORMS;

/** What a bucket holds: under each peel's own key its values, and the lists with the peels that are in them. */
interface Content {
  readonly history: number;
  readonly own: readonly { readonly job: number; readonly peel: number; readonly form: Form }[];
  readonly lists: readonly { readonly job: number; readonly peels: readonly number[]; readonly form: Form }[];
  /** What is written before the jobs that a read by time is for. */
  readonly old: number;
}

const content: fc.Arbitrary<Content> = fc.record({
  history: fc.constantFrom(1, 1, 1, 3),
  own: fc.array(
    fc.record({
      job: fc.nat(7),
      peel: fc.nat(4),
      form: fc.constantFrom<Form>("plain", "plain", "plain", "json", "garbage", "gone"),
    }),
    { maxLength: 40 },
  ),
  lists: fc.array(
    fc.record({
      job: fc.nat(7),
      peels: fc.array(fc.nat(4), { maxLength: 6 }),
      form: fc.constantFrom<Form>("plain", "plain", "json", "garbage", "gone"),
    }),
    { maxLength: 5 },
  ),
  old: fc.nat(4),
});

const jidOf = (job: number) => `2h${buckets}x${job}`;
const peelOf = (peel: number) => `web_${peel}`;

function listValue(peels: readonly number[], form: Form, error: string): Uint8Array | undefined {
  if (form === "gone" || form === "garbage") return FORMS[form]();
  const records = peels.map((peel, i) => ({ peel_id: peelOf(peel), success: false, error: `${error}-${i}` }));
  return form === "json" ? Buffer.from(JSON.stringify(records)) : encode([...records, "no record"]);
}

/** Writes what was drawn; the result is what each job's returns are then. */
async function write({ own, lists }: Content, jobs: (job: number) => boolean): Promise<Map<string, string>> {
  const [byKey, byList] = [new Map<string, string>(), new Map<string, Map<string, string>>()];
  let version = 0;
  for (const { job, peel, form } of own) {
    if (!jobs(job)) continue;
    const [key, error] = [`${jidOf(job)}.${peelOf(peel)}`, `own-${++version}`];
    await put(key, FORMS[form](error));
    if (form === "gone") byKey.delete(key);
    else byKey.set(key, form === "garbage" ? "unreadable" : error);
  }
  for (const { job, peels, form } of lists) {
    if (!jobs(job)) continue;
    const error = `list-${++version}`;
    await put(jidOf(job), listValue(peels, form, error));
    const items = new Map(peels.map((peel, i) => [`${jidOf(job)}.${peelOf(peel)}`, `${error}-${i}`]));
    byList.set(jidOf(job), form === "gone" || form === "garbage" ? new Map() : items);
  }
  return new Map([...[...byList.values()].flatMap((items) => [...items]), ...byKey]);
}

const only = (all: ReadonlyMap<string, string>, wanted: (jid: string, peel: string) => boolean) =>
  new Map([...all].filter(([key]) => wanted(key.split(".")[0] as string, key.split(".")[1] as string)));

const sorted = (map: ReadonlyMap<string, string>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

test(
  "random buckets: the returns asked for, each once, by subject, in order, or by reading everything",
  async () => {
    await fc.assert(
      fc.asyncProperty(content, fc.subarray([0, 1, 2, 3, 4, 5, 6, 7]), async (drawn, chosen) => {
        await newBucket(drawn.history);
        const before = await write(drawn, (job) => job < drawn.old);
        await put("too.many.tokens", FORMS.plain("not a return"));
        await Bun.sleep(2);
        const sinceNs = BigInt(Date.now()) * 1_000_000n;
        await Bun.sleep(2);
        const after = await write(drawn, (job) => job >= drawn.old);
        const all = new Map([...before, ...after]);
        const jids = new Set(["2hUnknown", ...chosen.map(jidOf)]);
        const ofJobs = only(all, (jid) => jids.has(jid));
        const recent = new Set([...jids].filter((jid) => Number(jid.split("x")[1]) >= drawn.old));
        for (const sizes of [{}, { filters: 3, filtersCost: 0 }, { filters: 1, filtersCost: 1e9 }]) {
          for (const fields of [undefined, RETURN_FIELDS]) {
            const options = { sizes, ...(fields && { fields }) };
            expect(sorted((await read({ jids }, options)).found)).toEqual(sorted(ofJobs));
          }
          expect(sorted((await read({ jids: recent, sinceNs }, { sizes })).found)).toEqual(
            sorted(only(after, (jid) => recent.has(jid))),
          );
        }
        expect(sorted((await read("all")).found)).toEqual(sorted(all));
        const peel = peelOf(drawn.old);
        expect(sorted((await read({ peel })).found)).toEqual(sorted(only(all, (_, id) => id === peel)));
      }),
      { numRuns: draws(12, 150), endOnFailure: true },
    );
  },
  times(60_000, 600_000),
);

test("a list that can't be decoded is warned of and hides no other; without jobs nothing is read", async () => {
  await put("2hBad", FORMS.garbage());
  await put("2hGood", encode([{ peel_id: "web_1", success: true }, 7]));
  const { found, warnings } = await read("all");
  expect([...found]).toEqual([["2hGood.web_1", "ok"]]);
  expect(warnings.sort()).toEqual([
    "return 2 in the list of job 2hGood is not a return record.",
    "the list of returns of job 2hBad cannot be decoded: not MessagePack or JSON: it has the byte 0xc1",
  ]);
  expect((await read({ jids: new Set(["2hGood"]) })).warnings).toHaveLength(1);
  expect((await read({ jids: new Set() })).found.size).toBe(0);
});

test("a job whose id is no subject hides no other", async () => {
  await put("2hGood.web_1", FORMS.plain("one"));
  const { found } = await read({ jids: new Set(["2hGood", "*", "a.b"]) });
  expect([...found]).toEqual([["2hGood.web_1", "one"]]);
});

test("progress is told of all that comes", async () => {
  for (let job = 0; job < 9; job++) await put(`${jidOf(job)}.web_1`, FORMS.plain("x"));
  const jids = new Set(Array.from({ length: 9 }, (_, job) => jidOf(job)));
  let [steps, ended] = [0, 0];
  const totals: number[] = [];
  const progress = {
    begin: (total: number) => void totals.push(total),
    step: () => void steps++,
    end: () => void ended++,
  };
  await read({ jids }, { progress, sizes: { filters: 4, filtersCost: 0 } });
  expect([steps, ended]).toEqual([9, 1]);
  expect(totals.every((total) => total >= 9)).toBe(true);
});

test(
  "while others write: each return in a state that it had meanwhile, and none is missing",
  async () => {
    let gaveUp = 0;
    const runs = draws(12, 200);
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          jobs: fc.constantFrom(3, 60),
          peels: fc.constantFrom(1, 10),
          pauseMs: fc.constantFrom(1, 5, 30),
          way: fc.constantFrom("portions", "all", "time", "peel"),
        }),
        async ({ jobs, peels, pauseMs, way }) => {
          await newBucket(1);
          const log = new Log(`2h${buckets}x`);
          let version = 0;
          const write = async (key: string) => {
            const error = `v${++version}`;
            const state = log.note(key, error);
            await put(key, FORMS.plain(error));
            state.acked = performance.now();
          };
          const keys = Array.from({ length: jobs * peels }, (_, i) => `${jidOf(i % jobs)}.${peelOf(i % peels)}-${i}`);
          const first = keys.slice(0, Math.ceil(keys.length / 2));
          for (const key of first) await write(key);
          let over = false;
          const writing = (async () => {
            for (let i = 0; !over; i++) {
              await write(keys[(i * 7) % keys.length] as string);
              await Bun.sleep(pauseMs);
            }
          })();
          const jids = new Set(Array.from({ length: jobs }, (_, job) => jidOf(job)));
          const start = performance.now();
          try {
            if (way === "peel") {
              const peel = (first[0] as string).split(".")[1] as string;
              const { found } = await read({ peel });
              expect([...found.keys()]).toEqual([first[0] as string]);
              return;
            }
            const of = way === "all" ? "all" : { jids, ...(way === "time" && { sinceNs: 0n }) };
            const sizes = way === "portions" ? { filters: 7, filtersCost: 0 } : { filters: 1, filtersCost: 1e9 };
            const { found } = await read(of, { sizes });
            const fault = log.fault(found, start, performance.now(), Number.POSITIVE_INFINITY);
            if (fault !== undefined) throw new Error(fault);
          } catch (error) {
            // An error is no lie; but a bucket that is only busy deserves an answer, so they are counted.
            if (!(error instanceof Error && /records change faster|is incomplete|no answer to/.test(error.message)))
              throw error;
            gaveUp++;
          } finally {
            over = true;
            await writing;
          }
        },
      ),
      { numRuns: runs, endOnFailure: true },
    );
    expect(gaveUp).toBeLessThanOrEqual(runs / 5);
  },
  times(60_000, 600_000),
);
