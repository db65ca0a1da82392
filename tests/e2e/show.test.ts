// `show` for people and scripts: summary, peels selected, shortened ids.

import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import {
  createBuckets,
  encode,
  jobRecord,
  type Server,
  startServer,
  Time,
  zester,
} from "../support/harness.ts";
import { times } from "../support/length.ts";

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
  await jobs.put(
    MANY,
    encode(jobRecord(MANY, { targets: Array.from({ length: 1000 }, (_, i) => `peel-${i}`) })),
  );
  for (let i = 0; i < 1000; i++)
    nc.publish(
      `$KV.job-returns.${MANY}.peel-${i}`,
      encode({ jid: MANY, peel_id: `peel-${i}`, success: i !== 999, duration: 1n }),
    );
  await nc.flush();
  await nc.close();
});
afterAll(() => server.stop());

test("summary: the facts, the counts, the peels worst first", async () => {
  const { stdout, code } = await show(JID, "--summary");
  expect(
    stdout.replace(/\(\S+ ago\)/, "(AGE ago)"),
  ).toBe(`pkg.installed name=postgresql refresh=true note="a b"
Job       ${JID}
State     partial
Target    G@role:*
User      ops
Owner     m1
Created   2026-01-15T09:30:00Z (AGE ago)
Took      12s
Peels     5: 1 ok, 1 missing, 1 unreachable, 1 unreadable, 1 failed

PEEL           STATE        DURATION  ERROR
web-02         failed       0.8s      exit 1\\n\\x1b[2J
cache-02       unreadable   -         cannot be decoded: not MessagePack or JSON: it has the byte 0xc1
db.eu.example  unreachable  0.8s      UNREACHABLE: no heartbeat
cache-01       missing      -
web-01         ok           0.8s
`);
  expect(code).toBe(0);
});

test("summary of a running job: how far over its deadline it is", async () => {
  const { stdout } = await show("2hPx3other", "--summary");
  expect(stdout).toMatch(
    /\nSo far {4}\d+h.*\nDeadline {2}2020-01-01T00:00:00Z \(\d+d over\)\nPeels {5}1: 0 ok, 1 missing, 0 unreachable, 0 failed\n/,
  );
});

test.each([
  [["--missing", "-q"], "cache-01\n"],
  [["--failed", "-q"], "web-02\n"],
  [["--unreachable", "-q"], "db.eu.example\n"],
  [["--failed", "--missing", "-q"], "cache-01\nweb-02\n"],
  [["--peel", "db.eu.*", "-q"], "db.eu.example\n"],
  [["--peel", "db_eu_*", "-q"], "db.eu.example\n"],
  [["--peel", "web-*", "--missing", "-q"], ""],
  [["-q"], "cache-01\ncache-02\ndb.eu.example\nweb-01\nweb-02\n"],
] as [string[], string][])("peels: %j", async (flags, peels) =>
  expect((await show(JID, ...flags)).stdout).toBe(peels),
);

test("selected peels in every form", async () => {
  const text = (await show(JID, "--failed", "--missing")).stdout;
  expect(text).toEndWith(
    "\nReturns:\nPEEL      SUCCESS  DURATION  ERROR\nweb-02    false    0.8s      exit 1\\n\\x1b[2J\n\nMissing:\ncache-01\n",
  );
  const json = JSON.parse((await show(JID, "--failed", "--missing", "--format", "json")).stdout);
  expect([json.returns.map((item: { peel_id: string }) => item.peel_id), json.missing]).toEqual([
    ["web-02"],
    ["cache-01"],
  ]);
  expect((await show(JID, "--summary", "--peel", "web-01")).stdout).toEndWith(
    "\n\nPEEL      STATE  DURATION  ERROR\nweb-01    ok     0.8s\n",
  );
});

test("a shortened id: the only job that begins with it", async () => {
  expect(JSON.parse((await show("2hPx3", "--format", "json")).stdout).job.jid).toBe("2hPx3other");
  const several = await show("2hPx");
  expect([several.stdout, several.code]).toEqual(["", 1]);
  expect(several.stderr).toContain(`error: 2hPx is short for 3 jobs: ${JID}, 2hPx3other, ${MANY}.`);
  expect((await show("2hP")).stderr).toContain("job 2hP was not found");
  expect((await show("2hPxZ")).stderr).toContain("job 2hPxZ was not found");
});

test("many peels: everything when piped; on a terminal the worst, and a count of the rest", async () => {
  expect((await show(MANY, "--summary")).stdout.trimEnd().split("\n")).toHaveLength(6 + 2 + 1000);
  const pty = Bun.spawnSync(
    ["script", "-qec", `stty cols 80; dist/zester job show ${MANY} --summary --no-color`, "/dev/null"],
    {
      env: { ...process.env, NATS_URL: server.url },
      cwd: `${import.meta.dir}/../..`,
    },
  );
  const lines = pty.stdout.toString().replaceAll("\r", "").trimEnd().split("\n");
  expect(lines.find((line) => line.startsWith("peel-"))).toMatch(/^peel-999 +failed/);
  expect(lines.at(-1)).toBe("… and 960 peels more: 960 ok (--all-peels shows them)");
});

