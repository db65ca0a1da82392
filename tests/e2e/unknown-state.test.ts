// A state that no master writes (`error`, `Complete`, none at all): the job has not ended, and it is not active. Each command says
// so, once, in the same words.
import { afterAll, beforeEach, expect, test } from "bun:test";
import { consumersLeft, encode, jobRecord, Running, Time, until } from "../support/harness.ts";
import { DISPATCH_SUBJECT } from "../support/master.ts";
import { serveBuckets } from "../support/serve.ts";
import { decode } from "../support/wire.ts";

const { nc, server, jobs, run, stop } = await serveBuckets();
afterAll(stop);
beforeEach(async () => {
  await (await nc.jetstreamManager()).streams.purge("KV_jobs");
});

const env = { NATS_URL: server.url };
const put = (jid: string, status: string, fields: object = {}) =>
  jobs.put(jid, encode(jobRecord(jid, { status, ...fields })));
const isFollowed = () => until("a consumer", async () => (await consumersLeft(nc)) > 0);
const words = (status: string, jid = "unk1") =>
  `job ${jid}: state "${status}" is unknown: cannot tell whether the job has ended`;

/** As it was found in the field. */
const found = (status?: string) =>
  jobs.put(
    "unk1",
    JSON.stringify({
      jid: "unk1",
      function: "cmd.run",
      targets: ["web-01"],
      status,
      created: "2026-11-28T23:00:00Z",
      updated: "2026-11-28T23:00:05Z",
      deadline: "2026-11-28T23:05:00Z",
      owner: "m1",
    }),
  );
const STATES = [["error"], ["Complete"], [""], [undefined]] as const;

test.each(STATES)("%p: wait ends with code 1, and tells what it knows", async (status) => {
  await found(status);
  const { stdout, stderr, code } = await run("job", "wait", "unk1");
  expect([stdout, stderr, code]).toEqual(["", `error: ${words(status ?? "")}.\nUse --for to wait anyway.\n`, 1]);
  const json = await run("job", "wait", "unk1", "--format", "json");
  expect([JSON.parse(json.stdout), json.code]).toEqual([[{ jid: "unk1", status: status ?? null }], 1]);
});

