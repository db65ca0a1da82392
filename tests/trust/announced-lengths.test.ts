// Values that announce more than they hold, or hold as much as can be in as few bytes: they must not take
// the reader's memory or time.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { parse as parseYaml } from "yaml";
import { decode } from "../../lib/codec/decode.ts";
import { toJson, toJsonLine } from "../../lib/codec/json.ts";
import { toYaml } from "../../lib/codec/yaml.ts";
import { SHAPES } from "../support/fuzz-memory.ts";
import {
  createBuckets,
  encode,
  jobRecord,
  type Result,
  type Server,
  startServer,
  tempDir,
  ZESTER,
} from "../support/harness.ts";
import { listen } from "../support/relay.ts";

const hex = (text: string) => Buffer.from(text, "hex");
const MB = 1 << 20;

/** `{"a": …` with a head again and again: each announces more than there is. */
const deep = (head: string, n = 10_000) =>
  Buffer.concat([hex("81a161"), Buffer.alloc(n * (head.length / 2), hex(head))]);

/** The same in a field that the views show, with all else in order. */
function hidden(fields: Record<string, unknown>, name: string, head: string): Uint8Array {
  const record = encode(fields);
  const entries = Object.keys(fields).length;
  const field = Buffer.concat([encode(name), Buffer.alloc(10_000 * (head.length / 2), hex(head))]);
  return Buffer.concat([hex("de00"), Buffer.of(entries + 1), record.subarray(1), field]);
}

let server: Server;
beforeAll(async () => {
  server = await startServer("max_payload: 8MB");
  const nc = await server.connect();
  const { jobs, returns } = await createBuckets(nc);
  const lies = ["dcffff", "ddffffffff", "deffffa161", "dfffffffffa161", "c6ffffffff", "dbffffffff", "c9ffffffff05"];
  await jobs.put("good", encode(jobRecord("good", { targets: ["p-0"] })));
  await jobs.put("issue", deep("dcffff"));
  await jobs.put("dear", encode(jobRecord("dear", { targets: Array(3_000_000).fill("a") })));
  await jobs.put("json", Buffer.alloc(5 * MB, "["));
  for (const [i, head] of lies.entries()) {
    await jobs.put(`job-${i}`, deep(head));
    await jobs.put(`field-${i}`, hidden(jobRecord(`field-${i}`), "args", head));
    await returns.put(`good.p-${i}`, hidden({ peel_id: `p-${i}`, success: true }, "return_data", head));
    nc.publish(`zester.job.good.return.p-${i}`, hidden({ peel_id: `p-${i}`, success: true }, "return_data", head));
    nc.publish("zester.job.good.dispatch", hidden({ jid: "good", type: "dispatched" }, "data", head));
    nc.publish("zester.job.good.status", hidden({ jid: "good", type: "completed" }, "data", head));
  }
  await nc.flush();
  await nc.close();
});
afterAll(() => server.stop());

interface Measured extends Result {
  readonly memory: number;
  readonly ms: number;
}

/** Stands between: the peak that the system gives for a process begins with that of the one that started it. */
const STARTER = `
const child = Bun.spawn(process.argv.slice(1), { stdout: "pipe", stderr: "pipe" });
if (process.argv[3] === "watch") setTimeout(() => child.kill("SIGINT"), 2000);
const texts = [child.stdout, child.stderr].map((stream) => new Response(stream).text());
const [stdout, stderr, code] = await Promise.all([...texts, child.exited]);
const { maxRSS: memory, cpuTime } = child.resourceUsage();
console.log(JSON.stringify({ stdout, stderr, code, memory, ms: Number(cpuTime.total) / 1000 }));
`;

/** Runs the executable; its peak memory in bytes and the time of the processor that it took are part of the result. */
const measured = (...args: string[]) => measuredAt(server.url, ...args);

async function measuredAt(url: string, ...args: string[]): Promise<Measured> {
  const child = Bun.spawn([process.execPath, "-e", STARTER, ZESTER, "job", ...args], {
    env: { NATS_URL: url },
    stdout: "pipe",
    stderr: "inherit",
  });
  return new Response(child.stdout).json() as Promise<Measured>;
}

test.each([
  [["list"], "unreadable", 0],
  [["list", "--target", "a"], "dear", 0],
  [["list", "--format", "json"], "it ends in the middle of a value", 0],
  [["active"], "", 0],
  [["show", "issue"], "it ends in the middle of a value", 1],
  [["show", "dear"], "it would take more than 20 times its size in memory", 1],
  [["show", "json"], "nested deeper than 500 levels", 1],
  [["show", "good"], "it ends in the middle of a value", 0],
  [["show", "good", "--summary"], "it ends in the middle of a value", 0],
  [["wait", "good"], "", 0],
  [["watch"], "it ends in the middle of a value", 130],
  [["trace", "good"], "", 0],
  [["trace", "good", "--format", "json"], "", 0],
] as [string[], string, number][])("%j: said, in little memory", async (args, reason, code) => {
  const result = await measured(...args);
  expect(result.stdout + result.stderr).toContain(reason);
  expect([result.code, result.stderr]).toEqual([code, expect.not.stringContaining("unexpected failure")]);
  // A job with good values takes about 50 MB.
  expect(result.memory).toBeLessThan(160 * MB);
  expect(result.ms).toBeLessThan(4000);
});

