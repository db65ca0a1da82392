// The JSON Schemas of a release against what the executable writes; and the version of records on a server.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import Ajv2020 from "ajv/dist/2020";
import fc from "fast-check";
import type { KV, NatsConnection } from "nats";
import jobKill from "../../docs/schema/job-kill.json" with { type: "json" };
import jobLine from "../../docs/schema/job-line.json" with { type: "json" };
import jobList from "../../docs/schema/job-list.json" with { type: "json" };
import jobShow from "../../docs/schema/job-show.json" with { type: "json" };
import { SIGNALS } from "../../lib/model/kill.ts";
import { createBuckets, encode, jobRecord, type Server, startServer, Time, zester } from "../support/harness.ts";
import { putFixtures } from "../support/seed.ts";
import fixtures from "../support/wire-fixtures.json" with { type: "json" };

const SCHEMAS = { "job-kill": jobKill, "job-line": jobLine, "job-list": jobList, "job-show": jobShow };

const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });

/** Fails with the reasons unless `json` (a text: digits beyond 2^53 only have to be an integer) fits the schema. */
function expectValid(name: keyof typeof SCHEMAS, json: string): void {
  const { $id } = SCHEMAS[name];
  const validate = ajv.getSchema($id) ?? ajv.compile(SCHEMAS[name]);
  validate(JSON.parse(json));
  expect(validate.errors ?? []).toEqual([]);
}

let server: Server;
let nc: NatsConnection;
let jobs: KV;
let returns: KV;
const run = (...args: string[]) => zester(args, { env: { NATS_URL: server.url } });

beforeEach(async () => {
  server = await startServer();
  nc = await server.connect();
  ({ jobs, returns } = await createBuckets(nc));
});
afterEach(async () => {
  await nc.close();
  await server.stop();
});

describe("the output fits its schema", () => {
  test("on the records of a Go master, a value that cannot be decoded among them", async () => {
    await putFixtures(nc);
    await jobs.put("broken", Uint8Array.of(0xc1));
    const { stdout: list } = await run("job", "list", "--format", "json");
    expectValid("job-list", list);
    expect(list).toContain("18446744073709551615");
    const lines = (await run("job", "list", "--format", "jsonl")).stdout.trim().split("\n");
    expect(lines.length).toBe(JSON.parse(list).length);
    for (const line of lines) expectValid("job-line", line);
    const jids = fixtures.flatMap(({ bucket, key }) => (bucket === "jobs" && key && !key.includes(".") ? [key] : []));
    expect(jids.length).toBeGreaterThan(3);
    for (const key of jids) {
      await returns.put(`${key}.broken`, Uint8Array.of(0xc1));
      expectValid("job-show", (await run("job", "show", key, "--format", "json")).stdout);
      expectValid("job-show", (await run("job", "show", key, "--missing", "--format", "json")).stdout);
    }
  });

  test("kill", async () => {
    await jobs.put("j1", encode(jobRecord("j1", { status: "running" })));
    await jobs.put("j2", encode(jobRecord("j2")));
    const kill = async (...args: string[]) => (await run("job", "kill", ...args, "--format", "json")).stdout;
    expectValid("job-kill", await kill("j1"));
    expectValid("job-kill", await kill("j1", "j2", "nosuch"));
    expectValid("job-kill", await kill("--state", "running", "--yes"));
    expectValid("job-kill", await kill("--state", "running", "--dry-run"));
    expectValid("job-kill", await kill("j1", "--wait", "--for", "200ms"));
    // Nothing listens without the stream of events.
    await (await nc.jetstreamManager()).streams.delete("job-events");
    const unheard = await kill("j1");
    expect(JSON.parse(unheard).signal).toBe("sent, no listener");
    expectValid("job-kill", unheard);
  });

  test("on random records", async () => {
    const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    const time = int64.map((ns) => new Time(ns * 10n));
    const list = fc.oneof(fc.array(fc.string()), fc.constant(null));
    const record = fc.record(
      {
        function: fc.string(),
        args: fc.oneof(fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue()), fc.constant(null)),
        targets: list,
        timeout: int64,
        status: fc.constantFrom("pending", "running", "complete", "a state of tomorrow"),
        created: time,
        updated: fc.constant(Time.zero),
        epoch: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
        deadline: time,
        offline_at_dispatch: list,
        metadata: fc.dictionary(fc.string(), fc.string()),
        "a field of tomorrow": fc.jsonValue(),
      },
      { requiredKeys: ["function", "status"] },
    );
    // The encoder refuses this name for a key; the fixtures have it.
    const sample = fc.sample(record, 200).filter((fields) => !JSON.stringify(fields, big).includes("__proto__"));
    expect(sample.length).toBeGreaterThan(100);
    for (const [i, fields] of sample.entries()) await jobs.put(`r${i}`, encode({ jid: `r${i}`, ...fields }));
    const { stdout } = await run("job", "list", "--format", "json");
    expectValid("job-list", stdout);
    expect(JSON.parse(stdout).length).toBe(sample.length);
    expect(JSON.parse(stdout).filter((job: object) => "unreadable" in job)).toEqual([]);
  });

  test("every outcome of a signal is in the schema", () => {
    expect(jobKill.$defs.signal.properties.signal.enum).toEqual([...SIGNALS]);
  });

  test("and what does not fit is refused", () => {
    const wrong: [keyof typeof SCHEMAS, string][] = [
      ["job-list", "{}"],
      ["job-list", '[{"jid": "a"}]'],
      ["job-line", '{"jid": "a", "function": "f", "status": "running", "timeout": 1.5}'],
      ["job-line", '{"jid": "a", "function": "f", "status": "running", "created": "yesterday"}'],
      ["job-show", '{"job": {"jid": "a", "function": "f", "status": "x"}}'],
      ["job-kill", '{"jid": "a", "signal": "lost"}'],
      ["job-kill", '[{"jid": "a"}]'],
    ];
    for (const [name, json] of wrong) expect(() => expectValid(name, json)).toThrow();
  });
});

const big = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);

describe("version --check", () => {
  const lastLine = (text: string) => text.trim().split("\n").at(-1);

  test("records that this zester knows", async () => {
    await jobs.put("a", encode(jobRecord("a", { v: 1 })));
    await jobs.put("b", encode(jobRecord("b")));
    const { stdout, stderr, code } = await run("version", "--check");
    expect(lastLine(stdout)).toBe("ok: records have version 1, which this zester knows");
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  });

  test("newer records: said on stderr, exit code 1", async () => {
    await jobs.put("a", encode(jobRecord("a", { v: 2 })));
    await jobs.put("b", encode(jobRecord("b", { v: 1 })));
    expect(await run("version", "--check")).toEqual({
      stdout: expect.stringMatching(/^zester [^\n]*\n$/),
      stderr:
        "error: the server has records of version 2, newer than this zester knows (1): it may show them wrong or in part.\nInstall the zester that came with your master.\n",
      code: 1,
    });
  });

  test("no record, and none with a version", async () => {
    expect(lastLine((await run("version", "--check")).stdout)).toBe(
      "unknown: there are no records; this zester knows version 1",
    );
    await jobs.put("b", encode(jobRecord("b")));
    expect(lastLine((await run("version", "--check")).stdout)).toBe(
      "unknown: none of 1 record has a version; this zester knows version 1",
    );
  });

  test("without --check no server is asked", async () => {
    const { code, stderr } = await zester(["version"], { env: { NATS_URL: "nats://127.0.0.1:1" } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });
});
