// Selections in every command: wait and watch by conditions, show of several jobs, and an exit code for nothing selected.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { fail, hang, ok, serveFleet } from "../support/fleet.ts";
import { encode, jobRecord, run as runProgram, Time, ZESTER } from "../support/harness.ts";

const { fleet, run, start, stop, env } = await serveFleet();
afterAll(stop);

let done: string;
let failed: string;
beforeAll(async () => {
  done = await fleet.dispatch({ fn: "test.ping", peels: { "web-01": ok, db_eu: ok } });
  failed = await fleet.dispatch({ fn: "pkg.installed", peels: { "web-01": fail, "web-02": ok } });
  await fleet.until(done, "complete");
  await fleet.until(failed, "failed");
});

describe("wait", () => {
  test("for the jobs that match and have not ended, each of them", async () => {
    const peels = { "web-03": { does: "ok", ms: 2_000 } } as const;
    const [one, two] = [
      await fleet.dispatch({ fn: "cmd.run", peels, user: "ops" }),
      await fleet.dispatch({
        fn: "cmd.run",
        peels: { "web-04": { does: "fail", ms: 1_500, error: "x" } },
        user: "ops",
      }),
    ];
    const other = await fleet.dispatch({ fn: "cmd.run", peels: { "web-05": hang }, user: "dev" });
    const { stdout, stderr, code } = await run(
      "wait",
      "--function",
      "cmd.*",
      "--user",
      "ops",
      "--since",
      "1h",
      "--for",
      "20s",
    );
    expect([stderr, code]).toEqual(["", 2]);
    expect(stdout.split("\n").map((line) => line.split(" ").slice(1, 3).join(" "))).toEqual([
      `${one} complete`,
      `${two} failed`,
      "",
    ]);
    const json = await run("wait", "--user", "dev", "--for", "300ms", "--format", "json");
    expect([JSON.parse(json.stdout), json.code]).toEqual([[{ jid: other, status: "running" }], 124]);
    await run("kill", other);
    await fleet.until(other, "canceled");
  });

  test("for none, when all that match have ended", async () => {
    const words = "No active job matches --state failed --function pkg.*.";
    const flags = ["--state", "failed", "--function", "pkg.*"];
    const stderr = `note: ${words.replace("N", "n")}\n`;
    expect(await run("wait", ...flags)).toEqual({ stdout: `${words}\n`, stderr: "", code: 0 });
    expect(await run("wait", ...flags, "--format", "json")).toEqual({ stdout: "[]\n", stderr, code: 0 });
    expect(await run("wait", ...flags, "--fail-if-empty")).toEqual({
      stdout: "",
      stderr: `error: ${words.replace("N", "n")}\n`,
      code: 1,
    });
  });
});

test("watch: by owner, and by when jobs were created", async () => {
  const put = (jid: string, fields: object) =>
    fleet.jobs.put(jid, encode(jobRecord(jid, { status: "running", ...fields })));
  await put("old-m1", { owner: "m1" });
  await put("new-m1", { owner: "m1", created: Time.now() });
  await put("new-m2", { owner: "m2", created: Time.now() });
  const watching = start(["watch", "--owner", "m1", "--since", "1h"]);
  await watching.until("new-m1");
  await put("later-m2", { owner: "m2", created: Time.now() });
  await put("later-old", { owner: "m1", created: Time.at("2026-01-15T09:30:00Z") });
  await put("later-m1", { owner: "m1", created: Time.now() });
  await watching.until("later-m1");
  watching.signal("SIGINT");
  expect(await watching.ended()).toBe(130);
  expect(
    watching.out
      .trim()
      .split("\n")
      .map((line) => /\S+-\S+/.exec(line.slice(20))?.[0]),
  ).toEqual(["new-m1", "later-m1"]);
  for (const jid of ["old-m1", "new-m1", "new-m2", "later-m2", "later-old", "later-m1"]) await fleet.jobs.purge(jid);
});

