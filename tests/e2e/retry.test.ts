// `job retry` on a fleet that lives: what is shown, asked, sent, and said of it.
import { afterAll, expect, test } from "bun:test";
import { fieldsOf, valueBetween, watchDispatches } from "../support/dispatches.ts";
import { away, type Behaviour, fail, hang, ok, serveFleet } from "../support/fleet.ts";
import { encode, jobRecord, run as shell, Time, until, ZESTER, zester } from "../support/harness.ts";

const { nc, fleet, run, start, stop } = await serveFleet();
const dispatches = await watchDispatches(nc);
afterAll(stop);

const busy: Behaviour = { does: "fail", ms: 20, error: "no space left on device" };
const KSUID = /^[0-9A-Za-z]{27}$/;

/** A job that has ended as its peels behave. */
async function ended(peels: Record<string, Behaviour>, request: object = {}, status = "failed"): Promise<string> {
  const jid = await fleet.dispatch({ fn: "state.apply", args: { state: "nginx" }, expr: "web*", peels, ...request });
  await fleet.until(jid, status);
  await dispatches.take();
  return jid;
}

const decoded = async () => (await dispatches.take()).map(fieldsOf);

test("--yes: dispatched to the peels that need it, once, by a master", async () => {
  const jid = await ended({ "web-01": ok, "web-02": busy, "web-03": away });
  const before = Date.now();
  const { stdout, stderr, code } = await run("retry", jid, "--yes");
  const [request, ...more] = await decoded();
  expect(more).toEqual([]);
  const [, fresh = ""] = /^Job (\S+) dispatched to 2 peels by master-demo01\n$/.exec(stdout) ?? [];
  expect(fresh).toMatch(KSUID);
  expect(code).toBe(0);
  expect(stderr.replace(/[\d.]+m?s ago/, "T ago")).toBe(
    `retry of ${jid} (failed T ago, by root): state.apply nginx on 2 of 3 peels
  failed        web-02  no space left on device
  unreachable   web-03  no ack; may have run
warning: 1 peel may have run the job, or still run it (1 unreachable); \`zester job trace ${jid}\` shows details.
`,
  );
  const { created, updated, ...rest } = request as Record<string, unknown>;
  expect(rest).toEqual({
    jid: fresh,
    function: "state.apply",
    args: { state: "nginx" },
    targets: ["web-02", "web-03"],
    timeout: 300_000_000_000n,
    status: "pending",
    user: "root",
    state_id: "nginx",
    target_expr: "L@web-02,web-03",
    v: 1,
    metadata: { retry_of: jid },
  });
  expect(updated).toEqual(created);
  const seconds = (created as Time).ns / 1_000_000_000n;
  expect(seconds).toBeGreaterThanOrEqual(BigInt(Math.floor(before / 1000)));
  expect(seconds).toBeLessThanOrEqual(BigInt(Math.floor(Date.now() / 1000)));
  await fleet.until(fresh, "complete");
});

test("the user is who called sudo, else the login name", async () => {
  const jid = await ended({ "web-02": fail });
  const url = `nats://127.0.0.1:${nc.info?.port}`;
  await zester(["job", "retry", jid, "--yes"], { env: { NATS_URL: url, SUDO_USER: "ops", USER: "other" } });
  await zester(["job", "retry", jid, "--yes"], { env: { NATS_URL: url, USER: "other" } });
  const users = (await decoded()).map(({ user }) => user);
  expect(users).toEqual(["ops", Bun.spawnSync(["id", "-un"]).stdout.toString().trim()]);
});

