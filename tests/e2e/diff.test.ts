// `job diff`: two runs of a job on 400 peels, as the screen, in a pipe and for programs.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createBuckets, encode, jobRecord, Running, type Server, startServer, zester } from "../support/harness.ts";

const id = (n: number) => `web-${String(n).padStart(3, "0")}`;
const ALL = Array.from({ length: 400 }, (_, i) => id(i + 1));
const installed = (version: string) => ({
  results: [
    {
      name: "pkg.installed:openssl",
      changed: true,
      diff: "",
      duration: 1n,
      details: { stdout: `openssl ${version}\n` },
    },
  ],
});

let server: Server;
const diff = (...args: string[]) => zester(["job", "diff", ...args], { env: { NATS_URL: server.url } });

type Fields = Record<string, unknown>;

beforeAll(async () => {
  server = await startServer();
  const nc = await server.connect();
  const { jobs } = await createBuckets(nc);
  const write = async (jid: string, fields: Fields, peels: readonly string[], returnOf: (peel: string) => Fields) => {
    await jobs.put(jid, encode(jobRecord(jid, { targets: peels, status: "failed", ...fields })));
    for (const peel_id of peels) {
      const usual = { jid, peel_id, success: true, duration: 1_500_000_000n };
      nc.publish(`$KV.job-returns.${jid}.${peel_id}`, encode({ ...usual, ...returnOf(peel_id) }));
    }
  };
  const apply = { function: "state.apply", args: { state: "nginx", test: false } };
  await write("2hPx1", apply, ALL, (peel) => ({ success: peel !== id(388), return_data: installed("3.0.14") }));
  const odd: Record<string, Fields> = {
    [id(42)]: { duration: 187_000_000_000n },
    [id(137)]: { success: false, error: "write /etc/nginx/nginx.conf: no space left on device", return_data: null },
    [id(211)]: { return_data: installed("3.0.14") },
    [id(300)]: {
      success: false,
      unreachable: true,
      error: "UNREACHABLE: no heartbeat",
      return_data: null,
      duration: 0n,
    },
  };
  const again = { ...apply, args: { test: false, state: "nginx" } };
  await write("2hPx9", again, ALL, (peel) => ({ return_data: installed("3.0.15"), ...odd[peel] }));
  await write("few", { function: "cmd.run", args: null, status: "running" }, [id(1), "db_eu_1", "\x1bx"], (peel) => ({
    return_data: peel === id(1) ? installed("\x1b[2J3.0.16") : null,
  }));
  await write("args", { function: "state.apply", args: { state: "apache" } }, [id(1)], () => ({
    return_data: { results: [{ name: "x", details: { stdout: "line\n".repeat(30) } }] },
  }));
  const noAck = { success: false, unreachable: true, error: "UNREACHABLE: no ack", return_data: null, duration: 0n };
  await write("gone", apply, [id(1), id(2), id(3)], () => noAck);
  await write("huge", apply, [id(1), id(2)], () => ({
    return_data: {
      results: [{ name: "x", details: { stdout: Array.from({ length: 2000 }, (_, i) => i).join("\n") } }],
    },
  }));
  await nc.flush();
  await nc.close();
});
afterAll(() => server.stop());

const CHANGES = `\
ok → failed        web-137       write /etc/nginx/nginx.conf: no space left on device
ok → unreachable   web-300       no ack
failed → ok        web-388
slower             web-042       1.5s → 3m7s
output differs on 397 of 400 peels; same on 1
`;
const WIDE = `${CHANGES}\
  397  web-[001-136,138-210,212-299,301-400]  -openssl 3.0.14
                                              +openssl 3.0.15
`;
const NARROW = `${CHANGES.replace("no space left on device", "no space left on…")}\
  397  web-[001-136,138-210,212-299,…,400]  -openssl 3.0.14
                                            +openssl 3.0.15
`;

test("what became worse, better, slower and different, piped and on a terminal", async () => {
  expect(await diff("2hPx1", "2hPx9")).toEqual({ stdout: WIDE, stderr: "", code: 2 });
  for (const [cols, text] of [
    [200, WIDE],
    [80, NARROW],
  ] as const) {
    const argv = ["job", "diff", "2hPx1", "2hPx9", "--no-color"];
    const run = new Running(argv, { NATS_URL: server.url }, { cols, rows: 40 });
    expect(await run.ended()).toBe(2);
    expect(run.out.replaceAll("\r", "")).toBe(text);
  }
});

