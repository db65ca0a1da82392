// `job show --output`: what the peels printed and changed, once for those with the same output.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createBuckets, encode, jobRecord, Running, type Server, startServer, zester } from "../support/harness.ts";

let server: Server;
const show = (...args: string[]) => zester(["job", "show", ...args], { env: { NATS_URL: server.url } });

const RESULTS = [
  {
    name: "nginx.conf",
    changed: true,
    details: { stdout: "line one\r\nline\ttwo\n\x1b[31mred", exit: 0, empty: "" },
    duration: 1_200_000_000n,
    diff: "-old\n+new\n same",
    error: "",
    skipped: false,
  },
  { name: "nginx.restart", changed: false, details: {}, duration: 5_000_000n, error: "no such unit", skipped: false },
  { name: "other", changed: false, details: null, skipped: "not needed" },
];
const id = (n: number) => `web-${String(n).padStart(3, "0")}`;
/** The usual output; the order in which a peel writes details says nothing, nor how long it took. */
const usual = (n: number) => ({
  results: [
    {
      name: "pkg.installed:openssl",
      changed: false,
      details: n % 2 ? { stdout: "one\ntwo\n", path: "/x" } : { path: "/x", stdout: "one\ntwo" },
      duration: BigInt(n),
    },
    { name: "motd", changed: false, details: { stdout: `${"hello\n".repeat(30)}` }, duration: 1n },
  ],
});

beforeAll(async () => {
  server = await startServer();
  const nc = await server.connect();
  const { jobs, returns } = await createBuckets(nc);
  const put = (jid: string, peel: string, more: Record<string, unknown>) =>
    returns.put(`${jid}.${peel}`, encode({ jid, peel_id: peel, success: true, duration: 2_000_000_000n, ...more }));
  await jobs.put("j", encode(jobRecord("j", { targets: ["a", "b_eu", "c", "d"], status: "failed" })));
  const data = { results: RESULTS, success: false, note: "n" };
  await put("j", "a", { success: false, error: "one failed\nsee above", return_data: data });
  await put("j", "b_eu", { return_data: "plain text" });
  await put("j", "c", { return_data: null });

  const targets = Array.from({ length: 40 }, (_, i) => id(i + 1));
  await jobs.put("many", encode(jobRecord("many", { targets, status: "failed" })));
  const changed = { ...usual(0).results[0], changed: true, diff: "-3.0.14\n+3.0.15" };
  const odd: Record<string, Record<string, unknown>> = {
    [id(7)]: { success: false, error: "no space left", return_data: null },
    [id(9)]: { return_data: { results: [changed, usual(0).results[1]] }, duration: 187_000_000_000n },
    [id(10)]: { return_data: { results: [changed, usual(0).results[1]] }, duration: 3_000_000_000n },
  };
  for (const [i, peel] of targets.entries())
    await put("many", peel, { return_data: usual(i + 1), duration: BigInt(i + 1) * 100_000_000n, ...odd[peel] });
  await nc.close();
});
afterAll(() => server.stop());

const PEEL_A = `a  failed  2.0s  3 results: 1 failed, 1 changed, 1 skipped
  error: one failed
         see above
  nginx.conf  changed  1.2s
    stdout:
      line one
      line    two
      \\x1b[31mred
    exit: 0
    diff:
      -old
      +new
       same
  nginx.restart  failed  5ms
    error: no such unit
  other  skipped  not needed
    note: n
`;
const PEEL_B = "b.eu  ok  2.0s\n    data: plain text\n";

test("line by line, worst first, and nothing that acts on the terminal", async () => {
  const { stdout, stderr, code } = await show("j", "--output");
  expect(stdout).toBe(`${PEEL_A}\nd  missing\n\n${PEEL_B}\nc  ok  2.0s\n`);
  expect([stderr, code]).toEqual(["", 0]);
  expect((await show("j", "--output", "--each")).stdout).toBe(`${PEEL_A}\n${PEEL_B}\nc  ok  2.0s\n\nd  missing\n`);
  expect((await show("j", "--output", "--peel", "b*")).stdout).toBe(PEEL_B);
  expect((await show("j", "--output", "--force-color")).stdout).toContain("\x1b[32m+new\x1b[39m");
});