type Stored = "none" | "deleted" | "ok" | "failed" | "unreachable" | "unreadable";
const stored = fc.constantFrom<Stored>("none", "deleted", "ok", "failed", "unreachable", "unreadable");
const layout = fc.constantFrom("peel", "list", "both");
interface Case {
  targets: string[] | null;
  returns: Record<string, { state: Stored; layout: string }>;
}
const PEELS = ["web-01", "web-02", "db_eu_example", "db-01", "cache-01"];
const aCase: fc.Arbitrary<Case> = fc.record({
  targets: fc.option(fc.subarray(PEELS), { nil: null }),
  returns: fc.record(
    Object.fromEntries(PEELS.map((peel) => [peel, fc.record({ state: stored, layout })])) as Record<
      string,
      fc.Arbitrary<{ state: Stored; layout: string }>
    >,
  ),
});

/** What the specification says a peel is, seen from both layouts: the peel's own key wins. */
function stateOf(peel: string, { targets, returns }: Case): string | undefined {
  const { state, layout } = returns[peel] as { state: Stored; layout: string };
  // A list can't hold what is no record, and nothing in it is deleted alone.
  const listed = layout !== "peel" && ["ok", "failed", "unreachable"].includes(state);
  const own = layout !== "list" && state !== "none" && state !== "deleted";
  if (own || listed) return state;
  return (targets ?? []).includes(peel) ? "missing" : undefined;
}

test("selected peels agree with an oracle, in both layouts", async () => {
  const own = await startServer();
  const nc = await own.connect();
  const { jobs, returns } = await createBuckets(nc);
  const cases = fc.sample(aCase, 40);
  const record = (peel: string, state: Stored) => ({
    jid: "x",
    peel_id: peel,
    success: state === "ok",
    ...(state === "unreachable" && { unreachable: true }),
    ...(state === "failed" && { error: "boom" }),
    duration: 1n,
  });
  for (const [i, one] of cases.entries()) {
    await jobs.put(`case-${i}`, encode(jobRecord(`case-${i}`, { targets: one.targets })));
    const list: unknown[] = [];
    for (const [peel, { state, layout }] of Object.entries(one.returns)) {
      const key = `case-${i}.${peel}`;
      if (layout !== "peel" && ["ok", "failed", "unreachable"].includes(state)) {
        // Under both, the list has another opinion, which must not count.
        list.push(record(peel, layout === "both" ? (state === "ok" ? "failed" : "ok") : state));
      }
      if (layout === "list" || state === "none") continue;
      await returns.put(key, state === "unreadable" ? Uint8Array.of(0xc1) : encode(record(peel, state)));
      if (state === "deleted") await returns.delete(key);
    }
    if (list.length > 0) await returns.put(`case-${i}`, encode(list));
  }
  await fc.assert(
    fc.asyncProperty(
      fc.nat(cases.length - 1),
      fc.subarray(["failed", "missing", "unreachable"]),
      fc.constantFrom(undefined, "db*", "db.eu.*"),
      async (i, states, peel) => {
        const one = cases[i] as Case;
        const flags = [...states.map((state) => `--${state}`), ...(peel ? ["--peel", peel] : [])];
        const hits = PEELS.filter((id) => {
          const state = stateOf(id, one);
          const named = peel === undefined || (peel === "db*" ? id.startsWith("db") : id === "db_eu_example");
          return state !== undefined && named && (states.length === 0 || states.includes(state));
        });
        const env = { NATS_URL: own.url };
        const quiet = await zester(["job", "show", `case-${i}`, "-q", ...flags], { env });
        const shown = hits.map((id) => id.replaceAll("_", ".")).sort();
        expect(quiet.stdout).toBe(shown.map((id) => `${id}\n`).join(""));
        const json = await zester(["job", "show", `case-${i}`, "--format", "json", ...flags], { env });
        const document = JSON.parse(json.stdout);
        const returned = hits.filter((id) => stateOf(id, one) !== "missing");
        expect(document.returns.map((item: { peel_id: string }) => item.peel_id).sort()).toEqual(
          returned.sort(),
        );
        const summary = await zester(["job", "show", `case-${i}`, "--summary", ...flags], { env });
        const rows = summary.stdout.split("\n\n")[1]?.trimEnd().split("\n").slice(1) ?? [];
        expect(rows.map((row) => row.split(/ +/).slice(0, 2).join(" ")).sort()).toEqual(
          hits.map((id) => `${id.replaceAll("_", ".")} ${stateOf(id, one)}`).sort(),
        );
      },
    ),
    { numRuns: times(25, 120) },
  );
  await nc.close();
  await own.stop();
});

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
  expect(stdout).toBe(`a  failed  2.0s  3 results, 1 changed
  error: one failed
         see above
  nginx.conf  changed  1.2s
    stdout:
      line one
      line    two
      \\x1b[31mred
    exit:
      0
    diff:
      -old
      +new
       same
  nginx.restart  failed  5ms
    error:
      no such unit
  other  skipped  not needed
    note:
      n

b.eu  ok  2.0s
    data:
      plain text

c  ok  2.0s

d  missing
`);
  expect(code).toBe(0);
  expect((await zester(["job", "show", "j", "--output", "--peel", "b*"], { env })).stdout).toBe(
    "b.eu  ok  2.0s\n    data:\n      plain text\n",
  );
  expect((await zester(["job", "show", "j", "--output", "--format", "json"], { env })).stderr).toContain(
    "--output and --format json exclude each other.",
  );
  const colored = (await zester(["job", "show", "j", "--output", "--force-color"], { env })).stdout;
  expect(colored).toContain("\x1b[32m+new\x1b[39m");
  await nc.close();
  await own.stop();
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
  expect(lines.at(-1)).toBe("… and 960 peels more: 960 ok (--all-peels shows them)");
  const piped = (await show(MANY)).stdout.trimEnd().split("\n");
  expect(piped.slice(piped.indexOf("Returns:"))).toHaveLength(2 + 1000);
});
