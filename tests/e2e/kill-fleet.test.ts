// `job kill` on a fleet that lives: several jobs, by selection, with --wait, and what it asks first.
import { afterAll, expect, test } from "bun:test";
import fc from "fast-check";
import { away, type Behaviour, hang, ok, serveFleet } from "../support/fleet.ts";
import { consumersLeft, encode, jobRecord, Running, until } from "../support/harness.ts";
import { startFaultyLink } from "../support/proxy.ts";

const { nc, fleet, run, start, stop } = await serveFleet();
afterAll(stop);

test("several: each on its own line, one that can't be sent makes it exit 1 and keeps no other", async () => {
  const [a, b] = [
    await fleet.dispatch({ fn: "test.ping", peels: { a: hang } }),
    await fleet.dispatch({ fn: "test.ping", peels: { a: hang } }),
  ];
  const { stdout, stderr, code } = await run("kill", a, "nosuch", b);
  expect(stdout).toBe(`Cancel signal sent for job ${a}\nCancel signal sent for job ${b}\n`);
  expect(stderr).toBe('error: no job "nosuch".\n');
  expect(code).toBe(1);
  await fleet.until(a, "canceled");
  await fleet.until(b, "canceled");
});

test("--wait: how it ended, and how far it had come", async () => {
  const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: ok, b: ok, c: hang } });
  await Bun.sleep(200);
  expect(await run("kill", jid, "--wait")).toEqual({
    stdout: `Cancel signal sent for job ${jid}\nJob ${jid} canceled, 2 of 3 peels had returned; 1 of 1 peel stopped\n`,
    stderr: "",
    code: 0,
  });
  const other = await fleet.dispatch({ fn: "test.ping", peels: { a: hang } });
  expect(JSON.parse((await run("kill", other, "--wait", "--format", "json")).stdout)).toEqual([
    {
      jid: other,
      signal: "sent",
      ended: "canceled",
      returned: 0,
      peels: 1,
      stopped: 1,
      finished: 0,
      unanswered: [],
      unreached: [],
    },
  ]);
});

test("--wait: a peel that was given up has not returned", async () => {
  const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: ok, b: away, c: hang } });
  const given = async () => (await run("show", jid, "--unreachable", "-q")).stdout === "b\n";
  await until("the master's return for b", given);
  expect(JSON.parse((await run("kill", jid, "--wait", "--format", "json")).stdout)).toEqual([
    {
      jid,
      signal: "sent",
      ended: "canceled",
      returned: 1,
      peels: 3,
      stopped: 1,
      finished: 0,
      unanswered: [],
      unreached: ["b"],
    },
  ]);
});

test("a peel that ignores the signal: canceled all the same, and its late return is seen", async () => {
  const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: { does: "stubborn", ms: 1500 } } });
  expect((await run("kill", jid, "--wait", "--for", "500ms")).stdout).toEndWith(
    "canceled; a has not answered and may still be executing\n",
  );
  expect((await run("trace", jid)).stdout).toMatch(/\na +unfinished .* has not answered and may still be executing\n/);
  await until("its return", async () =>
    /\na +late .* returned after the cancel signal: ok\n/.test((await run("trace", jid)).stdout),
  );
});

const stubborn = (ms: number): Behaviour => ({ does: "stubborn", ms });

test("--wait waits for the peels after the end: stopped, finished anyway, or not answered", async () => {
  const jid = await fleet.dispatch({ fn: "cmd.run", peels: { b: hang, c: hang, d: stubborn(1500) } });
  const { stdout, stderr, code } = await run("kill", jid, "--wait");
  expect(stdout).toEndWith(`Job ${jid} canceled; 2 of 3 peels stopped; d finished anyway\n`);
  expect([stderr, code]).toEqual(["", 0]);
  const { stdout: trace } = await run("trace", jid);
  expect(trace).toMatch(/\nb +late .* stopped by the cancel signal: cmd\.run: context canceled\n/);
  expect(trace).toMatch(/\nd +late .* returned after the cancel signal: ok\n/);
  // Late peels that the signal stopped are counted; the state, and its number for programs, stay.
  expect(trace).toContain("\nPeels     3: 3 late (2 stopped)\n");
  expect((await run("show", jid, "--summary")).stdout).toContain("\nPeels     3: 3 late (2 stopped; 1 changed)\n");
  expect((await run("wait", jid)).stdout).toMatch(/canceled in \S+: 3 late \(2 stopped\)\n$/);
  expect((await run("show", jid, "--failed", "-q")).stdout).toBe("");
  expect((await run("show", jid, "--output", "--peel", "b")).stdout).toContain("late, stopped");
  expect((await run("show", jid, "--bad", "-q")).stdout.split("\n")).toHaveLength(3);
  expect(JSON.parse((await run("wait", jid, "--format", "json")).stdout)[0]).toMatchObject({ failed: 0, late: 3 });
});

