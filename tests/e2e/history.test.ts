// `job history`: what one peel did, in both layouts of returns, against known data and a fleet that lives.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { KV, NatsConnection } from "nats";
import { hang, serveFleet } from "../support/fleet.ts";
import { createBuckets, encode, jobRecord, type Server, startServer, Time, zester } from "../support/harness.ts";
import { draws } from "../support/length.ts";
import { randomFrom, SEED } from "../support/random.ts";

const random = randomFrom(SEED);

const LOCK = "E: Could not get lock /var/lib/dpkg/lock-frontend";
const MINUTE = 60_000;
const ago = (minutes: number) => new Time(BigInt(Date.now() - minutes * MINUTE) * 1_000_000n);
const answer = (...changed: boolean[]) => ({
  results: changed.map((one, i) => ({ name: `pkg.installed:p${i}`, changed: one, duration: 1n })),
});

interface Given {
  readonly jid: string;
  readonly minutes: number;
  readonly job?: Record<string, unknown>;
  /** The return of the peel; undefined: it has none. */
  readonly returned?: Record<string, unknown> | undefined;
  readonly list?: boolean;
}

async function put(kv: { jobs: KV; returns: KV }, peel: string, { jid, minutes, job = {}, returned, list }: Given) {
  const created = ago(minutes);
  const record = jobRecord(jid, { created, updated: created, owner: "m1", targets: [peel, "web-9"], ...job });
  await kv.jobs.put(jid, encode(record));
  if (!returned) return;
  const value = { jid, peel_id: peel, success: true, return_data: null, timestamp: created, ...returned };
  const other = { ...value, peel_id: "web-9", success: false, error: "of another peel" };
  if (list) await kv.returns.put(jid, encode([other, value]));
  else {
    await kv.returns.put(`${jid}.${peel}`, encode(value));
    await kv.returns.put(`${jid}.web-9`, encode(other));
  }
}

let server: Server;
let nc: NatsConnection;
let kv: { jobs: KV; returns: KV };
const env = () => ({ NATS_URL: server.url });
const run = (...args: string[]) => zester(["job", "history", ...args], { env: env() });

