// zester job export: what streams store is in the file as it is, whole or not at all.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Ajv2020 from "ajv/dist/2020";
import { headers } from "nats";
import schema from "../../docs/schema/job-export-line.json" with { type: "json" };
import { createBuckets, encode, jobRecord, Running, startServer, tempDir, zester } from "../support/harness.ts";
import { startSlowLink } from "../support/proxy.ts";
import { type StorySite, serveStories } from "../support/stories.ts";
import { decode } from "../support/wire.ts";

interface Line {
  readonly subject: string;
  readonly seq: number;
  readonly time: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly data: string;
}

const STREAMS = ["KV_master-heartbeat", "KV_peel-heartbeat", "KV_jobs", "KV_job-returns", "job-events"];

let site: StorySite;
beforeAll(async () => {
  site = await serveStories();
  await site.beat();
  const js = site.nc.jetstream();
  const jobs = await js.views.kv("jobs");
  await jobs.put("broken", Uint8Array.of(0xc1));
  await jobs.put("gone", encode(jobRecord("gone")));
  await jobs.delete("gone");
  const secrets = { args: { password: "hunter2", cmd: "DB_TOKEN=hunter2 run" }, targets: ["web-01"] };
  await jobs.put("secret", encode(jobRecord("secret", secrets)));
  await (await js.views.kv("job-returns")).put(
    "secret",
    encode([{ jid: "secret", peel_id: "web-01", success: true, return_data: "api_key: hunter2" }]),
  );
  const h = headers();
  h.append("Trace", "a");
  h.append("Trace", "b: c");
  await js.publish("zester.job.secret.dispatch", encode({ type: "dispatched", data: secrets }), { headers: h });
});
afterAll(() => site.stop());

const job = (...args: string[]) => zester(["job", "export", ...args], { env: site.env });
const validate = new Ajv2020({ strict: true }).compile(schema);

/** The parts of an export, whose form and last line are checked. */
function parts(text: string): { header: Record<string, unknown>; messages: Line[] } {
  const lines = text.split("\n").slice(0, -1);
  for (const line of lines)
    if (!validate(JSON.parse(line))) throw new Error(`${line}: ${JSON.stringify(validate.errors)}`);
  const body = text.slice(0, text.lastIndexOf("\n", text.length - 2) + 1);
  const sha256 = createHash("sha256").update(body).digest("hex");
  expect(JSON.parse(lines.at(-1) as string)).toEqual({ messages: lines.length - 2, sha256 });
  return { header: JSON.parse(lines[0] as string), messages: lines.slice(1, -1).map((line) => JSON.parse(line)) };
}

/** What the streams store, as another client reads it; of heartbeats and returns the newest of each key. */
async function stored(): Promise<Line[]> {
  const jsm = await site.nc.jetstreamManager();
  const all: Line[] = [];
  for (const stream of STREAMS) {
    const { first_seq, last_seq } = (await jsm.streams.info(stream)).state;
    const found = new Map<unknown, Line>();
    for (let seq = first_seq; seq <= last_seq; seq++) {
      const msg = await jsm.streams.getMessage(stream, { seq }).catch(() => undefined);
      if (!msg) continue;
      const pairs = [...(msg.header ?? [])].flatMap(([name, values]) => values.map((value) => [name, value] as const));
      const data = Buffer.from(msg.data).toString("base64");
      const { subject, timestamp: time } = msg;
      found.set(stream === "KV_jobs" || stream === "job-events" ? seq : subject, {
        ...{ subject, seq, time, ...(pairs.length > 0 && { headers: pairs }), data },
      });
    }
    all.push(...found.values());
  }
  return all;
}

const sorted = (lines: readonly Line[]) => lines.map((line) => JSON.stringify(line)).sort();

test("--all is what the streams store", async () => {
  const { stdout, stderr } = await job("--all");
  const { header, messages } = parts(stdout);
  expect(stderr).toBe("");
  expect(sorted(messages)).toEqual(sorted(await stored()));
  expect(messages.length).toBeGreaterThan(200);
  expect(header).toMatchObject({ zester_export: 1, selection: "--all", redacted: false, missing: [] });
  expect(Math.abs(Date.parse(header.time as string) - Date.now())).toBeLessThan(60_000);
  const sequences = (prefix: string) =>
    messages.filter(({ subject }) => subject.startsWith(prefix)).map(({ seq }) => seq);
  for (const prefix of ["$KV.jobs.", "zester.job."])
    expect(sequences(prefix)).toEqual(sequences(prefix).toSorted((a, b) => a - b));
});