describe("show of several jobs", () => {
  const show = (...args: string[]) => run("show", ...args);

  test("documents in a row, each as it is alone", async () => {
    for (const flags of [[], ["--summary"], ["--failed"]]) {
      const shape = (text: string) => text.replace(/ago\b|[\d.]+(ms|µs|s|m)\b/g, "0");
      const [one, other, both] = [
        await show(done, ...flags),
        await show(failed, ...flags),
        await show(done, failed, ...flags),
      ];
      expect(shape(both.stdout)).toBe(shape(`${one.stdout}\n${other.stdout}`));
      expect([both.stderr, both.code]).toEqual(["", 0]);
    }
    expect((await show(failed, done, "--output")).stdout).toMatch(new RegExp(`^Job ${failed}\n[^]*\n\nJob ${done}\n`));
  });

  test("for programs an array where several ids are given, and the document itself of one", async () => {
    const one = JSON.parse((await show(done, "--format", "json")).stdout);
    const other = JSON.parse((await show(failed, "--format", "json")).stdout);
    expect(one.job.jid).toBe(done);
    expect(JSON.parse((await show(failed, done, "--format", "json")).stdout)).toEqual([other, one]);
    expect(JSON.parse((await show(done, done.slice(0, 26), "--format", "json")).stdout)).toEqual([one]);
    expect((await show(done, failed, "--format", "yaml")).stdout).toStartWith('- "job":\n    "jid": "');
  });

  test("-q: the peels of all, each once", async () => {
    expect((await show(done, failed, "-q")).stdout).toBe("db.eu\nweb-01\nweb-02\n");
    expect(JSON.parse((await show(done, failed, "-q", "--format", "json")).stdout)).toEqual([
      "db_eu",
      "web-01",
      "web-02",
    ]);
  });

  test("what ails one keeps no other from being shown", async () => {
    await fleet.jobs.put("broken", Uint8Array.of(0xc1));
    const { stdout, stderr, code } = await show("nosuch-1", failed, "broken", "nosuch-2", "--format", "json");
    expect(JSON.parse(stdout).map(({ job }: { job: { jid: string } }) => job.jid)).toEqual([failed]);
    expect(stderr).toMatch(/^error: no job "nosuch-1".*\nerror: .*broken.*\nerror: no job "nosuch-2".*\n/);
    expect(code).toBe(1);
    expect((await show("nosuch-1", "nosuch-2")).stdout).toBe("");
    await fleet.jobs.purge("broken");
  });

  test("the ids of list, through xargs", async () => {
    const script = `"$Z" job list --since 1h -q | xargs "$Z" job show --summary`;
    const shell = await runProgram(["sh", "-c", script], { env: { ...env, Z: ZESTER, PATH: process.env.PATH ?? "" } });
    const jobs = (await run("list", "--since", "1h", "-q")).stdout.trim().split("\n");
    expect(jobs.length).toBeGreaterThan(2);
    expect(shell.stdout.match(/^Job +\S+$/gm)?.map((line) => line.split(/ +/)[1])).toEqual(jobs);
    expect([shell.stderr, shell.code]).toEqual(["", 0]);
  });
});

test("a slip in a condition that matches nothing gets a hint", async () => {
  const list = async (...args: string[]) => (await run("list", ...args)).stdout;
  expect(await list("--target", "no-1,no-2")).toEndWith("). For several targets, repeat --target.\n");
  expect(await list("--target", "L@no-1,no-2")).toEndWith(").\n");
  expect(await list("--user", "no-1,no-2")).toEndWith("). For several users, repeat --user.\n");
  expect(await list("--function", "nomodule")).toEndWith("). Did you mean --function 'nomodule.*'?\n");
  expect(await list("--function", "no.such")).toEndWith(").\n");
});