beforeAll(async () => {
  server = await startServer();
  nc = await server.connect();
  kv = await createBuckets(nc);
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

const APPLY = { function: "state.apply", args: { state: "nginx" } };
const WEB: Given[] = [
  { jid: "j-ok", minutes: 10, job: APPLY, returned: { return_data: answer(false), duration: 1_500_000_000n } },
  {
    jid: "j-failed",
    minutes: 60 * 24 + 5,
    job: { ...APPLY, status: "failed" },
    returned: { success: false, error: LOCK, return_data: answer(false), duration: 1_500_000_000n },
    list: true,
  },
];
/** Of the three days looked at: a failure before them is not excluded. */
const TABLE = `WHEN     JID       WHAT               STATE   CHANGED  TOOK  NOTE
10m ago  j-ok      state.apply nginx  ok      0/1      1.5s
1d ago   j-failed  state.apply nginx  failed  0/1      1.5s  ${LOCK}
first failure 1d ago or earlier, ok again 10m ago
`;

/** What a terminal of so many columns shows. */
function onTerminal(columns: number, ...args: string[]): string {
  const command = `stty cols ${columns}; dist/zester job history ${args.join(" ")} --no-color`;
  const cwd = `${import.meta.dir}/../..`;
  const shown = Bun.spawnSync(["script", "-qec", command, "/dev/null"], { env: { ...process.env, ...env() }, cwd });
  return shown.stdout.toString().replaceAll("\r", "");
}

describe("known data", () => {
  beforeAll(async () => {
    for (const one of WEB) await put(kv, "web-388", one);
  });

  test("as it stands on a terminal, wide and narrow", () => {
    expect(onTerminal(200, "web-388", "--since", "3d").replace(/ +/g, " ")).toBe(TABLE.replace(/ +/g, " "));
    const narrow = onTerminal(80, "web-388");
    for (const line of narrow.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    expect(narrow).toEndWith("\nHidden (terminal too narrow): CHANGED. Use a wider terminal or a pipe.\n");
    // The error continues below, on one more line.
    const noted = narrow
      .split("\n")
      .slice(2, -3)
      .map((line) => line.slice(line.startsWith(" ") ? 0 : line.indexOf("1.5s") + 4));
    expect(noted).toHaveLength(2);
    expect(noted.join("").replaceAll(/\s/g, "")).toBe(LOCK.replaceAll(/\s/g, ""));
  });

  test("for programs", async () => {
    const { stdout, stderr, code } = await run("web-388", "--format", "json");
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    const created = async (jid: string) => {
      const { stdout: shown } = await zester(["job", "show", jid, "--format", "json"], { env: env() });
      return JSON.parse(shown).job.created;
    };
    const common = {
      peel_id: "web-388",
      function: "state.apply",
      args: { state: "nginx" },
      changed: 0,
      results: 1,
      took: 1_500_000_000,
    };
    expect(JSON.parse(stdout)).toEqual([
      { ...common, jid: "j-ok", time: await created("j-ok"), state: "ok", job_status: "complete" },
      {
        ...common,
        jid: "j-failed",
        time: await created("j-failed"),
        state: "failed",
        job_status: "failed",
        note: LOCK,
      },
    ]);
    expect(
      (await run("web-388", "--format", "jsonl")).stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(JSON.parse(stdout));
    const csv = (await run("web-388", "--format", "csv")).stdout.split("\n");
    expect(csv[0]).toBe("time,jid,function,what,state,changed,results,took,note");
    expect(csv[2]).toEndWith(`,j-failed,state.apply,state.apply nginx,failed,0,1,1.5,${LOCK}`);
    expect((await run("web-388", "--format", "yaml")).stdout).toContain('"jid": "j-failed"');
  });

  test.each([
    [["--state", "failed"], ["j-failed"]],
    [["--state", "bad"], ["j-failed"]],
    [["--state", "ok,unreachable"], ["j-ok"]],
    [["--since", "1h"], ["j-ok"]],
    [["--until", "1h"], ["j-failed"]],
    [["--function", "pkg.*"], []],
    [["--changed"], []],
    [["-n", "1"], ["j-ok"]],
  ])("%j", async (flags, jids) => {
    const { stdout } = await run("web-388", "--format", "json", ...flags);
    expect(JSON.parse(stdout).map(({ jid }: { jid: string }) => jid)).toEqual(jids);
  });

  test.each([
    [["web-38"], 'error: no peel "web-38": no job targeted it. Did you mean web-388?'],
    [["wbe-388"], 'error: no peel "wbe-388": no job targeted it. Did you mean web-388?'],
    [["web-388", "--state", "fialed"], 'error: unknown state "fialed" for --state. Did you mean failed?'],
    [["web 1"], 'error: invalid peel ID "web 1": white space, control characters and . * > are not allowed.'],
    [["*"], 'error: invalid peel ID "*": a pattern is not possible here.'],
  ])("%j", async (args, error) => {
    const { stderr, code, stdout } = await run(...args);
    expect([stderr.split("\n")[0], code, stdout]).toEqual([error, 1, ""]);
  });

  test("nothing that matches is no error", async () => {
    expect(await run("web-388", "--function", "pkg.*")).toEqual({
      stdout: "No jobs of web-388 match --function pkg.*.\n",
      stderr: "",
      code: 0,
    });
  });
});

test("piped, a long call is whole, and calls that differ in their middle have failures of their own", async () => {
  const command = (n: number) =>
    `/usr/local/bin/rebuild-cache --all --verbose --shard=${n} --since yesterday --and-then-report`;
  for (const n of [1, 2])
    await put(kv, "long", {
      jid: `long-${n}`,
      minutes: n,
      job: { function: "cmd.run", args: { command: command(n) }, status: "failed" },
      returned: { success: false, error: "exit status 1" },
    });
  const { stdout } = await run("long");
  for (const n of [1, 2]) expect(stdout).toContain(`  cmd.run "${command(n)}"  failed  `);
  expect(stdout.split("\n").filter((line) => line.includes("first failure"))).toHaveLength(2);
});

test("either form of the id; a job that is gone, one that ended without the peel, a dry run, a damaged return", async () => {
  const peel = "db_eu_example";
  const dry = { ...answer(true, false), test: true };
  await put(kv, peel, { jid: "d1", minutes: 5, returned: { return_data: dry, duration: 20_000_000n } });
  await put(kv, peel, { jid: "d2", minutes: 6, job: { status: "timeout" } });
  await put(kv, peel, { jid: "d3", minutes: 7, returned: {} });
  await kv.jobs.delete("d3");
  await put(kv, peel, {
    jid: "d4",
    minutes: 8,
    returned: { success: false, unreachable: true, error: "UNREACHABLE: x" },
  });
  await put(kv, peel, { jid: "d5", minutes: 9 });
  await kv.returns.put(`d5.${peel}`, Uint8Array.of(0xc1));
  const outputs = await Promise.all(["db.eu.example", peel].map((id) => run(id)));
  // Between the two a second may pass.
  const [first, second] = outputs.map(({ stdout }) => stdout.replaceAll(/\b\d+m(\d+s)? ago/g, "some time ago"));
  expect(first).toBe(second as string);
  const rows = (outputs[0]?.stdout ?? "").split("\n").map((line) => line.split(/ {2,}/).slice(1));
  expect(rows.slice(1, 6)).toEqual([
    ["d1", "test.ping", "ok", "1/2 dry", "20ms"],
    ["d2", "test.ping", "missing", "-", "-", "no return; the job is timeout"],
    ["d3", "-", "ok", "-", "-"],
    ["d4", "test.ping", "unreachable", "-", "-", "no ack"],
    ["d5", "test.ping", "unreadable", "-", "-", expect.stringContaining("cannot be decoded")],
  ]);
  const last = outputs[0]?.stdout.split("\n").slice(6);
  expect(last?.[0]).toMatch(/^test\.ping: first failure 9m ago, ok again 5m ago$/);
});

test("jobs that go on come first, with what the peel is doing", async () => {
  const { fleet, run: job, stop } = await serveFleet();
  const done = await fleet.dispatch({ fn: "test.ping", peels: { a: { does: "ok", ms: 1 }, b: { does: "ok", ms: 1 } } });
  await fleet.until(done, "complete");
  const runs = await fleet.dispatch({ fn: "cmd.run", args: { cmd: "sleep 9" }, peels: { a: hang, b: { does: "ok" } } });
  const waits = await fleet.dispatch({ fn: "state.apply", peels: { a: hang } });
  await fleet.dispatch({ fn: "state.apply", peels: { b: hang } });
  await Bun.sleep(50);
  const { stdout } = await job("history", "a", "--format", "json");
  const entries = JSON.parse(stdout);
  expect(entries.map(({ jid, state, note }: Record<string, string>) => [jid, state, note])).toEqual([
    [waits, "queued", `waiting for job ${runs}`],
    [runs, "executing", undefined],
    [done, "ok", undefined],
  ]);
  expect(entries[1].so_far).toBeGreaterThan(0);
  expect((await job("history", "a")).stdout).toMatch(/cmd\.run "sleep 9" +executing +- +\S+ so far\n/);
  // It lives, and no job was meant for it.
  await fleet.peel("idle").goOnline();
  expect(await job("history", "idle")).toEqual({ stdout: "No jobs of idle.\n", stderr: "", code: 0 });
  await stop();
});

test("a canceled job without a return of the peel is no failure of the call", async () => {
  const failed = { success: false, error: "no" };
  for (const [minutes, status, returned] of [
    [1, "canceled", undefined],
    [2, "failed", failed],
    [3, "canceled", undefined],
    [4, "failed", failed],
    [5, "canceled", undefined],
    [6, "complete", {}],
  ] as const)
    await put(kv, "cut", { jid: `cut-${minutes}`, minutes, job: { status }, returned });
  expect((await run("cut")).stdout).toEndWith("\nfirst failure 4m ago, 2 failures in a row, last ok 6m ago\n");
});

test(`random results of one call: since when it is broken, by an oracle that looks at each (seed ${SEED})`, async () => {
  for (let round = 0; round < draws(3, 30); round++) {
    const peel = `rnd-${round}`;
    const count = 1 + Math.floor(random() * 8);
    const oks = Array.from({ length: count }, () => random() < 0.5);
    // The newest is result 0, an hour before now, and each other an hour before that.
    for (const [i, ok] of oks.entries())
      await put(kv, peel, {
        jid: `r${round}-${i}`,
        minutes: 60 * (i + 1),
        returned: ok ? {} : { success: false, error: "no" },
      });
    const hours = (i: number) => `${i + 1}h ago`;
    /** @param period selects the results from `from` to before `to` */
    const lineOf = (from: number, to: number, period: readonly string[]) => {
      const newest = oks.slice(0, to).indexOf(false, from);
      if (newest < 0) return "";
      let first = newest;
      while (first + 1 < to && oks[first + 1] === false) first++;
      const cut = first + 1 === to && period.includes("--since");
      const began = `first failure ${hours(first)}${cut ? " or earlier" : ""}`;
      if (newest > from) return `${began}, ok again ${hours(newest - 1)}\n`;
      const often = first > newest ? `, ${first - newest + 1} failures in a row` : "";
      const none = cut ? "no ok" : "no earlier ok";
      const before = first + 1 < to ? `last ok ${hours(first + 1)}` : none;
      const matching = cut || period.includes("--until") ? ` (matching ${period.join(" ")})` : "";
      return `${began}${often}, ${before}${matching}\n`;
    };
    const from = Math.floor(random() * count);
    const to = from + 1 + Math.floor(random() * (count - from));
    const since = ["--since", `${60 * to + 30}m`];
    const until = ["--until", `${60 * from + 30}m`];
    for (const [newest, oldest, period] of [
      [0, count, []],
      [0, to, since],
      [from, count, until],
      [from, to, [...since, ...until]],
    ] as const) {
      const { stdout } = await run(peel, ...period);
      const lines = stdout.split("\n").slice(oldest - newest + 1);
      expect(lines.join("\n")).toBe(lineOf(newest, oldest, period));
    }
  }
});
