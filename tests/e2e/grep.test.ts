// `job grep`: what it finds is held against ripgrep, which searches the same texts as files.
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { KV, NatsConnection } from "nats";
import {
  emptyBuckets,
  encode,
  jobRecord,
  run as runProgram,
  type Server,
  startServer,
  Time,
  tempDir,
  ZESTER,
  zester,
} from "../support/harness.ts";
import { draws, times } from "../support/length.ts";

let server: Server;
let nc: NatsConnection;
let jobs: KV;
let returns: KV;
const run = (...args: string[]) => zester(["job", "grep", ...args], { env: { NATS_URL: server.url } });

beforeAll(async () => {
  server = await startServer();
  nc = await server.connect();
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});
beforeEach(async () => {
  ({ jobs, returns } = await emptyBuckets(nc));
});

/** A job of some minutes ago whose peels returned these results. */
async function putJob(jid: string, minutes: number, peels: Readonly<Record<string, unknown>>, fields = {}) {
  const created = new Time(BigInt(Date.now() - minutes * 60_000) * 1_000_000n);
  await jobs.put(jid, encode(jobRecord(jid, { created, updated: created, targets: Object.keys(peels), ...fields })));
  for (const [peel, results] of Object.entries(peels))
    await returns.put(`${jid}.${peel}`, encode({ peel_id: peel, success: true, return_data: { results } }));
}

const stderr = (text: string) => [{ name: "cmd.run", changed: true, details: { stderr: text } }];

async function putFleet() {
  const full = stderr("begin\nwrite /var/lib/dpkg: No space left on device\nend");
  await putJob("2hPx8", 20, { "web-001": full, "web-002": stderr("fine") });
  await putJob("2hPx9", 10, { "web-003": full, "web-007": full, "db-01": stderr("no SPACE at all") });
}

test("newest job first, equal lines of peels as one, and what was read", async () => {
  await putFleet();
  const line = "stderr: write /var/lib/dpkg: No space left on device";
  expect(await run("no space left")).toEqual({
    stdout: `2hPx9  web-[003,007]  ${line}\n2hPx8  web-001  ${line}\n`,
    stderr: "note: matched 2 jobs, 3 peels; 5 returns searched.\n",
    code: 0,
  });
  const byText = await run("space", "--by", "text");
  expect(byText.stdout).toBe(`2 jobs  web-[001,003,007]  ${line}\n2hPx9  db-01  stderr: no SPACE at all\n`);
  expect(byText.stderr).toBe("note: matched 2 jobs, 4 peels; 5 returns searched.\n");
  expect((await run("space", "--by", "job")).stdout).toBe((await run("space")).stdout);
  expect((await run("no SPACE")).stdout).toBe("2hPx9  db-01  stderr: no SPACE at all\n");
  expect((await run("-e", "space (left|at)", "-l")).stdout).toBe("2hPx9\n2hPx8\n");
  expect((await run("space", "--target", "web-001")).stdout).toBe(`2hPx8  web-001  ${line}\n`);
  expect((await run("space", "-n", "1", "-l", "--format", "json")).stdout).toBe('["2hPx9"]\n');
});

test("exit codes; what excludes each other; -q says nothing", async () => {
  await putFleet();
  expect(await run("space", "-q")).toEqual({ stdout: "", stderr: "", code: 0 });
  expect(await run("nothing like it", "-q")).toEqual({ stdout: "", stderr: "", code: 2 });
  const none = await run("nothing like it");
  expect(none).toEqual({
    stdout: "",
    stderr: "note: no match; 5 returns of 2 jobs searched (jobs that match --since 24h (default), of 2).\n",
    code: 2,
  });
  expect((await run("nothing like it", "-n", "1", "--since", "2d")).stderr).toEndWith(
    " of 1 job searched (jobs that match --since 2d --limit 1, of 2).\n",
  );
  for (const args of [
    [],
    [""],
    ["a\nb"],
    ["a", "-e", "b"],
    ["-e", "("],
    ["-e", "(a)\\1"],
    ["a", "-q", "-l"],
    ["a", "--by", "text", "-l"],
    ["a", "--by", "peel"],
    ["a", "--by", "text", "--format", "json"],
  ])
    expect((await run(...args)).code).toBe(1);
  // Bun's own engine would take years for this one.
  await putJob("2hLong", 1, { a: stderr(`${"a".repeat(200)}!`) });
  expect((await run("-e", "^(a+)+$")).code).toBe(2);
});

