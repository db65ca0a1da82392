// `show` for people and scripts: summary, peels selected, shortened ids.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { createBuckets, encode, jobRecord, type Server, startServer, Time, zester } from "../support/harness.ts";

let server: Server;
const show = (...args: string[]) => zester(["job", "show", ...args], { env: { NATS_URL: server.url } });
const JID = "2hPx2Kd8VnR7YmWqTz4PLsCfNjA";
const MANY = "2hPx9Many";

beforeAll(async () => {
  server = await startServer();
  const nc = await server.connect();
  const { jobs, returns } = await createBuckets(nc);
  const targets = ["web-01", "web-02", "db_eu_example", "cache-01", "cache-02"];
  const fields = {
    function: "pkg.installed",
    args: { name: "postgresql", refresh: true, note: "a b" },
    targets,
    target_expr: "G@role:*",
    user: "ops",
    owner: "m1",
  };
  await jobs.put(
    JID,
    encode(jobRecord(JID, { ...fields, status: "partial", updated: Time.at("2026-01-15T09:30:12Z") })),
  );
  const put = (jid: string, peel: string, more: Record<string, unknown> = {}) =>
    returns.put(
      `${jid}.${peel}`,
      encode({
        jid,
        peel_id: peel,
        success: true,
        return_data: null,
        duration: 800_000_000n,
        timestamp: Time.now(),
        ...more,
      }),
    );
  await put(JID, "web-01");
  await put(JID, "web-02", { success: false, error: "exit 1\n\x1b[2J" });
  await put(JID, "db_eu_example", { success: false, error: "UNREACHABLE: no heartbeat", unreachable: true });
  await returns.put(`${JID}.cache-02`, Uint8Array.from([0xc1]));
  await jobs.put(
    "2hPx3other",
    encode(jobRecord("2hPx3other", { status: "running", deadline: Time.at("2020-01-01T00:00:00Z") })),
  );
  await jobs.put(MANY, encode(jobRecord(MANY, { targets: Array.from({ length: 1000 }, (_, i) => `peel-${i}`) })));
  for (let i = 0; i < 1000; i++)
    nc.publish(
      `$KV.job-returns.${MANY}.peel-${i}`,
      encode({ jid: MANY, peel_id: `peel-${i}`, success: i !== 999, duration: 1n }),
    );
  await nc.flush();
  await nc.close();
});
afterAll(() => server.stop());

test("summary: the facts, the counts, the outcomes worst first", async () => {
  const { stdout, code } = await show(JID, "--summary");
  expect(stdout.replace(/\(\S+ ago\)/, "(AGE ago)")).toBe(`pkg.installed postgresql on G@role:* by ops, 5 peels
Job       ${JID}
State     partial
Args      name=postgresql refresh=true note="a b"
Target    G@role:*
User      ops
Owner     m1
Created   2026-01-15T09:30:00Z (AGE ago)
Duration  12s
Peels     5: 1 failed, 1 unreadable, 1 unreachable, 1 missing, 1 ok
Peels took median 0.8s, slowest web-02 0.8s

OUTCOME       PEELS  WHERE          WHAT
failed            1  web-02         exit 1\\n\\x1b[2J
unreadable        1  cache-02       cannot be decoded: not MessagePack or JSON: it has the byte 0xc1
unreachable       1  db.eu.example  no ack
missing           1  cache-01
ok                1  web-01
`);
  expect(code).toBe(0);
  expect((await show(JID, "--summary", "--each")).stdout.split("\n\n")[1]).toBe(`\
PEEL           STATE        TOOK  DETAIL
web-02         failed       0.8s  exit 1\\n\\x1b[2J
cache-02       unreadable   -     cannot be decoded: not MessagePack or JSON: it has the byte 0xc1
db.eu.example  unreachable  -     no ack
cache-01       missing      -
web-01         ok           0.8s
`);
  const alone = await show(JID, "--each");
  expect([alone.stdout, alone.code]).toEqual(["", 1]);
  expect(alone.stderr).toBe("error: --each needs --summary or --output.\nAdd --summary, or omit --each.\n");
});

test("summary of a running job: how far over its deadline it is, and what to do", async () => {
  const { stdout } = await show("2hPx3other", "--summary");
  expect(stdout).toMatch(
    /\nElapsed {3}\d+d\nDeadline {2}2020-01-01T00:00:00Z \(\d+d overdue\)\nStuck {5}\d+d overdue\n {10}`zester job trace 2hPx3other` .*\nPeels {5}0\/1 done: 1 missing\n/,
  );
});