const isBeat = ({ subject }: Line) => subject.includes("-heartbeat.");

test.each(["2hPxSLate", "2hPxSLat", "secret", "broken", "@last"])("%s: its messages alone", async (text) => {
  const { header, messages } = parts((await job(text)).stdout);
  const jid = header.selection as string;
  expect(jid.startsWith(text) || text === "@last").toBe(true);
  const own = (await stored()).filter(({ subject }) => subject.split(".").includes(jid));
  expect(sorted(messages.filter((line) => !isBeat(line)))).toEqual(sorted(own));
  // The heartbeats of its peels; nothing tells whose job `broken` is.
  expect(messages.some(isBeat)).toBe(jid !== "broken");
});

test("conditions select as in list, of few jobs and of many", async () => {
  for (const flags of [
    ["--state", "bad"],
    ["--since", "2020-01-01"],
    ["--since", "2020-01-01", "--function", "cmd.*"],
  ]) {
    const list = await zester(["job", "list", "-q", ...flags], { env: site.env });
    const { header, messages } = parts((await job(...flags)).stdout);
    const jids = messages.flatMap(({ subject }) => /^\$KV\.jobs\.([^.]+)$/.exec(subject)?.[1] ?? []);
    expect([...new Set(jids)].sort()).toEqual(list.stdout.trim().split("\n").sort());
    expect(String(header.selection).split(" ").sort()).toEqual(flags.toSorted());
  }
});

test("no job matches: an export without messages, and a note", async () => {
  const { stdout, stderr, code } = await job("--function", "nix", "--since", "1h");
  expect(parts(stdout).messages).toEqual([]);
  expect([stderr, code]).toEqual([expect.stringContaining("no jobs match --function nix --since 1h"), 0]);
  expect((await job("--function", "nix", "--fail-if-empty")).code).toBe(1);
});

test("--redact: no secret is left, all else is as it was", async () => {
  const plain = parts((await job("secret")).stdout).messages;
  const { stdout, stderr } = await job("secret", "--redact");
  const { header, messages } = parts(stdout);
  expect([header.redacted, stderr]).toEqual([true, "note: redacted 5 values.\n"]);
  const text = (lines: readonly Line[]) =>
    lines.map(({ data }) => Buffer.from(data, "base64").toString("latin1")).join();
  expect(text(plain)).toContain("hunter2");
  expect(text(messages)).not.toContain("hunter2");
  const record = messages.find(({ subject }) => subject === "$KV.jobs.secret") as Line;
  expect(decode(Buffer.from(record.data, "base64"))).toMatchObject({
    jid: "secret",
    args: { password: "[redacted]", cmd: "DB_TOKEN=[redacted] run" },
  });
  expect(messages.map(({ subject, seq, time }) => [subject, seq, time])).toEqual(
    plain.map(({ subject, seq, time }) => [subject, seq, time]),
  );
  // What can't be decoded may be a secret.
  const broken = parts((await job("broken", "--redact")).stdout);
  expect(broken.messages.map(({ data }) => data)).toEqual(["wQ=="]);
});

