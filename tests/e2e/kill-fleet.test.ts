// `job kill` on a fleet that lives: several jobs, by selection, with --wait, and what it asks first.
import { afterAll, expect, test } from "bun:test";
import { away, hang, ok, serveFleet } from "../support/fleet.ts";
import { consumersLeft, encode, jobRecord, until } from "../support/harness.ts";

const { nc, fleet, run, start, stop } = await serveFleet();
afterAll(stop);

test("several: each on its own line, one that can't be sent makes it exit 1 and keeps no other", async () => {
  const [a, b] = [
    await fleet.dispatch({ fn: "test.ping", peels: { a: hang } }),
    await fleet.dispatch({ fn: "test.ping", peels: { a: hang } }),
  ];
  const { stdout, stderr, code } = await run("kill", a, "nosuch", b);
  expect(stdout).toBe(`Cancel signal sent for job ${a}\nCancel signal sent for job ${b}\n`);
  expect(stderr).toBe("error: job nosuch was not found.\n");
  expect(code).toBe(1);
  await fleet.until(a, "canceled");
  await fleet.until(b, "canceled");
});

test("--wait: how it ended, and how far it had come", async () => {
  const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: ok, b: ok, c: hang } });
  await Bun.sleep(200);
  expect(await run("kill", jid, "--wait")).toEqual({
    stdout: `Cancel signal sent for job ${jid}\nJob ${jid} canceled, 2 of 3 peels had returned\n`,
    stderr: "",
    code: 0,
  });
  const other = await fleet.dispatch({ fn: "test.ping", peels: { a: hang } });
  expect(JSON.parse((await run("kill", other, "--wait", "--format", "json")).stdout)).toEqual([
    { jid: other, signal: "sent", ended: "canceled", returned: 0, peels: 1 },
  ]);
});

test("--wait: a peel that was given up has not returned", async () => {
  const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: ok, b: away, c: hang } });
  const given = async () => (await run("show", jid, "--unreachable", "-q")).stdout === "b\n";
  await until("the master's return for b", given);
  expect(JSON.parse((await run("kill", jid, "--wait", "--format", "json")).stdout)).toEqual([
    { jid, signal: "sent", ended: "canceled", returned: 1, peels: 3 },
  ]);
});

test("a peel that ignores the signal: canceled all the same, and its late return is seen", async () => {
  const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: { does: "stubborn", ms: 1500 } } });
  expect((await run("kill", jid, "--wait")).stdout).toEndWith("canceled, 0 of 1 peel had returned\n");
  expect((await run("trace", jid)).stdout).toContain("1 unfinished");
  await until("its return", async () =>
    /\na +late .* returned after the job had ended: ok\n/.test((await run("trace", jid)).stdout),
  );
});

test("exit 6: it ended otherwise before the signal took effect", async () => {
  await fleet.jobs.put("late", encode(jobRecord("late", { status: "running" })));
  const killing = start(["kill", "late", "--wait"]);
  await killing.until("Cancel signal sent");
  await fleet.jobs.put("late", encode(jobRecord("late", { status: "complete" })));
  expect(await killing.ended()).toBe(6);
  expect(killing.out).toEndWith("Job late ended complete before the signal took effect: 1 missing\n");
});

test("a master that is gone: after 5 s it says what it sees, and exits 124", async () => {
  const heartbeats = await nc.jetstream().views.kv("master-heartbeat");
  await heartbeats.put("alive-1", encode({}));
  for (const owner of ["alive-1", "gone-1"]) {
    const record = jobRecord(owner, { status: "running", owner, targets: ["a", "b"] });
    await fleet.jobs.put(owner, encode(record));
    nc.publish(`zester.job.${owner}.dispatch`, encode(record));
    nc.publish(`zester.job.${owner}.ack.a`, encode({ jid: owner, peel_id: "a" }));
  }
  const results = await Promise.all(["alive-1", "gone-1"].map((jid) => run("kill", jid, "--wait", "--for", "6s")));
  for (const { code, stderr } of results) {
    expect(code).toBe(124);
    expect(stderr).toContain("has not ended 5s after the signal");
    expect(stderr).toContain("1 executing: a; 1 ");
    expect(stderr).toContain("error: after 6s, 1 job had not ended");
  }
  expect(results[0]?.stderr).toContain("its master alive-1 is alive; 1 executing");
  expect(results[1]?.stderr).toContain("its master gone-1 has no heartbeat; 1 executing");
  for (const jid of ["alive-1", "gone-1"]) await fleet.jobs.delete(jid);
  expect(await consumersLeft(nc)).toBe(0);
}, 20_000);

test("by selection: --dry-run sends nothing, without --yes nothing is sent, ended jobs are left alone", async () => {
  const live = await fleet.dispatch({ fn: "pkg.removed", expr: "web*", peels: { a: hang } });
  const ended = await fleet.dispatch({ fn: "pkg.removed", peels: { b: ok } });
  await fleet.until(ended, "complete");
  const signals: string[] = [];
  const sub = nc.subscribe("zester.job.*.cancel", {
    callback: (_, msg) => void signals.push(msg.subject.split(".")[2] as string),
  });
  await nc.flush();
  const selection = ["kill", "--function", "pkg.r*", "--state", "active,terminal"];
  const dry = await run(...selection, "--dry-run");
  expect(dry).toMatchObject({
    stderr: "Dry run: 1 job would be canceled, no signal was sent.\n",
    code: 0,
    stdout: expect.stringMatching(new RegExp(`\\n${live} .*\\n$`)),
  });
  const refused = await run(...selection);
  expect([refused.stdout, refused.code]).toEqual(["", 1]);
  expect(refused.stderr).toContain("1 job would be canceled, and no one can be asked. No signal was sent.");
  expect(signals).toEqual([]);
  expect((await run(...selection, "--yes")).stdout).toBe(`Cancel signal sent for job ${live}\n`);
  await fleet.until(live, "canceled");
  expect(signals).toEqual([live]);
  expect(await run(...selection, "-y")).toMatchObject({
    stdout: "No jobs that could be canceled match --state active,terminal --function pkg.r*.\n",
    code: 0,
  });
  sub.unsubscribe();
});

test.each([
  ["y\n", 0, "Cancel signal sent for job "],
  ["n\n", 1, "\nNothing canceled.\r\n"],
  ["\n", 1, "\nNothing canceled.\r\n"],
])("on a terminal it asks: %j", async (answer, code, words) => {
  const jid = await fleet.dispatch({ fn: "state.test", peels: { a: hang } });
  const asking = start(["kill", "--function", "state.test"], { cols: 100, rows: 24 });
  await asking.until("Cancel state.test on [a] (1 peel executing, by root, started ");
  expect(asking.out).toContain(jid);
  asking.type(answer);
  expect(await asking.ended()).toBe(code);
  expect(asking.out).toContain(words);
  expect(asking.out).not.toContain("error");
  await run("kill", jid);
  await fleet.until(jid, "canceled");
});

test("a shortened id is shown and agreed to first; the job that was meant may be gone", async () => {
  await fleet.jobs.put("short-10", encode(jobRecord("short-10", { status: "running" })));
  const refused = await run("kill", "short-1");
  expect([refused.stdout, refused.code]).toEqual(["", 1]);
  expect(refused.stderr).toContain("\nshort-10 ");
  expect(refused.stderr).toContain("no one can be asked");
  expect((await run("kill", "short-1", "--yes")).stdout).toBe("Cancel signal sent for job short-10\n");
  await fleet.jobs.delete("short-10");
});
