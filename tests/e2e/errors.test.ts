// `job errors`: what failed across jobs, as it stands on a terminal, in a pipe, and for programs.
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import type { KV, NatsConnection } from "nats";
import { emptyBuckets, encode, jobRecord, type Server, startServer, Time, zester } from "../support/harness.ts";
import { draws, times } from "../support/length.ts";

let server: Server;
let nc: NatsConnection;
let jobs: KV;
let returns: KV;
const run = (...args: string[]) => zester(["job", "errors", ...args], { env: { NATS_URL: server.url } });

beforeAll(async () => {
  server = await startServer();
  nc = await server.connect();
  await fresh();
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

/** Empty buckets. */
async function fresh(): Promise<void> {
  ({ jobs, returns } = await emptyBuckets(nc));
}

const ago = (minutes: number) => new Time(BigInt(Date.now() - minutes * 60_000) * 1_000_000n);

interface Outcome {
  readonly error?: string;
  readonly success?: boolean;
  readonly unreachable?: boolean;
  readonly return_data?: unknown;
}

async function putJob(jid: string, minutes: number, outcomes: Readonly<Record<string, Outcome>>, fields = {}) {
  const targets = Object.keys(outcomes);
  const created = ago(minutes);
  const record = { function: "state.apply", status: "failed", targets, created, updated: created, user: "ops" };
  await jobs.put(jid, encode(jobRecord(jid, { ...record, ...fields })));
  for (const [peel, outcome] of Object.entries(outcomes)) {
    const usual = { jid, peel_id: peel, success: false, return_data: null, duration: 1n, timestamp: created };
    await returns.put(`${jid}.${peel}`, encode({ ...usual, ...outcome }));
  }
}

const LOCK = "E: Could not get lock /var/lib/dpkg/lock-frontend";
const FULL = "write /etc/nginx/nginx.conf: no space left on device";
const pad = (n: number, digits: number) => String(n).padStart(digits, "0");

/** The fleet of the screens: a lock held in 19 jobs of 57 peels, a full disk, a command that failed, a peel that is gone. */
async function putFleet(): Promise<void> {
  await fresh();
  for (let i = 0; i < 19; i++) {
    const peels = [i, i + 19, i + 38].map((n): [string, Outcome] => [`db-${pad(n, 2)}`, { error: LOCK }]);
    await putJob(`2hLock${pad(i, 2)}`, 55.5 - i, Object.fromEntries(peels), { function: "pkg.installed" });
  }
  await putJob("2hCache", 30.5, { "cache-01": { error: "exit status 1" }, "cache-02": { success: true } });
  const unreachable = { unreachable: true, error: "UNREACHABLE: no heartbeat" };
  await putJob("2hWide", 10.5, { "web-137": { error: FULL }, "web-300": unreachable, "web-301": { success: true } });
  await putJob("2hGood", 5, { "web-001": { success: true } }, { status: "complete" });
  await putJob("2hOld", 70, { "web-001": { error: "an hour ago" } });
}

const NARROW = `\
PEELS  JOBS  LAST     ERROR                                           WHERE
   57    19  37m ago  E: Could not get lock /var/lib/dpkg/lock-fron…  db-[00-56]
    1     1  10m ago  write /etc/nginx/nginx.conf: no space left on…  web-137
    1     1  30m ago  exit status 1                                   cache-01
    1     1  10m ago  unreachable                                     web-300
`;
const WIDE = `\
PEELS  JOBS  LAST     ERROR                                                 WHERE
   57    19  37m ago  E: Could not get lock /var/lib/dpkg/lock-frontend     db-[00-56]
    1     1  10m ago  write /etc/nginx/nginx.conf: no space left on device  web-137
    1     1  30m ago  exit status 1                                         cache-01
    1     1  10m ago  unreachable                                           web-300
`;

function onTerminal(columns: number, args: string): string {
  const command = `stty cols ${columns}; dist/zester job errors ${args} --no-color`;
  const run = Bun.spawnSync(["script", "-qec", command, "/dev/null"], {
    env: { ...process.env, NATS_URL: server.url },
    cwd: `${import.meta.dir}/../..`,
  });
  return run.stdout.toString().replaceAll("\r", "");
}

test("what failed in the last hour, on terminals of 80 and 200 columns", async () => {
  await putFleet();
  expect(onTerminal(80, "--since 1h")).toBe(NARROW);
  expect(onTerminal(200, "--since 1h")).toBe(WIDE);
  expect(onTerminal(80, "--since 1h --by job -n 2").split("\n").slice(0, 3)).toEqual([
    "PEELS  CREATED  JID       FUNCTION  ERROR                           WHERE",
    "    3  37m ago  2hLock18  pkg.ins…  E: Could not get lock /var/li…  db-[18,…,56]",
    "    3  38m ago  2hLock17  pkg.ins…  E: Could not get lock /var/li…  db-[17,…,55]",
  ]);
});

const createdOf = async (jid: string) =>
  JSON.parse((await zester(["job", "show", jid, "--format", "json"], { env: { NATS_URL: server.url } })).stdout).job
    .created;

test("piped, for programs and spreadsheets", async () => {
  await putFleet();
  const { stdout, stderr, code } = await run("--since", "1h");
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/;
  const [title, first] = stdout.split("\n") as [string, string];
  expect(title).toMatch(/^PEELS {2}JOBS {2}LAST +ERROR +WHERE$/);
  expect(first).toMatch(new RegExp(`^   57    19  ${time.source} +${LOCK} +db-\\[00-56\\]$`));
  const json = JSON.parse((await run("--since", "1h", "--format", "json")).stdout);
  expect(json.map((row: Record<string, unknown>) => [row.state, row.error, row.peels, row.jobs])).toEqual([
    ["failed", LOCK, 57, 19],
    ["failed", FULL, 1, 1],
    ["failed", "exit status 1", 1, 1],
    ["unreachable", null, 1, 1],
  ]);
  expect(json[0].where).toEqual(Array.from({ length: 57 }, (_, i) => `db-${pad(i, 2)}`));
  const stored = await Promise.all(["2hLock00", "2hLock18"].map((jid) => createdOf(jid)));
  expect([json[0].first, json[0].last]).toEqual(stored);
  const lines = (await run("--since", "1h", "--format", "jsonl")).stdout.trim().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual(json);
  const csv = (await run("--since", "1h", "--format", "csv")).stdout.split("\n");
  expect(csv[0]).toBe("state,error,peels,jobs,first,last,where");
  expect(csv[4]).toStartWith("unreachable,,1,1,");
  expect((await run("--format", "yaml")).stdout).toContain('- "web-137"\n');
  const byJob = JSON.parse((await run("--by", "job", "--format", "json", "-n", "1")).stdout);
  expect(byJob).toEqual([
    {
      jid: "2hLock18",
      function: "pkg.installed",
      created: expect.stringMatching(time),
      peels: 3,
      failed: 3,
      unreachable: 0,
      missing: 0,
      error: LOCK,
      errors: 1,
      where: ["db-18", "db-37", "db-56"],
    },
  ]);
});

test("peels that had not returned when their job ended have a row; those of canceled and active jobs do not", async () => {
  await fresh();
  const ok = { success: true };
  const targets = ["web-1", "web-2", "web-3"];
  await putJob("2hTimeout", 40, {}, { targets, status: "timeout" });
  await putJob("2hPartial", 30, { "web-1": ok }, { targets, status: "partial", return_count: 1, success_count: 1 });
  await putJob("2hCanceled", 20, { "web-4": ok }, { targets: ["web-4", "web-5"], status: "canceled" });
  await putJob("2hRunning", 10, { "web-4": ok }, { targets: ["web-4", "web-6"], status: "running" });
  expect((await run("--no-header")).stdout).toMatch(/^ +3 +2 +\S+ +did not return +web-\[1-3\]\n$/);
  expect(JSON.parse((await run("--format", "json")).stdout)).toMatchObject([
    { state: "missing", error: null, peels: 3, jobs: 2, where: targets },
  ]);
  expect((await run("--by", "job", "--no-header")).stdout).toMatch(
    /^ +3 +\S+ +2hTimeout +state.apply +3 did not return +web-\[1-3\]\n +2 +\S+ +2hPartial +state.apply +2 did not return +web-\[2-3\]\n$/,
  );
  const counts = { failed: 0, unreachable: 0, error: null, errors: 0 };
  expect(JSON.parse((await run("--by", "job", "--format", "json")).stdout)).toMatchObject([
    { jid: "2hTimeout", peels: 3, missing: 3, where: targets, ...counts },
    { jid: "2hPartial", peels: 2, missing: 2, where: ["web-2", "web-3"], ...counts },
  ]);
  const status = async (...args: string[]) =>
    (await zester(["job", "status", ...args], { env: { NATS_URL: server.url } })).stdout;
  expect(await status()).toMatch(
    /^failed +1 partial, 1 timeout of 4 jobs in 1h; 3 peels did not return \(web-\[1-3\]\) {2,}zester job errors --since 1h$/m,
  );
  expect(JSON.parse(await status("--format", "json")).failed).toMatchObject({ unreachable: [], missing: targets });
  await putJob("2hWide", 5, { "web-300": { unreachable: true }, "web-7": { error: "no" } });
  expect((await run()).stdout.split("\n").slice(-4)).toEqual([
    expect.stringMatching(/no +web-7$/),
    expect.stringMatching(/unreachable +web-300$/),
    expect.stringMatching(/did not return +web-\[1-3\]$/),
    "",
  ]);
  expect((await run("--by", "job", "-n", "1", "--user", "ops")).stdout).toContain("3 did not return");
  expect((await run("--by", "job")).stdout).toMatch(/ 2hWide +state.apply +no; 1 unreachable +web-300,web-7\n/);
});

test("a late return of a job that failed counts like any other, in errors and stats", async () => {
  await fresh();
  const targets = ["web-1", "web-2", "web-3", "web-4"];
  const more = { targets, status: "partial", return_count: 1, success_count: 1 };
  await putJob("2hPartial", 10, { "web-1": { success: true } }, more);
  const late = (peel: string, success: boolean) => {
    const record = { jid: "2hPartial", peel_id: peel, success, return_data: null, duration: 1n };
    return nc.request(
      `zester.job.2hPartial.return.${peel}`,
      encode({ ...record, ...(success ? {} : { error: FULL }) }),
    );
  };
  await late("web-2", true);
  await late("web-3", false);
  expect(JSON.parse((await run("--format", "json")).stdout)).toMatchObject([
    { state: "failed", error: FULL, where: ["web-3"] },
    { state: "missing", where: ["web-4"] },
  ]);
  const job = (...args: string[]) => zester(["job", ...args], { env: { NATS_URL: server.url } });
  expect((await job("show", "2hPartial", "--bad", "-q")).stdout).toBe("web-3\nweb-4\n");
  const rows: Record<string, unknown>[] = JSON.parse((await job("stats", "--by", "peel", "--format", "json")).stdout);
  const last = rows.map(({ peel_id, failed, last }) => `${peel_id} ${failed} ${last}`);
  expect(last.sort()).toEqual(["web-1 0 ok", "web-2 0 ok", "web-3 1 failed", "web-4 1 missing"]);
});

test("conditions are those of list; nothing failed is said with what was looked at", async () => {
  await putFleet();
  const errors = async (...args: string[]) =>
    JSON.parse((await run(...args, "--format", "json")).stdout).map(({ error }: { error: string }) => error);
  expect(await errors("--function", "pkg.*")).toEqual([LOCK]);
  expect(await errors("--target", "cache*")).toEqual(["exit status 1"]);
  // All peels of the jobs, as help says.
  expect(await errors("--target", "web-301")).toEqual([FULL, null]);
  expect((await run("--help")).stdout.replace(/\s+/g, " ")).toContain(
    "--target selects jobs; the errors of all their peels count",
  );
  expect(await errors("--until", "65m")).toEqual(["an hour ago"]);
  expect(await run("--user", "root")).toEqual({
    stdout: "No jobs match --user root --since 24h (of 23).\n",
    stderr: "",
    code: 0,
  });
  const more = await run("-n", "2");
  expect(more.stderr).toBe("note: 3 more rows; raise --limit.\n");
  expect(more.stdout.split("\n")).toHaveLength(4);
  for (const wrong of [
    ["--by", "peel"],
    ["-n", "0"],
    ["--since", "soon"],
  ])
    expect((await run(...wrong)).code).toBe(1);
});

test("an error in the results, none at all, a return that can't be decoded, and text that acts on terminals", async () => {
  await fresh();
  const result = { name: "file.managed:/etc/motd", changed: false, error: "permission denied", duration: 1n };
  await putJob("2hA", 1, {
    a: { return_data: { results: [result, { name: "pkg.latest", error: "\x1b]0;owned\x07\u202e" }] } },
    b: {},
    c: { error: "x\r\x1b[2Jy" },
    d: {},
  });
  await returns.put("2hA.d", Uint8Array.of(0xc1));
  const { stdout } = await run();
  const rows = stdout.split("\n").slice(1, -1);
  expect(rows.map((row) => row.replace(/^.*Z {2}/, "").replace(/ {2,}/, "  ")).sort()).toEqual(
    [
      "cannot be decoded: not MessagePack or JSON: it has the byte 0xc1  d",
      "failed without an error  b",
      "file.managed:/etc/motd: permission denied; pkg.latest: \\x1b]0;owned\\x07\\u202e  a",
      "x\\r\\x1b[2Jy  c",
    ].sort(),
  );
  const json = JSON.parse((await run("--format", "json")).stdout);
  expect(json.map(({ error }: { error: string | null }) => error)).toContain("x\r\x1b[2Jy");
  expect(json.filter(({ error }: { error: string | null }) => error === null)).toHaveLength(1);
});

/** Errors that differ in nothing that counts have the same kind. */
const ERRORS: readonly ((n: number, peel: string) => string)[] = [
  (n) => `timeout after ${n + 1}s`,
  (n, peel) => `${peel}: disk ${n} full`,
  (n) => `connect 10.0.0.${n}: refused`,
  () => "exit status",
];

test(
  "random fleets: groups, counts and peels as a model has them",
  async () => {
    const outcome = fc.record({
      kind: fc.constantFrom("ok", "ok", "failed", "results", "unreachable"),
      error: fc.nat(ERRORS.length - 1),
      n: fc.nat(9),
    });
    const job = fc.record({
      peels: fc.dictionary(fc.constantFrom("web-1", "web-2", "db_eu", "cache"), outcome),
      list: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(job, { maxLength: 8 }), async (drawn) => {
        await fresh();
        const expected = new Map<string, { peels: Set<string>; jobs: Set<number> }>();
        for (const [i, { peels, list }] of drawn.entries()) {
          const jid = `2hRandom${i}`;
          const records = Object.entries(peels).map(([peel, { kind, error, n }]) => {
            const text = (ERRORS[error] as (typeof ERRORS)[number])(n, peel);
            // Of an error in a result, its name stands before it.
            const key = kind === "unreachable" ? kind : `${kind} ${error}`;
            const group = expected.get(key) ?? { peels: new Set(), jobs: new Set() };
            if (kind !== "ok") expected.set(key, group);
            group.peels.add(peel);
            group.jobs.add(i);
            return {
              peel_id: peel,
              success: kind === "ok",
              ...(kind === "failed" && { error: text }),
              ...(kind === "unreachable" && { error: "gave up", unreachable: true }),
              ...(kind === "results" && { return_data: { results: [{ name: "f", changed: true, error: text }] } }),
            };
          });
          const created = ago(60 - i);
          const fields = { status: "partial", created, updated: created, targets: Object.keys(peels) };
          await jobs.put(jid, encode(jobRecord(jid, fields)));
          if (list) await returns.put(jid, encode(records));
          else for (const record of records) await returns.put(`${jid}.${record.peel_id}`, encode(record));
        }
        const found = JSON.parse((await run("--format", "json")).stdout) as Row[];
        expect(found.map((row) => [keyOf(row), row.peels, row.jobs, row.where]).sort()).toEqual(
          [...expected].map(([key, { peels, jobs }]) => [key, peels.size, jobs.size, [...peels].sort()]).sort(),
        );
        const counts = found.map(({ state, peels }) => (state === "failed" ? peels : 0));
        expect(counts).toEqual([...counts].sort((a, b) => b - a));
      }),
      { numRuns: draws(5, 100), endOnFailure: true },
    );
  },
  times(60_000, 300_000),
);

interface Row {
  readonly state: string;
  readonly error: string;
  readonly peels: number;
  readonly jobs: number;
  readonly where: readonly string[];
}

/** The key of the group that an error is of. */
function keyOf({ state, error }: Row): string {
  if (state !== "failed") return state;
  const kind = [/timeout after/, /: disk/, /connect/, /exit/].findIndex((pattern) => pattern.test(error));
  return `${error.startsWith("f: ") ? "results" : "failed"} ${kind}`;
}