describe("--output", () => {
  const dir = tempDir();
  const path = join(dir, "jobs.jsonl");

  test("writes a file for its owner alone, and replaces none without --force", async () => {
    expect(await job("2hPxSLate", "--output", path)).toEqual({ stdout: "", stderr: "", code: 0 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const { messages } = parts(readFileSync(path, "utf8"));
    expect(messages.length).toBeGreaterThan(10);
    writeFileSync(path, "mine");
    const { stderr, code } = await job("2hPxSLate", "--output", path);
    expect([stderr, code]).toEqual([`error: ${path} already exists.\nUse --force to replace it.\n`, 1]);
    expect(readFileSync(path, "utf8")).toBe("mine");
    expect((await job("2hPxSLate", "--output", path, "--force")).code).toBe(0);
    expect(parts(readFileSync(path, "utf8")).messages).toEqual(messages);
    expect(readdirSync(dir)).toEqual(["jobs.jsonl"]);
  });

  test("- is stdout", async () => {
    expect(await job("2hPxSLate", "--output", "-")).toMatchObject({ stdout: expect.stringContaining("zester_export") });
    expect(existsSync("-")).toBe(false);
  });

  test("after an error there is no file", async () => {
    const none = join(dir, "none.jsonl");
    expect((await job("nope1234", "--output", none)).code).toBe(1);
    const { stderr } = await job("--all", "--output", join(dir, "no", "folder"));
    expect(stderr).toContain("no such file");
    expect(existsSync(none)).toBe(false);
    expect(readdirSync(dir)).toEqual(["jobs.jsonl"]);
  });
});

test.each([
  [[], "missing argument <jid>"],
  [["--all", "2hPxSLate"], "cannot be used together"],
  [["--all", "--state", "bad"], "cannot be used together"],
  [["--all", "--force"], "--force needs --output"],
])("%p is an error: %s", async (args: string[], words) => {
  const { stdout, stderr, code } = await job(...args);
  expect([stdout, code]).toEqual(["", 1]);
  expect(stderr).toContain(words);
});

test("--all while the streams are written: whole, without another try by hand", async () => {
  const server = await startServer();
  const nc = await server.connect();
  await createBuckets(nc);
  const js = nc.jetstream();
  const write = async (i: number) => {
    await js.publish(`$KV.jobs.j${i}`, encode(jobRecord(`j${i}`)));
    await js.publish(`zester.job.j${i}.status`, encode({ type: "completed" }));
    return i;
  };
  let last = 0;
  for (let i = 0; i < 500; i++) last = await write(i);
  let over = false;
  const writing = (async () => {
    while (!over) last = await write(last + 1);
  })();
  for (let i = 0; i < 3; i++) {
    const before = last;
    const { stdout, stderr, code } = await zester(["job", "export", "--all"], { env: { NATS_URL: server.url } });
    expect([stderr, code]).toEqual(["", 0]);
    const found = new Set(parts(stdout).messages.map(({ subject }) => subject));
    for (let n = 0; n <= before; n++)
      expect([n, found.has(`$KV.jobs.j${n}`), found.has(`zester.job.j${n}.status`)]).toEqual([n, true, true]);
  }
  expect(last).toBeGreaterThan(600);
  over = true;
  await writing;
  await nc.close();
  await server.stop();
});

test("a long export shows how far it is, and what it may hold, on a terminal only", async () => {
  const server = await startServer();
  const nc = await server.connect();
  const { jobs } = await createBuckets(nc);
  const record = encode(jobRecord("x", { args: { text: "x".repeat(2000) } }));
  for (let i = 0; i < 2000; i++) nc.publish(`$KV.jobs.job-${i}`, record);
  await jobs.put("last", record);
  const link = await startSlowLink(server.port, 4_000_000);
  const path = join(tempDir(), "all.jsonl");
  const args = ["job", "export", "--all", "--output", path];
  const running = new Running(args, { NATS_URL: link.url }, { cols: 100, rows: 24 });
  expect(await running.ended()).toBe(0);
  expect(running.out).toMatch(/\r\x1b\[K[█░]{20} [\d,]+ of 2,001 messages/);
  const told = running.out
    .replace(/\x1b\[[\d;]*m/g, "")
    .split("\x1b[K")
    .at(-1);
  const notes = [
    "exported all jobs: 2,001 messages.",
    "arguments and outputs may contain secrets: see --redact.",
    `wrote ${path} (${statSync(path).size.toLocaleString("en")} bytes).`,
  ];
  expect(told).toBe(notes.map((note) => `note: ${note}\r\n`).join(""));
  link.stop();
  await nc.close();
  await server.stop();
});

test("what the server lacks is named in the header", async () => {
  const server = await startServer();
  const nc = await server.connect();
  const { jobs } = await createBuckets(nc, { events: false });
  await jobs.put("a", encode(jobRecord("a")));
  const { stdout, stderr } = await zester(["job", "export", "--all"], { env: { NATS_URL: server.url } });
  expect([parts(stdout).header.missing, stderr]).toEqual([["masters", "peels", "events"], ""]);
  await nc.close();
  await server.stop();
});
