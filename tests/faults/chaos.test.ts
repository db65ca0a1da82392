// Faults at random moments: an answer is whole or there is none, and who follows goes on. ZESTER_CHAOS_RUNS makes more of
// them, ZESTER_SEED repeats some.

import { afterAll, beforeAll, expect, test } from "bun:test";
import type { NatsConnection } from "nats";
import {
  createBuckets,
  encode,
  jobRecord,
  Running,
  type Server,
  startServer,
  Time,
  until,
} from "../support/harness.ts";
import { draws } from "../support/length.ts";
import { type FaultyLink, startFaultyLink } from "../support/proxy.ts";
import { randomFrom, SEED } from "../support/random.ts";

const ASKED = Number(process.env.ZESTER_CHAOS_RUNS ?? 0);
const RUNS = ASKED || draws(24, 60);
/** Each mostly waits. */
const WORKERS = RUNS > 500 ? 6 : 3;
const TIMEOUT_MS = 700;
/** What else a command may take: starting, a machine that is busy, the goodbye. */
const MARGIN_MS = 3_000;

/** Commands that answer once; `job-1` has ended. */
const ONCE = {
  list: ["list"],
  active: ["active"],
  show: ["show", "job-1"],
  trace: ["trace", "job-1", "--format", "jsonl"],
  kill: ["kill", "job-0"],
  errors: ["errors", "--since", "2020-01-01", "--format", "json"],
  grep: ["grep", "lock", "--since", "2020-01-01", "--format", "jsonl"],
  history: ["history", "web-02", "--format", "json"],
  diff: ["diff", "job-3", "job-5", "--format", "json"],
} as const;

/** Commands that stay until the job `JID` has ended: how that reads, and what shows that they have come as far as the job. */
const FOLLOW = {
  wait: { args: ["wait", "JID"], end: /^Job JID canceled in \S+: 1 silent\n$/, code: 5 },
  "watch <jid>": {
    args: ["watch", "JID"],
    end: /^Job JID .*: 0 of 1 peel done\nJob JID canceled in \S+: 1 silent\n$/,
    code: 5,
  },
  watch: {
    args: ["watch", "--target", "JID"],
    up: " running ",
    end: /^.* running .*\n.* canceled .*\n$/,
    code: 130,
  },
  "trace -f": {
    args: ["trace", "JID", "--follow"],
    up: " dispatched",
    end: / dispatched\n(.|\n)*\nState +canceled\n/,
    code: 5,
  },
  "kill --wait": {
    args: ["kill", "JID", "--wait"],
    up: "Cancel signal sent",
    end: /^Cancel signal sent for job JID\nJob JID canceled; (1 silent: JID|JID has not answered[^\n]*)\n$/,
    code: 0,
  },
} as const;

type Chance = (most: number) => number;

/** What a fault does, and how it is undone. `server`: it strikes the server, not the way to it. */
const FAULTS: Record<string, { server?: true; strike: (place: Place, chance: Chance) => unknown }> = {
  frozen: { server: true, strike: ({ server }) => server.process.kill("SIGSTOP") },
  killed: { server: true, strike: ({ server }) => server.kill() },
  restarted: {
    server: true,
    async strike({ server }, chance) {
      await server.kill();
      await Bun.sleep(chance(200));
      await server.revive();
    },
  },
  cut: { strike: ({ link }) => link.cut() },
  hung: { strike: ({ link }) => link.hang() },
  slow: { strike: ({ link }, chance) => link.slow(200_000 + chance(2_000_000)) },
  delayed: { strike: ({ link }) => link.delay(200) },
  "reply lost": { strike: ({ link }, chance) => link.lose(Math.floor(chance(1) ** 3 * 100)) },
};

/** What a command says when nothing is in the way, and how long that takes. */
interface Expected {
  readonly said: readonly [stdout: string, stderr: string];
  readonly ms: number;
}

/** A server with jobs, and the link that faults strike. */
class Place {
  readonly expected = new Map<string, Expected>();
  signals = 0;

  private constructor(
    readonly server: Server,
    readonly link: FaultyLink,
  ) {}

