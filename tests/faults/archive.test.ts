// Files that are no whole export: whatever was done to one, reading it is an error that names the file, or gives what was exported.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { ArchiveFile } from "../../lib/archive/file.ts";
import { messageLine } from "../../lib/archive/format.ts";
import { ExportWriter } from "../../lib/archive/writer.ts";
import { UserError } from "../../lib/errors.ts";
import { output, peakMemory } from "../bench/measure.ts";
import { encode, jobRecord, tempDir, ZESTER } from "../support/harness.ts";
import { draws, times } from "../support/length.ts";
import { randomFrom, SEED } from "../support/random.ts";

const random = randomFrom(SEED);
const below = (n: number) => Math.floor(random() * n);
const dir = tempDir();

function exported(): Buffer {
  let text = "";
  const server = { name: undefined, version: undefined, cluster: undefined };
  const header = { ns: 1n, version: "0", server, selection: "--all", redacted: false, missing: [] };
  const writer = new ExportWriter((piece) => {
    text += piece;
  }, header);
  for (let i = 0; i < 20; i++)
    writer.add({
      subject: ["$KV.jobs.a", "zester.job.a.status", "$KV.job-returns.a.b"][i % 3] as string,
      sequence: i,
      storedNs: BigInt(below(1e9)),
      headers: i % 5 === 0 ? [["KV-Operation", "DEL"]] : [],
      bytes: Buffer.from(Array.from({ length: below(40) }, () => below(256))),
    });
  writer.end();
  return Buffer.from(text);
}

/** One thing done to the bytes. */
const DAMAGES: readonly ((bytes: Buffer, at: number) => Uint8Array)[] = [
  (bytes, at) => bytes.subarray(0, at),
  (bytes, at) => bytes.with(at, below(256)),
  (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(below(bytes.length))]),
  (bytes, at) => Buffer.concat([bytes.subarray(0, at), Buffer.from([below(256)]), bytes.subarray(at)]),
  (bytes, at) => Buffer.concat([bytes.subarray(at), bytes.subarray(0, at)]),
];

async function read(path: string): Promise<string> {
  const file = new ArchiveFile(path);
  await file.open();
  let text = "";
  await file.read([{ begin: "" }], false, ({ subject, sequence, storedNs, headers, bytes }) => {
    text += `${subject} ${sequence} ${storedNs} ${headers} ${Buffer.from(bytes).toString("hex")}\n`;
  });
  return text;
}

test(`damaged files (seed ${SEED})`, async () => {
  const path = join(dir, "damaged");
  let errors = 0;
  const cases = draws(300, 40_000);
  for (let i = 0; i < cases; i++) {
    const bytes = exported();
    writeFileSync(path, bytes);
    const whole = i % 50 === 0 ? await read(path) : undefined;
    const packed = [bytes, bytes, gzipSync(bytes), zstdCompressSync(bytes)][below(4)] as Buffer;
    const damaged = (DAMAGES[below(DAMAGES.length)] as (typeof DAMAGES)[number])(packed, below(packed.length));
    writeFileSync(path, damaged);
    const found = await read(path).catch((error) => error);
    if (found instanceof UserError) {
      errors++;
      expect(found.message).toStartWith(`${path}, line `);
      continue;
    }
    writeFileSync(path, bytes);
    expect(found).toBe(whole ?? (await read(path)));
  }
  expect(errors).toBeGreaterThan(cases / 2);
}, 3_600_000);

/** A file with these lines, and the end that belongs to it. */
function sealed(lines: readonly Uint8Array[]): Buffer {
  const header = '{"zester_export":1,"time":"2026-01-01T00:00:00Z","missing":["masters","peels","returns"]}\n';
  const body = Buffer.concat([Buffer.from(header), ...lines]);
  const sha256 = createHash("sha256").update(body).digest("hex");
  const messages = body.toString("latin1").split("\n").length - 2;
  return Buffer.concat([body, Buffer.from(`${JSON.stringify({ messages, sha256 })}\n`)]);
}

const line = (subject: string, bytes: Uint8Array) =>
  Buffer.from(`${messageLine({ subject, sequence: 1, storedNs: 1n, headers: [], bytes })}\n`);
const MB = 1 << 20;

test.each([
  [
    "a line of 20 MB among small ones",
    20 * 20,
    () => {
      const small = line("$KV.jobs.small", encode(jobRecord("small")));
      const large = line("$KV.jobs.large", encode(jobRecord("large", { args: { text: "x".repeat(15 * MB) } })));
      return sealed([...Array(20_000).fill(small), large, ...Array(20_000).fill(small)]);
    },
  ],
  [
    "zstd of 0.05 % of its size",
    60,
    () => {
      const event = line("zester.job.a.status", Buffer.alloc(4096));
      const jobs = [line("$KV.jobs.a", encode(jobRecord("a"))), line("$KV.jobs.b", encode(jobRecord("b")))];
      return zstdCompressSync(sealed([...jobs, ...Array(times(40_000, 200_000)).fill(event)]));
    },
  ],
])(
  "%s: memory",
  async (_, mostMb, make) => {
    const path = join(dir, "large");
    writeFileSync(path, make());
    const argv = [ZESTER, "job", "list", "--count", "--from", path];
    expect(await output({ argv, env: {} })).toBe("2\n");
    // What the executable takes without a file, and this.
    expect(await peakMemory({ argv, env: {} })).toBeLessThan(80 + mostMb);
  },
  60_000,
);

test("a file without lines, and a line without end, take little memory", async () => {
  const path = join(dir, "long");
  writeFileSync(path, gzipSync(Buffer.alloc(300 << 20)));
  const before = process.memoryUsage.rss();
  expect(await read(path).catch((error) => String(error))).toContain("line 1: not an export");
  expect(process.memoryUsage.rss() - before).toBeLessThan(400 << 20);
});