describe("--fail-if-empty", () => {
  test.each([
    [["list", "--state", "pending"], "No jobs match --state pending (of"],
    [["active", "--user", "x"], "No active job matches --user x (of"],
    [["kill", "--function", "no.such", "--yes"], "No jobs that could be canceled match --function no.such."],
    [["kill", "--function", "no.such", "--dry-run"], "No jobs that could be canceled match --function no.such."],
    [["stats", "--user", "x"], "No jobs match --user x (of"],
    [["stats", "--by", "peel", "--user", "x"], "No jobs match --user x (of"],
    [["stats", "--by", "schedule", "--state", "failed"], "No runs of schedules match --state failed (of"],
    [["history", "web-01", "--function", "no.such"], "No jobs of web-01 match --function no.such."],
    [["history", "db.eu", "--state", "failed"], "No jobs of db.eu match --state failed (of 1)."],
  ])("%j", async (args, words) => {
    const alone = await run(...args);
    expect([alone.stdout.startsWith(words), alone.stderr, alone.code]).toEqual([true, "", 0]);
    const asked = await run(...args, "--fail-if-empty");
    expect(asked).toMatchObject({ stdout: "", code: 1 });
    expect(asked.stderr).toStartWith(`error: ${words.replace("N", "n")}`);
    // What programs read stays what it is.
    expect(await run(...args, "--fail-if-empty", "--format", "json")).toMatchObject({ stdout: "[]\n", code: 1 });
  });

  test("in the other forms of list", async () => {
    const empty = async (...args: string[]) => run("list", "--user", "x", "--fail-if-empty", ...args);
    expect(await empty("-q")).toMatchObject({ stdout: "", code: 1 });
    expect(await empty("--count")).toMatchObject({ stdout: "0\n", code: 1 });
    expect(await empty("--format", "jsonl")).toMatchObject({ stdout: "", code: 1 });
    expect(await empty("--format", "csv")).toMatchObject({ stdout: expect.stringMatching(/^jid,.*\n$/), code: 1 });
    expect((await run("list", "--fail-if-empty", "--format", "jsonl")).code).toBe(0);
    expect((await run("list", "--fail-if-empty")).code).toBe(0);
  });

  test("errors: when no job was looked at, and not when none of them failed", async () => {
    const words = "jobs match --user x --since 1h (of";
    const none = await run("errors", "--user", "x", "--since", "1h", "--fail-if-empty");
    expect([none.stdout, none.code, none.stderr.startsWith(`error: no ${words}`)]).toEqual(["", 1, true]);
    const good = await run("errors", "--function", "test.ping", "--since", "1h", "--fail-if-empty");
    expect([good.stdout.startsWith("No peel failed in jobs that match --function test.ping"), good.stderr]).toEqual([
      true,
      "",
    ]);
    expect(good.code).toBe(0);
    expect(await run("errors", "--fail-if-empty", "--format", "json", "--user", "x")).toMatchObject({
      stdout: "[]\n",
      code: 1,
    });
  });

  test("retry: when no peel needs it; diff: when there is no peel to compare", async () => {
    const nothing = "othing to retry: all 2 peels returned ok.\n";
    expect(await run("retry", done)).toEqual({ stdout: `N${nothing}`, stderr: "", code: 0 });
    expect(await run("retry", done, "--fail-if-empty")).toEqual({ stdout: "", stderr: `error: n${nothing}`, code: 1 });
    const elsewhere = await fleet.dispatch({ fn: "test.ping", peels: { "web-09": ok } });
    await fleet.until(elsewhere, "complete");
    const apart = await run("diff", done, elsewhere, "--fail-if-empty");
    expect([apart.stderr, apart.code]).toEqual(["error: the two runs have no peel in common.\n", 1]);
    const compared = await run("diff", done, elsewhere);
    expect([compared.stderr, compared.code]).toEqual(["warning: the two runs have no peel in common.\n", 0]);
    expect((await run("diff", done, done, "--fail-if-empty")).code).toBe(0);
  });

  test("show: when no peel of any job was selected", async () => {
    expect(await run("show", done, "--failed", "-q", "--fail-if-empty")).toEqual({
      stdout: "",
      stderr: "error: no peel matches --failed (of 2).\n",
      code: 1,
    });
    expect(await run("show", done, failed, "--failed", "-q", "--fail-if-empty")).toEqual({
      stdout: "web-01\n",
      stderr: "",
      code: 0,
    });
  });
});