  static async start(): Promise<Place> {
    const server = await startServer();
    const place = new Place(server, await startFaultyLink(server.port));
    const nc = await server.connect();
    const { jobs, returns } = await createBuckets(nc);
    const args = { text: "x".repeat(2000) };
    const peels = Array.from({ length: 100 }, (_, i) => `web-${String(i).padStart(2, "0")}`);
    const several = ["job-3", "job-5"];
    await Promise.all(
      Array.from({ length: 400 }, (_, i) => {
        const jid = `job-${i}`;
        const targets = several.includes(jid) ? peels : ["web-01"];
        return jobs.put(jid, encode(jobRecord(jid, { status: i % 2 ? "complete" : "running", args, targets })));
      }),
    );
    for (const event of ["dispatch", "ack.web-01", "return.web-01", "status"])
      nc.publish(`zester.job.job-1.${event}`, encode({ jid: "job-1", peel_id: "web-01", success: true, duration: 1n }));
    const record = { jid: "job-1", peel_id: "web-01", success: true, duration: 1n, timestamp: Time.now() };
    await returns.put("job-1.web-01", encode(record));
    for (const jid of several)
      for (const [i, peel] of peels.entries()) {
        const failed = {
          ...record,
          jid,
          peel_id: peel,
          success: i % 3 === 0,
          error: i % 3 ? `no lock ${"x".repeat(i * 60)}` : "",
        };
        await returns.put(`${jid}.${peel}`, encode(failed));
      }
    await nc.close();
    for (const [name, command] of Object.entries(ONCE)) {
      const began = performance.now();
      const { running, code } = await place.run(command);
      expect([running.err.replace(/^note: .*\n$/, ""), code]).toEqual(["", 0]);
      place.expected.set(name, { said: [running.out, running.err], ms: performance.now() - began });
    }
    return place;
  }

  begin(args: readonly string[]): Running {
    return new Running(["job", ...args], { NATS_URL: this.link.url, ZESTER_TIMEOUT: `${TIMEOUT_MS}ms` });
  }

  async run(args: readonly string[]): Promise<{ running: Running; code: number }> {
    const running = this.begin(args);
    return { running, code: await running.ended() };
  }

  /** The server lives and answers again, and so does the link. */
  async heal(): Promise<void> {
    this.link.heal();
    this.server.process.kill("SIGCONT");
    if (this.server.process.signalCode !== null) await this.server.revive();
  }

  /** The consumers of all streams: by name, after how many ns without a reader the server drops each. */
  async consumers(nc: NatsConnection): Promise<Map<string, number>> {
    const jsm = await nc.jetstreamManager();
    const lists = await Promise.all(
      ["KV_jobs", "KV_job-returns", "job-events"].map((stream) => jsm.consumers.list(stream).next()),
    );
    return new Map(lists.flat().map(({ name, config }) => [name, config.inactive_threshold ?? Infinity]));
  }

  async stop(): Promise<void> {
    this.link.stop();
    await this.server.stop();
  }
}

/** An error as people see it: a message and perhaps a hint, and nothing on stdout. */
function expectError({ out, err }: Running, code: number): void {
  expect([out, code]).toEqual(["", 1]);
  expect(err).toMatch(/^error: [^\n]+\n([^\n]+\n)?$/);
  expect(err).not.toMatch(/unexpected failure|^ +at /m);
}

const tally = new Map<string, number>();
const count = (...words: string[]) => void tally.set(words.join("\t"), (tally.get(words.join("\t")) ?? 0) + 1);

/** One fault at a random moment of a command that answers once. */
async function strikeOnce(place: Place, name: keyof typeof ONCE, kind: string, chance: Chance): Promise<void> {
  const fault = FAULTS[kind] as (typeof FAULTS)[string];
  const expected = place.expected.get(name) as Expected;
  const nc = await place.server.connect({ reconnect: false });
  let signals = 0;
  nc.subscribe("zester.job.job-0.cancel", { callback: () => void signals++ });
  await nc.flush();
  const began = performance.now();
  const running = place.begin(ONCE[name]);
  await Bun.sleep(chance(expected.ms));
  const struck = fault.strike(place, chance);
  const code = await running.ended();
  const took = performance.now() - began;
  await struck;
  await place.heal();
  if (code === 0) expect([running.out, running.err]).toEqual([...expected.said]);
  else expectError(running, code);
  // A link that is slow or late makes an answer late, but never silent for longer than the timeout.
  const patience = kind === "slow" || kind === "delayed" ? 6_000 : 0;
  expect(took).toBeLessThan(expected.ms + TIMEOUT_MS + MARGIN_MS + patience);
  // What was said to be sent is there; a server that was killed took its clients with it.
  if (name === "kill" && !nc.isClosed()) {
    if (code === 0) await until("the cancel signal", async () => signals > 0);
    expect(signals).toBeLessThanOrEqual(1);
  }
  await nc.close();
  count(name, kind, code === 0 ? "whole" : "error");
}

