// Clocks that differ: this machine's from the server's, and those that stamped the jobs. The answer stays right, and a
// warning says what was seen.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, connect as dial, type Socket } from "node:net";
import fc from "fast-check";
import type { NatsConnection } from "nats";
import { selectionByServer } from "../../lib/commands/selecting.ts";
import type { Session } from "../../lib/commands/session.ts";
import { parseSelection } from "../../lib/model/selection.ts";
import {
  emptyBuckets,
  encode,
  jobRecord,
  Running,
  run,
  type Server,
  startServer,
  Time,
  until,
  zester,
} from "../support/harness.ts";
import { some } from "../support/length.ts";

const HOUR = 3_600_000;

/**
 * A proxy through which the server's clock is `ms` ahead of what it is, as far as answers of JetStream tell it.
 * @param stored when a message of some sequence was stored, in ms since 1970
 */
async function startShifted(port: number, ms: number, stored?: (sequence: number) => number) {
  const sockets = new Set<Socket>();
  const restored = (text: string, stored: (sequence: number) => number) =>
    text.replace(
      /(\$JS\.ACK\.\S+\.)(\d+)(\.\d+\.)\d{19}(\.\d+)/g,
      (_, head: string, sequence: string, count: string, rest: string) =>
        `${head}${sequence}${count}${stored(Number(sequence))}000000${rest}`,
    );
  const shift = (text: string) =>
    (stored ? restored(text, stored) : text).replace(
      /("(?:created|ts)":")([^"]{19})/g,
      (_, name: string, time: string) => {
        const date = new Date(Date.parse(`${time}Z`) + ms);
        return name + date.toISOString().slice(0, 19);
      },
    );
  const proxy = createServer((client) => {
    const upstream = dial(port, "127.0.0.1");
    for (const socket of [client, upstream]) sockets.add(socket.on("error", () => {}));
    client.pipe(upstream);
    upstream.on("data", (chunk) => client.write(Buffer.from(shift(chunk.toString("latin1")), "latin1")));
    upstream.on("close", () => client.destroy());
  });
  await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
  return {
    env: { NATS_URL: `nats://127.0.0.1:${(proxy.address() as { port: number }).port}`, TZ: "UTC" },
    stop() {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    },
  };
}

let server: Server;
let nc: NatsConnection;