test("without a terminal and --yes, with --test, with --dry-run, and with nothing to retry, nothing is sent", async () => {
  const jid = await ended({ "web-01": ok, "web-02": fail });
  const refused = await run("retry", jid);
  expect([refused.stdout, refused.code]).toEqual(["", 1]);
  expect(refused.stderr).toStartWith(`retry of ${jid} (failed `);
  expect(refused.stderr).toEndWith(
    "\nerror: refusing to dispatch a job to 1 peel without confirmation. Nothing was sent.\nUse --yes to dispatch the job, or --dry-run to preview it.\n",
  );
  // A dry run elsewhere in the fleet.
  expect(await run("retry", jid, "--yes", "--test")).toEqual({
    stdout: "",
    stderr: "error: --test is not a dry run here. Nothing was sent.\nUse --dry-run.\n",
    code: 1,
  });
  const dry = await run("retry", jid, "--dry-run");
  expect(dry).toMatchObject({
    code: 0,
    stderr: "Dry run: a new job would be dispatched to this peel, nothing was sent.\n",
    stdout: expect.stringMatching(
      /^retry of \S+ \(.*\): state\.apply nginx on 1 of 2 peels\n {2}failed {8}web-02 {2}no lock\n$/,
    ),
  });
  const json = await run("retry", jid, "--dry-run", "--format", "json");
  expect(JSON.parse(json.stdout)).toEqual({ retry_of: jid, targets: ["web-02"], dispatched: false });
  const good = await ended({ "web-01": ok, "web-02": ok }, {}, "complete");
  for (const [flags, words] of [
    [[], "all 2 peels returned ok"],
    [["--peel", "web-02"], "web-02 returned ok; --all runs it again"],
    [["--bad", "--peel", "web-*"], "web-[01-02] returned ok; --all runs them again"],
    [["--failed", "--peel", "web-*"], "0 of 2 peels match --failed --peel web-*"],
  ] as const)
    expect(await run("retry", good, ...flags)).toEqual({
      stdout: `Nothing to retry: ${words}.\n`,
      stderr: "",
      code: 0,
    });
  expect(JSON.parse((await run("retry", good, "--format", "json")).stdout)).toEqual({
    retry_of: good,
    targets: [],
    dispatched: false,
  });
  expect(await decoded()).toEqual([]);
});

test.each([
  ["y\n", 0, "dispatched to 1 peel by master-demo01"],
  ["n\n", 1, "\nNothing dispatched.\r\n"],
  ["\n", 1, "\nNothing dispatched.\r\n"],
  ["\x04", 1, "[y/N] \r\nNothing dispatched.\r\n"],
  ["\x03", 130, "[y/N] ^C\r\nNothing dispatched.\r\n"],
])("on a terminal it asks: %j", async (answer, code, words) => {
  const jid = await ended({ "web-01": ok, "web-02": fail });
  const asking = start(["retry", jid], { cols: 100, rows: 24 });
  await asking.until("Dispatch a new job to this peel? [y/N] ");
  expect(await decoded()).toEqual([]);
  asking.type(answer);
  expect(await asking.ended()).toBe(code);
  expect(asking.out).toContain(words);
  expect(await decoded()).toHaveLength(code === 0 ? 1 : 0);
});

test("--peel: a pattern without a match is an error, the output of show --as-target is accepted", async () => {
  const jid = await ended({ "web-01": fail, "web-02": fail });
  const fault = (names: string) => `error: no target of job ${jid} matches --peel ${names}. Nothing was sent.\n`;
  for (const [peels, words] of [
    ["L@web-01,web-02", "on 2 of 2 peels"],
    ["L@web-02", "on 1 of 2 peels"],
    ["web-[01-09]", "on 2 of 2 peels"],
    ["db-*", fault("db-*")],
    ["L@web-01,web-03,web-04", `${fault("web-03, web-04")}\`zester job show ${jid} --quiet\` lists its peels`],
    ["web", `${fault("web")}Use --peel 'web*'`],
  ] as const) {
    const { stdout, stderr, code } = await run("retry", jid, "--all", "--dry-run", "--peel", peels);
    expect([peels, code === 0 ? stdout : stderr]).toEqual([peels, expect.stringContaining(words)]);
  }
});

