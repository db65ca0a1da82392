// `job kill`: which jobs get a signal, by their state.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { encode, jobRecord, Running } from "../support/harness.ts";
import { startFaultyLink } from "../support/proxy.ts";
import { startGate } from "../support/relay.ts";
import { serveBuckets } from "../support/serve.ts";

const { nc, jobs, run, stop, server } = await serveBuckets();
afterAll(stop);

beforeAll(async () => {
  for (const status of ["complete", "failed", "partial", "timeout", "canceled", "running", "pending", "claimed"])
    await jobs.put(`is-${status}`, encode(jobRecord(`is-${status}`, { status, user: "ops" })));
});

/** How many cancel signals a second client sees while `args` run. */
async function signals(...args: string[]) {
  let seen = 0;
  const sub = nc.subscribe("zester.job.*.cancel", { callback: () => void seen++ });
  await nc.flush();
  const result = await run("job", "kill", ...args);
  await nc.flush();
  sub.unsubscribe();
  return { ...result, seen };
}

test.each(["running", "pending", "claimed"])("a job that is %s gets one signal", async (status) => {
  expect(await signals(`is-${status}`)).toEqual({
    stdout: `Cancel signal sent for job is-${status}\n`,
    stderr: "",
    code: 0,
    seen: 1,
  });
});

test.each(["complete", "failed", "partial", "timeout", "canceled"])("a job that is %s gets none", async (status) => {
  const { stdout, stderr, code, seen } = await signals(`is-${status}`);
  expect([stdout, code, seen]).toEqual(["", 1, 0]);
  expect(stderr).toStartWith(`error: job is-${status} has already ended: ${status}.`);
});

test("an unknown job gets none, unless forced", async () => {
  expect(await signals("nosuch")).toMatchObject({ stdout: "", code: 1, seen: 0 });
  expect(await signals("nosuch", "--force")).toEqual({
    stdout: "Cancel signal sent for job nosuch\n",
    stderr: 'warning: no job "nosuch" is stored: --force sends the signal all the same.\n',
    code: 0,
    seen: 1,
  });
});

test("--force on a job that ended: a warning says so, also before the end that --wait reports", async () => {
  const stderr = "warning: job is-failed has already ended (failed): --force sends the signal all the same.\n";
  const stdout = "Cancel signal sent for job is-failed\n";
  expect(await signals("is-failed", "--force")).toEqual({ stdout, stderr, code: 0, seen: 1 });
  const ended = "Job is-failed ended before the signal took effect: failed";
  expect(await signals("is-failed", "--force", "--wait")).toEqual({
    stdout: expect.stringContaining(`${stdout}${ended}`),
    stderr,
    code: 6,
    seen: 1,
  });
  expect(await signals("is-running", "--force")).toMatchObject({ stderr: "", code: 0, seen: 1 });
});

test("--force waits a second for the search for a prefix", async () => {
  // The search reads the keys through these requests; the look-up of the ID uses another.
  const gate = await startGate(server.port, (chunk) => !/STREAM\.INFO|CONSUMER/.test(chunk.toString("latin1")));
  const began = performance.now();
  expect(await signals("nosuch", "--force", "--master", gate.url, "--timeout", "20s")).toEqual({
    stdout: "Cancel signal sent for job nosuch\n",
    stderr: 'warning: no job "nosuch" is stored: --force sends the signal all the same.\n',
    code: 0,
    seen: 1,
  });
  expect(performance.now() - began).toBeLessThan(10_000);
  gate.stop();
});

test("a prefix gets none, also with --force; of several jobs active ones are listed first", async () => {
  for (const flags of [[], ["--force"]]) {
    const { stdout, stderr, code, seen } = await signals("is-p", ...flags, "--yes");
    expect([stdout, code, seen]).toEqual(["", 1, 0]);
    expect(stderr).toMatch(/^error: ID prefix is-p matches 2 jobs:\n {2}is-pending .*\n {2}is-partial .*\nUse more/);
  }
  const { stdout, stderr, code, seen } = await signals("is-runn", "--force");
  expect([stdout, stderr, code, seen]).toEqual([
    "",
    'error: no job "is-runn": it is a prefix of is-running.\nUse the full ID with --force.\n',
    1,
    0,
  ]);
});

