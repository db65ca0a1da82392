// --from: every command that reads tells of an export what it tells of the server that it was exported from.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { encode, jobRecord, run, tempDir, until, ZESTER, zester } from "../support/harness.ts";
import { some } from "../support/length.ts";
import { expectSame, readingCommands } from "../support/reading.ts";
import { type StorySite, serveStories } from "../support/stories.ts";
import stories from "../support/wire-stories.json" with { type: "json" };

let site: StorySite;
const dir = tempDir();
const all = join(dir, "all.jsonl");
const path = (name: string) => resolve(dir, name);
const exported = async (name: string, ...args: string[]) => {
  const { stderr } = await zester(["job", "export", ...args, "--output", path(name)], { env: site.env });
  expect(stderr).toBe("");
  return path(name);
};
const from = (file: string, ...args: string[]) => zester(["job", ...args, "--from", file]);

beforeAll(async () => {
  site = await serveStories();
  const jobs = await site.nc.jetstream().views.kv("jobs");
  await jobs.put("broken", Uint8Array.of(0xc1));
  await jobs.put("gone", encode(jobRecord("gone")));
  await jobs.delete("gone");
  await jobs.put(
    "hostile",
    encode(jobRecord("\x1b[31mx", { function: "\x1b[2Jcmd.run\u202e", args: { __proto__: "=1" } })),
  );
  await site.beat();
  await exported("all.jsonl", "--all");
});
afterAll(() => site.stop());

const JIDS = [
  ...new Set(stories.flatMap(({ bucket, key }) => (bucket === "jobs" && key && !key.includes(".") ? [key] : []))),
];
const COMMANDS = [
  ...readingCommands(JIDS, ["web-01", "db-02", "evil-01"]),
  ["show", "broken"],
  ["show", "gone"],
  ["trace", "gone"],
];

test("the recorded stories: the same as from the server", async () => {
  const drawn = some(COMMANDS, 8, Math.floor(Math.random() * 8));
  for (let i = 0; i < drawn.length; i += 4) {
    await site.beat(); // the master of the stories lives as long as that
    await Promise.all(drawn.slice(i, i + 4).map((args) => expectSame(args, site.env.NATS_URL, [all])));
  }
});

