// The JSON Schemas of a release against what the executable writes; and the version of records on a server.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv2020, { type ValidateFunction } from "ajv/dist/2020";
import fc from "fast-check";
import type { KV, NatsConnection } from "nats";
import jobDiff from "../../docs/schema/job-diff.json" with { type: "json" };
import jobHistory from "../../docs/schema/job-history.json" with { type: "json" };
import jobKill from "../../docs/schema/job-kill.json" with { type: "json" };
import jobRetry from "../../docs/schema/job-retry.json" with { type: "json" };
import jobTrace from "../../docs/schema/job-trace.json" with { type: "json" };
import jobWait from "../../docs/schema/job-wait.json" with { type: "json" };
import { SIGNAL_RESULTS } from "../../lib/model/kill.ts";
import { WORST_FIRST } from "../../lib/model/peel-state.ts";
import { COLUMN_NAMES } from "../../lib/render/columns.ts";
import { createBuckets, encode, jobRecord, type Server, startServer, Time, zester } from "../support/harness.ts";
import { putFixtures } from "../support/seed.ts";
import { type StorySite, serveStories } from "../support/stories.ts";
import { decode } from "../support/wire.ts";
import fixtures from "../support/wire-fixtures.json" with { type: "json" };

const FOLDER = join(import.meta.dir, "../../docs/schema");
const NAMES = readdirSync(FOLDER).map((file) => file.replace(/\.json$/, ""));

type Node = Record<string, unknown>;

/** What is stored can have further fields; what zester itself makes has those of the schema and no other. */
const STORED = ["job", "return", "unreadable", "row", "states"];

/** The same schema, which refuses a field that it does not name, except in what is stored. */
function closed(node: unknown, name = ""): unknown {
  if (node === null || typeof node !== "object" || STORED.includes(name)) return node;
  if (Array.isArray(node)) return node.map((item) => closed(item));
  const inner = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, closed(value, key)]));
  return { ...inner, ...((node as Node).type === "object" && { additionalProperties: false }) };
}

const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
const validators = new Map<string, ValidateFunction>();
/** Those that some output was held against. */
const used = new Set<string>();

function validatorOf(name: string): ValidateFunction {
  const known =
    validators.get(name) ?? ajv.compile(closed(JSON.parse(readFileSync(join(FOLDER, `${name}.json`), "utf8"))) as Node);
  validators.set(name, known);
  return known;
}

/** Fails with the reasons unless `json` (a text: digits beyond 2^53 only have to be an integer) fits the schema. */
function expectValid(name: string, json: string): void {
  const validate = validatorOf(name);
  validate(JSON.parse(json));
  expect(validate.errors ?? []).toEqual([]);
  used.add(name);
}

