// `job retry` of the recorded stories: which peels it selects, and that the new job has the arguments of the old one as bytes.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, type NatsConnection } from "nats";
import { faultOf } from "../support/dispatch-request.ts";
import { type Dispatches, fieldsOf, sentRecord, valueBetween, watchDispatches } from "../support/dispatches.ts";
import { encode, zester } from "../support/harness.ts";
import { type StorySite, serveStories } from "../support/stories.ts";
import stories from "../support/wire-stories.json" with { type: "json" };

const RULE = "rxn-0123456789abcdef0123456789abcdef";

let site: StorySite;
let nc: NatsConnection;
let dispatches: Dispatches;
beforeAll(async () => {
  site = await serveStories();
  nc = await connect({ servers: site.env.NATS_URL });
  // Takes what a master would, and writes it down as it came.
  const jobs = await nc.jetstream().views.kv("jobs");
  nc.subscribe("zester.dispatch", {
    callback: async (_, msg) => {
      const error = faultOf(msg.data);
      if (error !== undefined) return msg.respond(encode({ error }));
      const { jid } = fieldsOf(Buffer.from(msg.data)) as { jid: string };
      await jobs.put(jid, sentRecord(msg.data));
      return msg.respond(encode({ jid }));
    },
  });
  dispatches = await watchDispatches(nc);
});
afterAll(async () => {
  await nc.close();
  await site.stop();
});

const run = (...args: string[]) => zester(["job", "retry", ...args], { env: site.env });

/** The record that the story stored last, as bytes. */
const stored = (jid: string) =>
  Buffer.from(stories.findLast(({ bucket, key }) => bucket === "jobs" && key === jid)?.base64 ?? "", "base64");

test.each([
  ["2hPxSFailed", "web-02"],
  ["2hPxSCut", "db-02"],
  ["2hPxSReclaim", "web-01"],
  ["2hPxSBusy", "db-01"],
])("%s is run again on %s, with the same bytes", async (jid, peel) => {
  const { stdout, code } = await run(jid, "--yes");
  expect(stdout).toMatch(/^Job \w{27} dispatched to 1 peel\n$/);
  expect(code).toBe(0);
  const [request, ...more] = await dispatches.take();
  expect(more).toEqual([]);
  const { targets, metadata, target_expr, timeout } = fieldsOf(request as Buffer);
  const means = fieldsOf(stored(jid));
  expect([targets, metadata, target_expr]).toEqual([[peel], { retry_of: jid }, `L@${peel}`]);
  expect(timeout).toBe(means.timeout);
  for (const [name, next, before] of [
    ["function", "args", "args"],
    ["args", "targets", "targets"],
    ["timeout", "status", "status"],
    ["state_id", "target_expr", "target_expr"],
  ] as const)
    expect(valueBetween(request as Buffer, name, next)).toEqual(valueBetween(stored(jid), name, before));
});

test.each(["2hPxSLate", "2hPxSTest", "2hPxSSched", "2hPxSRest", "2hPxSEarly", "2hPxSAlien", "2hPxSTwice", RULE])(
  "%s: nothing to retry",
  async (jid) => {
    const { stdout, stderr, code } = await run(jid, "--yes");
    expect(stdout).toMatch(/^Nothing to retry: (the only peel|all \d peels) returned ok( \(\d late\))?\.\n$/);
    expect(stdout.includes("late")).toBe(jid === "2hPxSLate" || jid === "2hPxSRest");
    expect([stderr, code]).toEqual(["", 0]);
    expect(await dispatches.take()).toEqual([]);
  },
);

test.each(["2hPxSLate", "2hPxSRest", "2hPxSCut", "2hPxSFailed"])(
  "%s: bad is the same for show, retry and history",
  async (jid) => {
    const job = (...args: string[]) => zester(["job", ...args], { env: site.env });
    const lines = (text: string) => text.split("\n").filter(Boolean);
    const bad = lines((await job("show", jid, "--bad", "-q")).stdout);
    const retried = (await run(jid, "--bad", "--dry-run", "--format", "json")).stdout;
    expect(bad).toEqual(retried === "" ? [] : JSON.parse(retried).targets);
    const all = JSON.parse((await job("trace", jid, "--format", "json")).stdout).peels.map(
      ({ peel_id }: { peel_id: string }) => peel_id,
    );
    for (const peel of all) {
      const history = JSON.parse((await job("history", peel, "--state", "bad", "--format", "json")).stdout);
      const isThere = history.some((entry: { jid: string }) => entry.jid === jid);
      expect([peel, isThere]).toEqual([peel, bad.includes(peel)]);
    }
  },
);

test("a job that goes on: refused; forced, what it does is said, and only targets of it are sent to", async () => {
  await site.beat();
  const refused = await run("2hPxSForged", "--yes");
  expect(refused.stderr).toStartWith("error: job 2hPxSForged has not ended: running. Nothing was sent.\n");
  const forced = await run("2hPxSForged", "--yes", "--force");
  expect(forced.stderr).toContain("warning: job 2hPxSForged may still run: 1 executing: db-01; 1 offline: db-02.\n");
  const [request] = await dispatches.take();
  expect(fieldsOf(request as Buffer).targets).toEqual(["db-01", "db-02"]);
});

test("all of a dry run keeps its arguments and is called one; a late return that is ok can be named", async () => {
  const dry = await run("2hPxSTest", "--all", "--yes");
  expect(dry.stderr).toMatch(
    /^retry of 2hPxSTest \(complete .* ago, by ops\): state\.apply nginx \(dry run\) on 1 of 1 peel\n/,
  );
  expect(dry.stderr).toContain("warning: 1 peel returned ok and will run it again.\n");
  const [request] = await dispatches.take();
  expect(fieldsOf(request as Buffer).args).toEqual({ state: "nginx", test: true });
  await run("2hPxSLate", "--all", "--peel", "web-09", "--yes");
  const [late] = await dispatches.take();
  expect(fieldsOf(late as Buffer).targets).toEqual(["web-09"]);
});

test("a peel's own schedule gave no timeout: refused without one; nothing of its metadata is copied", async () => {
  const refused = await run("2hPxSSched", "--all", "--yes");
  expect(refused.stderr).toBe(
    "error: job 2hPxSSched has no timeout. Nothing was sent.\nSet one with --job-timeout 5m.\n",
  );
  const { code } = await run("2hPxSSched", "--all", "--yes", "--job-timeout", "5m");
  const [request] = await dispatches.take();
  const { timeout, metadata, v } = fieldsOf(request as Buffer);
  expect([code, timeout, metadata, v]).toEqual([0, 300_000_000_000n, { retry_of: "2hPxSSched" }, undefined]);
});