describe("files", () => {
  const list = (...args: string[]) => zester(["job", "list", "-q", ...args]);

  test("plain, gzip and zstd, by their first bytes; - is stdin", async () => {
    const bytes = readFileSync(all);
    const { stdout } = await list("--from", all);
    expect(stdout.split("\n").length).toBeGreaterThan(19);
    for (const [i, packed] of [gzipSync(bytes), zstdCompressSync(bytes)].entries()) {
      writeFileSync(path(`packed${i}`), packed);
      expect((await list("--from", path(`packed${i}`))).stdout).toBe(stdout);
      const piped = await zester(["job", "list", "-q", "--from", "-"], { stdin: packed });
      expect([piped.stdout, piped.stderr.startsWith("note: reading stdin, exported 20")]).toEqual([stdout, true]);
    }
  });

  test("a pipe is read as often as a file, and leaves none behind", async () => {
    const small = await exported("small.jsonl", "2hPxSLate");
    const args = ["show", "2hPxSLate", "--summary"];
    const env = { TMPDIR: tempDir() };
    for (const file of [all, small]) {
      const argv = ["sh", "-c", 'cat "$0" | "$@"', file, ZESTER, "job", ...args, "--from", "-"];
      expect((await run(argv, { env })).stdout).toBe((await from(file, ...args)).stdout);
    }
    const substituted = ["bash", "-c", '"$@" --from <(cat "$0")', small, ZESTER, "job", ...args];
    expect((await run(substituted, { env })).stdout).toBe((await from(small, ...args)).stdout);
    expect(readdirSync(env.TMPDIR)).toEqual([]);
  });

  test("a quoted pattern is that of the files", async () => {
    const folder = tempDir();
    for (const jid of JIDS.slice(0, 4)) await exported(join(folder, `jobs-${jid}.jsonl`), jid);
    const { stdout, stderr } = await zester(["job", "list", "-q", "--from", "jobs-*.jsonl"], { cwd: folder });
    expect(stdout.trim().split("\n").sort()).toEqual(JIDS.slice(0, 4).sort());
    expect(stderr).toStartWith("note: reading 4 files, exported 20");
    const none = await zester(["job", "list", "--from", "nix-*"], { cwd: folder });
    expect([none.stderr, none.code]).toEqual(["error: no file matches nix-*.\nCheck the pattern.\n", 1]);
  });

  test("several are one: each event counts once, and the newest message of a key", async () => {
    const [one, two, three] = JIDS as [string, string, string];
    const parts = [await exported("a.jsonl", one, two), await exported("b.jsonl", two, three)];
    const both = parts.flatMap((part) => ["--from", part]);
    const listed = (await list(...both)).stdout.trim().split("\n");
    expect(listed.sort()).toEqual([one, two, three].sort());
    await Promise.all(
      [one, two, three].map((jid) => expectSame(["trace", jid, "--format", "jsonl"], site.env.NATS_URL, parts)),
    );
    const jobs = await site.nc.jetstream().views.kv("jobs");
    const returns = await site.nc.jetstream().views.kv("job-returns");
    const files: string[] = [];
    for (const status of ["running", "complete"]) {
      await jobs.put("again", encode(jobRecord("again", { status, targets: ["web-01"] })));
      await returns.put(
        "again.web-01",
        encode({ jid: "again", peel_id: "web-01", success: true, return_data: `${status} text` }),
      );
      files.push(await exported(`${status}.jsonl`, "again"));
    }
    for (const order of [files, files.toReversed()]) {
      const flags = order.flatMap((file) => ["--from", file]);
      expect((await zester(["job", "list", "--columns", "state", "--no-header", ...flags])).stdout.trim()).toBe(
        "complete",
      );
      const hits = await zester(["job", "grep", "text", "--since", "2020-01-01", ...flags]);
      expect(hits.stdout).toContain("complete text");
      expect(hits.stdout).not.toContain("running text");
    }
  });

  test("a job that a later file lacks was not selected", async () => {
    const jobs = await site.nc.jetstream().views.kv("jobs");
    await jobs.put("brief", encode(jobRecord("brief", { user: "brief" })));
    const before = await exported("before.jsonl", "brief");
    await jobs.delete("brief");
    const files = ["--from", before, "--from", await exported("after.jsonl", "--all")];
    const errors = (...flags: string[]) =>
      zester(["job", "errors", "--user", "brief", "--since", "2020-01-01", "--fail-if-empty", ...flags]);
    expect((await errors("--from", before)).code).toBe(0);
    expect(await errors(...files)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no jobs match --user brief"),
    });
  });

  test("ids complete", async () => {
    const words = ["job", "show", "--from", all, "=2hPxSLat"];
    const completed = async () => (await zester(["__complete", ...words])).stdout.includes("2hPxSLate\t");
    await until("the answer comes in time", completed);
  });

  test("a peel that no job was meant for", async () => {
    const { stdout, stderr } = await from(all, "history", "no-such-peel");
    expect([stdout, stderr.includes("no-such-peel")]).toEqual(["", true]);
  });
});

test("the next commands read the same files; without those that need a server", async () => {
  const file = path("all's.jsonl");
  writeFileSync(file, readFileSync(all));
  const word = `'${file.replace("'", "'\\''")}'`;
  const { stdout } = await from(file, "status", "--since", "2020-01-01");
  const errors = stdout.split("\n").find((line) => line.startsWith("failed "));
  expect(errors).toEndWith(`  zester job errors --since 2020-01-01 --from ${word}`);
  expect(stdout).toMatch(/^active .*returned; oldest \d+\w *$/m);
  expect(stdout).not.toMatch(/zester (job watch|config)/);
  const next = errors?.slice(errors.indexOf("zester job errors")).replace("zester", ZESTER) ?? "";
  expect((await run(["sh", "-c", next])).code).toBe(0);
  const report = (await from(all, "report", "2hPxSLate", "--format", "markdown")).stdout;
  expect(report).toContain(`- \`zester job show 2hPxSLate --summary --from ${all}\`: `);
  expect(report).not.toMatch(/`zester job (retry|watch|kill)/);
  expect((await from(all, "show", "nothere")).stderr).toEndWith(
    `\n\`zester job list --from ${all}\` shows the exported jobs.\n`,
  );
});

test("what acts, or waits for changes, needs a server and says so", async () => {
  const jobs = ["kill x", "retry x", "wait x", "watch", "trace x --follow", "export x"].map((words) => `job ${words}`);
  for (const words of [...jobs, "config check"]) {
    const { stderr, code } = await zester([...words.split(" "), "--from", all]);
    expect([words, code, stderr.split("\n")[0]]).toEqual([
      words,
      1,
      "error: --from cannot be used here: this command needs a server.",
    ]);
  }
});