test("0 when nothing became worse: a gate", async () => {
  const same = "No peel changed its state.\nsame output on 400 of 400 peels\n";
  expect(await diff("2hPx1", "2hPx1")).toEqual({ stdout: same, stderr: "", code: 0 });
  // The failed one has an error that is compared; the unreachable one has nothing.
  const but = "No peel changed its state.\nsame output on 399 of 400 peels; 1 peel has no output\n";
  expect(await diff("2hPx9", "2hPx9")).toEqual({ stdout: but, stderr: "", code: 0 });
  const none = "No peel changed its state.\n3 of 3 peels have no output\n";
  expect(await diff("gone", "gone")).toEqual({ stdout: none, stderr: "", code: 0 });
  const { stdout, code } = await diff("2hPx9", "2hPx1");
  expect(stdout.split("\n").slice(0, 4)).toEqual([
    "ok → failed        web-388",
    "failed → ok        web-137",
    "unreachable → ok   web-300",
    "output differs on 397 of 400 peels; same on 1",
  ]);
  expect(code).toBe(2);
});

test("one object a peel for programs", async () => {
  const { stdout, code } = await diff("2hPx1", "2hPx9", "--format", "json");
  const peels = JSON.parse(stdout);
  expect([peels.length, code]).toEqual([400, 2]);
  const of = (n: number) => peels[n - 1];
  const usual = { change: "same", before: "ok", after: "ok", slower: false, took_before: 1.5e9, took_after: 1.5e9 };
  expect(of(1)).toEqual({ peel_id: id(1), ...usual, output: "differs", diff: "-openssl 3.0.14\n+openssl 3.0.15" });
  expect(of(42)).toMatchObject({ slower: true, took_after: 187e9, output: "differs" });
  expect(of(211)).toEqual({ peel_id: id(211), ...usual, output: "same" });
  expect(of(300)).toEqual({
    peel_id: id(300),
    change: "worse",
    before: "ok",
    after: "unreachable",
    slower: false,
    took_before: 1.5e9,
    error_after: "no ack",
    output: "not compared",
  });
  expect(of(388)).toMatchObject({ change: "better", before: "failed", after: "ok" });
});

test("another function, an open job, peels that one has alone, and text that acts on no terminal", async () => {
  const { stdout, stderr, code } = await diff("2hPx1", "few");
  expect(stdout).toBe(`only in the first   web-[002-400]
only in the second  \\x1bx,db.eu.1
output differs on 1 of 1 peel
  1  web-001       -openssl 3.0.14
                   +openssl \\x1b[2J3.0.16
`);
  expect(stderr).toBe(`warning: the jobs ran different functions: state.apply and cmd.run.
warning: job few has not ended: the states of its peels may change.
`);
  expect(code).toBe(0);
  expect((await diff("2hPx1", "args")).stderr).toBe("warning: the jobs ran state.apply with different arguments.\n");
});

test("on a terminal ten lines of what differs; too many that differ are said to be", async () => {
  const onTerminal = async (...args: string[]) => {
    const run = new Running(["job", "diff", ...args], { NATS_URL: server.url }, { cols: 80, rows: 40 });
    await run.ended();
    return Bun.stripANSI(run.out).replaceAll("\r", "");
  };
  const text = await onTerminal("2hPx1", "args");
  expect(text).toContain(`${" ".repeat(19)}… and 23 more lines; --all shows them\n`);
  expect((await onTerminal("2hPx1", "args", "--all")).match(/\+ +line$/gm)?.length).toBe(30);
  expect((await diff("huge", "2hPx9", "--format", "json")).stdout).not.toContain('"diff"');
  expect((await diff("huge", "2hPx9")).stdout).toContain("  2  web-[001-002]  (too many lines differ)\n");
});

test("help says that it takes two jobs", async () => {
  expect((await diff("--help")).stdout).toContain("\nUsage: zester job diff <jid> <jid> [flags]\n");
});

test.each([
  [["2hPx1"], "missing argument <jid> for zester job diff."],
  [["2hPx1", "2hPx9", "few"], "missing argument <jid> for zester job diff."],
  [["2hPx1", "nosuch"], 'no job "nosuch".'],
])("%j is an error", async (args, message) => {
  const { stdout, stderr, code } = await diff(...args);
  expect([stdout, stderr.split("\n")[0], code]).toEqual(["", expect.stringContaining(message), 1]);
});

test("an account that may have one consumer: both runs are read, one after the other", async () => {
  const one = await startServer(
    "accounts { A: { jetstream: { max_consumers: 1 }, users: [{ user: a, password: a }] } }\nno_auth_user: a",
  );
  const nc = await one.connect();
  const { jobs } = await createBuckets(nc);
  for (const jid of ["run-1", "run-2"]) {
    await jobs.put(jid, encode(jobRecord(jid, { targets: ["web-1"], status: "complete" })));
    const success = { jid, peel_id: "web-1", success: jid === "run-1", duration: 1n };
    // More than a newer server gives at once: without consumers.
    const return_data = installed("x".repeat(400_000));
    nc.publish(`$KV.job-returns.${jid}.web-1`, encode({ ...success, return_data }));
  }
  await nc.close();
  const { stdout, stderr, code } = await zester(["job", "diff", "run-1", "run-2"], { env: { NATS_URL: one.url } });
  expect([stderr, code]).toEqual(["", 2]);
  expect(stdout).toContain("web-1");
  await one.stop();
});
