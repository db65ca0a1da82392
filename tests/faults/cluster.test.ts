// Three servers in one cluster, every stream on all of them: any node will do, and leaders may die.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { KV, NatsConnection } from "nats";
import { type Cluster, startCluster } from "../support/cluster.ts";
import {
  consumersLeft,
  createBuckets,
  encode,
  jobRecord,
  type Result,
  Running,
  type Server,
  Time,
  until,
  zester,
} from "../support/harness.ts";
import { times } from "../support/length.ts";
import { startSlowLink } from "../support/proxy.ts";

// A new leader is elected within 4 to 10 seconds.
setDefaultTimeout(120_000);

const JOBS = 300;
let cluster: Cluster;
let nc: NatsConnection;
let jobs: KV;

/** Stores a job's record; as often as it takes while no leader can. */
const put = (jid: string, status: string) =>
  until(`a place for ${jid}`, async () => {
    await jobs.put(jid, encode(jobRecord(jid, { status, targets: ["a"] })));
    return true;
  });

/** Every node has the job: a replica applies what the others stored up to a second later, and may be the one that answers. */
async function everywhere(jid: string): Promise<void> {
  for (const node of cluster.nodes) {
    const client = await node.connect();
    await until(`${jid} on ${node.url}`, async () => {
      const { headers } = await client.request(`$JS.API.DIRECT.GET.KV_jobs.$KV.jobs.${jid}`);
      return !headers || headers.code < 400;
    });
    await client.close();
  }
}

/** All replicas of all streams are there and have everything. */
const healthy = () =>
  until("a healthy cluster", async () => {
    const jsm = await nc.jetstreamManager({ checkAPI: false });
    for (const name of ["KV_jobs", "KV_job-returns", "job-events"]) {
      const { cluster: peers } = await jsm.streams.info(name);
      if (!peers?.leader || peers.replicas?.length !== 2 || !peers.replicas.every((one) => one.current))
        return false;
    }
    return true;
  });

/** The names of a stream's consumers; asking for more takes nats-server 2.9 seconds while one of them is dead. */
const named = async (stream: string) =>
  (await nc.request(`$JS.API.CONSUMER.NAMES.${stream}`, "{}")).json<{ consumers?: string[] }>().consumers ??
  [];

const others = (...nodes: Server[]) => cluster.nodes.filter((node) => !nodes.includes(node));

/** A whole answer, or none and an error of a message and a hint. */
function expectWhole({ stdout, stderr, code }: Result, lines: number): void {
  if (code === 0) expect([stderr, stdout.split("\n").length]).toEqual(["", lines + 1]);
  else expectError({ stdout, stderr, code });
}

function expectError({ stdout, stderr, code }: Result): void {
  expect([stdout, code]).toEqual(["", 1]);
  expect(stderr).toMatch(/^error: .*\n.*\n$/);
  expect(stderr).toMatch(
    /no answer to .* within|is incomplete|connection to the server was lost|temporarily unavailable/,
  );
}

beforeAll(async () => {
  cluster = await startCluster();
  nc = await cluster.connect();
  const buckets = await createBuckets(nc, { replicas: 3 });
  jobs = buckets.jobs;
  // Some 6 MB, so that a scan takes many pulls.
  const args = { text: "x".repeat(20_000) };
  const seed = (_: unknown, i: number) =>
    jobs.put(`job-${i}`, encode(jobRecord(`job-${i}`, { status: i % 3 ? "complete" : "running", args })));
  await Promise.all(Array.from({ length: JOBS }, seed));
  await buckets.returns.put(
    "job-1.web-01",
    encode({ jid: "job-1", peel_id: "web-01", success: true, duration: 1n, timestamp: Time.now() }),
  );
  await healthy();
});
afterAll(async () => {
  await nc?.close();
  await cluster?.stop();
});

