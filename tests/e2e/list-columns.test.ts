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
  await jobs.put("j2", encode(jobRecord("j2", { function: "a\nb", targets: null, created: Time.zero, timeout: null })));
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

test.each([[], ["--format", "json"], ["--format", "jsonl"], ["--format", "yaml"], ["--format", "csv"]])(
  "a column that no job has is an error, with what may be meant: %s %s",
  async (...flags) => {
    const { stdout, stderr, code } = await list("--columns", "jid,metdata.source", ...flags);
    expect(stderr).toStartWith(
      'error: unknown field "metdata" for --columns. Did you mean metadata?\nColumns: jid, function, ',
    );
    expect([stdout, code]).toEqual(["", 1]);
    expect((await list("--columns", "jid,,state", ...flags)).stderr).toContain(
      '--columns: empty name in "jid,,state".',
    );
    // A field that masters write, though in none of these records; and where there are no records at all.
    expect((await list("--columns", "reclaim_count", ...flags)).code).toBe(0);
    expect((await list("--columns", "jid,metdata.source", "--state", "failed", ...flags)).code).toBe(0);
  },
);

test("a nested field that no job shown has is a warning; titles of tables are names too", async () => {
  const { stdout, stderr, code } = await list("--columns", "JID,args.nam,metadata.foo,args.name", "--no-header");
  expect([stdout, stderr, code]).toEqual([
    "j2                    -         -             -\nj1                    -         -             pg,sql\n",
    "warning: no job shown has args.nam, metadata.foo.\n",
    0,
  ]);
  expect((await list("--columns", "args.nam", "--state", "failed")).stderr).toBe("");
});

test("columns for programs: these alone, in this order, as they are stored", async () => {
  const columns = "state,jid,args.deep.er,timeout,target,targets,created,updated,duration,returned,bad,user,stuck";
  const { stdout } = await list("--columns", columns, "--format", "jsonl", "-n", "2");
  expect(stdout.split("\n")).toEqual([
    '{"state":"complete","jid":"j2","args.deep.er":null,"timeout":null,"target":null,"targets":null,"created":null,"updated":"2026-01-15T09:30:01Z","duration":null,"returned":null,"bad":null,"user":null,"stuck":null}',
    '{"state":"complete","jid":"j1","args.deep.er":18446744073709551615,"timeout":300000000000,"target":"web*","targets":["web-01","web_eu_02"],"created":"2026-01-15T09:30:00Z","updated":"2026-01-15T09:30:01.5Z","duration":1500000000,"returned":2,"bad":1,"user":"-ops","stuck":null}',
    "",
  ]);
  const lines = stdout.trim().split("\n");
  expect((await list("--columns", columns, "--format", "jsonl")).stdout.trim().split("\n").sort()).toEqual(
    lines.sort(),
  );
  const flags = ["--columns", "jid,function,args.list"];
  expect((await list(...flags, "--format", "json")).stdout).toBe(`[
  {
    "jid": "j2",
    "function": "a\\nb",
    "args.list": null
  },
  {
    "jid": "j1",
    "function": "=HYPERLINK(\\"http://x\\")",
    "args.list": [1, "two"]
  }
]
`);
  expect((await list(...flags, "--format", "yaml")).stdout).toStartWith(
    '- "jid": "j2"\n  "function": "a\\nb"\n  "args.list": null\n- ',
  );
});

test("-q and --count in every format", async () => {
  const all = async (flag: string) => {
    const formats = ["text", "json", "jsonl", "yaml", "csv"];
    return Promise.all(formats.map(async (format) => (await list(flag, "--format", format)).stdout));
  };
  expect(await all("-q")).toEqual(["j2\nj1\n", '["j2", "j1"]\n', '"j2"\n"j1"\n', '- "j2"\n- "j1"\n', "jid\nj2\nj1\n"]);
  expect(await all("--count")).toEqual(["2\n", "2\n", "2\n", "2\n", "count\n2\n"]);
  expect((await list("-q", "--format", "csv", "--no-header")).stdout).toBe("j2\nj1\n");
  expect((await list("--count", "--format", "csv", "--no-header")).stdout).toBe("2\n");
});

test("csv: units left out, quotes where needed, no formula, no raw control character", async () => {
  expect((await list("--format", "csv")).stdout).toBe(
    `jid,function,target,state,created,duration,returned,bad,targeted,user,owner
j2,a\\nb,,complete,,,,,,,
j1,"'=HYPERLINK(""http://x"")",web*,complete,2026-01-15T09:30:00Z,1.5,2,1,2,'-ops,
`,
  );
  expect((await list("--format", "csv", "--columns", "args.name,timeout", "--no-header")).stdout).toBe(
    '-\n"pg,sql",300000000000\n'.replace("-\n", ",\n"),
  );
  expect((await list("--format", "csv", "--wide", "-n", "1")).stdout.split("\n")[0]).toBe(
    "jid,function,target,state,created,duration,returned,bad,targeted,user,owner,stuck,retry_of,what",
  );
  expect((await list("--format", "csv", "--state", "failed")).stdout).toBe(
    "jid,function,target,state,created,duration,returned,bad,targeted,user,owner\n",
  );
});