/** The same for each line of a text that has some. */
function expectLines(name: string, text: string): void {
  const lines = text.split("\n").slice(0, -1);
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) expectValid(name, line);
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
    const { stdout: lines } = await run("job", "list", "--format", "jsonl");
    expect(lines.trim().split("\n").length).toBe(JSON.parse(list).length);
    expectLines("job-line", lines);
    const columns = [...COLUMN_NAMES, "args.name"].join(",");
    const { stdout: rows } = await run("job", "list", "--columns", columns, "--format", "json");
    expectValid("job-columns", rows);
    expect(Object.keys(JSON.parse(rows)[0])).toEqual(columns.split(","));
    expectValid("ids", (await run("job", "list", "-q", "--format", "json")).stdout);
    expectValid("job-list", (await run("job", "active", "--format", "json")).stdout);
    expectLines("job-watch", (await run("job", "watch", "--for", "1s", "--format", "json")).stdout);
    const jids = fixtures.flatMap(({ bucket, key }) => (bucket === "jobs" && key && !key.includes(".") ? [key] : []));
    expect(jids.length).toBeGreaterThan(3);
    for (const key of jids) {
      await returns.put(`${key}.broken`, Uint8Array.of(0xc1));
      expectValid("job-show", (await run("job", "show", key, "--format", "json")).stdout);
      expectValid("job-show", (await run("job", "show", key, "--missing", "--format", "json")).stdout);
      expectValid("ids", (await run("job", "show", key, "-q", "--format", "json")).stdout);
    }
  });

  test("history", async () => {
    await putFixtures(nc);
    await returns.put("gone.web-01", encode({ jid: "gone", peel_id: "web-01", success: false, error: "no" }));
    let seen = 0;
    for (const peel of ["web-01", "web-02", "db_eu_example", "cache-01"]) {
      const { stdout, code } = await run("job", "history", peel, "--format", "json");
      if (code !== 0) continue;
      expectValid("job-history", stdout);
      seen += JSON.parse(stdout).length;
    }
    expect(seen).toBeGreaterThan(2);
    expect(jobHistory.$defs.result.properties.state.enum).toEqual([...WORST_FIRST]);
  });

  test("status, with all that can be wrong, and without heartbeats", async () => {
    const at = (agoMs: number) => new Time(BigInt(Date.now() - agoMs) * 1_000_000n);
    const put = (jid: string, agoMs: number, fields: object) =>
      jobs.put(jid, encode(jobRecord(jid, { created: at(agoMs), updated: at(agoMs), ...fields })));
    await put("stuck", 60_000, { status: "running", owner: "m1" });
    await put("bad", 60_000, { status: "failed", targets: ["web-01", "web-02", "db_eu"] });
    const error = { jid: "bad", success: false, error: "no" };
    await returns.put("bad.web-01", encode({ ...error, peel_id: "web-01" }));
    await returns.put("bad.db_eu", encode({ ...error, peel_id: "db_eu", unreachable: true }));
    const metadata = { source: "schedule", schedule: "nightly" };
    for (let i = 1; i < 5; i++) await put(`run-${i}`, (9 + i) * 3_600_000, { targets: ["web-01"], metadata });
    const blind = (await run("job", "status", "--format", "json")).stdout;
    expectValid("job-status", blind);
    expect(JSON.parse(blind)).toMatchObject({ masters: { alive: null }, peels: null, unknown: expect.any(String) });
    for (const bucket of ["master-heartbeat", "peel-heartbeat"]) await nc.jetstream().views.kv(bucket);
    const { stdout } = await run("job", "status", "--format", "json");
    expectValid("job-status", stdout);
    const { trouble, masters, stuck, failed, overdue, peels } = JSON.parse(stdout);
    expect(trouble).toEqual(["masters", "stuck", "failed", "overdue", "peels"]);
    for (const list of [masters.gone, stuck, failed.errors, failed.unreachable, failed.missing, overdue, peels.silent])
      expect(list.length).toBeGreaterThan(0);
  });

  test("diff", async () => {
    const put = (key: string, fields: object) =>
      returns.put(key, encode({ jid: "x", peel_id: key.slice(2), ...fields }));
    for (const [jid, stdout] of [
      ["a", "one"],
      ["b", "two"],
    ] as const) {
      await jobs.put(jid, encode(jobRecord(jid, { targets: ["web-01", "web-02", `only-${jid}`] })));
      await put(`${jid}.web-01`, {
        success: true,
        duration: 5n,
        return_data: { results: [{ name: "x", details: { stdout } }] },
      });
    }
    await put("b.web-02", { success: false, error: "no" });
    const { stdout, code } = await run("job", "diff", "a", "b", "--format", "json");
    expectValid("job-diff", stdout);
    expect([code, JSON.parse(stdout).length]).toEqual([2, 4]);
    expect(jobDiff.$defs.state.enum).toEqual([...WORST_FIRST]);
  });

  test("stats", async () => {
    await putFixtures(nc);
    const created = Time.now();
    const metadata = { source: "schedule", schedule: "nightly" };
    await jobs.put("run", encode(jobRecord("run", { created, updated: created, metadata })));
    const dry = { success: true, return_data: { test: true, results: [{ name: "x", changed: true }] } };
    await returns.put("run.web-01", encode({ jid: "run", peel_id: "web-01", ...dry }));
    for (const by of ["function", "user", "target", "peel", "result", "schedule"]) {
      const { stdout } = await run("job", "stats", "--by", by, "--format", "json");
      expectValid("job-stats", stdout);
      expect(JSON.parse(stdout).length).toBeGreaterThan(0);
    }
    expectValid(
      "job-stats",
      (await run("job", "stats", "--by", "peel", "--function", "nx", "--format", "json")).stdout,
    );
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
    expect(JSON.parse(unheard)[0].signal).toBe("sent, no listener");
    expectValid("job-kill", unheard);
  });

  test("errors, by error and by job", async () => {
    const failed = { status: "failed", created: Time.now(), targets: ["a", "b", "c"] };
    await jobs.put("j1", encode(jobRecord("j1", failed)));
    await returns.put("j1.a", encode({ success: false, error: "no space", duration: 1n }));
    await returns.put("j1.b", encode({ success: false, error: "gone", unreachable: true }));
    await returns.put("j1.c", encode({ success: false }));
    for (const by of ["error", "job"]) {
      const { stdout } = await run("job", "errors", "--by", by, "--format", "json");
      expectValid("job-errors", stdout);
      expect(JSON.parse(stdout).length).toBe(by === "job" ? 1 : 3);
    }
    expectValid("job-errors", (await run("job", "errors", "--user", "none", "--format", "json")).stdout);
  });

  test("export", async () => {
    await putFixtures(nc);
    expectLines("job-export-line", (await run("job", "export", "--all")).stdout);
  });

  test("grep", async () => {
    await jobs.put("j1", encode(jobRecord("j1", { created: Time.now() })));
    await returns.put("j1.a", encode({ success: false, error: "no space\nat all" }));
    await returns.put("j1.b", encode({ return_data: { results: [{ name: "f", diff: "+ no space" }] } }));
    const { stdout } = await run("job", "grep", "no", "--format", "json");
    expectValid("job-grep", stdout);
    expect(JSON.parse(stdout).length).toBe(2);
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

  test("retry: what was, would be, was not, and may have been dispatched", async () => {
    await jobs.put("j3", encode(jobRecord("j3", { status: "failed" })));
    const retry = async (...args: string[]) => (await run("job", "retry", "j3", ...args, "--format", "json")).stdout;
    expectValid("job-retry", await retry("--dry-run"));
    expectValid("job-retry", await retry("--failed"));
    const refused = await retry("--yes");
    expectValid("job-retry", refused);
    expect(JSON.parse(refused)).toMatchObject({ dispatched: false, reason: expect.stringContaining("no master") });
    let answers = true;
    nc.subscribe("zester.dispatch", {
      callback: async (_, msg) => {
        const { jid } = decode(msg.data) as { jid: string };
        if (answers) await jobs.put(jid, encode(jobRecord(jid, { status: "running" })));
        if (answers) msg.respond(encode({ jid }));
      },
    });
    await nc.flush();
    expectValid("job-retry", await retry("--yes"));
    const waited = await retry("--yes", "--wait", "--for", "200ms");
    expectValid("job-retry", waited);
    const { jid } = JSON.parse(waited);
    const seen = await run("job", "list", "--columns", "jid,status", "--format", "json");
    expect(JSON.parse(seen.stdout)).toContainEqual({ jid, status: "running" });
    answers = false;
    const unknown = await retry("--yes", "--timeout", "200ms");
    expectValid("job-retry", unknown);
    expect(JSON.parse(unknown).dispatched).toBe(null);
  });

  test("settings, checks and versions", async () => {
    expectValid("config", (await run("config", "--format", "json")).stdout);
    expectValid("config-check", (await run("config", "check", "--format", "json")).stdout);
    const nowhere = ["config", "check", "--master", "nats://127.0.0.1:1", "--format", "json"];
    expectValid("config-check", (await run(...nowhere)).stdout);
    expectValid("version", (await run("version", "--format", "json")).stdout);
  });

  test("every outcome of a signal and every state of a peel is in its schema", () => {
    expect(jobKill.$defs.signal.properties.signal.enum).toEqual([...SIGNAL_RESULTS]);
    expect(jobTrace.$defs.peel.properties.state.enum).toEqual([...WORST_FIRST]);
    expect(Object.keys(jobWait.$defs.ending.properties)).toEqual(["jid", "status", "reason", ...WORST_FIRST]);
    expect(Object.keys(jobRetry.properties).slice(-WORST_FIRST.length)).toEqual([...WORST_FIRST]);
  });

  test("and what does not fit is refused", () => {
    const wrong: [name: string, json: string][] = [
      ["job-list", "{}"],
      ["job-list", '[{"jid": "a"}]'],
      ["job-line", '{"jid": "a", "function": "f", "status": "running", "timeout": 1.5}'],
      ["job-line", '{"jid": "a", "function": "f", "status": "running", "created": "yesterday"}'],
      ["job-show", '{"job": {"jid": "a", "function": "f", "status": "x"}}'],
      ["job-kill", '{"jid": "a", "signal": "sent"}'],
      ["job-kill", '[{"jid": "a", "signal": "lost"}]'],
      ["job-errors", '[{"error": "x"}]'],
      ["job-grep", '[{"jid": "a"}]'],
      ["job-kill", '[{"jid": "a"}]'],
      ["job-kill", '[{"jid": "a", "signal": "sent", "status": "canceled"}]'],
      ["job-wait", '[{"jid": "a", "status": "complete", "ok": 1}]'],
      ["job-columns", '[{"created": "yesterday"}]'],
      ["ids", "[1]"],
      ["version", '{"version": "1", "commit": "x", "bun": "1"}'],
    ];
    for (const [name, json] of wrong) expect(() => expectValid(name, json)).toThrow();
  });
});