test("regular expressions: an optional start before a place; what is none is an error before anything is read", async () => {
  await putJob("2hA", 1, { a: stderr("no - error here") });
  expect((await run("-e", "(?:no )?\\berror")).stdout).toBe("2hA  a  stderr: no - error here\n");
  const hint = "Use RE2 syntax: no look-around, no back references.\n";
  for (const [regex, why] of [
    ["(?:){99999999999}", "invalid repeat count `{99999999999}`"],
    [`${"(".repeat(30_000)}a${")".repeat(30_000)}`, "expression nests too deeply"],
    ["(?<!no )error", "look-around is not supported"],
    ["(e)\\1", "back references are not supported"],
  ] as const) {
    const { stdout, stderr, code } = await zester(["job", "grep", "-e", regex], {
      env: { NATS_URL: "nats://127.0.0.1:1" },
    });
    expect([stdout, code]).toEqual(["", 1]);
    const shown = regex.length > 60 ? `${regex.slice(0, 59)}…` : regex;
    expect(stderr).toBe(`error: invalid regular expression "${shown}": ${why}.\n${hint}`);
  }
});

test("where a match is in a line takes no time when it is not shown", async () => {
  const line = `${"ab".repeat(100_000)}z`;
  await putJob("2hA", 1, { a: stderr(line) });
  expect((await run("-e", "(?:a?b?){900}z")).stdout).toBe(`2hA  a  stderr: ${line}\n`);
}, 30_000);

test("names of results are searched, once for each result", async () => {
  await putJob("2hA", 1, { web_eu: [{ name: "file.managed:/etc/motd", changed: false }, { changed: true }] });
  expect((await run("/etc/motd")).stdout).toBe("2hA  web.eu  name: file.managed:/etc/motd\n");
  expect(JSON.parse((await run("-e", "managed:|^-$", "--format", "json")).stdout)).toEqual([
    {
      jid: "2hA",
      peel_id: "web_eu",
      field: "name",
      result: "file.managed:/etc/motd",
      line: 1,
      text: "file.managed:/etc/motd",
    },
  ]);
});

test.each(["text", "json", "jsonl", "yaml", "csv"])("a full disk is an error, in words: %s", async (format) => {
  await putFleet();
  const line = `"$Z" job grep space --format ${format} > /dev/full`;
  const { stderr, code } = await runProgram(["sh", "-c", line], {
    env: { PATH: process.env.PATH ?? "", Z: ZESTER, NATS_URL: server.url },
  });
  expect([stderr.includes("cannot write the output: ENOSPC"), code]).toEqual([true, 1]);
});

test("for programs: peel, field, result and line", async () => {
  const results = [
    { name: "file.managed:/etc/motd", changed: true, diff: "--- a\n+++ b\n-Needle\n+needle", error: "needle" },
    { name: "cmd.run", changed: true, details: { stdout: "x\nneedle", other: { deep: ["needle"] } } },
  ];
  await putJob("2hA", 1, { web_eu: results });
  await returns.put("2hA.db", encode({ success: false, error: "needle", return_data: null }));
  await returns.put("2hA.odd", Buffer.from(JSON.stringify({ success: true, return_data: "a needle" })));
  await returns.put("2hA.bad", Uint8Array.of(0xc1));
  const file = "file.managed:/etc/motd";
  const expected = [
    { jid: "2hA", peel_id: "web_eu", field: "error", result: file, line: 1, text: "needle" },
    { jid: "2hA", peel_id: "web_eu", field: "diff", result: file, line: 3, text: "-Needle" },
    { jid: "2hA", peel_id: "web_eu", field: "diff", result: file, line: 4, text: "+needle" },
    { jid: "2hA", peel_id: "web_eu", field: "other.deep", result: "cmd.run", line: 1, text: "needle" },
    { jid: "2hA", peel_id: "web_eu", field: "stdout", result: "cmd.run", line: 2, text: "needle" },
    { jid: "2hA", peel_id: "db", field: "error", result: null, line: 1, text: "needle" },
    { jid: "2hA", peel_id: "odd", field: "return", result: null, line: 1, text: "a needle" },
  ];
  const json = await run("needle", "--format", "json");
  expect(JSON.parse(json.stdout)).toEqual(expected);
  const lines = (await run("needle", "--format", "jsonl")).stdout.trim().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual(expected);
  const csv = (await run("needle", "--format", "csv")).stdout.split("\n");
  expect(csv.slice(0, 2)).toEqual(["jid,peel,field,result,line,text", `2hA,web.eu,error,${file},1,needle`]);
  expect((await run("nothing", "--format", "json")).stdout).toBe("[]\n");
  expect((await run("nothing", "--format", "csv", "--no-header")).stdout).toBe("");
  expect((await run("needle")).stdout).toContain("2hA  db,web.eu  error,other.deep,stdout: needle\n");
});