const GREETING = 'INFO {"server_id":"x","version":"2.10.0","proto":1,"headers":true,"max_payload":1048576}\r\n';

test.each([
  ["a first line without an end", "", "INFO {", "not a NATS server: it answered INFO {xxx"],
  ["another word without an end", "", "x", "not a NATS server: it answered xxx"],
  ["a line without an end after the greeting", GREETING, "-ERR 'x", "a line of the protocol has no end"],
  ["a message before the login", GREETING, "MSG a 1 4000000000\r\n", "a message of 4000000000 bytes was announced"],
  ["headers before the login", GREETING, "HMSG a 1 12 200000000\r\n", "a message of 200000000 bytes was announced"],
])("%s: told at once, in little memory", async (_, greeting, words, reason) => {
  const piece = Buffer.alloc(1 << 16, "x");
  const { url, stop } = await listen((socket) => {
    const pour = () => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.write(greeting);
    socket.once(greeting ? "data" : "pour", () => {
      socket.write(words);
      socket.on("drain", pour);
      pour();
    });
    socket.emit("pour");
  });
  const began = performance.now();
  const { stdout, stderr, code, memory } = await measuredAt(url, "list");
  stop();
  expect([stdout, code]).toEqual(["", 1]);
  expect(stderr).toContain(reason);
  expect(memory).toBeLessThan(100 * MB);
  expect(performance.now() - began).toBeLessThan(10_000); // well below the time limit of a test; 0.1 s on a quiet machine
});

/** How often its own size a value may take, what any may take, and what the process needs beside. */
const TIMES = 20;
const BEYOND = 32 * MB;
const ALWAYS = 64 * MB;
const SIZE = 2 * MB;

test("no value takes more than 20 times its size, however dear its parts", async () => {
  const dir = tempDir();
  const script = resolve(import.meta.dir, "../support/fuzz-memory.ts");
  const shapes = Object.entries(SHAPES);
  const results: [string, boolean][] = [];
  const one = async () => {
    for (let next = shapes.pop(); next; next = shapes.pop()) {
      const [name, make] = next;
      const file = join(dir, name.replaceAll(/\W/g, "-"));
      await Bun.write(file, make(SIZE));
      const child = Bun.spawn([process.execPath, script, file], { stdout: "pipe", stderr: "inherit" });
      const { took } = (await new Response(child.stdout).json()) as { took: number };
      results.push([`${name}: ${(took / SIZE).toFixed(1)} times`, took < Math.max(TIMES * SIZE, ALWAYS) + BEYOND]);
    }
  };
  await Promise.all([one(), one()]);
  expect(results).toHaveLength(Object.keys(SHAPES).length);
  expect(results.filter(([, held]) => !held)).toEqual([]);
}, 60_000);

test("a long list, nested deep: the text of it is no thousand times longer", () => {
  const numbers = 20_000;
  const list = Buffer.concat([hex("dc"), Buffer.of(numbers >> 8, numbers & 0xff), Buffer.alloc(numbers, 1)]);
  const value = decode(Buffer.concat([Buffer.alloc(490, 0x91), list]));
  for (const text of [toJson(value), toYaml(value)]) {
    expect(text.length).toBeLessThan(50 * numbers);
    expect(text.match(/1/g)).toHaveLength(numbers);
  }
  expect(toJsonLine(decode(Buffer.from(toJson(value))))).toBe(toJsonLine(value));
});

test("nested values are the same in JSON and YAML, at any depth", () => {
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 30 },
      fc.integer(),
      fc.constantFrom("a\nb", "", "- x", "世"),
      fc.array(tie("node"), { minLength: 1, maxLength: 1 }),
      fc.array(tie("node"), { minLength: 1, maxLength: 2 }),
      fc.record({ a: tie("node"), b: fc.constantFrom(1, [], {}) }),
    ),
  })).node;
  fc.assert(
    fc.property(value, fc.integer({ min: 10, max: 30 }), (inner, depth) => {
      let nested: unknown = inner;
      for (let i = 0; i < depth; i++) nested = i % 2 ? [nested] : { n: nested };
      const decoded = decode(encode(nested));
      expect(JSON.parse(toJson(decoded))).toEqual(nested);
      expect(parseYaml(toYaml(decoded))).toEqual(nested);
    }),
    { numRuns: 100 },
  );
});