describe("the recorded stories of real jobs", () => {
  let site: StorySite;
  beforeAll(async () => {
    site = await serveStories();
  });
  afterAll(() => site.stop());

  test("trace, wait and watch", async () => {
    const job = (...args: string[]) => zester(["job", ...args], { env: site.env });
    const jids = (await job("list", "-q")).stdout.trim().split("\n");
    expect(jids.length).toBeGreaterThan(6);
    for (const jid of jids) {
      const of = async (command: string, format: string, ...args: string[]) =>
        (await job(command, jid, ...args, "--format", format)).stdout;
      const story = await of("trace", "json");
      expectValid("job-trace", story);
      if (JSON.parse(story).events.length > 0) expectLines("job-trace-line", await of("trace", "jsonl"));
      expectValid("job-wait", await of("wait", "json", "--for", "300ms"));
      const watched = await of("watch", "json", "--for", "300ms");
      if (watched) expectLines("job-watch", watched);
    }
  });
});

test("no schema without output that was held against it", () => {
  expect([...used].sort()).toEqual(NAMES.sort());
});

const big = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);

describe("config check: the version of the records", () => {
  const records = async () => {
    const { stdout, code } = await run("config", "check");
    return [/^(\w+) +records +(.*)$/m.exec(stdout)?.slice(1).join(" "), code];
  };

  test("none, and one that this zester supports", async () => {
    expect(await records()).toEqual(["ok none", 0]);
    await jobs.put("b", encode(jobRecord("b")));
    expect(await records()).toEqual(["ok no version found", 0]);
    await jobs.put("a", encode(jobRecord("a", { v: 1 })));
    expect(await records()).toEqual(["ok version 1, supported", 0]);
  });

  test("newer records fail", async () => {
    await jobs.put("a", encode(jobRecord("a", { v: 2 })));
    await jobs.put("b", encode(jobRecord("b", { v: 1 })));
    expect(await records()).toEqual([
      "FAIL version 2, newer than this zester supports (1): it may show them wrong or in part",
      1,
    ]);
  });

  test("only the newest records are read", async () => {
    await jobs.put("a", encode(jobRecord("a", { v: 2 })));
    await jobs.put("b", encode(jobRecord("b", { v: 1 })));
    await Promise.all(Array.from({ length: 1001 }, (_, n) => jobs.put(`c${n}`, encode(jobRecord(`c${n}`)))));
    expect(await records()).toEqual(["ok no version found (the newest 1,000 messages)", 0]);
  });

  test("`version` asks no server", async () => {
    const { code, stderr } = await zester(["version"], { env: { NATS_URL: "nats://127.0.0.1:1" } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });
});