test("returns that only events have: late, of a job that no master watched, of a bucket that lost them", async () => {
  const returned = (jid: string, peel: string, text: string) =>
    nc.publish(
      `zester.job.${jid}.return.${peel}`,
      encode({ jid, peel_id: peel, success: false, error: text, return_data: { results: stderr(text) } }),
    );
  await putJob("2hStored", 5, { a: stderr("needle 1") });
  await putJob("2hLost", 4, {}, { targets: ["a", "b"] });
  await putJob("2hLate", 3, { a: stderr("hay") }, { targets: ["a", "b"], status: "partial", return_count: 1n });
  await putJob("2hCut", 2, {}, { targets: ["a"], status: "canceled" });
  await putJob("2hGiven", 1, { b: [] }, { targets: ["a", "b"], status: "failed", return_count: 2n });
  await returns.put("2hGiven.a", encode({ peel_id: "a", success: false, error: "needle", unreachable: true }));
  returned("2hLost", "a", "needle 2");
  returned("2hLate", "b", "needle 3");
  returned("2hCut", "a", "needle 4");
  returned("2hGiven", "a", "needle 5");
  returned("2hGiven", "c", "needle 6"); // no target
  await nc.flush();
  const { stdout: text, stderr: note, code } = await run("needle", "--format", "csv", "--no-header");
  expect(text.split("\n").filter((line) => !line.includes("stderr"))).toEqual([
    "2hGiven,a,error,,1,needle 5",
    "2hCut,a,error,,1,needle 4",
    "2hLate,b,error,,1,needle 3",
    "2hLost,a,error,,1,needle 2",
    "",
  ]);
  expect(text).toContain("2hStored,a,stderr,");
  expect([note, code]).toEqual(["note: matched 5 jobs, 2 peels; 7 returns searched.\n", 0]);
  expect((await run("needle 3", "-l")).stdout).toBe("2hLate\n");
  expect((await run("needle 4", "-q")).code).toBe(0);
  await (await nc.jetstreamManager()).streams.delete("job-events");
  expect((await run("needle 3")).stderr).toMatch(
    /^warning: .* has no stream "job-events"\. Cannot tell whether more peels returned late\.\nnote: no match; 4 returns /,
  );
});

test("a line may end as on Windows", async () => {
  await putJob("2hA", 1, { a: stderr("first\r\nthe last\r\n\r\n") });
  expect((await run("-e", "^first$")).stdout).toBe("2hA  a  stderr: first\n");
  expect((await run("-e", "last$", "--format", "jsonl")).stdout).toContain('"line":2,"text":"the last"');
  expect((await run("-e", "^$", "--format", "jsonl")).stdout).toContain('"line":3,"text":""');
});

test("what can't be decoded was not searched, whatever is searched for", async () => {
  await putJob("2hA", 1, { a: stderr("needle") });
  await returns.put("2hA.bad", Uint8Array.of(0xc1));
  await returns.put("2hA.cut", encode({ success: true, return_data: "x" }).slice(0, -1));
  for (const args of [["needle"], ["-e", "needle"]])
    expect((await run(...args)).stderr).toBe(
      "note: matched 1 job, 1 peel; 3 returns searched.\nwarning: 2 returns cannot be decoded, and could not be searched.\n",
    );
});

