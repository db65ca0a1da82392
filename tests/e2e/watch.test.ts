// `job watch`: the board, piped and on a terminal, and one job.
import { afterAll, expect, test } from "bun:test";
import { fail, hang, ok, serveFleet } from "../support/fleet.ts";
import { consumersLeft, until } from "../support/harness.ts";

const { nc, fleet, run, start, stop } = await serveFleet();
afterAll(stop);

test("piped: a line a change, for the selected jobs only, and the end of each", async () => {
  const watching = start(["watch", "--function", "watch.*"]);
  const lines = start(["watch", "--function", "watch.*", "--format", "jsonl"]);
  await until("consumers", async () => (await consumersLeft(nc)) === 2);
  await fleet.dispatch({ fn: "test.ping", peels: { a: ok } });
  const jid = await fleet.dispatch({ fn: "watch.me", expr: "web*", peels: { a: ok, b: fail } });
  await Promise.all([watching.until(/ failed +2\/2 +1 bad\n/), lines.until('"status":"failed"')]);
  watching.signal("SIGINT");
  lines.signal("SIGTERM");
  expect([await watching.ended(), await lines.ended()]).toEqual([130, 143]);
  const states = watching.out
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/)[4]);
  expect(states).toEqual(["claimed", "running", "failed"]);
  expect(watching.out).toContain(`  ${jid}  watch.me      web*          failed    2/2      1 bad\n`);
  expect(watching.out + watching.err).not.toContain("\x1b");
  const records = lines.out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(records.map((record) => record.status)).toEqual(states);
  expect(new Set(records.map((record) => record.jid))).toEqual(new Set([jid]));
});

test("piped: the returned peels of a job that runs, in its first line too", async () => {
  const runs = await fleet.dispatch({ fn: "count.me", peels: { n1: ok, n2: ok, n3: hang } });
  await until("two returns", async () => (await run("show", runs, "--missing", "-q")).stdout === "n3\n");
  const watching = start(["watch", "--function", "count.*"]);
  await watching.until(`${runs}  count.me      [n1 n2 n3]    running   2/3\n`);
  const started = await fleet.dispatch({ fn: "count.me", peels: { n4: hang } });
  await watching.until(`${started}  count.me      [n4]          running   0/1\n`);
  expect(watching.out).toContain(`${started}  count.me      [n4]          claimed   0/1\n`);
  watching.signal("SIGINT");
  expect(await watching.ended()).toBe(130);
  await run("kill", runs, started);
});

test("on a terminal: a table in place that follows the size, and the screen as it was after Ctrl-C", async () => {
  const jid = await fleet.dispatch({ fn: "state.apply", expr: "web*", peels: { a: ok, b: hang } });
  const watching = start(["watch", "--no-color"], { cols: 120, rows: 20 });
  await watching.until(new RegExp(`${jid}  state.apply .*███░░░ 1/2 +- `));
  watching.out = "";
  watching.resize(60, 10);
  await watching.until(jid.slice(0, 8)); // what tells it from others
  const picture = (watching.out.split("\x1b[H").at(-1) as string).split("\r\n");
  expect(picture.length).toBeLessThanOrEqual(10);
  for (const line of picture) expect(line.replaceAll(/\x1b\[[KJ]|\r/g, "").length).toBeLessThanOrEqual(60);
  await run("kill", jid);
  await watching.until("canceled");
  watching.type("\x03");
  expect(await watching.ended()).toBe(130);
  expect(watching.out).toEndWith("\x1b[?25h\x1b[?1049l");
  expect(await consumersLeft(nc)).toBe(0);
});

test("one job: its returns, its end, and the exit codes of wait", async () => {
  const jid = await fleet.dispatch({
    fn: "test.ping",
    peels: { db_1: ok, b: { does: "fail", ms: 1_500, error: "x" } },
  });
  const { stdout, code } = await run("watch", jid);
  expect(stdout).toMatch(
    new RegExp(
      `^Job ${jid} test.ping on \\[db.1 b\\]: [01] of 2 peels done\ndb\\.1 +ok +20ms\nb +failed +1\\.5s +x\nJob ${jid} failed in [12]\\.\\ds: 1 failed, 1 ok\n$`,
    ),
  );
  expect(code).toBe(2);
  // The same when it has ended already, and for programs.
  const lines = (await run("watch", jid, "--format", "jsonl")).stdout.trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).success)).toEqual([expect.anything(), expect.anything(), undefined]);
  expect(JSON.parse(lines.at(-1) as string)).toMatchObject({ jid, status: "failed", failed: 1 });
});
