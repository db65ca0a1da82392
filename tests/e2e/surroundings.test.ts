// What surrounds the executable: its directory, its output, signals, colour.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encode, jobRecord, startServer, tempDir, ZESTER, zester } from "../support/harness.ts";
import { serveBuckets } from "../support/serve.ts";

const { server, jobs, stop } = await serveBuckets();
afterAll(stop);

beforeAll(async () => {
  await jobs.put("j", encode(jobRecord("j", { status: "failed" })));
});

test("a hostile directory changes nothing", async () => {
  const dir = tempDir();
  const mark = join(dir, "ran");
  writeFileSync(join(dir, ".env"), "NATS_URL=nats://127.0.0.1:1\nZESTER_FORMAT=yaml\n");
  writeFileSync(join(dir, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
  writeFileSync(join(dir, "evil.ts"), `require("fs").writeFileSync(${JSON.stringify(mark)}, "");`);
  writeFileSync(join(dir, "package.json"), '{"name":"x","type":"commonjs"}');
  writeFileSync(join(dir, "tsconfig.json"), '{"compilerOptions":{"paths":{"*":["./evil.ts"]}}}');
  mkdirSync(join(dir, "node_modules"));
  for (const args of [
    ["job", "list"],
    ["job", "show", "j"],
    ["job", "active"],
    ["job", "kill", "j"],
    ["version"],
    ["--help"],
  ]) {
    const env = { NATS_URL: server.url };
    expect(await zester(args, { env, cwd: dir })).toEqual(await zester(args, { env }));
  }
  expect(await Bun.file(mark).exists()).toBe(false);
});

test("| head: quiet, exit 0", async () => {
  const child = Bun.spawn(["sh", "-c", `"$0" job list; echo "code $?" >&2`, ZESTER], {
    env: { NATS_URL: server.url },
    stdout: "pipe",
    stderr: "pipe",
  });
  await child.stdout.cancel();
  expect(await new Response(child.stderr).text()).toBe("code 0\n");
});

test("a full disk is an error", async () => {
  const fd = openSync("/dev/full", "w");
  const child = Bun.spawn([ZESTER, "job", "list"], {
    env: { NATS_URL: server.url },
    stdout: fd,
    stderr: "pipe",
  });
  expect(await new Response(child.stderr).text()).toStartWith("error: cannot write the output: ENOSPC");
  expect(await child.exited).toBe(1);
  closeSync(fd);
});

test("Ctrl-C on a silent server: exit 130", async () => {
  const frozen = await startServer();
  await frozen.freeze();
  const child = Bun.spawn([ZESTER, "job", "list"], {
    env: { NATS_URL: frozen.url },
    stdout: "pipe",
    stderr: "pipe",
  });
  await Bun.sleep(200);
  child.kill("SIGINT");
  expect(await child.exited).toBe(130);
  frozen.process.kill("SIGCONT");
  await frozen.stop();
});

/** In the colours that any terminal has, where its name does not say more. */
const failedIn = ({ TERM }: Record<string, string>) => `\x1b[${TERM === "dumb" ? "31" : "38;5;160"}mfailed\x1b[39m`;
test.each([
  [[], {}, false],
  [["--force-color"], {}, true],
  [["--force-color"], { NO_COLOR: "1" }, true],
  [["--force-color", "--no-color"], {}, false],
  [["--force-color"], { TERM: "dumb" }, true],
  [["--force-color", "--no-color"], { TERM: "dumb" }, false],
  [[], { FORCE_COLOR: "1", TERM: "dumb" }, false],
  [[], { FORCE_COLOR: "1" }, true],
  [[], { FORCE_COLOR: "1", NO_COLOR: "yes" }, false],
  [[], { FORCE_COLOR: "0" }, false],
  [[], { FORCE_COLOR: "false" }, false],
] as [string[], Record<string, string>, boolean][])("colour with %j and %j: %p", async (flags, env, colored) => {
  const { stdout } = await zester(["job", "list", ...flags], { env: { NATS_URL: server.url, ...env } });
  expect(stdout.includes(failedIn(env))).toBe(colored);
  expect(stdout.includes("\x1b")).toBe(colored);
});

test("flags that other commands of the fleet take: accepted, with a note that they do nothing", async () => {
  const env = { NATS_URL: server.url };
  const plain = await zester(["job", "list"], { env });
  expect(plain.stderr).toBe("");
  for (const flag of ["--direct", "--test"])
    expect(await zester(["job", "list", flag], { env })).toEqual({
      ...plain,
      stderr: expect.stringMatching(new RegExp(`^note: ${flag} does nothing here: .*\n$`)),
    });
  const both = await zester(["--direct", "--test", "config", "--format", "json"]);
  expect(both.stderr.match(/^note: /gm)).toHaveLength(2);
  expect(JSON.parse(both.stdout)).toBeArray();
});