const MOTD = `      hello\n`;
const FAILED = "web-007  failed  0.7s\n  error: no space left\n";
const CHANGED = `web-[009-010]  2 peels  ok  median 3.0s  2 results: 1 changed
  pkg.installed:openssl  changed
    path: /x
    stdout:
      one
      two
    diff:
      -3.0.14
      +3.0.15
`;

test("the same output stands there once, whatever the order of its details and the times", async () => {
  const { stdout, stderr, code } = await show("many", "--output");
  expect(stdout.replaceAll(MOTD, "")).toBe(`${FAILED}
${CHANGED}\
  motd  unchanged
    stdout:

web-[001-006,008,011-040]  37 peels  ok  median 2.2s  2 results
  pkg.installed:openssl  unchanged
    stdout:
      one
      two
    path: /x
  motd  unchanged
    stdout:
`);
  expect([stdout.split(MOTD).length - 1, stderr, code]).toEqual([60, "", 0]);
});

test("a peel alone has the times of its own results, also where others had the same output", async () => {
  const { stdout } = await show("many", "--output", "--peel", id(30));
  expect(stdout).toStartWith("web-030  ok  3.0s  2 results\n  pkg.installed:openssl  unchanged  30ns\n");
  const { stdout: each } = await show("many", "--output", "--each", "--peel", "web-03?");
  expect(each.match(/unchanged {2}3\dns/g)?.length).toBe(10);
});

test("--changes: without what changed nothing and did not fail", async () => {
  const { stdout, stderr, code } = await show("many", "--output", "--changes");
  expect(stdout).toBe(
    `${FAILED}\n${CHANGED.replace("2 results: ", "")}\n37 peels: nothing changed\n`.replace("  1 changed", ""),
  );
  expect([stderr, code]).toEqual(["", 0]);
  expect((await show("many", "--output", "--changes", "--peel", id(1))).stdout).toBe("1 peel: nothing changed\n");
});

test("on a terminal the first lines of each group, and how many more there are", async () => {
  const onTerminal = async (...args: string[]) => {
    const run = new Running(
      ["job", "show", "many", "--output", "--no-color", ...args],
      { NATS_URL: server.url },
      {
        cols: 60,
        rows: 24,
      },
    );
    await run.ended();
    return run.out.replaceAll("\r", "");
  };
  const short = await onTerminal();
  expect(short).toContain(`web-[001-006,…,040]  37 peels  ok  median 2.2s  2 results\n`);
  expect(short).toEndWith(`${MOTD.repeat(13)}  … and 17 lines more (--full shows them)\n`);
  const full = await onTerminal("--full");
  expect(full.split(MOTD).length - 1).toBe(60);
});

test("--slower-than selects peels; a selection of none says so", async () => {
  expect((await show("many", "-q", "--slower-than", "3.9s")).stdout).toBe("web-009\nweb-040\n");
  const none = "No peel matches --failed --peel web-01* --slower-than 1m (of 40).\n";
  const flags = ["--peel", "web-01*", "--slower-than", "1m", "--failed"];
  expect(await show("many", "--output", ...flags)).toEqual({ stdout: none, stderr: "", code: 0 });
  expect(await show("many", "-q", ...flags)).toEqual({ stdout: "", stderr: none, code: 0 });
  for (const form of [["--summary"], []]) {
    const { stdout, code } = await show("many", ...form, ...flags);
    expect([stdout.endsWith(`\n\n${none}`), code]).toEqual([true, 0]);
  }
});

test.each([
  [["--output", "--format", "json"], "--output and --format json exclude each other."],
  [["--output", "--summary"], "--summary and --output exclude each other."],
  [["--changes"], "--changes needs --output."],
  [["--summary", "--full"], "--full needs --output."],
  [["--each", "-q"], "--each needs --summary or --output."],
  [["--slower-than", "soon"], '--slower-than: "soon" is not a duration.'],
])("%j is an error", async (flags, message) => {
  const { stdout, stderr, code } = await show("j", ...flags);
  expect([stdout, stderr.split("\n")[0], code]).toEqual(["", `error: ${message}`, 1]);
});