test.each([
  [["--missing", "-q"], "cache-01\n"],
  [["--failed", "-q"], "web-02\n"],
  [["--unreachable", "-q"], "db.eu.example\n"],
  [["--failed", "--missing", "-q"], "cache-01\nweb-02\n"],
  [["--bad", "-q"], "cache-01\ncache-02\ndb.eu.example\nweb-02\n"],
  [["--late", "-q"], ""],
  [["--peel", "db.eu.*", "-q"], "db.eu.example\n"],
  [["--peel", "db_eu_*", "-q"], "db.eu.example\n"],
  [["--peel", "web-*", "--missing", "-q"], ""],
  [["-q"], "cache-01\ncache-02\ndb.eu.example\nweb-01\nweb-02\n"],
] as [string[], string][])("peels: %j", async (flags, peels) => expect((await show(JID, ...flags)).stdout).toBe(peels));

test("selected peels in every form", async () => {
  const text = (await show(JID, "--failed", "--missing")).stdout;
  expect(text).toEndWith(
    "\nReturns:\nPEEL      SUCCESS  DURATION  ERROR\nweb-02    false    0.8s      exit 1\\n\\x1b[2J\n\nNo return:\ncache-01\n",
  );
  const json = JSON.parse((await show(JID, "--failed", "--missing", "--format", "json")).stdout);
  expect([json.returns.map((item: { peel_id: string }) => item.peel_id), json.missing]).toEqual([
    ["web-02"],
    ["cache-01"],
  ]);
  expect((await show(JID, "--summary", "--peel", "web-01")).stdout).toEndWith(
    "\n\nOUTCOME       PEELS  WHERE   WHAT\nok                1  web-01\n",
  );
});

test("a shortened id: the only job that begins with it", async () => {
  expect(JSON.parse((await show("2hPx3", "--format", "json")).stdout).job.jid).toBe("2hPx3other");
  const several = await show("2hPx");
  expect([several.stdout, several.code]).toEqual(["", 1]);
  expect(several.stderr.replace(/\d+d ago/g, "AGE")).toBe(`\
error: ID prefix 2hPx matches 3 jobs:
  2hPx9Many                    complete  AGE  test.ping
  2hPx3other                   running   AGE  test.ping
  ${JID}  partial   AGE  pkg.installed on G@role:*
Use more characters.
`);
  expect((await show("2hP")).stderr).toContain('no job "2hP"');
  expect((await show("2hPxZ")).stderr).toContain('no job "2hPxZ"');
});

test("many peels: everything when piped; on a terminal the worst, and a count of the rest", async () => {
  expect((await show(MANY, "--summary", "--each")).stdout.trimEnd().split("\n")).toHaveLength(7 + 2 + 1000);
  expect((await show(MANY, "--summary")).stdout).toEndWith(`
OUTCOME       PEELS  WHERE                                   WHAT
failed            1  peel-999
ok              999  peel-[0-9],peel-[10-99],peel-[100-998]
`);
  const pty = Bun.spawnSync(
    ["script", "-qec", `stty cols 80; dist/zester job show ${MANY} --summary --each --no-color`, "/dev/null"],
    {
      env: { ...process.env, NATS_URL: server.url },
      cwd: `${import.meta.dir}/../..`,
    },
  );
  const lines = pty.stdout.toString().replaceAll("\r", "").trimEnd().split("\n");
  expect(lines.find((line) => line.startsWith("peel-"))).toMatch(/^peel-999 +failed/);
  expect(lines.at(-1)).toBe("… and 960 more peels: 960 ok; --all shows them");
});

test("the plain table of many returns on a terminal: the worst, and a count of the rest", async () => {
  const wanted = Bun.spawnSync(
    ["script", "-qec", `stty cols 80; dist/zester job show ${MANY} --no-color`, "/dev/null"],
    { env: { ...process.env, NATS_URL: server.url }, cwd: `${import.meta.dir}/../..` },
  );
  const lines = wanted.stdout.toString().replaceAll("\r", "").trimEnd().split("\n");
  const from = lines.indexOf("Returns:");
  expect(lines[from + 2]).toMatch(/^peel-999 +false/);
  expect(lines.slice(from)).toHaveLength(2 + 40 + 1);
  expect(lines.at(-1)).toBe("… and 960 more peels: 960 ok; --all shows them");
  const piped = (await show(MANY)).stdout.trimEnd().split("\n");
  expect(piped.slice(piped.indexOf("Returns:"))).toHaveLength(2 + 1000);
});