test("which peels the flags select", async () => {
  const jid = await ended({ a: ok, b: fail, c: away, d: hang, web_eu_example: fail }, { timeoutMs: 400 }, "partial");
  const targets = async (...flags: string[]) => {
    const { stdout } = await run("retry", jid, "--dry-run", "--format", "json", ...flags);
    return JSON.parse(stdout).targets.join(" ");
  };
  expect(await targets()).toBe("b c d web_eu_example");
  expect(await targets("--bad")).toBe("b c d web_eu_example");
  expect(await targets("--failed")).toBe("b web_eu_example");
  expect(await targets("--missing")).toBe("d");
  expect(await targets("--unreachable", "--missing")).toBe("c d");
  expect(await targets("--all")).toBe("a b c d web_eu_example");
  expect(await targets("--peel", "web.eu.*")).toBe("web_eu_example");
  expect(await targets("--peel", "[ab]")).toBe("b");
  expect(await targets("--all", "--peel", "[ab]")).toBe("a b");
  const both = await run("retry", jid, "--all", "--failed");
  expect([both.stderr, both.code]).toEqual([
    "error: --all and --failed cannot be used together.\nUse one of them.\n",
    1,
  ]);
  const late = {
    jid,
    peel_id: "d",
    success: false,
    error: "no lock",
    return_data: null,
    duration: 1n,
    timestamp: Time.now(),
  };
  await nc.jetstream().publish(`zester.job.${jid}.return.d`, encode(late));
  expect((await run("show", jid, "--late", "-q")).stdout).toBe("d\n");
  expect(await targets("--failed")).toBe("b d web_eu_example");
  await run("retry", jid, "--yes", "--peel", "web_eu*");
  expect((await decoded())[0]).toMatchObject({ targets: ["web_eu_example"], target_expr: "L@web.eu.example" });
});

test("--wait: how it ended, with the exit codes of wait; for programs too", async () => {
  const jid = await ended({ p1: fail, p2: fail });
  fleet.habits.set("p2", { does: "fail", ms: 20, error: "still no lock" });
  const waited = await run("retry", jid, "--yes", "--wait");
  expect(waited.stdout).toMatch(
    /^Job (\S+) dispatched to 2 peels by master-demo01\nJob \1 failed in \S+: 1 failed, 1 ok\n$/,
  );
  expect(waited.code).toBe(2);
  const json = await run("retry", jid, "--yes", "--wait", "--peel", "p1", "--format", "json");
  expect(json.code).toBe(0);
  expect(JSON.parse(json.stdout)).toMatchObject({
    jid: expect.stringMatching(KSUID),
    retry_of: jid,
    targets: ["p1"],
    dispatched: true,
    status: "complete",
    ok: 1,
    failed: 0,
  });
  fleet.habits.set("p2", hang);
  const late = await run("retry", jid, "--yes", "--wait", "--for", "300ms", "--peel", "p2", "--format", "json");
  const { jid: last, ...told } = JSON.parse(late.stdout);
  expect([late.code, told]).toEqual([124, { retry_of: jid, targets: ["p2"], dispatched: true, status: "running" }]);
  expect(late.stderr).toContain("error: timed out after 300ms: 1 job had not ended: ");
  await run("kill", last);
  fleet.habits.clear();
});

test("a job that goes on is refused, or retried with --force and a word on what it does", async () => {
  const jid = await fleet.dispatch({ fn: "state.apply", peels: { a: ok, b: hang } });
  await until("an ack", async () => (await run("trace", jid)).stdout.includes("1 executing, 1 ok"));
  await dispatches.take();
  const refused = await run("retry", jid, "--yes");
  expect([refused.stdout, refused.code]).toEqual(["", 1]);
  expect(refused.stderr).toStartWith(`error: job ${jid} has not ended: running. Nothing was sent.\n`);
  expect(await decoded()).toEqual([]);
  const forced = await run("retry", jid, "--yes", "--force");
  expect(forced.stderr).toContain(`warning: job ${jid} may still run: 1 executing: b.\n`);
  expect(forced.stderr).toContain("\n  executing     b  still running it\n");
  const [request] = await decoded();
  expect(request).toMatchObject({ targets: ["b"], metadata: { retry_of: jid } });
  await run("kill", jid, request?.jid as string);
});

