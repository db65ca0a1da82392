// A program that is called zester-job takes the job commands at once, and tells of commands under that name.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { linkSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { programOf } from "../../lib/program.ts";
import { attempt, run, type Server, startServer, tempDir, ZESTER } from "../support/harness.ts";
import { putReferenceData } from "../support/seed.ts";

const PATH = process.env.PATH ?? "";
let server: Server;
const folder = tempDir();
const link = join(folder, "zester-job");
const job = (...args: string[]) => run([link, ...args], { env: { NATS_URL: server.url, PATH } });

beforeAll(async () => {
  symlinkSync(ZESTER, link);
  server = await startServer();
  const nc = await server.connect();
  await putReferenceData(nc);
  await nc.close();
});
afterAll(() => server.stop());

test.each([
  ["zester-job", "zester-job"],
  ["/usr/local/bin/zester-job", "zester-job"],
  ["C:\\bin\\Zester-Job.EXE", "zester-job"],
  ["./zester", "zester"],
  ["my-zester-job", "zester"],
  ["zester-job/zester", "zester"],
  ["zester-jobs", "zester"],
])("%s is started as %s", (argv0, name) => expect(programOf(argv0)).toBe(name));

test("the commands of job, and those beside it", async () => {
  const { stdout } = await job("list");
  expect(stdout).toBe((await run([ZESTER, "job", "list"], { env: { NATS_URL: server.url } })).stdout);
  expect((await job("show", "20260115-001")).stdout).toContain('"jid": "2hPx1FNsSgJMqVn5bLSTXeBQMpO"');
  expect((await job("config", "--format", "json")).code).toBe(0);
  expect((await job("version")).stdout).toStartWith("zester ");
  // Another name of the same file, and the name that a shell gives it.
  const hard = join(folder, "hard", "zester-job");
  mkdirSync(join(folder, "hard"));
  try {
    linkSync(ZESTER, hard);
  } catch {
    await run(["cp", ZESTER, hard], { env: { PATH } }); // on another file system
  }
  const found = await run(["sh", "-c", "zester-job list -q"], {
    env: { NATS_URL: server.url, PATH: `${folder}/hard:${PATH}` },
  });
  expect(found.stdout).toBe("20260115-001\n20260115-002\n20260115-003\n");
});

test("help and errors name commands as they are typed", async () => {
  const help = async (...args: string[]) => (await job(...args)).stdout;
  expect(await help()).toContain("Usage: zester-job <command> [flags]\n");
  for (const args of [
    [],
    ["list", "--help"],
    ["help", "kill"],
    ["help", "connection"],
    ["help", "time"],
    ["config", "--help"],
  ]) {
    const text = await help(...args);
    expect(text.length).toBeGreaterThan(200);
    expect(text).not.toMatch(/\bzester (job|config|completion|version|help)\b/);
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  }
  expect(await help("help", "kill")).toContain("  zester-job kill 20260115-002 --wait --for 1m\n");
  const error = async (...args: string[]) => (await job(...args)).stderr;
  expect(await error("lisst")).toBe(
    'error: unknown command "lisst" for zester-job. Did you mean list?\n`zester-job --help` lists the commands.\n',
  );
  expect(await error("list", "--wid")).toContain("for zester-job list. Did you mean --wide?\n`zester-job list --help`");
  expect(await error("list", "-w")).toContain("Did you mean zester-job watch?");
  expect(await error("run")).toContain("\nzester-job starts no new jobs; `zester-job retry <jid>` runs one again.");
  expect(await error("kill")).toStartWith("error: missing argument <jid> for zester-job kill.");
  expect(await error("kill")).toContain("Use an ID from `zester-job active`, @last, ");
  expect(await error("diff", "x")).toContain("\nUsage: zester-job diff <jid> <jid> [flags]");
  expect(await error("show", "nosuch")).toContain("`zester-job list` shows them.");
  expect((await job("list", "--state", "x y")).stderr).not.toContain("zester job");
});

test("completion: its own words, and scripts that can be loaded beside those of zester", async () => {
  const words = (await job("__complete", "=")).stdout.split("\n").map((line) => line.split("\t")[0]);
  expect(words).toEqual(expect.arrayContaining(["list", "kill", "config", "version"]));
  expect(words).not.toContain("job");
  await attempt(async () => expect((await job("__complete", "show", "=2026")).stdout).toContain("20260115-003\t"));
  for (const shell of ["bash", "zsh", "fish"]) {
    const { stdout } = await job("completion", shell);
    expect(stdout).toContain("zester-job __complete");
    expect(stdout).not.toMatch(/(?<![-_])\bzester\b(?!-job)/);
    const own = await run([ZESTER, "completion", shell]);
    const functions = (text: string) => text.match(/^(?:function )?_+zester\w*/gm) ?? [];
    for (const name of functions(stdout)) expect(functions(own.stdout)).not.toContain(name);
  }
  const script = `source <("${ZESTER}" completion bash); source <("${link}" completion bash); complete -p zester zester-job`;
  const { stdout, stderr } = await run(["bash", "-c", script], { env: { PATH } });
  expect([stdout, stderr]).toEqual(["complete -F _zester zester\ncomplete -F _zester_job zester-job\n", ""]);
});