describe("small words", () => {
  test("a pattern of peels that lacks its * is suggested with it, and no other", async () => {
    const words = async (...args: string[]) => {
      const { stdout, stderr } = await run("show", done, ...args);
      return `${stdout}${stderr}`.trim().split("\n").at(-1);
    };
    expect(await words("--peel", "web", "-q")).toBe("No peel matches --peel web (of 2). Did you mean --peel 'web*'?");
    expect(await words("--peel", "web")).toBe("No peel matches --peel web (of 2). Did you mean --peel 'web*'?");
    expect(await words("--peel", "web", "--failed", "-q")).toBe("No peel matches --failed --peel web (of 2).");
    expect(await words("--peel", "db-01", "-q")).toBe("No peel matches --peel db-01 (of 2).");
    expect(await run("show", done, failed, "--peel", "L@web-01,nosuch,web-02", "-q")).toEqual({
      stdout: "web-01\nweb-02\n",
      stderr: "warning: no peel matches --peel nosuch.\n",
      code: 0,
    });
  });

  test("an id that is too short is said to be", async () => {
    for (const command of ["kill", "show", "wait"])
      expect((await run(command, done.slice(0, 3))).stderr).toBe(
        `error: no job "${done.slice(0, 3)}".\nAn ID prefix needs at least 4 characters.\n`,
      );
  });

  test("wait on a terminal: one line that changes in place and is gone in the end", async () => {
    const peels = { "web-06": { does: "ok", ms: 1200 } } as const;
    const [one, two] = [await fleet.dispatch({ fn: "x.y", peels }), await fleet.dispatch({ fn: "x.y", peels })];
    const waiting = start(["wait", one, two], { cols: 100, rows: 24 });
    await waiting.until(`waiting for 2 of 2 jobs: ${one} running for `);
    expect(await waiting.ended()).toBe(0);
    expect(waiting.out).toContain(`waiting for 1 of 2 jobs: ${two} running for `);
    // Each line replaces the one before it, and what follows stands where it was.
    expect(waiting.out.replace(/\r\x1b\[K(waiting for [^\r\n]*)?/g, "")).toMatch(
      new RegExp(`^Job ${one} complete in \\S+: 1 ok\\r\\nJob ${two} complete in \\S+: 1 ok\\r\\n$`),
    );
    expect((await run("wait", one)).stderr).toBe("");
  });

  test("completion of --peel takes a shortened id", async () => {
    const { stdout } = await runProgram([ZESTER, "__complete", "job", "show", failed.slice(0, 26), "--peel", "=web"], {
      env,
    });
    expect(stdout.split("\n").map((line) => line.split("\t")[0])).toEqual(["web-01", "web-02", ""]);
  });
});

/** What a command says to a filter that is given twice, where only the first value or only the second matches jobs. */
describe("a filter that is given twice matches either value", () => {
  const both = (flag: string, values: readonly string[]) => values.flatMap((value) => [`--${flag}`, value]);
  test.each([
    ["function", ["nosuch", "pkg.*"]],
    ["function", ["nosuch,pkg.*"]],
    ["function", ["pkg.install[e,f]d", "nosuch"]],
    ["target", ["nosuch", "web-0?"]],
    ["target", ["web-02", "nosuch"]],
    ["user", ["nosuch", "*"]],
    ["owner", ["nosuch", "*"]],
    ["source", ["reactor", "operator"]],
    ["state", ["pending", "failed"]],
  ])("--%s %j", async (flag, values) => {
    const { stdout } = await run("list", "-q", ...both(flag, values));
    expect(stdout.split("\n")).toContain(failed);
    const errors = await run("errors", "--format", "json", ...both(flag, values));
    expect(JSON.parse(errors.stdout).length).toBeGreaterThan(0);
  });

  test("wait, kill, watch: a gate does not pass while such a job runs", async () => {
    const jid = await fleet.dispatch({ fn: "cmd.slow", peels: { "web-06": hang } });
    const flags = ["--function", "nosuch.*", "--function", "cmd.slow"];
    expect(await run("wait", ...flags, "--for", "300ms")).toMatchObject({ stdout: "", code: 124 });
    const planned = await run("kill", ...flags, "--dry-run", "--format", "json");
    expect(JSON.parse(planned.stdout)).toMatchObject([{ jid }]);
    const watched = await run("watch", ...flags, "--for", "300ms", "--format", "jsonl");
    expect(watched.stdout).toContain(jid);
    expect([watched.stderr, watched.code]).toEqual(["timed out after 300ms.\n", 124]);
    await run("kill", jid);
    await fleet.until(jid, "canceled");
  });

  test("--peel of show and retry, --state of history", async () => {
    const ids = async (...args: string[]) => (await run(...args)).stdout.split("\n").filter(Boolean);
    expect(await ids("show", done, "-q", "--peel", "nosuch", "--peel", "db*")).toEqual(["db" + ".eu"]);
    expect(await ids("show", done, "-q", "--peel", "web-01,db_*")).toEqual(["db.eu", "web-01"]);
    const again = await run(
      "retry",
      failed,
      "--all",
      "--peel",
      "*-01",
      "--peel",
      "web-02",
      "--dry-run",
      "--format",
      "json",
    );
    expect(JSON.parse(again.stdout)).toMatchObject({ targets: ["web-01", "web-02"] });
    expect(await run("show", done, "--peel", "a", "--peel", "b")).toMatchObject({
      stdout: expect.stringContaining("No peel matches --peel a --peel b (of 2)."),
    });
    const history = await run(
      "history",
      "web-01",
      "--state",
      "missing",
      "--state",
      "ok",
      "--format",
      "csv",
      "--no-header",
    );
    expect(history.stdout).toContain(done);
  });
});
