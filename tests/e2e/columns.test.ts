// Tables with chosen columns, CSV, the progress bar, and the examples of the help.
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  createBuckets,
  encode,
  jobRecord,
  Running,
  type Server,
  startServer,
  Time,
  ZESTER,
  zester,
} from "../support/harness.ts";
import { startSlowLink } from "../support/proxy.ts";

let server: Server;
const list = (...args: string[]) => zester(["job", "list", ...args], { env: { NATS_URL: server.url } });

beforeAll(async () => {
  server = await startServer();
  const nc = await server.connect();
  const { jobs } = await createBuckets(nc);
  await jobs.put(
    "j1",
    encode(
      jobRecord("j1", {
        function: '=HYPERLINK("http://x")',
        args: { name: "pg,sql", list: [1, "two"], deep: { er: 18446744073709551615n } },
        target_expr: "web*",
        targets: ["web-01", "web_eu_02"],
        updated: new Time(Time.at("2026-01-15T09:30:00Z").ns + 1_500_000_000n),
        metadata: { source: "schedule" },
        return_count: 2,
        success_count: 1,
        user: "-ops",
      }),
    ),
  );
  await jobs.put(
    "j2",
    encode(jobRecord("j2", { function: "a\nb", targets: null, created: Time.zero, timeout: null })),
  );
  await nc.close();
});
afterAll(() => server.stop());

test("--columns: exactly these, fields of the record among them", async () => {
  expect((await list("--columns", "jid,args.name,args.deep.er,timeout,metadata.source,returns")).stdout).toBe(
    `JID                   ARGS.NAME  ARGS.DEEP.ER          TIMEOUT  METADATA.SOURCE  RETURNS
j2                    -          -                     -        -                -
j1                    pg,sql     18446744073709551615  5m       schedule         2/2
`,
  );
  expect((await list("--columns", "args.list,status,targets", "--no-header")).stdout).toBe(
    `-          complete  -
[1,"two"]  complete  [web-01 web.eu.02]
`,
  );
});

test("a column that no job has is named, with what may be meant", async () => {
  const { stdout, stderr, code } = await list("--columns", "jid,metdata.source");
  expect(stderr).toBe('warning: no job here has a field "metdata". Did you mean metadata?\n');
  expect(stdout).toContain("j1                    -\n");
  expect(code).toBe(0);
  expect((await list("--columns", "jid,,state")).stderr).toContain(
    '--columns: a name is missing in "jid,,state".',
  );
});

test("csv: units left out, quotes where needed, no formula, no raw control character", async () => {
  expect((await list("--format", "csv")).stdout).toBe(
    `jid,function,target,state,created,duration,returned,failed,targeted,user,owner
j2,a\\nb,,complete,,,,,,,
j1,"'=HYPERLINK(""http://x"")",web*,complete,2026-01-15T09:30:00Z,1.5,2,1,2,'-ops,
`,
  );
  expect((await list("--format", "csv", "--columns", "args.name,timeout", "--no-header")).stdout).toBe(
    '-\n"pg,sql",300000000000\n'.replace("-\n", ",\n"),
  );
  expect((await list("--format", "csv", "--state", "failed")).stdout).toBe(
    "jid,function,target,state,created,duration,returned,failed,targeted,user,owner\n",
  );
});

test("a long read shows how far it is, on a terminal only, and leaves nothing of it", async () => {
  const big = await startServer();
  const nc = await big.connect();
  await createBuckets(nc);
  const record = encode(jobRecord("x", { args: { text: "x".repeat(2000) } }));
  for (let i = 0; i < 4000; i++) nc.publish(`$KV.jobs.job-${i}`, record);
  await nc.flush();
  const link = await startSlowLink(big.port, 8_000_000);
  const running = new Running(["job", "list", "--count"], { NATS_URL: link.url }, { cols: 80, rows: 24 });
  expect(await running.ended()).toBe(0);
  expect(running.out).toMatch(/\r\x1b\[K[█░]{20} [\d,]+ of 4,000 jobs/);
  expect(running.out).toEndWith("\r\x1b[K4000\r\n");
  expect((await zester(["job", "list", "--count"], { env: { NATS_URL: link.url } })).stderr).toBe("");
  link.stop();
  await nc.close();
  await big.stop();
});

/** Every example of every help text, as it would be typed. */
async function examples(path: string[] = []): Promise<string[]> {
  const { stdout } = await zester([...path, "--help"]);
  const section = (title: string) =>
    (stdout.match(new RegExp(`\\n${title}:\\n((?:  .*\\n)+)`))?.[1] ?? "").split("\n").filter(Boolean);
  const below = section("Commands").map((line) => line.trim().split(" ")[0] as string);
  const nested = await Promise.all(below.map((name) => examples([...path, name])));
  return [...section("Examples").map((line) => line.trim()), ...nested.flat()];
}

test("every example in the help runs", async () => {
  const nc = await server.connect();
  const { jobs } = await createBuckets(nc, { events: false });
  for (const jid of ["20260115-001", "20260115-002"])
    await jobs.put(jid, encode(jobRecord(jid, { status: jid.endsWith("2") ? "running" : "complete" })));
  // A master that ends what is canceled.
  nc.subscribe("zester.job.*.cancel", {
    callback: (_, msg) => {
      const jid = msg.subject.split(".")[2] as string;
      void jobs.put(jid, encode(jobRecord(jid, { status: "canceled" })));
    },
  });
  await nc.flush();
  const all = await examples();
  expect(all.length).toBeGreaterThan(12);
  const dir = ZESTER.replace(/\/[^/]*$/, "");
  /** What goes on until Ctrl-C ends by it; what waits for a job tells how it ended. */
  const codes = (example: string) => (/job (watch|wait)|--follow/.test(example) ? [0, 2, 3, 130] : [0]);
  for (const example of all) {
    await jobs.put("20260115-002", encode(jobRecord("20260115-002", { status: "running" })));
    // Names that a user has, and pipes into files of theirs, are left out; so is the shell's own `source`.
    const command = example
      .replace(/ *#.*$/, "")
      .replace(/--context \S+/, "")
      .replace(/^source <\((.*)\)$/, "$1")
      .replace(/ > .*$/, "");
    const child = Bun.spawn(["sh", "-c", command.replaceAll(/\bzester\b(?= )/g, "timeout -s INT 1 zester")], {
      env: { NATS_URL: server.url, PATH: `${dir}:${process.env.PATH}`, HOME: "/nonexistent" },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    const err = await new Response(child.stderr).text();
    const code = await child.exited;
    // timeout(1) has a code of its own for what it ended.
    if (!codes(example).includes(code === 124 ? 130 : code))
      throw new Error(`${example}: exit ${code}\n${err}`);
  }
  await nc.close();
}, 60_000);