beforeAll(async () => {
  server = await startServer();
  nc = await server.connect();
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

/** An empty bucket with jobs that were created so many ms ago by a clock that is `aheadMs` ahead of this machine's. */
async function putJobs(ages: Record<string, number>, aheadMs = 0): Promise<void> {
  await emptyBuckets(nc);
  const now = Date.now() + aheadMs;
  for (const [jid, age] of Object.entries(ages)) {
    const created = new Time(BigInt(Math.round(now - age)) * 1_000_000n);
    nc.publish(`$KV.jobs.${jid}`, encode(jobRecord(jid, { created, status: "running" })));
  }
  await nc.flush();
}

describe("this machine's clock is off", () => {
  const AGES = Object.fromEntries([1, 10, 50, 70, 200, 340, 700].map((minutes) => [`m${minutes}`, minutes * 60_000]));
  const young = (minutes: number) =>
    Object.keys(AGES)
      .filter((jid) => Number(jid.slice(1)) < minutes)
      .reverse();

  test.each([5, -5, 47, -1])("the server is %d hours ahead: relative times are its own", async (hours) => {
    const aheadMs = hours * HOUR + Math.sign(hours) * 30_000; // durations are cut: not 4h59m for a moment less
    await putJobs(AGES, aheadMs);
    const { env, stop } = await startShifted(server.port, aheadMs);
    const run = (...args: string[]) => zester(["job", ...args], { env });
    const warning = `warning: this machine's clock is ${Math.abs(hours)}h ${hours > 0 ? "behind" : "ahead of"} the server's; --since and --until use the server's clock.\n`;
    for (const minutes of [5, 60, 250]) {
      for (const view of ["list", "active"]) {
        const { stdout, stderr, code } = await run(view, "--since", `${minutes}m`, "-q");
        expect([stdout.split("\n").slice(0, -1), stderr, code]).toEqual([young(minutes), warning, 0]);
      }
      const { stdout } = await run("list", "--until", `${minutes}m`, "-q");
      expect(stdout.split("\n").slice(0, -1)).toEqual(young(1e6).slice(0, -young(minutes).length || undefined));
    }
    const { stdout, stderr } = await run("kill", "--since", "1h", "--dry-run", "--format", "json");
    expect((JSON.parse(stdout) as { jid: string }[]).map(({ jid }) => jid)).toEqual(young(60));
    expect(stderr).toContain(warning);
    stop();
  });

  test("today and yesterday are the server's, in this machine's zone", async () => {
    await putJobs({ today: 0, yesterday: 24 * HOUR, before: 48 * HOUR }, 24 * HOUR);
    const { env, stop } = await startShifted(server.port, 24 * HOUR);
    const list = async (...args: string[]) =>
      (await zester(["job", "list", "-q", ...args], { env })).stdout.split("\n").slice(0, -1);
    expect(await list("--since", "today")).toEqual(["today"]);
    expect(await list("--since", "yesterday")).toEqual(["yesterday", "today"]);
    expect(await list("--since", "yesterday", "--until", "today")).toEqual(["yesterday"]);
    // By this machine's clock --since is later than --until here.
    const since = new Date(Date.now() - 6 * HOUR).toISOString();
    expect(await list("--since", since, "--until", "12h")).toEqual(["yesterday"]);
    const { stderr, code } = await zester(["job", "list", "--since", since, "--until", "31h"], { env });
    expect([stderr.includes(`error: --since "${since}" is later than --until "31h".`), code]).toEqual([true, 1]);
    stop();
  });

  test("not a word when clocks agree, nor when the times given depend on no clock", async () => {
    await putJobs(AGES);
    const run = (env: Record<string, string>, ...args: string[]) => zester(["job", "list", ...args], { env });
    expect((await run({ NATS_URL: server.url }, "--since", "1h")).stderr).toBe("");
    const { env, stop } = await startShifted(server.port, 5 * HOUR);
    for (const args of [[], ["--since", "2026-01-15T00:00:00Z"], ["--since", "2026-01-15"], ["-n", "2"]])
      expect((await run(env, ...args)).stderr).toBe("");
    stop();
  });

  test("a slow link is no wrong clock: only what is certain is told", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -20_000, max: 20_000 }),
        fc.integer({ min: 0, max: 20_000 }),
        async (aheadMs, doubtMs) => {
          const warnings: string[] = [];
          const nowMs = Date.now() + aheadMs;
          const session = {
            store: { clock: async () => ({ aheadMs, doubtMs }), now: () => new Date(nowMs) },
            terminal: { warn: (text: string) => void warnings.push(text) },
          } as unknown as Session;
          const { since } = await selectionByServer(parseSelection({ since: "90m" }, new Date()), session);
          expect(since).toBe(BigInt(nowMs - 90 * 60_000) * 1_000_000n);
          expect(warnings.length).toBe(Math.abs(aheadMs) - doubtMs > 5000 ? 1 : 0);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("a job was stamped by a clock that is ahead", () => {
  test("it is among the newest, however long ago it was stored, and a warning says why", async () => {
    // A job a second, each stamped when it was stored, but for the first two. A part of the stream looks whole here.
    const total = 4000;
    const others = Array.from({ length: total }, (_, i) => [`job-${i}`, (total - i) * 1000]);
    const start = Date.now() - total * 1000;
    await putJobs({ ahead: -HOUR, further: -3 * HOUR, ...Object.fromEntries(others) });
    const { env, stop } = await startShifted(server.port, 0, (sequence) => start + (sequence - 3) * 1000);
    const run = (...args: string[]) => zester(["job", ...args], { env });
    const warning =
      /^warning: 2 jobs created in the future \(further in (3h|2h59m)\): a clock is ahead of the server's. These jobs are sorted as the newest\.\n$/;
    for (const [n, jids] of [
      ["1", ["further"]],
      ["2", ["ahead", "further"]],
      ["3", ["job-3999", "ahead", "further"]],
    ] as const)
      for (const view of ["list", "active"]) {
        const { stdout, stderr, code } = await run(view, "-n", n, "-q");
        expect([stdout, code]).toEqual([jids.map((jid) => `${jid}\n`).join(""), 0]);
        expect(stderr).toMatch(warning);
      }
    const since = await run("list", "--since", "1h", "--format", "json");
    expect((JSON.parse(since.stdout) as { jid: string }[]).slice(-2).map(({ jid }) => jid)).toEqual([
      "ahead",
      "further",
    ]);
    expect(since.stderr).toMatch(warning);
    expect((await run("list", "--count")).stderr).toBe("");
    stop();
  });

  test("the newest of random jobs are the newest by their own account", async () => {
    const ages = fc.sample(
      fc.oneof(fc.integer({ min: 0, max: 5 * HOUR }), fc.integer({ min: -5 * HOUR, max: 5 * HOUR })),
      3000,
    );
    const jobs = Object.fromEntries(ages.map((age, i) => [`job-${i}`, age]));
    await putJobs(jobs);
    const text = (a: string, b: string) => (a < b ? -1 : 1);
    const order = Object.entries(jobs)
      .sort(([a, x], [b, y]) => y - x || text(a, b))
      .map(([jid]) => jid);
    for (const n of [1, 2, 7, 100, 2999]) {
      const { stdout } = await zester(["job", "list", "-q", "-n", String(n)], {
        env: { NATS_URL: server.url },
      });
      expect(stdout.split("\n").slice(0, -1)).toEqual(order.slice(-n));
    }
  });
});

describe("this machine's clock plays no part in what is said of jobs", () => {
  const ago = (seconds: number) => new Time(BigInt(Date.now() - seconds * 1000) * 1_000_000n);
  const MINUTE = 60;
  /** The master's heart beats as long as the tests run. */
  let beating: ReturnType<typeof setInterval>;

  beforeAll(async () => {
    await emptyBuckets(nc);
    const masters = await nc.jetstream().views.kv("master-heartbeat");
    const beat = async () =>
      void (await masters.put(
        "m1",
        encode({ master_id: "m1", active_jobs: ["healthy", "overdue"], timestamp: ago(0) }),
      ));
    await beat();
    beating = setInterval(beat, 5_000);
    // Half a minute off the full one: what is told in minutes stays the same while the tests run.
    const put = (jid: string, minutes: number, fields: object) => {
      const created = ago((minutes + 0.5) * MINUTE);
      const record = { targets: ["web-1", "web-2"], owner: "m1", created, updated: created, ...fields };
      nc.publish(`$KV.jobs.${jid}`, encode(jobRecord(jid, record)));
    };
    put("healthy", 10, { status: "running", deadline: ago(-90.5 * MINUTE) });
    put("overdue", 20, { status: "running", deadline: ago(5.5 * MINUTE) });
    put("orphan", 30, { status: "running", owner: "m2", deadline: ago(-90.5 * MINUTE) });
    for (const [jid, minutes] of [
      ["older", 90],
      ["ended", 40],
    ] as const) {
      put(jid, minutes, { status: "failed", return_count: 2n, success_count: 1n });
      for (const [peel, error] of [
        ["web-1", undefined],
        ["web-2", "no space left"],
      ] as const) {
        const answer = { jid, peel_id: peel, success: !error, return_data: null, ...(error && { error }) };
        const record = { ...answer, duration: 1_000_000_000n, timestamp: ago((minutes - 1) * MINUTE) };
        nc.publish(`$KV.job-returns.${jid}.${peel}`, encode(record));
      }
    }
    await nc.flush();
  });
  afterAll(() => clearInterval(beating));

  /** What a program needs in its environment to see this machine's clock so far off. */
  async function off(offset: string): Promise<Record<string, string>> {
    let preload: string | undefined;
    // It fails when a process with its id left its semaphore behind: the next has another id.
    for (let i = 0; i < 5 && !preload; i++) {
      const { stdout } = await run(["faketime", "-f", offset, "env"], { env: { PATH: process.env.PATH ?? "" } });
      preload = /^LD_PRELOAD=(.+)$/m.exec(stdout)?.[1];
    }
    if (!preload) throw new Error("faketime is not there: .ci/setup installs it");
    return { LD_PRELOAD: preload, FAKETIME: offset, NATS_URL: server.url, TZ: "UTC" };
  }

  const COMMANDS = [
    ["job", "list"],
    ["job", "list", "--wide"],
    ["job", "list", "--columns", "jid,age,duration,stuck"],
    ["job", "list", "--columns", "jid,age,stuck", "--format", "jsonl"],
    ["job", "list", "--since", "35m", "-q"],
    ["job", "active"],
    ["job", "active", "--format", "csv"],
    ["job", "errors"],
    ["job", "errors", "--by", "job"],
    ["job", "history", "web-2"],
    ["job", "stats"],
    ["job", "grep", "space"],
    ["job", "show", "healthy", "--summary"],
    ["job", "show", "overdue", "--summary"],
    ["job", "show", "ended", "--summary"],
    ["job", "show", "@last"],
    ["job", "trace", "healthy"],
    ["job", "trace", "overdue"],
    ["job", "trace", "orphan"],
    ["job", "wait", "ended"],
    ["job", "diff", "older", "ended"],
    ["job", "kill", "healthy", "overdue", "--dry-run"],
    ["job", "kill", "healthy", "overdue", "--dry-run", "--format", "json"],
    ["job", "kill", "--since", "1h", "--dry-run"],
    ["job", "retry", "ended", "--dry-run"],
  ];

  /** Two texts that were made one soon after the other: the seconds may differ by a few. */
  function expectAlike(text: string, other: string): void {
    const SECONDS = /\d+(?:\.\d+)?(?=s\b)|(?<=Z,)[\d.]+|(?<=duration":)[\d.]+/g;
    expect(text.replace(SECONDS, "…")).toBe(other.replace(SECONDS, "…"));
    const [some, others] = [text, other].map((one) => [...one.matchAll(SECONDS)].map(Number));
    some?.forEach((seconds, i) => void expect(Math.abs(seconds - (others?.[i] ?? 0))).toBeLessThan(8));
  }

  const right = () => ({ NATS_URL: server.url, TZ: "UTC" });

  test.each(some(["-5h", "-20s", "+20s", "+5h"], 3))("by %s", async (offset) => {
    const env = await off(offset);
    for (const args of COMMANDS) {
      const [first, second] = [await zester(args, { env }), await zester(args, { env: right() })];
      // With --since it is told that the clocks differ.
      const stderr = first.stderr.replace(/^warning: this machine's clock is .*\n/m, "");
      const head = `${args.join(" ")}: ${second.code}\n`;
      expectAlike(`${args.join(" ")}: ${first.code}\n${first.stdout}${stderr}`, head + second.stdout + second.stderr);
    }
  });

  test.each(["-5h", "+20s"])("completion, by %s", async (offset) => {
    const env = await off(offset);
    // It has a short time for its answer, and offers nothing after it.
    await until("both offer jobs", async () => {
      const offers = [env, right()].map((one) => zester(["__complete", "job", "show", "="], { env: one }));
      const [first = "", second = ""] = (await Promise.all(offers)).map(({ stdout }) => stdout);
      if (!first.includes("healthy") || !second.includes("healthy")) return false;
      expectAlike(first, second);
      return true;
    });
  });

  test.each(["-5h", "+20s"])("watch, by %s", async (offset) => {
    const size = { cols: 150, rows: 20 };
    const boards = [await off(offset), right()].map((env) => new Running(["job", "watch"], env, size));
    const rows = await Promise.all(
      boards.map(async (board) => {
        await board.until("2 stuck");
        board.signal("SIGINT");
        expect(await board.ended()).toBe(130);
        const text = Bun.stripANSI(board.out.slice(board.out.lastIndexOf("2 stuck"))).replaceAll("\r", "");
        return ["orphan", "overdue", "healthy"]
          .map((jid) => new RegExp(`^[> ] (${jid} .*)`, "m").exec(text)?.[1])
          .join("\n");
      }),
    );
    expect(rows[0]).toMatch(/^orphan .*, stuck .*\noverdue .*, stuck .*\nhealthy .* running /);
    expectAlike(...(rows as [string, string]));
  });

  test("config check tells how far it is off", async () => {
    const { stdout } = await zester(["config", "check"], { env: await off("+5h") });
    expect(stdout).toMatch(/warn +clock +5h ahead of the server/);
    expect(stdout).toMatch(/ok +masters +m1 [0-9.]+m?s ago/);
  });
});
