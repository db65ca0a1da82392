// How many peels have returned from jobs that run, wherever RETURNS is shown.
import { afterAll, expect, test } from "bun:test";
import { fail, hang, ok, serveFleet } from "../support/fleet.ts";
import { until } from "../support/harness.ts";

const { nc, fleet, run, stop } = await serveFleet();
afterAll(stop);

const first = await fleet.dispatch({ fn: "pkg.installed", peels: { a: ok, b: fail, c: hang } });
const second = await fleet.dispatch({ fn: "state.apply", peels: { a: ok, c: hang } });
await fleet.until(await fleet.dispatch({ fn: "test.ping", peels: { a: ok, b: fail } }), "failed");
await until("the returns", async () => (await fleet.returns.get(`${second}.a`)) && fleet.returns.get(`${first}.b`));
await fleet.returns.put(`${first}.alien`, "x");

/** The fields of each job, each one's last first. */
const cells = (text: string) => Object.fromEntries(text.split("\n").map((line) => [line.split(/[ ,]/)[0], line]));

test.each(["list", "active"])("%s --wide: RETURNS of jobs that run, BAD not before the end", async (command) => {
  const { stdout, stderr, code } = await run(command, "--wide", "--sort", "created");
  expect([stderr, code]).toEqual(["", 0]);
  const lines = cells(stdout);
  expect(lines[first]).toMatch(/ 2\/3 {6}- /);
  expect(lines[second]).toMatch(/ 1\/2 {6}- /);
  if (command === "list") expect(stdout).toMatch(/ failed .* 2\/2 {6}1 /);
});

test("the same for programs", async () => {
  const { stdout } = await run("list", "--format", "csv", "--state", "running");
  expect(cells(stdout)[first]).toMatch(/,2,,3,root,/);
  const flags = ["--columns", "jid,returns,returned,bad", "--state", "running"];
  const rows = [
    { jid: first, returns: "2/3", returned: 2, bad: null },
    { jid: second, returns: "1/2", returned: 1, bad: null },
  ];
  expect(JSON.parse((await run("list", ...flags, "--format", "json")).stdout)).toEqual(rows);
  expect((await run("list", ...flags, "--format", "yaml")).stdout).toContain(`"returned": 2\n`);
});

test("a job that ended without a return: 0, not unknown, though the record has no count", async () => {
  const peels = { a: hang, b: hang };
  const timeout = await fleet.dispatch({ fn: "cmd.run", user: "alone", timeoutMs: 100, peels });
  const canceled = await fleet.dispatch({ fn: "cmd.run", user: "alone", peels });
  await fleet.until(timeout, "timeout");
  await run("kill", canceled, "--wait");
  expect((await run("show", timeout, "--format", "json")).stdout).not.toContain("return_count");
  const lines = cells((await run("list", "--wide", "--user", "alone")).stdout);
  for (const jid of [timeout, canceled]) expect(lines[jid]).toMatch(/ 0\/2 {6}2 /);
  const columns = ["--columns", "state,returned,bad", "--format", "csv", "--no-header", "--sort", "state"];
  expect((await run("list", "--user", "alone", ...columns)).stdout).toBe("canceled,0,2\ntimeout,0,2\n");
});

test("one consumer for all jobs; nothing is requested where RETURNS is not shown, or no job runs", async () => {
  const requests: string[] = [];
  const listening = nc.subscribe("$JS.API.>", { callback: (_, msg) => requests.push(msg.subject) });
  const asked = async (...args: string[]) => {
    requests.length = 0;
    await run(...args);
    await nc.flush();
    return requests.filter((subject) => /^(?!.*(DELETE|NEXT)).*KV_job-returns/.test(subject));
  };
  expect(await asked("list", "--wide")).toEqual([expect.stringContaining("CONSUMER.CREATE")]);
  const flags = [[], ["--format", "json"], ["--count"], ["-q"], ["--columns", "jid,bad"]];
  for (const args of [["active"], ["list", "--wide", "--state", "terminal"], ...flags.map((more) => ["list", ...more])])
    expect([args, await asked(...args)]).toEqual([args, []]);
  listening.unsubscribe();
});