test("on a terminal the match is coloured and stays in sight; text that acts on terminals is escaped", async () => {
  await putJob("2hA", 1, { a: stderr(`${"x".repeat(300)}\x1b[2Jneedle${"y".repeat(300)}`) });
  const command = "stty cols 80; dist/zester job grep needle";
  const out = Bun.spawnSync(["script", "-qec", command, "/dev/null"], {
    env: { ...process.env, NATS_URL: server.url, TERM: "xterm-256color" },
    cwd: `${import.meta.dir}/../..`,
  }).stdout.toString();
  const line = out.split(/\r?\n/)[0] as string;
  expect(line).toMatch(/^2hA {2}a {2}stderr: …x+\\x1b\[2J\x1b\[38;5;\d+mneedle\x1b\[39my+…$/);
  expect(Bun.stringWidth(line)).toBe(80);
});

const char = fc.constantFrom(..."abAB.*kKsSéÉßẞİIiı ſ\u212a\r\0\\".split(""), "😀", "\n", "\n");
const randomText = fc.array(char, { maxLength: 20 }).map((chars) => chars.join("").toWellFormed());
const wanted = fc
  .array(char, { minLength: 1, maxLength: 3 })
  .map((chars) => [chars.join("").toWellFormed().replaceAll("\n", "a").replaceAll("\0", "b").replaceAll("\r", "c")]);
/** Regular expressions that mean the same to RE2 and to ripgrep, for which `\w` and the like are not only about ASCII. */
const token = fc.constantFrom(
  ..."a A k s é É . [ab] [^a] [A-Z] [[:upper:]] \\p{Lu} \\PL \\. \\x41 \\x61 ^ $ (a|B) (?:kS)? (?i:b) (?-i:s) a+ .*? b{2}".split(
    " ",
  ),
);
const regex = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => ["-e", tokens.join("")]);

test.each([
  ["texts", wanted, randomText, ["-F", "--"]],
  // A `\r` at the end of a line is part of it for ripgrep, and not here.
  ["regular expressions", regex, randomText.map((text) => text.replaceAll("\r", "")), []],
] as const)(
  "finds what ripgrep finds in the same texts: %s",
  async (_, search, text, flags) => {
    const corpus = fc.array(fc.array(text, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(corpus, fc.array(search, { minLength: 3, maxLength: 3 }), async (drawn, searches) => {
        const folder = tempDir();
        const jsm = await nc.jetstreamManager();
        for (const name of ["KV_jobs", "KV_job-returns"]) await jsm.streams.purge(name);
        for (const [i, texts] of drawn.entries()) {
          const jid = `2hRandom${i}`;
          mkdirSync(join(folder, jid));
          for (const [n, one] of texts.entries()) writeFileSync(join(folder, jid, `p${n}`), one);
          const peels = texts.map((one, n) => [`p${n}`, [{ changed: true, details: { stdout: one } }]]);
          await putJob(jid, i, Object.fromEntries(peels));
        }
        const common = ["--no-config", "-aSn", "-E", "none", "--no-ignore", "--sort", "path", "--null"];
        for (const one of searches) {
          const rg = await runProgram(["rg", ...common, ...flags, ...one, "."], { cwd: folder });
          const expected = rg.stdout
            .split("\n")
            .filter(Boolean)
            .map((line) => /^\.\/(.*?)\/(p\d+)\0(\d+):/.exec(line)?.slice(1).join(" "));
          const { stdout, code } = await run("--format", "json", ...(one.length > 1 ? one : ["--", ...one]));
          const found = (JSON.parse(stdout) as { jid: string; peel_id: string; line: number }[]).map(
            ({ jid, peel_id, line }) => `${jid} ${peel_id} ${line}`,
          );
          expect([one, found.sort()]).toEqual([one, expected.sort() as string[]]);
          expect(code).toBe(expected.length > 0 ? 0 : 2);
        }
      }),
      { numRuns: draws(6, 50), endOnFailure: true },
    );
  },
  times(60_000, 600_000),
);
