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
  const { jobs } = await createBuckets(nc);
  const put = (jid: string, peel: string, more: Record<string, unknown>) =>
    nc.publish(
      `$KV.job-returns.${jid}.${peel}`,
      encode({ jid, peel_id: peel, success: true, duration: 2_000_000_000n, ...more }),
    );
  await jobs.put("j", encode(jobRecord("j", { targets: ["a", "b_eu", "c", "d"], status: "failed" })));
  const data = { results: RESULTS, success: false, note: "n" };
  put("j", "a", { success: false, error: "one failed\nsee above", return_data: data });
  put("j", "b_eu", { return_data: "plain text" });
  put("j", "c", { return_data: null });

  const targets = Array.from({ length: 40 }, (_, i) => id(i + 1));
  await jobs.put("many", encode(jobRecord("many", { targets, status: "failed" })));
  const changed = { ...usual(0).results[0], changed: true, diff: "-3.0.14\n+3.0.15" };
  const odd: Record<string, Record<string, unknown>> = {
    [id(7)]: { success: false, error: "no space left", return_data: null },
    [id(9)]: { return_data: { results: [changed, usual(0).results[1]] }, duration: 187_000_000_000n },
    [id(10)]: { return_data: { results: [changed, usual(0).results[1]] }, duration: 3_000_000_000n },
  };
  for (const [i, peel] of targets.entries())
    put("many", peel, { return_data: usual(i + 1), duration: BigInt(i + 1) * 100_000_000n, ...odd[peel] });

  const hostile = { name: "x\x1b[2J", details: { stdout: "same\n\x1b]0;title\x07\u202eevil\r\nend" } };
  await jobs.put("odd", encode(jobRecord("odd", { targets: ["db_eu_1", "db_eu_2", "db_eu_3", "x;y", "w,1"] })));
  put("odd", "db_eu_1", { return_data: { results: [{ name: "x", details: { stdout: "same\ngood\nend" } }] } });
  put("odd", "db_eu_2", { return_data: { results: [{ name: "x", details: { stdout: "same\ngood\nend" } }] } });
  put("odd", "db_eu_3", { return_data: { results: [hostile] } });
  const lines = (word: string) => Array.from({ length: 1200 }, (_, i) => `${word} ${i}`).join("\n");
  put("odd", "x;y", { return_data: { results: [{ name: "x", details: { stdout: lines("other") } }] } });
  put("odd", "w,1", { success: false, error: "\x1b[31mno", return_data: null });
  await nc.flush();
  await nc.close();
});
afterAll(() => server.stop());

const PEEL_A = `a  failed  2.0s  3 results: 1 failed, 1 changed, 1 skipped
  error: one failed
         see above
  nginx.restart  failed  5ms
    error: no such unit
  nginx.conf  changed  1.2s
    exit: 0
    stdout:
      line one
      line    two
      \\x1b[31mred
    diff:
      -old
      +new
       same
  other  skipped  not needed
    note: n
`;
const PEEL_B = "b.eu  ok  2.0s\n    data: plain text\n";