test("trace --follow and watch <jid> follow the peels after a cancel, too", async () => {
  const jid = await fleet.dispatch({ fn: "cmd.run", peels: { f1: hang, f2: stubborn(1200), f3: ok } });
  const following = [
    ["trace", jid, "-f"],
    ["trace", jid, "-f", "--format", "json"],
    ["watch", jid],
  ].map((args) => start(args));
  await following[0]?.until(/return +f3/);
  await following[2]?.until(/f3/);
  await run("kill", jid);
  expect(await Promise.all(following.map((one) => one.ended()))).toEqual([5, 5, 5]);
  const [trace, json, watch] = following.map(({ out }) => out) as [string, string, string];
  expect(trace).toMatch(
    / ended +canceled\n[\s\S]* return +f1 [\s\S]* return +f2 [\s\S]*\nPeels {5}3: 2 late \(1 stopped\), 1 ok\n/,
  );
  expect(JSON.parse(json).peels.map(({ state }: { state: string }) => state)).toEqual(["late", "late", "ok"]);
  expect(watch).toMatch(/\nf1 [\s\S]*\nf2 [\s\S]*\nJob \S+ canceled in \S+: 2 late \(1 stopped\), 1 ok\n$/);
});

test("kill --force --wait of a job that ended waits for the peels that still run it", async () => {
  const jid = await fleet.dispatch({ fn: "cmd.run", peels: { g1: hang, g2: stubborn(60_000) }, timeoutMs: 300 });
  await fleet.until(jid, "timeout");
  const began = Date.now();
  const [{ stdout, code }, json] = await Promise.all([
    run("kill", jid, "--force", "--wait", "--for", "3s"),
    run("kill", jid, "--force", "--wait", "--for", "3s", "--format", "json"),
  ]);
  expect(Date.now() - began).toBeGreaterThan(2_900);
  expect(stdout).toEndWith(
    `Job ${jid} ended before the signal took effect: timeout, 1 late (1 stopped), 1 unfinished; g2 has not answered and may still be executing\n`,
  );
  expect(code).toBe(6);
  expect(JSON.parse(json.stdout)).toMatchObject([{ ended: "timeout", stopped: 1, unanswered: ["g2"] }]);
  expect((await run("trace", jid)).stdout).toMatch(/\ng1 +late .* stopped by the cancel signal: /);
});

test("--wait: a peel that does not answer is waited for 10 seconds, and within --for; the code is that of the end", async () => {
  const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: stubborn(60_000) } });
  const began = Date.now();
  const { stdout, stderr, code } = await run("kill", jid, "--wait");
  expect(Date.now() - began).toBeGreaterThan(9_900);
  expect(Date.now() - began).toBeLessThan(14_000);
  expect(stdout).toEndWith(`Job ${jid} canceled; a has not answered and may still be executing\n`);
  expect([stderr, code]).toEqual(["", 0]);
  const twelve = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`db-${10 + i}`, stubborn(60_000)]));
  const many = await fleet.dispatch({ fn: "test.ping", peels: twelve });
  const limited = await run("kill", many, "--wait", "--for", "1500ms");
  expect(limited.stdout).toEndWith(
    `Job ${many} canceled; 12 peels have not answered and may still be executing: db-[10-21]\n`,
  );
  expect([limited.stderr, limited.code]).toEqual(["", 0]);
}, 30_000);

