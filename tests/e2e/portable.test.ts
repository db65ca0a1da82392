// Where the executable is put, and what stands around it: bare roots, odd environments, other programs.
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  createBuckets,
  encode,
  jobRecord,
  Running,
  run,
  type Server,
  startServer,
  Time,
  ZESTER,
  zester,
} from "../support/harness.ts";
import { inRoot, libraries, makeRoot, PATH } from "../support/roots.ts";

let server: Server;
let list: string;
const jids = ["job-a", "job-b", "job-c"];

beforeAll(async () => {
  server = await startServer();
  const nc = await server.connect();
  const { jobs, returns } = await createBuckets(nc);
  for (const [i, jid] of jids.entries())
    await jobs.put(
      jid,
      encode(
        jobRecord(jid, {
          status: "running",
          created: Time.at(`2026-03-01T10:00:0${i}Z`),
          targets: ["a-rather-long-name_example_org", "another-long-name_example_org"],
        }),
      ),
    );
  await returns.put("job-a.web-01", encode({ peel_id: "web-01", success: true, duration: 42_000_000n }));
  await nc.close();
  list = (await zester(["job", "list", "--master", server.url])).stdout;
  expect(
    list
      .split("\n")
      .slice(1, 4)
      .map((line) => line.split(" ")[0]),
  ).toEqual(jids);
});
afterAll(() => server.kill());

/** The commands that a bare root is tried with, and what each has to give. */
async function tryAll(go: (...args: string[]) => Promise<{ stdout: string; stderr: string; code: number }>) {
  expect(await go("job", "list", "--master", server.url)).toMatchObject({
    stdout: list,
    stderr: "",
    code: 0,
  });
  const show = await go("job", "show", "job-a", "--master", server.url);
  expect(show).toMatchObject({ stderr: "", code: 0 });
  expect(show.stdout).toContain("web-01");
  expect((await go("version")).stdout).toStartWith("zester ");
  expect((await go("--help")).stdout).toContain("job");
  expect((await go("completion", "bash")).stdout).toContain("complete ");
  const lost = await go("job", "list", "--master", "nats://127.0.0.1:1");
  expect(lost).toMatchObject({ stdout: "", code: 1 });
  expect(lost.stderr).toContain("connection refused");
}

test("a root with the loader and its libraries alone, read-only, no environment, an unassigned user", async () => {
  const needed = await libraries(ZESTER);
  expect(needed.length).toBeGreaterThan(2);
  const root = makeRoot(ZESTER, Object.fromEntries(needed.map((path) => [path, path])));
  await tryAll((...args) => inRoot(root, args, true));
});

test("10,000 jobs are listed in less than 128 MB", async () => {
  const big = await startServer();
  const nc = await big.connect();
  const { jobs } = await createBuckets(nc);
  const record = encode(jobRecord("x"));
  for (let i = 0; i < 10_000; i += 500)
    await Promise.all(Array.from({ length: 500 }, (_, n) => jobs.put(`job-${i + n}`, record)));
  await nc.close();
  // Not what the kernel says of a child of this process: that counts this process's memory until the exec.
  const argv = ["/usr/bin/time", "-f", "%M", ZESTER, "job", "list", "--quiet", "--master", big.url];
  const { stdout, stderr, code } = await run(argv);
  expect(code).toBe(0);
  expect(stdout.split("\n").length - 1).toBe(10_000);
  expect(stderr).toMatch(/^\d+\n$/);
  const peakMb = (Number(stderr) * 1024) / 1e6;
  expect(peakMb).toBeGreaterThan(10);
  expect(peakMb).toBeLessThan(128);
  await big.kill();
}, 60_000);

test.each([
  ["no time zone, no locale, no TERM", {}],
  ["a time zone that is none", { TZ: "Mars/Phobos" }],
  ["a time zone far away", { TZ: "Pacific/Kiritimati" }],
  ["a Turkish locale", { LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" }],
  ["a locale that is none", { LC_ALL: "xx_XX" }],
  ["no HOME that exists", { HOME: "/nonexistent" }],
] as [string, Record<string, string>][])("the same answer with %s", async (_, env) => {
  const args = ["job", "list", "--master", server.url];
  expect(await zester(args, { env })).toMatchObject({ stdout: list, stderr: "", code: 0 });
});

test("the same answer on one processor", async () => {
  const found = await run(["taskset", "-c", "0", ZESTER, "job", "list", "--master", server.url], {
    env: PATH,
  });
  expect(found).toMatchObject({ stdout: list, stderr: "", code: 0 });
});

test("in a terminal of 40 columns every job is there, and the targets make room", async () => {
  const running = new Running(["job", "list", "--master", server.url], { NO_COLOR: "1" }, { cols: 40, rows: 10 });
  expect(await running.ended()).toBe(0);
  for (const jid of jids) expect(running.out).toContain(jid);
  expect(running.out).not.toContain("a-rather-long-name");
  expect(running.out).toContain("…");
});

/** A shell line as cron, ssh or a script would run it. */
const shell = (line: string, env: Record<string, string> = {}) =>
  run(["sh", "-c", line], { env: { ...PATH, ...env, Z: ZESTER, U: server.url } });

test("in cron: no terminal, no HOME, no stdin", async () => {
  const found = await run(["env", "-i", "/bin/sh", "-c", `${ZESTER} job list --master ${server.url} <&-`], {
    env: PATH,
  });
  expect(found).toMatchObject({ stdout: list, stderr: "", code: 0 });
});

test("inside $(…): bare job ids, nothing else", async () => {
  const found = await shell(`for jid in $($Z job list -q --master $U); do echo "<$jid>"; done`);
  expect(found.stdout).toBe("<job-a>\n<job-b>\n<job-c>\n");
  expect(found.stderr).toBe("");
});

test("over ssh with a dead stdin, what would ask says what to add instead of waiting", async () => {
  const found = await shell(`$Z job kill --state running --master $U </dev/null`);
  expect(found.code).not.toBe(0);
  expect(found.stderr).toContain("--yes");
});

/** A line in a terminal of its own, typed into once `text` shows; what the screen got, when it has ended. */
async function inTerminal(line: string, text: RegExp, keys: string): Promise<string> {
  let out = "";
  const seen = Promise.withResolvers<void>();
  const child = Bun.spawn(["sh", "-c", line], {
    env: { ...PATH, TERM: "xterm", Z: ZESTER, U: server.url },
    terminal: {
      cols: 100,
      rows: 30,
      data: (_, bytes) => {
        out += Buffer.from(bytes).toString();
        if (text.test(out)) seen.resolve();
      },
    },
  });
  await Promise.race([seen.promise, child.exited]);
  child.terminal?.write(keys);
  await child.exited;
  return out;
}

const ESC = String.fromCharCode(27);

test("in a pager: coloured with --force-color, quiet when it is left", async () => {
  const out = await inTerminal("$Z job list --force-color --master $U | less -R; echo ended $?", /job-c/, "q");
  expect(out).toContain(`running${ESC}[39m`);
  expect(out).toContain("ended 0");
  expect(out).not.toContain("error:");
});

test("in watch -c: coloured, again and again", async () => {
  const out = await inTerminal(`watch -c -t -n 1 "$Z job list --force-color --master $U"`, /job-c/, "\x03");
  expect(out).toContain("job-a");
  // procps knows the attributes, and of the colours those of 16 alone.
  expect(out).toContain("2mJID");
  expect(out).not.toContain("[36mrunning[39m");
});
