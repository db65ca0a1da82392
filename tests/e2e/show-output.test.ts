// `job show --output`: what the peels printed and changed.
import { expect, test } from "bun:test";
import { createBuckets, encode, jobRecord, startServer, zester } from "../support/harness.ts";

test("--output: what the peels printed and changed, line by line, and nothing that acts on the terminal", async () => {
  const own = await startServer();
  const nc = await own.connect();
  const { jobs, returns } = await createBuckets(nc);
  await jobs.put("j", encode(jobRecord("j", { targets: ["a", "b_eu", "c", "d"], status: "failed" })));
  const results = [
    {
      name: "nginx.conf",
      changed: true,
      details: { stdout: "line one\r\nline\ttwo\n\x1b[31mred", exit: 0, empty: "" },
      duration: 1_200_000_000n,
      diff: "-old\n+new\n same",
      error: "",
      skipped: false,
    },
    {
      name: "nginx.restart",
      changed: false,
      details: {},
      duration: 5_000_000n,
      error: "no such unit",
      skipped: false,
    },
    { name: "other", changed: false, details: null, skipped: "not needed" },
  ];
  const put = (peel: string, more: Record<string, unknown>) =>
    returns.put(
      `j.${peel}`,
      encode({ jid: "j", peel_id: peel, success: true, duration: 2_000_000_000n, ...more }),
    );
  await put("a", {
    success: false,
    error: "one failed\nsee above",
    return_data: { results, success: false, note: "n" },
  });
  await put("b_eu", { return_data: "plain text" });
  await put("c", { return_data: null });
  const env = { NATS_URL: own.url };
  const { stdout, code } = await zester(["job", "show", "j", "--output"], { env });
  expect(stdout).toBe(`a  failed  2.0s  3 results: 1 failed, 1 changed, 1 skipped
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

b.eu  ok  2.0s
    data: plain text

c  ok  2.0s

d  missing
`);
  expect(code).toBe(0);
  expect((await zester(["job", "show", "j", "--output", "--peel", "b*"], { env })).stdout).toBe(
    "b.eu  ok  2.0s\n    data: plain text\n",
  );
  expect((await zester(["job", "show", "j", "--output", "--format", "json"], { env })).stderr).toContain(
    "--output and --format json exclude each other.",
  );
  const colored = (await zester(["job", "show", "j", "--output", "--force-color"], { env })).stdout;
  expect(colored).toContain("\x1b[32m+new\x1b[39m");
  await nc.close();
  await own.stop();
});
