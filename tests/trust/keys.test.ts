// The key is the id: what programs read says which job and which peel a record belongs to, whatever the record says.
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { parse as parseYaml } from "yaml";
import jobLine from "../../docs/schema/job-line.json" with { type: "json" };
import jobList from "../../docs/schema/job-list.json" with { type: "json" };
import jobShow from "../../docs/schema/job-show.json" with { type: "json" };
import type { Value, ValueMap } from "../../lib/codec/value.ts";
import { keyed } from "../../lib/render/document.ts";
import { createBuckets, encode, jobRecord, Running, type Server, startServer, zester } from "../support/harness.ts";

const value: fc.Arbitrary<Value> = fc.oneof(fc.constantFrom("j1", "j2", "", null, true, 7), fc.string());
const field = fc.tuple(
  fc.constantFrom(
    "jid",
    "record_jid",
    "record_record_jid",
    "peel_id",
    "record_peel_id",
    "status",
    "__proto__",
    "toString",
  ),
  value,
);

test("ids in front, every field kept, in its order", () => {
  fc.assert(
    fc.property(
      fc.array(field).map((fields): ValueMap => new Map(fields)),
      fc.constantFrom<Record<string, string>>({ jid: "j1" }, { jid: "j1", peel_id: "p" }),
      (record, ids) => {
        const result = [...keyed(record, ids)];
        const names = Object.keys(ids);
        // Take off what was put there: the ids, and each other one of the record after its id.
        const others = [...record].filter(([name]) => !names.includes(name));
        expect(result.slice(result.length - others.length)).toEqual(others);
        const front = result.slice(0, result.length - others.length);
        expect(front.filter(([name]) => names.includes(name))).toEqual(Object.entries(ids));
        expect(front[0]).toEqual(["jid", "j1"]);
        const kept = front.filter(([name]) => !names.includes(name));
        const differing = names.filter((name) => record.has(name) && record.get(name) !== ids[name]);
        expect(kept.map(([, own]) => own)).toEqual(differing.map((name) => record.get(name) as Value));
        for (const [i, [name]] of kept.entries()) expect(name).toMatch(new RegExp(`^(record_)+${differing[i]}$`));
      },
    ),
    { numRuns: 2000 },
  );
  const whole: ValueMap = new Map([
    ["jid", "j1"],
    ["status", "x"],
  ]);
  expect(keyed(whole, { jid: "j1" })).toBe(whole);
});

let server: Server;
const run = async (...args: string[]) => (await zester(["job", ...args], { env: { NATS_URL: server.url } })).stdout;

beforeAll(async () => {
  server = await startServer();
  const nc = await server.connect();
  const { jobs, returns } = await createBuckets(nc);
  const { jid: _, ...nameless } = jobRecord("", { status: "running", targets: ["p1", "p2", "p3"] });
  await jobs.put("a1", encode({ jid: "good", ...nameless }));
  await jobs.put("a2", encode({ jid: "good", ...nameless }));
  await jobs.put("a3", "{}");
  await jobs.put("a4", encode({ ...nameless, jid: "a4" }));
  await jobs.put("a5", Uint8Array.of(0xc1));
  await jobs.put("a6", encode({ ...nameless, jid: 6, record_jid: "mine" }));
  const item = { success: true, return_data: null, duration: 1n };
  await returns.put("a1.p1", encode({ jid: "other", peel_id: "p9", ...item }));
  await returns.put("a1.p2", encode(item));
  await returns.put("a1", encode([{ peel_id: "p3", jid: "other", ...item }]));
  await nc.close();
});
afterAll(() => server.stop());

/** The fields of a record up to the first that every record has. */
const head = (record: object) => Object.entries(record).slice(0, 3);
const HEADS = [
  ["a1", "good"],
  ["a2", "good"],
  ["a3", undefined],
  ["a4", undefined],
  ["a5", undefined],
  ["a6", 6],
] as const;

test("list and active: json, jsonl and yaml", async () => {
  const json = JSON.parse(await run("list", "--format", "json")) as object[];
  const lines = (await run("list", "--format", "jsonl")).trimEnd().split("\n");
  const byKey = (x: object, y: object) => (String(Object.values(x)[0]) < String(Object.values(y)[0]) ? -1 : 1);
  for (const all of [
    json,
    lines.map((line) => JSON.parse(line) as object),
    parseYaml(await run("list", "--format", "yaml")) as object[],
  ]) {
    expect(all.map((record) => head(record)[0]).sort()).toEqual(HEADS.map(([jid]) => ["jid", jid]));
    for (const [i, record] of all.sort(byKey).entries()) {
      const own = HEADS[i]?.[1];
      if (i === 5)
        expect(head(record).slice(1)).toEqual([
          ["record_record_jid", 6],
          ["function", "test.ping"],
        ]);
      else if (own !== undefined) expect(head(record)[1]).toEqual(["record_jid", own]);
      else expect(record).not.toHaveProperty("record_jid");
    }
  }
  const active = JSON.parse(await run("active", "--format", "json")) as { jid: string }[];
  expect(active.map(({ jid }) => jid)).toEqual(["a1", "a2", "a4", "a6"]);
});

test("show and trace; returns too", async () => {
  const shown = JSON.parse(await run("show", "a1", "--format", "json")) as { job: object; returns: object[] };
  expect(head(shown.job)).toEqual([
    ["jid", "a1"],
    ["record_jid", "good"],
    ["function", "test.ping"],
  ]);
  const yaml = parseYaml(await run("show", "a1", "--format", "yaml")) as typeof shown;
  expect(head(yaml.job)).toEqual(head(shown.job));
  for (const { returns } of [shown, yaml])
    expect(returns.map((item) => Object.entries(item).slice(0, -3))).toEqual([
      [
        ["jid", "a1"],
        ["record_jid", "other"],
        ["peel_id", "p1"],
        ["record_peel_id", "p9"],
      ],
      [
        ["jid", "a1"],
        ["peel_id", "p2"],
      ],
      [
        ["jid", "a1"],
        ["record_jid", "other"],
        ["peel_id", "p3"],
      ],
    ]);
  const trace = JSON.parse(await run("trace", "a1", "--format", "json")) as { job: object };
  expect(head(trace.job)).toEqual(head(shown.job));
  expect((JSON.parse(await run("show", "a3", "--format", "json")) as { job: object }).job).toEqual({
    jid: "a3",
  });
});

test("show as text has the record as it is stored", async () => {
  expect(await run("show", "a1")).toStartWith('{\n  "jid": "good",\n  "function":');
  expect(await run("show", "a3")).toBe("{}\n");
});

test("watch as jsonl: jobs, and the returns of one", async () => {
  const env = { NATS_URL: server.url };
  for (const [args, wanted] of [
    [["watch"], '{"jid":"a1","record_jid":"good",'],
    [["watch", "a1"], '{"jid":"a1","record_jid":"other","peel_id":"p1","record_peel_id":"p9",'],
  ] as const) {
    const watch = new Running(["job", ...args, "--format", "jsonl"], env);
    await watch.until(wanted);
    watch.signal("SIGTERM");
    await watch.ended();
  }
});

test("jid means something else than before: the schemas have another version", () => {
  expect([jobList.$id, jobLine.$id, jobShow.$id]).toEqual([
    "urn:zester:job-list:2",
    "urn:zester:job-line:2",
    "urn:zester:job-show:3",
  ]);
});