test("a second retry is told of the first; list and show tell which job repeats which", async () => {
  const jid = await ended({ a: fail, b: fail }, { fn: "pkg.removed" });
  await run("retry", jid, "--peel", "a", "--yes");
  const [{ jid: first = "" } = {}] = (await decoded()) as { jid: string }[];
  await fleet.until(first, "complete");
  // A retry of other peels is no retry of these.
  expect((await run("retry", jid, "--peel", "b", "--dry-run")).stderr).not.toContain("retried");
  const again = await run("retry", jid, "--peel", "a", "--yes");
  expect(again.stderr).toContain(`warning: job ${jid} was retried already: ${first} (complete).\n`);
  const [{ jid: second = "" } = {}] = (await decoded()) as { jid: string }[];
  await fleet.until(second, "complete");
  expect((await run("show", first, "--summary")).stdout).toContain(`\nRetry of  ${jid}\n`);
  expect((await run("show", jid, "--summary")).stdout).toContain(
    `\nRetried as ${second} (complete), ${first} (complete)\n`,
  );
  const wide = (await run("list", "--wide", "--function", "pkg.removed")).stdout;
  expect(wide).toMatch(/OWNER +RETRY_OF +STUCK +WHAT\n/);
  expect(wide).toMatch(new RegExp(`\\n${first} .* ${jid} +- +pkg\\.removed nginx\\n`));
  expect((await run("list", "--wide", "--function", "nosuch*")).stdout).not.toContain("RETRY_OF");
  const columns = await run("list", "--function", "pkg.removed", "--columns", "jid,retry_of", "--no-header");
  expect(columns.stdout).toMatch(new RegExp(`^${jid} +-\n${first} +${jid}\n${second} +${jid}\n$`));
});

test("peels without a heartbeat are marked, a dry run and old jobs are said to be; --job-timeout", async () => {
  const fields = { function: "state.apply", args: { state: "nginx", test: true }, status: "failed", user: "ops" };
  const targets = ["alive-1", "dead-1", "dead-2"];
  await fleet.jobs.put("old", encode(jobRecord("old", { ...fields, targets })));
  await fleet.peel("alive-1").ready();
  const { stdout, stderr, code } = await run("retry", "old", "--dry-run", "--job-timeout", "90s");
  expect(stdout).toMatch(
    /^retry of old \(failed \d+d ago, by ops\): state\.apply nginx \(dry run\) on 3 of 3 peels, timeout 1m30s instead of 5m\n {2}with state=nginx test=true\n/,
  );
  expect(stdout).toEndWith("\n  missing       3 peels: alive-1,dead-[1-2]  may have run; offline: dead-[1-2]\n");
  expect(stderr).toMatch(/warning: job old was created \d+d ago: check that it is still wanted.\n/);
  expect(code).toBe(0);
  const sent = await run("retry", "old", "--yes", "--job-timeout", "90s", "--peel", "alive-1");
  expect(sent.stderr).toContain(" on 1 of 3 peels, timeout 1m30s instead of 5m\n");
  const [request] = await decoded();
  expect(request).toMatchObject({ timeout: 90_000_000_000n, args: { state: "nginx", test: true } });
});

test("a report that can't be written: the job is dispatched all the same, and that is said", async () => {
  const jid = await ended({ a: fail });
  for (const [flags, format] of [
    ["", "text"],
    ["--wait", "json"],
  ]) {
    const command = `"${ZESTER}" job retry ${jid} --yes ${flags} --format ${format} > /dev/full`;
    const { stderr, code } = await shell(["sh", "-c", command], {
      env: { NATS_URL: `nats://127.0.0.1:${nc.info?.port}` },
    });
    const [request] = await decoded();
    expect(stderr).toContain(
      `error: job ${request?.jid} was dispatched, but the report failed: cannot write the output`,
    );
    expect(code).toBe(1);
    await fleet.until(request?.jid as string, "complete");
  }
});

