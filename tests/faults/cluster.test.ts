// Three servers in one cluster, every stream on all of them: any node will do, and nodes may go away.
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { fillCluster, JOBS } from "../support/cluster.ts";
import { Running, type Server, until, zester } from "../support/harness.ts";
import { draws } from "../support/length.ts";
import { expectUnavailable, expectWhole } from "../support/outcome.ts";
import { startSlowLink } from "../support/proxy.ts";

// A new leader is elected within 4 to 10 seconds.
setDefaultTimeout(120_000);

const { cluster, nc, put, everywhere, healthy, named, others, withoutConsumers, stop } = await fillCluster();
afterAll(stop);

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
  const lists = draws(12, 60);
  for (let i = 0; i < lists; i++) {
    const master = (cluster.nodes[i % 3] as Server).url;
    expect(await zester(["job", "list", "--count", "--master", master])).toEqual({
      stdout: `${JOBS}\n`,
      stderr: "",
      code: 0,
    });
  }
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
    expectWhole({ stdout: running.out, stderr: running.err, code }, JOBS);
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
    } else if (args[0] !== "show" || result.code !== 0) expectUnavailable(result);
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

test("afterwards the streams have no consumers", withoutConsumers);