test("every node gives the same answers, also behind addresses that are dead", async () => {
  const wanted = { list: JOBS + 1, active: JOBS / 3 + 1 };
  const signals: string[] = [];
  nc.subscribe("zester.job.*.cancel", { callback: (_, msg) => void signals.push(msg.subject) });
  await nc.flush();
  const shown = new Set<string>();
  const leader = await cluster.leader(nc, "KV_jobs");
  for (const node of [leader, ...others(leader)]) {
    const master = ["--master", `nats://127.0.0.1:1,nats://127.0.0.1:2,${node.url}`];
    for (const [command, lines] of Object.entries(wanted)) {
      const { stdout, stderr, code } = await zester(["job", command, ...master]);
      expect([stderr, code, stdout.trimEnd().split("\n").length]).toEqual(["", 0, lines]);
    }
    const show = await zester(["job", "show", "job-1", ...master]);
    expect([show.stderr, show.code]).toEqual(["", 0]);
    shown.add(show.stdout);
    expect(await zester(["job", "kill", "job-3", ...master])).toEqual({
      stdout: "Cancel signal sent for job job-3\n",
      stderr: "",
      code: 0,
    });
  }
  expect(shown.size).toBe(1);
  expect([...shown][0]).toContain("web-01");
  await until("three signals", async () => signals.length === 3);
  expect(new Set(signals)).toEqual(new Set(["zester.job.job-3.cancel"]));
});

test("a consumer on another node is found, however new it is", async () => {
  const lists = times(12, 60);
  for (let i = 0; i < lists; i++) {
    const master = (cluster.nodes[i % 3] as Server).url;
    expect(await zester(["job", "list", "--count", "--master", master])).toEqual({
      stdout: `${JOBS}\n`,
      stderr: "",
      code: 0,
    });
  }
});

test("the leader dies: scans are whole or fail, those who follow see the end through the new one", async () => {
  const jids = ["for-wait", "for-watch", "for-trace", "for-kill"] as const;
  for (const jid of jids) {
    await put(jid, "running");
    await everywhere(jid);
  }
  const leader = await cluster.leader(nc, "KV_jobs");
  const [node] = others(leader) as [Server];
  const follow = (...args: string[]) => new Running(["job", ...args], { NATS_URL: cluster.urls });
  const followers = {
    "for-wait": follow("wait", "for-wait"),
    "for-watch": follow("watch", "for-watch"),
    "for-trace": follow("trace", "for-trace", "--follow"),
    "for-kill": follow("kill", "for-kill", "--wait"),
  };
  const board = follow("watch", "--target", "a");
  await followers["for-kill"].until("Cancel signal sent");
  await board.until("for-kill");
  const link = await startSlowLink(node.port, 1_000_000);
  const before = await until("consumers of those who follow", async () => {
    const count = await consumersLeft(nc);
    return count >= 8 && count; // three of watch <jid>, two of trace, one each of the others
  });
  const began = performance.now();
  const scan = (...args: string[]) => {
    const running = new Running(["job", ...args, "--master", link.url, "--timeout", "3s"], {});
    return running.ended().then((code) => ({ stdout: running.out, stderr: running.err, code }));
  };
  const scans = [scan("list", "--no-header"), scan("list", "--format", "jsonl", "--sort", "jid")];
  let over = 0;
  for (const one of scans) void one.then(() => over++);
  await until("the scans' consumers", async () => (await consumersLeft(nc)) >= before + scans.length);
  await leader.kill();
  expect(over).toBe(0);
  for (const result of await Promise.all(scans)) expectWhole(result, JOBS + jids.length);
  // 6 MB twice through 1 MB a second, and the timeout.
  expect(performance.now() - began).toBeLessThan(25_000);
  link.stop();

  for (const jid of jids) await put(jid, jid === "for-kill" ? "canceled" : "timeout");
  const ends = {
    "for-wait": [3, "Job for-wait timeout"],
    "for-watch": [3, "Job for-watch timeout"],
    "for-trace": [0, "State     timeout"],
    "for-kill": [0, "Job for-kill canceled"],
  } as const;
  for (const jid of jids) {
    const [code, words] = ends[jid];
    expect([await followers[jid].ended(), followers[jid].out]).toEqual([
      code,
      expect.stringContaining(words),
    ]);
    await board.until(new RegExp(`${jid} .* (timeout|canceled) `), 60_000);
  }
  board.signal("SIGINT");
  expect(await board.ended()).toBe(130);
  await leader.revive();
  await healthy();
});