test("--wait of several: each is said as soon as its peels have answered; what waits in a queue stops as well", async () => {
  const running = await fleet.dispatch({ fn: "cmd.run", peels: { q: hang, r: stubborn(60_000) } });
  const queued = await fleet.dispatch({ fn: "cmd.run", peels: { q: ok } });
  const killing = start(["kill", running, queued, "--wait", "--for", "4s"]);
  await killing.until(`Job ${queued} canceled; 1 of 1 peel stopped\n`);
  expect(killing.out).not.toContain(`Job ${running} canceled`);
  expect(await killing.ended()).toBe(0);
  expect(killing.out).toEndWith(
    `Job ${running} canceled; 1 of 2 peels stopped; r has not answered and may still be executing\n`,
  );
});

test("--wait stays over a connection that is lost while the peels are waited for", async () => {
  const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: stubborn(2500) } });
  const link = await startFaultyLink(nc.info?.port as number);
  const killing = new Running(["job", "kill", jid, "--wait"], { NATS_URL: link.url });
  await fleet.until(jid, "canceled");
  await killing.until("Cancel signal sent");
  link.cut();
  expect(await killing.ended()).toBe(0);
  link.stop();
  expect(killing.out).toEndWith(`Job ${jid} canceled; a finished anyway\n`);
  expect(killing.err).toBe(`lost ${link.url}; reconnecting\nconnected again\n`);
});

test("random peels of random jobs, canceled at a random moment: each peel is in one part of the line", async () => {
  const plans = { ok, hang, away, finished: stubborn(1200), unanswered: stubborn(60_000) };
  const peels = fc.array(fc.constantFrom(...(Object.keys(plans) as (keyof typeof plans)[])), {
    minLength: 1,
    maxLength: 6,
  });
  const jobs = await Promise.all(
    fc.sample(peels, 6).map(async (drawn, n) => {
      // One at least goes on until it is canceled.
      const does = [...drawn, "hang" as const];
      const jid = await fleet.dispatch({
        fn: "test.ping",
        peels: Object.fromEntries(does.map((one, i) => [`n${n}-${i}`, plans[one]])),
      });
      return { jid, does };
    }),
  );
  await Bun.sleep(fc.sample(fc.integer({ min: 100, max: 400 }), 1)[0] as number);
  const { stdout } = await run("kill", ...jobs.map(({ jid }) => jid), "--wait", "--for", "4s", "--format", "json");
  const documents = JSON.parse(stdout) as {
    jid: string;
    returned: number;
    peels: number;
    stopped: number;
    finished: number;
    unanswered: [];
    unreached: [];
  }[];
  for (const [n, { jid, does }] of jobs.entries()) {
    const of = (what: string) => does.flatMap((one, i) => (one === what ? `n${n}-${i}` : []));
    expect(documents.find((one) => one.jid === jid)).toMatchObject({
      ended: "canceled",
      returned: of("ok").length,
      peels: does.length,
      stopped: of("hang").length,
      finished: of("finished").length,
      unanswered: of("unanswered"),
      unreached: of("away"),
    });
  }
}, 20_000);

test("exit 6: it ended otherwise before the signal took effect", async () => {
  await fleet.jobs.put("late", encode(jobRecord("late", { status: "running" })));
  const killing = start(["kill", "late", "--wait"]);
  await killing.until("Cancel signal sent");
  await fleet.jobs.put("late", encode(jobRecord("late", { status: "complete" })));
  expect(await killing.ended()).toBe(6);
  expect(killing.out).toEndWith("Job late ended before the signal took effect: complete, 1 missing\n");
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
    expect(stderr).toContain("error: timed out after 6s: 1 job had not ended");
  }
  expect(results[0]?.stderr).toContain("its master alive-1 is alive; 1 executing");
  expect(results[1]?.stderr).toContain("no heartbeat from its master gone-1; 1 executing");
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
  expect(refused.stderr).toContain("refusing to cancel 1 job without confirmation. No signal was sent.");
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
  await run("wait", jid); // also for the answer of the peel: it would queue the next job
});

test("a shortened id is shown and agreed to first; the job that was meant may be gone", async () => {
  await fleet.jobs.put("short-10", encode(jobRecord("short-10", { status: "running" })));
  const refused = await run("kill", "short-1");
  expect([refused.stdout, refused.code]).toEqual(["", 1]);
  expect(refused.stderr).toContain("\nshort-10 ");
  expect(refused.stderr).toContain("without confirmation");
  expect((await run("kill", "short-1", "--yes")).stdout).toBe("Cancel signal sent for job short-10\n");
  await fleet.jobs.delete("short-10");
});