/** A file with the end that belongs to it. */
const sealed = (lines: readonly string[]) => {
  const body = lines.map((line) => `${line}\n`).join("");
  const sha256 = createHash("sha256").update(body).digest("hex");
  return `${body}${JSON.stringify({ messages: lines.length - 1, sha256 })}\n`;
};

test("a flag that names a server is an error; a variable is not", async () => {
  const { stdout, stderr, code } = await from(all, "list", "--master", "nats://n1:4222");
  expect([stdout, code]).toEqual(["", 1]);
  expect(stderr).toBe(
    "error: --from and --master cannot be used together.\nUse one of them: --from reads files, not a server.\n",
  );
  expect((await zester(["job", "list", "--from", all], { env: { NATS_URL: "nats://n1:4222" } })).code).toBe(0);
});

describe("what is no whole export is an error that names the line", () => {
  const lines = () => readFileSync(all, "utf8").trimEnd().split("\n");
  const HEADER = { zester_export: 1, time: "2026-01-01T00:00:00Z", missing: [] };
  test.each<[title: string, make: () => string | Uint8Array, words: string]>([
    ["cut at a line", () => `${lines().slice(0, 9).join("\n")}\n`, "line 10: the file is incomplete"],
    ["cut inside a line", () => readFileSync(all).subarray(0, 3000), "the file is incomplete"],
    ["cut gzip", () => gzipSync(readFileSync(all)).subarray(0, 2000), "cannot be decompressed"],
    ["cut zstd", () => zstdCompressSync(readFileSync(all)).subarray(0, 2000), "line 1: not an export"],
    [
      "a changed line",
      () => readFileSync(all, "utf8").replace('"seq":7,', '"seq":8,'),
      "the checksum of the lines before it differs",
    ],
    [
      "a missing line",
      () => lines().toSpliced(20, 1).join("\n").concat("\n"),
      "the checksum of the lines before it differs",
    ],
    [
      "a broken line of events",
      () => lines().with(200, '{"subject":"zester.job.').join("\n").concat("\n"),
      "line 201: not a JSON",
    ],
    ["a line more", () => `${readFileSync(all, "utf8")}{}\n`, "data after the end"],
    ["empty", () => "", "line 1: not an export"],
    ["text", () => "hello\n", "line 1: not an export"],
    ["one long line", () => Buffer.alloc(1 << 20, 1), "line 1: not an export"],
    ["JSON", () => '{"jid":"x"}\n', "line 1: not an export"],
    ["too new", () => `${JSON.stringify({ ...HEADER, zester_export: 2 })}\n`, "format version 2 is newer"],
    ["no message", () => sealed([JSON.stringify(HEADER), '{"subject":1}']), "line 2: not a message"],
    [
      "no base64",
      () =>
        sealed([JSON.stringify(HEADER), '{"subject":"$KV.jobs.a","seq":1,"time":"2026-01-01T00:00:00Z","data":"?"}']),
      "line 2: not a message",
    ],
  ])("%s", async (_title, make, words) => {
    const file = path("damaged");
    writeFileSync(file, make());
    const { stdout, stderr, code } = await from(file, "list");
    expect([stdout, code]).toEqual(["", 1]);
    expect(stderr).toContain(`error: ${file}, line`);
    expect(stderr).toContain(words);
  });

  test("no file", async () => {
    expect((await from(path("none"), "list")).stderr).toBe(
      `error: cannot read ${path("none")}: no such file.\nCheck the path and its permissions.\n`,
    );
    expect((await from(dir, "list")).stderr).toContain("it is a directory");
  });
});

test("fields in another order are read all the same", async () => {
  const data = Buffer.from(encode(jobRecord("abcd"))).toString("base64");
  const message = `{"data":"${data}", "time":"2026-01-01T00:00:00Z", "seq":1, "subject":"\\u0024KV.jobs.abcd"}`;
  writeFileSync(
    path("other"),
    sealed(['{"zester_export":1,"time":"2026-01-01T00:00:00Z","missing":["events","returns"]}', message]),
  );
  expect((await from(path("other"), "list", "-q")).stdout).toBe("abcd\n");
  expect((await from(path("other"), "trace", "abcd")).stderr).toContain('no stream "job-events" in ');
});