test("the node that hosts the scan's consumer dies", async () => {
  const expected = (await zester(["job", "list", "--no-header", "--master", cluster.urls])).stdout;
  const node = await cluster.leader(nc, "KV_jobs");
  const link = await startSlowLink(node.port, 1_000_000);
  const jsm = await nc.jetstreamManager({ checkAPI: false });
  for (;;) {
    const known = new Set(await named("KV_jobs"));
    const running = new Running(["job", "list", "--no-header", "--master", link.url, "--timeout", "3s"], {});
    let over = false;
    const ended = running.ended().finally(() => {
      over = true;
    });
    const leader = await until("the scan's consumer", async () => {
      const name = (await named("KV_jobs")).find((one) => !known.has(one));
      return name !== undefined && (await jsm.consumers.info("KV_jobs", name)).cluster?.leader;
    });
    const host = cluster.node(leader);
    if (host === node) {
      // The server chose the node that is asked: it must be another one.
      running.signal("SIGINT");
      expect(await ended).toBe(130);
      continue;
    }
    expect(over).toBe(false);
    await host.kill();
    const code = await ended;
    expectWhole({ stdout: running.out, stderr: running.err, code }, JOBS + 4);
    if (code === 0) expect(running.out).toBe(expected);
    await host.revive();
    await healthy();
    break;
  }
  link.stop();
});

test("two of three nodes are cut off: errors within the timeout, and all is well afterwards", async () => {
  // Jobs of their own: a replica may lag behind, and a job that has ended never runs again.
  for (const jid of ["cut-wait", "cut-kill"]) {
    await put(jid, "running");
    await everywhere(jid);
  }
  const [node, ...frozen] = cluster.nodes as [Server, Server, Server];
  // A master on a node that is cut off.
  const master = await frozen[0].connect();
  const signals: string[] = [];
  master.subscribe("zester.job.*.cancel", { callback: (_, msg) => void signals.push(msg.subject) });
  await master.flush();
  const waiting = new Running(["job", "wait", "cut-wait", "--master", node.url], {});
  const watching = new Running(["job", "watch", "--target", "a", "--master", node.url], {});
  await watching.until("cut-kill");
  await Promise.all(frozen.map((node) => node.freeze()));
  let sent = 0;
  const ask = async (args: readonly string[]) => {
    const began = performance.now();
    const result = await zester(["job", ...args, "--master", node.url, "--timeout", "1s"]);
    expect(performance.now() - began).toBeLessThan(5000);
    if (args[0] === "kill" && result.code === 0) {
      expect([result.stdout, result.stderr]).toEqual(["Cancel signal sent for job cut-kill\n", ""]);
      sent++;
    } else if (args[0] !== "show" || result.code !== 0) expectError(result);
    else expect(result.stdout).toContain("web-01");
    return result;
  };
  const commands = [["list"], ["active"], ["show", "job-1"], ["trace", "job-1"], ["kill", "cut-kill"]];
  await Promise.all(commands.map(ask));
  // Even when it is not looked up: what was said to be sent does arrive.
  await ask(["kill", "cut-kill", "--force"]);
  expect(sent).toBeGreaterThan(0);
  expect(signals).toEqual([]);
  for (const { process } of frozen) process.kill("SIGCONT");
  await until("the signals", async () => signals.length === sent);
  await master.close();
  await put("cut-wait", "complete");
  expect([await waiting.ended(), waiting.out]).toEqual([0, expect.stringContaining("Job cut-wait complete")]);
  await watching.until(/cut-wait .* complete /, 60_000);
  watching.signal("SIGINT");
  expect(await watching.ended()).toBe(130);
  await healthy();
});

test("afterwards the streams have no consumers", async () => {
  // nats-server 2.9 keeps the names of consumers that it gave to a node that was dead, and never answers for them: seen on
  // 2.9.10 for more than 90 seconds, also after the node was back. There, those that answer are what counts.
  const keepsNames = nc.info?.version.startsWith("2.9.") === true;
  const jsm = await nc.jetstreamManager({ checkAPI: false, timeout: 1000 });
  const answers = (stream: string, name: string) =>
    jsm.consumers.info(stream, name).then(
      () => true,
      () => false,
    );
  // The server drops those that could not be deleted after 30 seconds.
  const gone = async () => {
    for (const stream of ["KV_jobs", "KV_job-returns", "job-events"]) {
      const names = await named(stream);
      if (!keepsNames && names.length > 0) return false;
      const living = await Promise.all(names.map((name) => answers(stream, name)));
      if (living.includes(true)) return false;
    }
    return true;
  };
  await until("streams without consumers", gone, 90_000);
});