test("on a terminal: how to see the end; Ctrl-C at the question, or a lost server, sends none", async () => {
  const link = await startFaultyLink(server.port);
  const asking = (...args: string[]) =>
    new Running(["job", "kill", ...args], { NATS_URL: link.url }, { cols: 80, rows: 24 });
  const named = asking("is-running");
  expect(await named.ended()).toBe(0);
  expect(named.out).toEndWith("\nSome peels may not stop. To see how the job ends: `zester job wait is-running`.\r\n");
  const several = asking("--state", "running,pending");
  await several.until("Cancel 2 jobs (2 peels, by ops)? [y/N] ");
  several.type("\x03");
  expect(await several.ended()).toBe(130);
  expect(several.out).toEndWith("[y/N] ^C\r\nNothing canceled.\r\n");
  const lost = asking("is-runn");
  await lost.until("[y/N] ");
  link.stop();
  lost.type("y\n");
  expect(await lost.ended()).toBe(1);
  const text = Bun.stripANSI(lost.out).replaceAll("\r\n", " ");
  expect(text).toMatch(
    /error: \S+: the connection to the server was lost\. No signal was sent\. Run the command again\. $/,
  );
});

test("--test is a dry run elsewhere in the fleet: no signal", async () => {
  const refused = {
    stdout: "",
    stderr: "error: --test is not a dry run here. Nothing was sent.\nUse --dry-run.\n",
    code: 1,
  };
  expect(await signals("is-running", "--test")).toEqual({ ...refused, seen: 0 });
  expect(await signals("is-running", "--force", "--test")).toEqual({ ...refused, seen: 0 });
  expect(await signals("is-running", "--test", "--dry-run")).toMatchObject({ code: 0, seen: 0 });
});

/** What programs get, and the exit code. */
async function json(...args: string[]) {
  const { stdout, code } = await run("job", "kill", ...args, "--format", "json");
  return [JSON.parse(stdout), code];
}

test("json is always an array, and every job of it tells what became of its signal", async () => {
  const sent = { jid: "is-running", signal: "sent" };
  const ended = {
    jid: "is-failed",
    signal: "not sent",
    reason: "job is-failed has already ended: failed. No signal was sent.",
    ended: "failed",
  };
  const missing = { jid: "nosuch", signal: "not sent", reason: expect.stringContaining('no job "nosuch"') };
  expect(await json("is-running")).toEqual([[sent], 0]);
  expect(await json("is-failed")).toEqual([[ended], 1]);
  expect(await json("nosuch")).toEqual([[missing], 1]);
  expect(await json("nosuch", "is-running", "is-failed")).toEqual([[missing, sent, ended], 1]);
  expect(await json("--function", "no.such", "--yes")).toEqual([[], 0]);
  // Not agreed to, because no one can be asked.
  const { code, stdout, stderr } = await run("job", "kill", "--state", "pending", "--format", "json");
  const reason = "refusing to cancel job is-pending without confirmation. No signal was sent.";
  expect([JSON.parse(stdout), code]).toEqual([[{ jid: "is-pending", signal: "not sent", reason }], 1]);
  expect(stderr).toContain("error: refusing to cancel 1 job without confirmation. No signal was sent.\nUse --yes");
});

test("a dry run has the exit code of the kill: 1 for a job that ended", async () => {
  const [dry, real] = [await signals("is-failed", "--dry-run"), await signals("is-failed")];
  expect(dry).toEqual(real);
  expect([dry.code, dry.seen]).toEqual([1, 0]);
  const both = await signals("is-running", "is-failed", "--dry-run");
  expect([both.code, both.seen]).toEqual([1, 0]);
  expect(both.stderr).toMatch(/^error: job is-failed has already ended: failed\. No signal was sent\.$/m);
});

test("json of a dry run: none, not not sent", async () => {
  const none = { jid: "is-running", signal: "none (dry run)" };
  expect(await json("is-running", "--dry-run")).toEqual([[none], 0]);
  const [both, code] = await json("is-running", "is-failed", "nosuch", "--dry-run");
  expect(both).toMatchObject([none, { signal: "not sent", ended: "failed" }, { jid: "nosuch", signal: "not sent" }]);
  expect(code).toBe(1);
  expect(await json("--function", "no.such", "--dry-run")).toEqual([[], 0]);
});

test("json when --wait runs out", async () => {
  expect(await json("is-running", "--wait", "--for", "200ms")).toEqual([[{ jid: "is-running", signal: "sent" }], 124]);
});

test("nothing listens and no stream stores it: an error", async () => {
  await (await nc.jetstreamManager()).streams.delete("job-events");
  const { stdout, stderr, code } = await run("job", "kill", "is-running");
  expect(stderr).toStartWith("error: nothing listens on zester.job.is-running.cancel");
  expect([stdout, code]).toEqual(["", 1]);
});

test("no bucket to look into: sent, with a warning", async () => {
  await (await nc.jetstreamManager()).streams.delete("KV_jobs");
  const { stdout, stderr, code, seen } = await signals("any");
  expect([stdout, code, seen]).toEqual(["Cancel signal sent for job any\n", 0, 1]);
  expect(stderr).toContain("could not check");
});