test("line by line, worst first, and nothing that acts on the terminal", async () => {
  const { stdout, stderr, code } = await show("j", "--output");
  expect(stdout).toBe(`${PEEL_A}\nd  missing\n\n${PEEL_B}\nc  ok  2.0s\n`);
  expect([stderr, code]).toEqual(["", 0]);
  expect((await show("j", "--output", "--each")).stdout).toBe(`${PEEL_A}\nd  missing\n\n${PEEL_B}\nc  ok  2.0s\n`);
  expect((await show("j", "--output", "--peel", "b*")).stdout).toBe(PEEL_B);
  expect((await show("j", "--output", "--force-color")).stdout).toContain("\x1b[38;5;28m+new\x1b[39m");
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

test("the same output stands there once, whatever the order of its results and details, and the times", async () => {
  const { stdout, stderr, code } = await show("many", "--output");
  expect(stdout.replaceAll(MOTD, "")).toBe(`${FAILED}
${CHANGED}\
  motd  unchanged
    stdout:

web-[001-006,008,011-040]  37 peels  ok  median 2.2s  2 results
  motd  unchanged
    stdout:
  pkg.installed:openssl  unchanged
    path: /x
    stdout:
      one
      two
`);
  expect([stdout.split(MOTD).length - 1, stderr, code]).toEqual([60, "", 0]);
});

test("a peel alone has the times of its own results, also where others had the same output", async () => {
  const { stdout } = await show("many", "--output", "--peel", id(30));
  expect(stdout).toStartWith("web-030  ok  3.0s  2 results\n  motd  unchanged  1ns\n");
  expect(stdout).toContain("\n  pkg.installed:openssl  unchanged  30ns\n");
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

const DIFF = `web-[009-010]  2 peels  ok  median 3.0s  2 results: 1 changed
--- web-[001-006,008,011-040]
+++ web-[009-010]
@@ -30,8 +30,11 @@
${MOTD.repeat(3).replace(/^/gm, " ").trimEnd()}
-  pkg.installed:openssl  unchanged
+  pkg.installed:openssl  changed
     path: /x
     stdout:
       one
       two
+    diff:
+      -3.0.14
+      +3.0.15
`;

test("--diff: what differs from the largest group that is ok, of all peels; what has no output stands as it is", async () => {
  const { stdout, stderr, code } = await show("many", "--output", "--diff");
  expect(stdout).toStartWith(`${FAILED}\n${DIFF}\nweb-[001-006,008,011-040]  37 peels  ok  median 2.2s  2 results\n`);
  expect(stdout.split(MOTD).length - 1).toBe(33);
  expect([stderr, code]).toEqual(["", 0]);
  const one = await show("many", "--output", "--diff", "--peel", id(9));
  expect(one.stdout).toBe(
    DIFF.replace("web-[009-010]  2 peels  ok  median 3.0s", "web-009  ok  3m7s").replace(
      "+++ web-[009-010]",
      "+++ web-009",
    ),
  );
});

test("--diff=<peel>: compared with another peel; one that is not there, or has no output, is an error", async () => {
  const { stdout } = await show("many", "--output", `--diff=${id(10)}`, "--peel", id(3));
  expect(stdout).toStartWith("web-003  ok  0.3s  2 results\n--- web-[009-010]\n+++ web-003\n@@ -30,11 +30,8 @@\n");
  const errors = [
    [await show("many", "--output", "--diff=web-41"), 'no peel "web-41" among 40 peels.'],
    [await show("many", "--output", `--diff=${id(7)}`), 'peel "web-007" has no output: it is failed.'],
  ] as const;
  for (const [{ stdout, stderr, code }, message] of errors)
    expect([stdout, stderr.split("\n")[0], code]).toEqual(["", `error: ${message}`, 1]);
  expect((await show("many", "--output", "--diff", "web-41")).stderr).toEndWith(
    'error: no job "web-41".\nTo compare with the peel web-41, use --diff=web-41.\n',
  );
  expect((await show("odd", "--output", "--diff=db.eu.1", "--peel", "db_eu_2")).stdout).toStartWith("db.eu.2  ok");
});

test("a diff acts on no terminal, and is given up where too many lines differ", async () => {
  const { stdout } = await show("odd", "--output", "--diff");
  expect(stdout).toStartWith(`"w,1"  failed  2.0s
  error: \\x1b[31mno

db.eu.3  ok  2.0s
--- db.eu.[1-2]
+++ db.eu.3
@@ -1,5 +1,5 @@
-  x  unchanged
+  x\\x1b[2J  unchanged
     stdout:
       same
-      good
+      \\x1b]0;title\\x07\\u202eevil
       end

x;y  ok  2.0s
  no diff with db.eu.[1-2] (too many lines differ); complete output:
  x  unchanged
    stdout:
      other 0
`);
  expect(stdout.replace(/[\x20-\x7e\n]/g, "")).toBe("");
  const colored = (await show("odd", "--output", "--diff", "--force-color")).stdout;
  expect(colored).toContain("\x1b[38;5;31m@@ -1,5 +1,5 @@\x1b[39m\n\x1b[38;5;160m-  x  unchanged\x1b[39m\n");
});

test("ids on one line: folded, and as the fleet takes a target", async () => {
  expect((await show("many", "--fold")).stdout).toBe("web-[001-040]\n");
  expect((await show("many", "-q", "--fold", "--slower-than", "2s", "--peel", "*[02468]")).stdout).toBe(
    "web-[010,022,024,026,028,030,032,034,036,038,040]\n",
  );
  expect((await show("many", "--as-target", "--slower-than", "3.9s")).stdout).toBe("L@web-009,web-040\n");
  const left = /^warning: 2 peel IDs left out: a shell or a terminal could take them for something else/;
  for (const [flags, line] of [
    [["-q", "--fold"], "db.eu.[1-3]\n"],
    // Older masters compare with the ids as they are stored.
    [["--as-target"], "L@db_eu_1,db_eu_2,db_eu_3\n"],
  ] as const)
    expect(await show("odd", ...flags)).toEqual({ stdout: line, stderr: expect.stringMatching(left), code: 0 });
  const none = await show("many", "--as-target", "--peel", "x");
  expect(none).toEqual({ stdout: "", stderr: "No peel matches --peel x (of 40).\n", code: 0 });
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
  expect(short).toEndWith(`${MOTD.repeat(13)}  … and 17 more lines; --all shows them\n`);
  const full = await onTerminal("--all");
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
  [["--output", "--format", "json"], "--output and --format json cannot be used together."],
  [["--output", "--summary"], "--summary and --output cannot be used together."],
  [["--changes"], "--changes needs --output."],
  [["--each", "-q"], "--each needs --summary or --output."],
  [["--diff"], "--diff needs --output."],
  [["--diff=web-01"], "--diff needs --output."],
  [["--output", "--each", "--diff"], "--each and --diff cannot be used together."],
  [["--as-target", "--fold"], "--as-target and --fold cannot be used together."],
  [["--diff=web-01", "--output", "--each"], "--each and --diff cannot be used together."],
  [["--as-target", "--summary"], "--summary and --as-target cannot be used together."],
  [["-q", "--fold", "--format", "json"], "--fold and --format json cannot be used together."],
  [["--slower-than", "soon"], 'invalid duration "soon" for --slower-than.'],
])("%j is an error", async (flags, message) => {
  const { stdout, stderr, code } = await show("j", ...flags);
  expect([stdout, stderr.split("\n")[0], code]).toEqual(["", `error: ${message}`, 1]);
});
