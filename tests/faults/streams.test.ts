// stdin, stdout and stderr that are slow, full, closed or gone, for every command.

import { afterAll, beforeAll, expect, test } from "bun:test";
import type { KV, NatsConnection } from "nats";
import {
  consumersLeft,
  createBuckets,
  encode,
  jobRecord,
  run,
  type Server,
  startServer,
  until,
  ZESTER,
} from "../support/harness.ts";
import { some } from "../support/length.ts";
import { PATH } from "../support/roots.ts";

const JOBS = 1500;
let server: Server;
let nc: NatsConnection;
let jobs: KV;

beforeAll(async () => {
  server = await startServer();
  nc = await server.connect();
  const buckets = await createBuckets(nc);
  jobs = buckets.jobs;
  const args = { text: "x".repeat(2000) };
  await Promise.all(
    Array.from({ length: JOBS }, (_, i) =>
      jobs.put(`job-${i}`, encode(jobRecord(`job-${i}`, { status: i % 2 ? "complete" : "running", args }))),
    ),
  );
  nc.publish("zester.job.job-1.dispatch", encode({ jid: "job-1" }));
  await nc.flush();
});
afterAll(async () => {
  await nc.close();
  await server.kill();
});

/** A line for the shell; `$Z` is the executable. */
const shell = (line: string) => run(["sh", "-c", line], { env: { ...PATH, Z: ZESTER, NATS_URL: server.url } });

/** Nothing, or the one line about what only heartbeats tell. */
const NO_HEARTBEATS =
  /^(warning: \S+ has no bucket "peel-heartbeat"\. Cannot tell whether silent peels are offline\.\n)?$/;

/** Commands that end by themselves, with data on stdout. */
const COMMANDS = [
  "job list",
  "job list --format json",
  "job list --format jsonl",
  "job active",
  "job show job-1",
  "job show job-1 --format yaml",
  "job trace job-1",
  "job wait job-1",
  "job watch job-1",
  "job kill job-0",
  "config",
  "config check",
  "completion zsh",
  "version",
  "--help",
];

/** With a number that chooses from what each command goes through. */
const numbered = COMMANDS.map((command, i) => [command, i] as const);
test.each(numbered)("%s: closed stderr and stdin change nothing", async (command, i) => {
  const whole = await shell(`$Z ${command}`);
  expect(whole.stdout).not.toBe("");
  // Ages and round trips differ from run to run.
  const steady = (text: string) =>
    text.replace(/\d+(\.\d+)?(µs|ms|ns|s)\b/g, "T").replace(/T (ahead of|behind) the server/, "T off");
  for (const closed of some(["2>&-", "<&-", "2>&- <&-"], 3, i)) {
    const { stdout, stderr, code } = await shell(`$Z ${command} ${closed}`);
    expect([steady(stdout), code]).toEqual([steady(whole.stdout), whole.code]);
    if (closed !== "<&-") expect(stderr).toBe("");
  }
});

test.each(COMMANDS)("%s: a full disk is an error, in words", async (command) => {
  const { stderr, code } = await shell(`$Z ${command} > /dev/full`);
  expect(code).toBe(1);
  expect(stderr).toContain("cannot write the output: ENOSPC");
  expect(stderr).not.toContain("    at ");
});

test.each(COMMANDS)("%s: closed stdout is as good as /dev/null", async (command) => {
  // The descriptor must not go to the connection, where the data would be written then.
  const [closed, nowhere] = [await shell(`$Z ${command} >&-`), await shell(`$Z ${command} > /dev/null`)];
  expect(closed).toEqual(nowhere);
});

/** `kill` is not among them: its report may not be lost (trust/kill-output.test.ts). */
const READING = COMMANDS.filter((command) => !command.startsWith("job kill"));

test.each(READING.map((command, i) => [command, i] as const))(
  "%s: a reader that leaves is no error",
  async (command, i) => {
    // `true` reads nothing at all; head leaves after a line.
    for (const reader of some(["true", "head -n 1 > /dev/null"], 2, i)) {
      const { stdout, stderr } = await shell(`{ $Z ${command}; echo "ended $?" >&3; } 3>&1 | ${reader}`);
      // This server has no heartbeats, which those that tell a story say.
      expect(stderr).toMatch(NO_HEARTBEATS);
      expect(stdout).toBe("");
    }
    const { stdout } = await shell(`{ { $Z ${command}; echo "ended $?" >&3; } | true; } 3>&1`);
    expect(stdout).toBe("ended 0\n");
  },
);

test("watch: a reader that leaves ends it at the next change", async () => {
  const ended = shell(`{ { $Z job watch; echo "ended $?" >&3; } | head -n 1 > /dev/null; } 3>&1`);
  let over = false;
  void ended.then(() => {
    over = true;
  });
  await until("the end", async () => {
    await jobs.put("job-0", encode(jobRecord("job-0", { status: "running" })));
    return over;
  });
  expect(await ended).toEqual({ stdout: "ended 0\n", stderr: "", code: 0 });
});

test("a reader that is slow gets everything", async () => {
  const whole = (await shell("$Z job list --format jsonl")).stdout;
  expect(whole.length).toBeGreaterThan(3e6);
  const child = Bun.spawn([ZESTER, "job", "list", "--format", "jsonl"], {
    env: { NATS_URL: server.url, ZESTER_TIMEOUT: "1s" },
    stdout: "pipe",
    stderr: "pipe",
  });
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of child.stdout) {
    text += decoder.decode(bytes, { stream: true });
    // In all longer than --timeout: that is for the server alone.
    await Bun.sleep(40);
  }
  expect([await child.exited, await new Response(child.stderr).text()]).toEqual([0, ""]);
  expect(text === whole).toBe(true);
});

test("after all this no consumer is left", async () => {
  await until("the end of the consumers", async () => (await consumersLeft(nc)) === 0);
});
