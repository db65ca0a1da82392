// Three servers in one cluster, every stream on all of them: the leader dies.
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { fillCluster, JOBS } from "../support/cluster.ts";
import { consumersLeft, Running, type Server, until } from "../support/harness.ts";
import { expectWhole } from "../support/outcome.ts";
import { startSlowLink } from "../support/proxy.ts";

// A new leader is elected within 4 to 10 seconds.
setDefaultTimeout(120_000);

const { cluster, nc, put, everywhere, healthy, others, withoutConsumers, stop } = await fillCluster();
afterAll(stop);

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
    "for-trace": [3, "State     timeout"],
    "for-kill": [0, "Job for-kill canceled"],
  } as const;
  for (const jid of jids) {
    const [code, words] = ends[jid];
    expect([await followers[jid].ended(), followers[jid].out]).toEqual([code, expect.stringContaining(words)]);
    await board.until(new RegExp(`${jid} .* (timeout|canceled) `), 60_000);
  }
  board.signal("SIGINT");
  expect(await board.ended()).toBe(130);
  await leader.revive();
  await healthy();
});

test("afterwards the streams have no consumers", withoutConsumers);