test("a long read shows how far it is, on a terminal only, and leaves nothing of it", async () => {
  const big = await startServer();
  const nc = await big.connect();
  await createBuckets(nc);
  const text = "x".repeat(2000);
  const record = encode(jobRecord("x", { args: { text } }));
  for (let i = 0; i < 4000; i++) nc.publish(`$KV.jobs.job-${i}`, record);
  const returned = encode({ jid: "job-0", peel_id: "a", success: true, return_data: { text } });
  for (let i = 0; i < 4000; i++) nc.publish(`$KV.job-returns.job-0.peel-${i}`, returned);
  nc.publish("$KV.job-returns.job-0", Uint8Array.of(0xc1));
  await nc.flush();
  const link = await startSlowLink(big.port, 8_000_000);
  const running = new Running(["job", "list", "--count"], { NATS_URL: link.url }, { cols: 80, rows: 24 });
  expect(await running.ended()).toBe(0);
  expect(running.out).toMatch(/\r\x1b\[K[█░]{20} [\d,]+ of 4,000 jobs/);
  expect(running.out).toEndWith("\r\x1b[K4000\r\n");
  expect((await zester(["job", "list", "--count"], { env: { NATS_URL: link.url } })).stderr).toBe("");
  // Where stdout is no terminal, the bar fits that of stderr; a warning during the read appears above it.
  let drawn = "";
  const child = Bun.spawn(["sh", "-c", `"$Z" job grep y --since 2020-01-01 | cat`], {
    env: { Z: ZESTER, NATS_URL: link.url, PATH: process.env.PATH, TERM: "xterm", LANG: "C.UTF-8" },
    terminal: {
      cols: 30,
      rows: 24,
      data: (_, bytes) => {
        drawn += new TextDecoder().decode(bytes);
      },
    },
  });
  await child.exited;
  const lines = drawn.split("\r\x1b[K");
  const bars = lines.filter((line) => /^[█░]/.test(line));
  expect(new Set(bars.map((bar) => bar.length))).toEqual(new Set([29]));
  expect(lines.filter((line) => /^\x1b\[33mwarning:\x1b\[39m the list of/.test(line))).toHaveLength(1);
  link.stop();
  await nc.close();
  await big.stop();
});

test("wide: who, when, how long, how many", async () => {
  const other = await startServer();
  const nc = await other.connect();
  const { jobs: kv } = await createBuckets(nc);
  await kv.put(
    "j1",
    encode(
      jobRecord("j1", {
        status: "failed",
        targets: ["a", "b", "c"],
        return_count: 2,
        success_count: 1,
        user: "ops",
        owner: "m1",
      }),
    ),
  );
  // Five seconds ago, with a fraction that is always three digits wide.
  const created = new Time((BigInt(Math.floor(Date.now() / 1000) - 5) * 1000n + 123n) * 1_000_000n);
  await kv.put("j2", encode(jobRecord("j2", { status: "running", created, targets: ["a"] })));
  const { stdout } = await zester(["job", "list", "--wide"], { env: { NATS_URL: other.url } });
  const [title, first, second] = stdout.split("\n") as [string, string, string];
  expect(title).toBe(
    "JID                   FUNCTION      TARGET    STATE    CREATED                   DURATION  RETURNS  BAD  USER  OWNER  STUCK  WHAT",
  );
  expect(first).toBe(
    "j1                    test.ping     [a b c]   failed   2026-01-15T09:30:00Z      1.0s      2/3      2    ops   m1     -      test.ping",
  );
  expect(second).toMatch(/^j2 .* running {2}\d{4}-\S+ +\d\.\ds +0\/1 +- +- +- +- +test\.ping$/);
  await nc.close();
  await other.stop();
});

test("a terminal has STUCK only where a job is, and does not call it hidden", async () => {
  const narrow = new Running(["job", "list", "--wide"], { NATS_URL: server.url }, { cols: 80, rows: 24 });
  expect(await narrow.ended()).toBe(0);
  expect(narrow.out).toMatch(/\nHidden \(terminal too narrow\): .*OWNER.*\./s);
  expect(narrow.out).not.toContain("STUCK");
});

test("a narrow terminal hides chosen columns, and does not name --columns again", async () => {
  const columns = "jid,function,target,state,user,owner,source,created,updated,deadline";
  const narrow = new Running(["job", "list", "--columns", columns], { NATS_URL: server.url }, { cols: 60, rows: 24 });
  expect(await narrow.ended()).toBe(0);
  expect(narrow.out).toMatch(/\nHidden \(terminal too narrow\): .*OWNER.*\. Use a wider terminal or a pipe\.\r\n$/s);
});