/** One fault at a random moment of a command that stays until a job has ended, or before it has begun to. */
async function strikeFollower(
  place: Place,
  name: keyof typeof FOLLOW,
  kind: string,
  chance: Chance,
  jid: string,
): Promise<void> {
  const fault = FAULTS[kind] as (typeof FAULTS)[string];
  const command: { args: readonly string[]; up?: string; end: RegExp; code: number } = FOLLOW[name];
  const named = (text: string) => text.replaceAll("JID", jid);
  const put = async (status: string) => {
    const nc = await place.server.connect();
    const bucket = await nc.jetstream().views.kv("jobs");
    await bucket.put(jid, encode(jobRecord(jid, { status, targets: [jid] })));
    if (status === "running") nc.publish(`zester.job.${jid}.dispatch`, encode({}));
    await nc.flush();
    await nc.close();
  };
  await put("running");
  const running = place.begin(command.args.map(named));
  const ended = running.ended();
  await Bun.sleep(chance(250));
  const struck = fault.strike(place, chance);
  await Bun.sleep(chance(600));
  await struck;
  const silent = !running.err.includes("reconnecting");
  await place.heal();
  const early = await Promise.race([
    ended,
    ...(command.up === undefined ? [] : [running.until(command.up, 30_000).then(() => undefined)]),
    ...(command.up === undefined ? [Bun.sleep(0).then(() => undefined)] : []),
  ]);
  if (early !== undefined) {
    // It had not begun to follow. Those that begin at once can only fail to connect at all.
    expectError(running, early);
    if (name === "wait" || name === "watch") expect(running.err).toContain("cannot connect");
    return count(name, kind, "error");
  }
  await put("canceled");
  const end = new RegExp(named(command.end.source));
  if (name === "watch") {
    // A change that was lost is noticed at the next one.
    if (kind === "reply lost") await running.until(/ canceled /, 1000).catch(() => put("canceled"));
    await running.until(/ canceled /, 30_000);
    running.signal("SIGINT");
  }
  const code = await ended;
  if (code === 1 && running.out === "") {
    expectError(running, code);
    if (name === "wait") expect(running.err).toContain("cannot connect");
    count(name, kind, "error");
  } else {
    expect([code, running.out, running.err]).toEqual([command.code, expect.stringMatching(end), running.err]);
    // All that is said meanwhile is that the connection was lost, and is there again, and that there are no heartbeats.
    const said = running.err.replace(/^warning: [^\n]+ Cannot tell whether silent peels are offline\.\n/m, "");
    expect(said).toMatch(/^(lost \S+; reconnecting\n|connected again\n)*$/);
    count(name, kind, said === "" && silent ? "whole" : "went on");
  }
}

/** Takes a job away again, so that the answers of other commands stay as they were. */
async function remove(place: Place, jid: string): Promise<void> {
  const nc = await place.server.connect();
  await (await nc.jetstream().views.kv("jobs")).purge(jid);
  await nc.close();
}

async function one(place: Place, seed: number, nth: number): Promise<void> {
  const random = randomFrom(seed);
  const chance: Chance = (most) => random() * most;
  const pick = <T>(from: readonly T[]) => from[Math.floor(chance(from.length))] as T;
  const name = pick([...Object.keys(ONCE), ...Object.keys(FOLLOW)]);
  const kind = pick(Object.keys(FAULTS));
  try {
    const before = await place.server.connect();
    const known = await place.consumers(before);
    await before.close();
    if (name in ONCE) await strikeOnce(place, name as keyof typeof ONCE, kind, chance);
    else {
      const jid = `run-${nth}`;
      await strikeFollower(place, name as keyof typeof FOLLOW, kind, chance, jid);
      await remove(place, jid);
    }
    const nc = await place.server.connect();
    const left = [...(await place.consumers(nc))].filter(([consumer]) => !known.has(consumer));
    await nc.close();
    // One that could not be deleted is left to the server.
    for (const [, thresholdNs] of left) expect(thresholdNs).toBe(30e9);
    if (left.length > 0) count("consumers", kind, "left to the server");
  } catch (error) {
    throw new Error(`${name}, ${kind}; repeat it with ZESTER_CHAOS_RUNS=1 ZESTER_SEED=${seed}`, {
      cause: error,
    });
  }
}

let places: Place[] = [];
beforeAll(async () => {
  places = await Promise.all(Array.from({ length: Math.min(WORKERS, RUNS) }, () => Place.start()));
});
afterAll(async () => {
  await Promise.all(places.map((place) => place.stop()));
});

test(
  `${RUNS} faults at random moments`,
  async () => {
    let next = 0;
    const failures: unknown[] = [];
    const worker = async (place: Place) => {
      while (next < RUNS && failures.length < 5) {
        const nth = next++;
        try {
          await one(place, SEED + nth, nth);
        } catch (error) {
          failures.push(error);
          await place.heal();
          await remove(place, `run-${nth}`);
        }
      }
    };
    await Promise.all(places.map(worker));
    for (const failure of failures) console.error(failure);
    expect(failures.length).toBe(0);
    if (ASKED) {
      for (const [words, times] of [...tally].sort()) console.log(`${words}\t${times}`);
      for (const place of places) {
        const nc = await place.server.connect();
        await until("streams without consumers", async () => (await place.consumers(nc)).size === 0, 60_000);
        await nc.close();
      }
    }
  },
  15 * 60_000,
);