test("arguments are the same bytes, whatever they hold", async () => {
  // Forms that an encoder would not choose: wide integers, a float of 4 bytes, bytes, an extension, a key that stands twice.
  const odd =
    "\x86\xa1a\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa1b\xd3\x00\x00\x00\x00\x00\x00\x00\x05\xa1c\xca\x40\x49\x0f\xdb\xa1d\xc4\x02\x00\xff\xa1e\xd4\x07\x01\xa1a\xdb\x00\x00\x00\x02hi";
  const args = Buffer.from(odd, "latin1");
  const stateId = Buffer.from("\xd9\x03odd", "latin1");
  const record = Buffer.from(encode(jobRecord("bytes", { status: "failed", args: "ARGS", state_id: "ID" })));
  const put = (text: string, value: Buffer, within: Buffer) => {
    const at = within.indexOf(Buffer.concat([Buffer.of(0xa0 | text.length), Buffer.from(text)]));
    return Buffer.concat([within.subarray(0, at), value, within.subarray(at + 1 + text.length)]);
  };
  await fleet.jobs.put("bytes", put("ID", stateId, put("ARGS", args, record)));
  await run("retry", "bytes", "--yes");
  const [request] = await dispatches.take();
  expect(valueBetween(request as Buffer, "args", "targets")).toEqual(args);
  expect(valueBetween(request as Buffer, "state_id", "target_expr")).toEqual(stateId);
});

test("a record of JSON: whole numbers as such, all others as doubles, and that is said", async () => {
  const json = `{"function": "pkg.installed", "args": {"n": 5, "big": 18446744073709551615, "f": 5.0, "s": "x"},
    "targets": ["a"], "timeout": 60000000000, "status": "failed"}`;
  await fleet.jobs.put("json", Buffer.from(json));
  const { stderr, code } = await run("retry", "json", "--yes");
  expect([code, stderr.includes("the record is JSON, put by hand")]).toEqual([0, true]);
  const [request] = await dispatches.take();
  const bytes =
    "\x84\xa1n\x05\xa3big\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa1f\xcb\x40\x14\x00\x00\x00\x00\x00\x00\xa1s\xa1x";
  expect(valueBetween(request as Buffer, "args", "targets").toString("latin1")).toBe(bytes);
  const lost = json.replace("18446744073709551615", "18446744073709551616").replace("5.0", "1e999");
  for (const [text, why] of [
    [lost, "the number 18446744073709551616 takes more than 64 bits"],
    [json.replace('"s"', '"n"'), "it repeats a key"],
  ] as const) {
    await fleet.jobs.put("json", Buffer.from(text));
    const refused = await run("retry", "json", "--yes");
    expect(refused.stderr).toContain(`error: cannot encode job json as MessagePack: ${why}. Nothing was sent.\n`);
    expect(refused.code).toBe(1);
  }
  expect(await dispatches.take()).toEqual([]);
});

test("a job whose record the server takes, but not the event that dispatches it, is refused; one byte less is sent", async () => {
  const limit = nc.info?.max_payload as number;
  const fields = { function: "state.apply", status: "failed", targets: ["alive-1"] };
  const put = (size: number) =>
    fleet.jobs.put("large", encode(jobRecord("large", { ...fields, args: { text: "x".repeat(size) } })));
  const refusal = /^error: the new job has ([\d,]+) bytes, and .* accepts at most [\d,]+ bytes\. Nothing was sent\.$/m;
  await put(limit - 350);
  const [, taken = ""] = refusal.exec((await run("retry", "large", "--yes")).stderr) ?? [];
  const fitting = 2 * limit - 350 - Number(taken.replaceAll(",", ""));
  await put(fitting + 1);
  const refused = await run("retry", "large", "--yes");
  expect([refused.stdout, refused.code, refusal.test(refused.stderr)]).toEqual(["", 1, true]);
  expect(await dispatches.take()).toEqual([]);
  await put(fitting);
  const { stdout, code } = await run("retry", "large", "--yes", "--wait");
  expect(stdout).toMatch(/^Job (\S+) dispatched to 1 peel by master-demo01\nJob \1 complete .*\n$/);
  expect(code).toBe(0);
  const [request] = await dispatches.take();
  expect(request?.length).toBeLessThan(limit);
});