test.each(STATES)("%p: one warning from show, trace, active and retry --force", async (status) => {
  await found(status);
  const warning = `warning: ${words(status ?? "")}.\n`;
  for (const args of [["show", "unk1", "--summary"], ["trace", "unk1"], ["active"]]) {
    const { stdout, stderr, code } = await run("job", ...args);
    expect([args, stderr.split(warning).length, stderr.match(/state "/g)?.length, code]).toEqual([args, 2, 1, 0]);
    // Not active: it has no time so far, no deadline that is over, and is not stuck.
    expect(stdout).not.toMatch(/Elapsed|Deadline|Stuck/);
  }
  expect((await run("job", "active")).stdout).toBe("No active jobs.\n");
  const refused = await run("job", "retry", "unk1", "--yes");
  expect([refused.stdout, refused.code]).toEqual(["", 1]);
  expect(refused.stderr).toBe(`error: ${words(status ?? "")}. Nothing was sent.\nUse --force to retry it anyway.\n`);
  const forced = await run("job", "retry", "unk1", "--dry-run", "--force", "--job-timeout", "1m");
  expect([forced.stderr.split(warning).length, forced.code]).toEqual([2, 0]);
  expect(forced.stderr).not.toContain("may still run: ");
});

test("kill asks, and warns in the same words", async () => {
  await found("error");
  const { stderr, code } = await run("job", "kill", "unk1");
  expect(stderr).toContain(`warning: ${words("error")}.\nerror: refusing to cancel 1 job without confirmation.`);
  expect(code).toBe(1);
});

test("wait with --for waits all the same, and says it once", async () => {
  await found("error");
  const waiting = new Running(["job", "wait", "unk1", "--for", "20s"], env);
  await waiting.until(`warning: ${words("error")}.\n`);
  await found("error");
  await found("complete");
  expect(await waiting.ended()).toBe(0);
  expect(waiting.out).toMatch(/^Job unk1 complete /);
  expect(waiting.err).toBe(`warning: ${words("error")}.\n`);
  await found("error");
  const missed = await run("job", "wait", "unk1", "--for", "300ms");
  expect([missed.code, missed.stderr.match(/state "error" is unknown/g)?.length]).toEqual([124, 1]);
});

test("wait goes on with the other jobs, and ends with code 1; a state that becomes unknown ends it as well", async () => {
  await found("error");
  await put("run-1", "running");
  const waiting = new Running(["job", "wait", "--function", "*"], env);
  await isFollowed();
  await put("run-1", "complete");
  expect(await waiting.ended()).toBe(1);
  expect(waiting.out).toMatch(/^Job run-1 complete .*\n$/);
  expect(waiting.err).toStartWith(`error: ${words("error")}.\n`);
  await put("run-1", "running");
  const later = new Running(["job", "wait", "run-1"], env);
  await isFollowed();
  await put("run-1", "Complete");
  expect(await later.ended()).toBe(1);
  expect(later.err).toStartWith(`error: ${words("Complete", "run-1")}.\n`);
});

test("several: one line", async () => {
  await put("a", "error", { created: Time.at("2026-01-15T09:00:00Z") });
  await put("b", "");
  const { stderr, code } = await run("job", "wait", "--function", "*");
  expect([stderr.split("\n")[0], code]).toEqual([
    'error: the states of 2 jobs are unknown: cannot tell whether the jobs have ended: a: "error"; b: "".',
    1,
  ]);
  expect((await run("job", "active")).stderr).toStartWith("warning: the states of 2 jobs are unknown: ");
});

test.each([
  [["watch", "unk1", "--for", "1500ms"], 124],
  [["watch", "--for", "1500ms"], 124],
  [["watch", "unk1", "--for", "1500ms", "--format", "jsonl"], 124],
])("%j says it once on stderr", async (args, code) => {
  await found("error");
  const result = await run("job", ...args);
  expect(result.stderr.split(`warning: ${words("error")}.\n`)).toHaveLength(2);
  expect([result.code, result.stderr.match(/is unknown/g)?.length]).toEqual([code, 1]);
});

test.each([["text"], ["jsonl"], ["json"]])(
  "trace --follow --format %s says it once, and follows to the end",
  async (format) => {
    await found("error");
    const tracing = new Running(["job", "trace", "unk1", "--follow", "--format", format], env);
    await tracing.until(`warning: ${words("error")}.\n`);
    await found("error");
    await found("failed");
    expect(await tracing.ended()).toBe(3);
    expect(tracing.err.match(/is unknown/g)).toHaveLength(1);
  },
);

test.each([["text"], ["jsonl"]])("watch <jid> --format %s without --for ends as wait does", async (format) => {
  await found("error");
  const { stderr, code } = await run("job", "watch", "unk1", "--format", format);
  expect([stderr, code]).toEqual([`error: ${words("error")}.\nUse --for to wait anyway.\n`, 1]);
});

test("on a terminal: the table of watch counts it apart, the pictures of one job say it", async () => {
  await found("error");
  await put("run-1", "running", { created: Time.now() });
  const size = { cols: 120, rows: 24 };
  for (const [args, text] of [
    [["watch"], " 1 active · 1 in an unknown state "],
    [["watch", "unk1"], words("error")],
    [["trace", "unk1", "--follow"], words("error")],
  ] as const) {
    const drawing = new Running(["job", ...args], { ...env, NO_COLOR: "1" }, size);
    await drawing.until(text);
    drawing.signal("SIGINT");
    expect(await drawing.ended()).toBe(130);
  }
});

test("retry --wait does not wait for ever either", async () => {
  await put("old", "failed");
  const sub = nc.subscribe(DISPATCH_SUBJECT, {
    callback: async (_, msg) => {
      const { jid } = decode(msg.data) as { jid: string };
      await put(jid, "running");
      setTimeout(() => void put(jid, "error"), 500);
      msg.respond(encode({ jid }));
    },
  });
  await nc.flush();
  const { stdout, stderr, code } = await run("job", "retry", "old", "--yes", "--wait");
  sub.unsubscribe();
  const [, jid = ""] = /^Job (\w{27}) dispatched to 1 peel\n$/.exec(stdout) ?? [];
  expect([stderr.includes(`error: ${words("error", jid)}.\n`), code]).toEqual([true, 1]);
});
